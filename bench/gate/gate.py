#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Instruction counts of the kernels against the recorded ones (instructions.json).

    python3 bench/gate/gate.py PROGRAM --toolchain "GNU 12, xsimd 8.1" --isa fma3_avx2 [--update]

PROGRAM is bench/gate/kernels.cpp built for one instruction set. callgrind counts what each call of
counted() executes in the program itself: what happens in libc depends on the CPU and is left out. 3 % more
than recorded fails; 3 % less passes with the request to record the gain; --update writes what was counted.
Exit code 77: skipped, with the reason.
"""
import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RECORDS = Path(__file__).resolve().parent / "instructions.json"
TOLERANCE = 0.03


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def parse(dump, program):
    """Instructions of each part of a callgrind file, those of `program` only.

    A part has lines 'ob=(id) file' (the file only where the id is new), cost lines '+3 17', and 'calls=',
    whose next line is the callee's cost again.
    """
    objects, counts, current, repeated = {}, [], None, False
    for line in dump.splitlines():
        if line.startswith("part:"):
            counts.append(0)
        elif line.startswith("ob="):
            number, name = re.match(r"ob=\((\d+)\)\s*(.*)", line).groups()
            if name:
                objects[number] = name
            current = objects[number]
        elif line.startswith("cob="):
            number, name = re.match(r"cob=\((\d+)\)\s*(.*)", line).groups()
            if name:
                objects[number] = name
        elif line.startswith("calls="):
            repeated = True
        elif re.match(r"[+*\-\d]", line):
            if not repeated and current == program:
                counts[-1] += int(line.split()[1])
            repeated = False
    return counts


def count(program):
    """{case: instructions}."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=counted", "--dump-after=counted",
             "--combine-dumps=yes", f"--callgrind-out-file={out}", program], capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"{program} under valgrind: exit code {run.returncode}\n{run.stderr[-2000:]}")
        names = run.stdout.split("\n")[:-1]
        counts = parse(out.read_text(), program)
    # The last part is what remained when the program ended.
    if len(counts) < len(names) or any(c <= 0 for c in counts[:len(names)]) or any(counts[len(names):]):
        sys.exit(f"callgrind's {len(counts)} parts do not belong to {len(names)} cases")
    return dict(zip(names, counts))


def compare(recorded, counted):
    """Prints a line for each case; True when nothing is too much or unknown."""
    good, gains = True, 0
    for name in sorted(set(recorded) | set(counted)):
        was, now = recorded.get(name), counted.get(name)
        if was is None or now is None:
            verdict, good = ("not recorded" if was is None else "no longer counted") + ": run --update", False
        elif now > was * (1 + TOLERANCE):
            verdict, good = f"FAILED: {now / was - 1:+.1%}", False
        elif now < was * (1 - TOLERANCE):
            verdict, gains = f"better: {now / was - 1:+.1%}", gains + 1
        else:
            verdict = f"{now / was - 1:+.1%}"
        print(f"{was or '-':>10} {now or '-':>10}  {name:<46} {verdict}")
    if gains:
        print(f"{gains} better by more than {TOLERANCE:.0%}: please record them with --update")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("--toolchain", required=True, help="compiler and xsimd with versions, as recorded")
    parser.add_argument("--isa", required=True)
    parser.add_argument("--skip", default="", help="skip for this reason")
    parser.add_argument("--update", action="store_true", help="record what was counted")
    parser.add_argument("--records", type=Path, default=RECORDS)
    options = parser.parse_args()

    if options.skip:
        skip(options.skip)
    if not shutil.which("valgrind"):
        skip("valgrind is not installed")
    records = json.loads(options.records.read_text()) if options.records.exists() else {}
    recorded = records.get(options.toolchain, {}).get(options.isa)
    if recorded is None and not options.update:
        skip(f"no counts are recorded for {options.toolchain}, {options.isa} (--update records them)")
    counted = count(str(options.program.resolve()))
    good = compare(recorded or {}, counted)
    if options.update:
        records.setdefault(options.toolchain, {})[options.isa] = counted
        options.records.write_text(json.dumps(records, indent=1, sort_keys=True) + "\n")
        print(f"written to {options.records}")
        return 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
