#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One forward pass of v1 1.0x, built by several compilers at several levels for AVX2 and compared.

    python3 bench/compilers.py [--compilers g++ clang++-14 clang++-16] [--levels O2 O3] [--functions]

Instructions are callgrind's, for one pass (valgrind has no AVX-512, hence AVX2). Times are CPU time of one
run, the programs in turn and in random order. Targets: instructions within 5 % of each other, minimum times
within 10 %. A compiler that is not installed is listed as missing. Pin the script to a core (taskset -c 1) on
a shared machine.
"""
import argparse
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DRIVER = ROOT / "bench/gate/forward.cpp"
FLAGS = ["-std=c++17", "-mavx2", "-mfma", "-ffp-contract=off", "-DNDEBUG"]


def run(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout


def build(compiler, level, include, folder):
    """Compiles and links the driver; returns its path, the CPU seconds of compiling and the bytes of code."""
    name = f"{Path(compiler).name}-{level}"
    unit, program = folder / f"{name}.o", folder / name
    start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    run(compiler, f"-{level}", *FLAGS, "-I", include, "-I", ROOT, "-c", DRIVER, "-o", unit)
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start
    run(compiler, unit, "-o", program)
    sections = (line.split() for line in run("size", "-A", unit).splitlines())
    text = sum(int(s[1]) for s in sections if s and s[0].startswith(".text"))
    return program, seconds, text


def count(program, folder):
    """Instructions of one pass: the total, and by function (template arguments and parameters dropped)."""
    out = folder / f"{program.name}.callgrind"
    run("valgrind", "--tool=callgrind", "--toggle-collect=counted_pass", f"--callgrind-out-file={out}",
        program, "count")
    report = run("callgrind_annotate", "--threshold=100", out)
    total, functions = 0, {}
    for line in report.splitlines():
        found = re.match(r"\s*([\d,]+) \(\s*[\d.]+%\)\s+(.*)", line)
        if not found:
            continue
        instructions = int(found[1].replace(",", ""))
        if found[2].startswith("PROGRAM TOTALS"):
            total = instructions
        else:
            name = function_name(found[2])
            functions[name] = functions.get(name, 0) + instructions
    return total, functions


def function_name(text):
    """'???:rexnet::v0_serial::detail::dense<xsimd::avx2>(...) [program]' -> 'dense'."""
    text = re.sub(r"^[^ ]*?:(?!:)|\s\[[^\]]*\]$|\[clone [^\]]*\]|'\d+$|\([^()]*::border\)", "", text).strip()
    text = re.sub(r"xsimd::fma3<xsimd::avx2>(, )?|\b(rexnet|detail|v0_serial|v0_openmp)::", "", text)
    text = re.sub(r"^(void|int|float|bool)\s|<\s*>", "", text)
    return re.sub(r"\(.*", "", text).strip() or text


def measure(programs, rounds, passes):
    """Milliseconds of all passes of each program, in blocks of `passes` in random order."""
    times = {name: [] for name in programs}
    for _ in range(rounds):
        for name in random.sample(sorted(programs), len(programs)):
            times[name] += [float(ms) for ms in run(programs[name], "time", passes).split()]
    return times


def spread(values):
    return (max(values) / min(values) - 1) * 100


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compilers", nargs="+", default=["g++", "clang++-14", "clang++-16"])
    parser.add_argument("--levels", nargs="+", default=["O2", "O3"])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--passes", type=int, default=20, help="passes per program and round")
    parser.add_argument("--functions", action="store_true", help="instructions by function, widest first")
    parser.add_argument("--include", default=ROOT / "include", help="headers to compile with")
    options = parser.parse_args()

    valgrind = shutil.which("valgrind") and shutil.which("callgrind_annotate")
    if not valgrind:
        print("instructions missing: valgrind is not installed")
    built, functions = {}, {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for compiler in options.compilers:
            if not shutil.which(compiler):
                print(f"{compiler}: missing (not installed)")
                continue
            for level in options.levels:
                program, seconds, text = build(compiler, level, options.include, folder)
                total, functions[program.name] = count(program, folder) if valgrind else (None, {})
                built[program.name] = {"program": program, "compile": seconds, "text": text, "total": total}
        if not built:
            return 1
        times = measure({n: b["program"] for n, b in built.items()}, options.rounds, options.passes)

    for compiler in sorted({n.rsplit("-", 1)[0] for n in built}):
        print(run(compiler, "--version").splitlines()[0])
    print("flags:", *FLAGS)
    print(f"\n{'compiler':<16}{'M instructions':>15}{'min ms':>9}{'median ms':>11}"
          f"{'text kB':>9}{'compile s':>11}")
    for name, b in built.items():
        total = f"{b['total'] / 1e6:.2f}" if b["total"] else "missing"
        print(f"{name:<16}{total:>15}{min(times[name]):>9.2f}{statistics.median(times[name]):>11.2f}"
              f"{b['text'] / 1e3:>9.0f}{b['compile']:>11.1f}")
    verdicts = [("minimum time", spread([min(t) for t in times.values()]), 10),
                ("median time", spread([statistics.median(t) for t in times.values()]), 10)]
    if valgrind:
        verdicts.insert(0, ("instructions", spread([b["total"] for b in built.values()]), 5))
    for what, value, target in verdicts:
        verdict = "met" if value <= target else "not met"
        print(f"spread of {what:<13} {value:5.1f} %  target {target} %: {verdict}")

    if options.functions and valgrind:
        names = list(built)
        print("\nthousand instructions by function, widest differences first")
        print("".join(f"{n:>14}" for n in names))
        rows = {f: [functions[n].get(f, 0) for n in names] for n in names for f in functions[n]}
        for f, row in sorted(rows.items(), key=lambda r: min(r[1]) - max(r[1]))[:30]:
            print("".join(f"{v / 1e3:>14.0f}" for v in row), f" {f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
