#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds examples/bare_metal, runs it on QEMU's vexpress-a9 with every bundled picture, and compares the answers with
examples/pictures/expected.json. Prints flash, RAM and stack.

    python3 tests/bare_metal.py SOURCE_DIR BUILD_DIR

Exit code 77: skipped, because the toolchain or QEMU is not installed.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import static_path

QEMU = ["qemu-system-arm", "-M", "vexpress-a9", "-m", "64M", "-nographic",
        "-semihosting-config", "enable=on,target=native", "-kernel"]
# Bytes; what was measured and a reserve. The flash holds a model of 7.3 MB and a picture of 480 kB.
CODE_LIMIT, FRAME_LIMIT, STACK_LIMIT = 140_000, 2304, 6144


def run(command, **options):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("build", type=Path)
    options = parser.parse_args()
    missing = [t for t in ("arm-none-eabi-g++", "qemu-system-arm") if not shutil.which(t)]
    compiles = not missing and subprocess.run(
        ["arm-none-eabi-g++", "-x", "c++", "-E", "-"], input="#include <array>\n", capture_output=True,
        text=True).returncode == 0
    if missing or not compiles:
        print(f"skipped: needs {', '.join(missing) or 'libstdc++-arm-none-eabi-newlib'}")
        return 77
    expected = json.loads((options.source / "examples/pictures/expected.json").read_text())
    elf, good = options.build / "bare_metal.elf", True
    for name, answer in sorted(expected.items()):
        run(["cmake", "-S", options.source / "examples/bare_metal", "-B", options.build,
             f"-DCMAKE_TOOLCHAIN_FILE={options.source / 'cmake/toolchains/arm-none-eabi.cmake'}",
             f"-DREXNET_PICTURE={options.source / 'examples/pictures' / name}"])
        run(["cmake", "--build", options.build])
        out = run([*QEMU, elf], timeout=300, stdin=subprocess.DEVNULL,
                  env={**os.environ, "QEMU_AUDIO_DRV": "none"})
        found = re.search(r"^(\S+) ([\d.]+) %", out, re.M)
        if not found:
            sys.exit(f"{name}: no answer\n{out}")
        top = answer["top5"][0]
        # Weights in float16 move a logit by at most 8 / 2048 of the largest (tests/unit/pictures.cpp), and a
        # probability by half of that or less; the answer is printed in steps of 0.1 %.
        allowed = 100 * 0.5 * 8 * max(map(abs, answer["logits"])) / 2048 + 0.05
        right = found[1] == top["label"] and abs(float(found[2]) - 100 * top["probability"]) <= allowed
        good = good and right
        print(f"{name}: {found[0]}, PyTorch {top['label']} {100 * top['probability']:.1f} %"
              + ("" if right else "  FAILED"))
    print(re.search(r"^flash.*", out, re.M)[0])
    print(run(["arm-none-eabi-size", elf]), end="")
    sections = run(["arm-none-eabi-size", "-A", elf])
    code = int(re.search(r"^\.text\s+(\d+)", sections, re.M)[1])
    print(f".text {code} bytes (limit {CODE_LIMIT})")
    heap = [s for s in run(["arm-none-eabi-nm", elf]).split()
            if re.fullmatch(r"_?(malloc|free|sbrk)(_r)?|_Zn[wa]\w*|__cxa_throw", s)]
    if heap or code > CODE_LIMIT:
        print(f"FAILED: {', '.join(heap) or 'too much code'}")
        good = False
    obj = next(options.build.rglob("static_classifier.cpp.obj"))
    good = static_path.check(obj, "arm-none-eabi-nm", ["load_model", "classify"], FRAME_LIMIT, STACK_LIMIT) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
