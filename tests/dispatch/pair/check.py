#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two files of one program, compiled for different instruction sets, share nothing of the library, whichever the linker
sees first, and each computes as it does alone.

    check.py --nm NM --model FILE --half SET OBJECT --half SET OBJECT --alone PROGRAM PROGRAM --both PROGRAM...
"""
import argparse
import subprocess
import sys


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def mergeable(nm, path):
    """Symbols of this library and of xsimd that a linker may take from another object instead."""
    return {name for kind, name in (line.split()[-2:] for line in run(nm, "--defined-only", path).splitlines())
            if kind in "WwVvu" and ("rexnet" in name or "xsimd" in name)}


parser = argparse.ArgumentParser()
parser.add_argument("--nm", required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--half", nargs=2, action="append", required=True)
parser.add_argument("--alone", nargs=2, required=True)
parser.add_argument("--both", nargs="+", required=True)
options = parser.parse_args()

bad = []
(first_set, first), (second_set, second) = options.half
symbols = [mergeable(options.nm, path) for path in (first, second)]
print(f"{len(symbols[0])} and {len(symbols[1])} mergeable symbols")
if min(map(len, symbols)) < 100:
    bad.append("fewer symbols than a network has: nothing was compared")
bad += [f"both halves define {name}" for name in sorted(symbols[0] & symbols[1])]
flags = set(open("/proc/cpuinfo").read().split())
if not {"avx2", "fma"} <= flags:
    print("not run: this CPU lacks AVX2")
else:
    alone = [run(program, options.model) for program in options.alone]
    for text, name in zip(alone, (first_set, second_set)):
        if text.split()[0] != name:
            bad.append(f"alone: {text.split()[0]}, expected {name}")
    if alone[0].split()[1:] == alone[1].split()[1:]:
        bad.append("both sets give the same bits: the comparison would not notice a mix")
    for program in options.both:
        if run(program, options.model) != "".join(alone):
            bad.append(f"{program}: its halves do not compute as they do alone")
print("\n".join(bad) or "each half its own")
sys.exit(bool(bad))
