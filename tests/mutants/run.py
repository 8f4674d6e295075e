#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks the library on purpose, one mutant of mutants.toml after the other: a test must notice.

    tests/mutants/run.py [--build-dir DIR] [--compiler CXX] [NAME...]     build and run; exit 1 when one survives
    tests/mutants/run.py --check                                          only whether every mutant still applies

A mutant is one header, changed and put before the others on the include path; the test named for it is compiled alone,
at -O1 and for one instruction set, and stops at its first failure. Killed: it fails, crashes or hangs. Before that each
test passes with no mutant in place. A mutant with `equivalent` (why no test can tell it) must survive.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FLAGS = {"sse2": ["-msse2"], "fma3_avx2": ["-mavx2", "-mfma"],
         "avx512bw": ["-mavx512f", "-mavx512cd", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mfma", "-mavx2"]}
KEYS = {"file", "what", "old", "new", "test", "isa", "equivalent"}
TIME_LIMIT = 300  # seconds; a mutant that never ends is noticed by whoever waits


def load():
    with open(HERE / "mutants.toml", "rb") as f:
        mutants = tomllib.load(f)
    wrong = []
    for name, m in mutants.items():
        m.setdefault("isa", "fma3_avx2")
        if unknown := m.keys() - KEYS:
            wrong.append(f"{name}: unknown {', '.join(unknown)}")
        if not source_of(m["test"]):
            wrong.append(f"{name}: no test {m['test']}")
        count = (ROOT / "include/rexnet" / m["file"]).read_text(encoding="utf-8").count(m["old"])
        if count != 1:
            wrong.append(f"{name}: its old text stands {count} times in {m['file']}, not once")
    return mutants, wrong


def source_of(test):
    for folder in ("per_isa", "unit"):
        if (path := ROOT / "tests" / folder / f"{test}.cpp").exists():
            return path
    return None


class Builder:
    def __init__(self, compiler, folder):
        self.compiler, self.folder = compiler, folder
        folder.mkdir(parents=True, exist_ok=True)
        eigen = next((p for p in ("/usr/include/eigen3", "/usr/local/include/eigen3") if os.path.isdir(p)), "/usr/include")
        self.common = ["-std=c++17", "-O1", "-ffp-contract=off", "-fopenmp", "-w", f"-I{ROOT}", f"-I{ROOT}/include", "-isystem", eigen,
                       f'-DREXNET_SOURCE_DIR="{ROOT}"', '-DREXNET_SHARED_DIR="/nowhere"']
        self.support = []
        for name in ("main", "allocation_trap"):
            self.support.append(str(folder / f"{name}.o"))
            self.compile(ROOT / "tests/support" / f"{name}.cpp", self.support[-1], [])

    def compile(self, source, to, flags):
        subprocess.run([self.compiler, *flags, *self.common, "-c", source, "-o", to], check=True, capture_output=True, text=True)

    def program(self, test, isa, overlay):
        """None where the mutant does not compile."""
        to = str(self.folder / f"{test}_{isa}")
        try:
            self.compile(source_of(test), to + ".o", [*FLAGS[isa], *([f"-I{overlay}"] if overlay else [])])
        except subprocess.CalledProcessError as e:
            return None, e.stderr
        subprocess.run([self.compiler, "-fopenmp", to + ".o", *self.support, "-lz", "-o", to], check=True)
        return to, ""


def passes(program):
    environment = {**os.environ}
    if "math_" in program:  # every 251st float
        environment["REXNET_SAMPLE"] = "1"
    try:
        done = subprocess.run([program, "--abort-after=1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIME_LIMIT,
                              env=environment)
    except subprocess.TimeoutExpired:
        return False, "does not end"
    text = done.stdout.decode(errors="replace")
    cases = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("TEST CASE:")]
    return done.returncode == 0, cases[-1] if cases else f"exit code {done.returncode}"


def cpu_runs(isa):
    if isa == "sse2":
        return True
    words = set(pathlib.Path("/proc/cpuinfo").read_text().split())
    return {"avx2", "fma"} <= words if isa == "fma3_avx2" else {"avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512cd"} <= words


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build/mutants")
    parser.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    mutants, wrong = load()
    wrong += [f"{n}: no such mutant" for n in options.names if n not in mutants]
    if wrong or options.check:
        print("\n".join(wrong) if wrong else f"{len(mutants)} mutants apply")
        return 1 if wrong else 0
    chosen = {n: m for n, m in mutants.items() if not options.names or n in options.names}
    skipped = [n for n, m in chosen.items() if not cpu_runs(m["isa"])]
    builder = Builder(options.compiler, options.build_dir)
    for test, isa in sorted({(m["test"], m["isa"]) for n, m in chosen.items() if n not in skipped}):
        program, errors = builder.program(test, isa, None)
        if program is None:
            sys.exit(f"{test}.{isa} without a mutant does not compile:\n{errors}")
        good, why = passes(program)
        if not good:
            sys.exit(f"{test}.{isa} fails without a mutant: {why}")
    failed = killed = 0
    for name, m in chosen.items():
        if name in skipped:
            print(f"{name:28} skipped: this CPU lacks {m['isa']}")
            continue
        start = time.time()
        header = options.build_dir / "overlay" / name / "rexnet" / m["file"]
        header.parent.mkdir(parents=True, exist_ok=True)
        header.write_text((ROOT / "include/rexnet" / m["file"]).read_text(encoding="utf-8").replace(m["old"], m["new"]), encoding="utf-8")
        program, errors = builder.program(m["test"], m["isa"], options.build_dir / "overlay" / name)
        survived, why = (False, "") if program is None else passes(program)
        if program is None:
            state, good = f"does not compile: {errors.splitlines()[0] if errors else ''}", False
        elif survived:
            state, good = ("equivalent, survived" if "equivalent" in m else f"SURVIVED: {m['what']}"), "equivalent" in m
        else:
            state, good = f"killed by {m['test']}.{m['isa']}: {why}", "equivalent" not in m
        killed += good and not survived
        failed += not good
        print(f"{name:28} {time.time() - start:4.0f} s  {state}", flush=True)
    print(f"{killed} of {len(chosen)} mutants killed, {len(skipped)} skipped, {failed} not as they must be")
    return 1 if failed else 0


sys.exit(main())
