#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads the objects of dispatch units and the programs that hold them. A unit may define nothing that a linker could
merge with another unit's copy, a program may use wide vectors in functions of the wide units only."""
import argparse
import collections
import re
import subprocess
import sys

# Registers and instructions beyond a set. VEX and EVEX encodings of any width begin with "v" in objdump's output.
BEYOND = {
    "sse2": re.compile(r"%[yz]mm|%k[0-7]\b|\tv[a-z]"),
    "fma3_avx2": re.compile(r"%zmm|%[xy]mm(1[6-9]|2\d|3[01])|%k[0-7]\b"),
    "avx512bw": re.compile(r"(?!)"),
}


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def mergeable(nm, path):
    """Names (mangled) of the symbols that a linker may take from another object instead."""
    names = set()
    for line in run(nm, "--defined-only", path).splitlines():
        kind, name = line.split()[-2:]
        if kind in "WwVvu":
            names.add(name)
    return names


def functions(objdump, path):
    """(function, its instructions as text), function by function."""
    name, lines = "", []
    for line in run(objdump, "-d", "--no-show-raw-insn", "-w", path).splitlines():
        start = re.match(r"^[0-9a-f]+ <(.+)>:$", line)
        if start:
            yield name, "\n".join(lines)
            name, lines = start.group(1), []
        else:
            lines.append(line)
    yield name, "\n".join(lines)


def check_units(options, problems):
    owners = collections.defaultdict(set)
    for isa, path in options.unit:
        names = mergeable(options.nm, path)
        for name in names:
            owners[name].add(isa)
            if isa not in name:
                problems.append(f"{path}: the linker may merge {name}, which does not name {isa}")
        count = 0
        for function, text in functions(options.objdump, path):
            count += 1
            found = BEYOND[isa].search(text)
            if found:
                problems.append(f"{path}: {function} uses {found.group().strip()}, beyond {isa}")
        print(f"{isa}: {len(names)} mergeable symbols, {count} functions")
        if count < 5:
            problems.append(f"{path}: {count} functions, is this a unit?")
    for name, isas in owners.items():
        if len(isas) > 1:
            problems.append(f"{name} is defined by the units {', '.join(sorted(isas))}")


def check_program(options, path, problems):
    wide = collections.Counter()
    for function, text in functions(options.objdump, path):
        allowed = next((isa for isa in ("avx512bw", "fma3_avx2") if isa in function), "sse2")
        found = BEYOND[allowed].search(text)
        if found:
            problems.append(f"{path}: {function} uses {found.group().strip()}, beyond {allowed}")
        if BEYOND["sse2"].search(text):
            wide[allowed] += 1
    print(f"{path}: functions with wide vectors {dict(wide)}")
    for isa in {isa for isa, _ in options.unit} - {"sse2"}:
        if wide[isa] == 0:
            problems.append(f"{path}: no function of {isa} uses its vectors: this test sees nothing")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--objdump", default="objdump")
    parser.add_argument("--unit", nargs=2, action="append", metavar=("ISA", "OBJECT"), required=True)
    parser.add_argument("--program", nargs="+", default=[])
    options = parser.parse_args()
    problems = []
    check_units(options, problems)
    for path in options.program:
        check_program(options, path, problems)
    print("\n".join(problems[:40]) or "no unit leaks")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
