#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples/embedded_linux with the bundled pictures and with damaged files, and its size.

    python3 tests/embedded_linux.py PROGRAM SOURCE_DIR --limit BYTES [--emulator COMMAND]
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("--limit", type=int, required=True, help="bytes that the program's file may have")
    parser.add_argument("--emulator", default="", help="command that runs a program of another processor; ; for spaces")
    options = parser.parse_args()
    pictures = options.source / "examples/pictures"
    converter = options.source / "examples/bare_metal/png_to_rgb.py"
    model = options.source / "models/clothing_1.0x.rexnet"
    good = True

    def classify(model_path, picture):
        return subprocess.run([*filter(None, options.emulator.split(";")), options.program, model_path, picture], capture_output=True, text=True)

    with tempfile.TemporaryDirectory() as folder:
        rgb = Path(folder) / "picture.rgb"
        for name, answer in sorted(json.loads((pictures / "expected.json").read_text()).items()):
            subprocess.run([sys.executable, converter, pictures / name, rgb], check=True)
            top, got = answer["top5"][0], classify(model, rgb)
            label, percent = (got.stdout.split() + ["", "0"])[:2]
            # As in tests/bare_metal.py.
            allowed = 100 * 0.5 * 8 * max(map(abs, answer["logits"])) / 2048 + 0.05
            right = (got.returncode == 0 and label == top["label"]
                     and abs(float(percent) - 100 * top["probability"]) <= allowed)
            good = good and right
            print(f"{name}: {got.stdout.strip()}{got.stderr.strip()}" + ("" if right else "  FAILED"))
        damaged = Path(folder) / "damaged.rexnet"
        damaged.write_bytes(model.read_bytes()[:-1])
        for bad in ([damaged, rgb], [Path(folder) / "absent", rgb], [model, damaged]):
            got = classify(*bad)
            if got.returncode != 1 or "error" not in got.stderr:
                print(f"FAILED: {bad[0].name}, {bad[1].name}: exit code {got.returncode}, {got.stderr}")
                good = False
    size = options.program.stat().st_size
    print(f"{options.program.name}: {size} bytes, static and stripped (limit {options.limit})")
    return 0 if good and size <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
