#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Batches of no images through the command: empty arrays of the right shapes, as PyTorch gives them; sides of 0 are
refused in words, as there. Usage: empty_batches.py COMMAND MODEL"""
import ast
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy
except ImportError:
    numpy = None  # then the files are read by the lines below alone

command, model = (str(Path(a).resolve()) for a in sys.argv[1:3])
bad = []


def write(path, shape):
    head = ("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (shape,)).ljust(117).encode() + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head)


def shape_of(path):
    data = path.read_bytes()
    size = struct.unpack_from("<H", data, 8)[0]
    shape = ast.literal_eval(data[10:10 + size].decode())["shape"]
    if len(data) != 10 + size:
        bad.append(f"{path.name}: {len(data) - 10 - size} bytes of data in an empty array")
    if numpy is not None and numpy.load(path).shape != shape:
        bad.append(f"{path.name}: numpy reads another shape than {shape}")
    return shape


def expect(what, found, expected):
    if found != expected:
        bad.append(f"{what}: {found}, expected {expected}")


def run(*arguments):
    return subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    source, out = Path("in.npy"), Path("out.npy")
    for layout, shape in (("nchw", (0, 3, 40, 70)), ("nhwc", (0, 40, 70, 3))):
        def map_of(c, h, w):
            return (0, c, h, w) if layout == "nchw" else (0, h, w, c)
        write(source, shape)
        got = run("run", model, source, "-o", out, "--layout", layout, "--layers", layout)
        expect(f"run {layout}: exit code {got.stderr}", got.returncode, 0)
        expect(f"run {layout}", shape_of(out), (0, 10))
        for name, expected in (("features.2", (32, 20, 35)), ("features.3", (16, 20, 35)), ("features.18", (185, 2, 3)),
                               ("features.21", (1280, 2, 3)), ("features.22", (1280, 1, 1))):
            expect(f"{layout} {name}", shape_of(Path(layout) / f"{name}.npy"), map_of(*expected))
        expect("layers", len(list(Path(layout).glob("*.npy"))), 19)
        maps = Path("maps-" + layout)
        got = run("features", model, source, "-o", maps, "--layout", layout)
        expect(f"features {layout}: exit code {got.stderr}", got.returncode, 0)
        for name, expected in (("stride2", (16, 20, 35)), ("stride4", (38, 10, 18)), ("stride8", (61, 5, 9)),
                               ("stride16", (128, 3, 5)), ("stride32", (185, 2, 3)), ("head", (1280, 2, 3))):
            expect(f"{layout} {name}", shape_of(maps / f"{name}.npy"), map_of(*expected))
        for name in ("pooled", "features"):
            expect(f"{layout} {name}", shape_of(maps / f"{name}.npy"), (0, 1280))
    for shape, text in (((0, 3, 0, 8), "input of 0 x 8 pixels"), ((1, 3, 8, 0), "input of 8 x 0 pixels"),
                        ((0, 4, 8, 8), "[0,4,8,8], expected [n,3,h,w]"), ((0, 3, 8), "[0,3,8], expected")):
        write(source, shape)
        for arguments in (("run", model, source, "-o", "refused.npy"), ("features", model, source, "-o", "refused")):
            got = run(*arguments)
            expect(f"{arguments[0]} {shape}: exit code", got.returncode, 1)
            if text not in got.stderr or "code" in got.stderr:
                bad.append(f"{arguments[0]} {shape}: {got.stderr}")
            expect(f"{arguments[0]} {shape}: files left", [p.name for p in Path(".").glob("refused*")], [])
    os.chdir("/")

print("\n".join(bad) or "all shapes are right" + ("" if numpy is not None else " (numpy is not installed)"))
sys.exit(bool(bad))
