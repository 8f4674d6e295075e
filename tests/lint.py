#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a static checker over the headers, the tools and the C library; prints what it finds, fails if that is anything.

Usage: lint.py clang-tidy|cppcheck BUILD_DIR [NAME...]

BUILD_DIR holds compile_commands.json. The headers are seen through a file that includes all of them and, with their
kernels, through a dispatch unit; the command's sources through the files of CMake that include several. REXNET_ANALYZER
in the environment adds clang-tidy's static analyzer. NAME limits the run to sources whose path contains it. The
profiles, and why they leave out what they do: .clang-tidy, and SUPPRESSED below."""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# What cppcheck guesses wrong here: it does not read the standard library.
SUPPRESSED = {
    "missingIncludeSystem": "the standard library is not read",
    "invalidPointerCast": "bytes of an aligned buffer are floats by design (core/aligned_buffer.hpp)",
    "noExplicitConstructor": "result<T>, spans and views convert on purpose",
    "toomanyconfigs": "one configuration a file is what is built",
    "cppcheckError": "it gives up on a function, and says no more than that",
    "preprocessorErrorDirective": "it knows no instruction set: simd.hpp refuses",
    "containerOutOfBounds": "it takes a vector that a function fills for an empty one",
    "duplicateAssignExpression": "two variables may begin alike",
    "constStatement": "it takes a++ = b of pointers to rows for a statement without effect",
    "useInitializationList": "long strings are easier to read in the body",
}


def sources(build, names):
    """The compile commands of what is checked, one for each source."""
    root = pathlib.Path(__file__).resolve().parent.parent
    wanted = re.compile("|".join([
        rf"^{re.escape(str(root))}/(tools|bindings/c)/[^/]+\.cpp$",
        r"/tools/CMakeFiles/\w+\.dir/Unity/\w+\.cxx$",
        r"/tests/headers/rexnet_(rexnet|embedded|ops|engine_reference)_hpp\.cpp$",
        r"/rexnet_dispatched_dispatch/unit\.cpp$",
    ]))
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = entry["file"]
        # One instruction set will do, and one compilation of a source that several targets have.
        if wanted.search(file) and any(name in file for name in names or [""]):
            if not file.endswith("unit.cpp") or "fma3_avx2" in entry["command"]:
                found.setdefault(file, entry)
    return sorted(found.values(), key=lambda entry: entry["file"])


def clang_tidy(program, entry):
    # A database of one command: given the whole one, clang-tidy goes through a source once for every target that has it.
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "compile_commands.json").write_text(json.dumps([entry]))
        # The analyzer, half of the time, looks at the library only, and where ./matrix.sh lint asks for it.
        tool = "/tools/" in entry["file"] and not entry["file"].endswith("unit.cpp") or "REXNET_ANALYZER" not in os.environ
        off = ["-clang-analyzer-*"] * tool + ["-bugprone-suspicious-include"] * ("/Unity/" in entry["file"])
        done = subprocess.run([program, "-p", folder, "--quiet", "--extra-arg-before=-std=c++17",
                               "--checks=" + ",".join(off), entry["file"]],
                              capture_output=True, text=True)
    lines = re.findall(r"^\S+:\d+:\d+: (?:error|warning): .*$", done.stdout + done.stderr, re.M)
    return lines or (["%s: %s" % (entry["file"], done.stderr.strip()[-400:])] if done.returncode else [])


def cppcheck(program, entry):
    given = [a for a in entry["command"].split() if a.startswith(("-I", "-D"))]
    done = subprocess.run(
        [program, "--enable=warning,performance,portability", "--inline-suppr", "--std=c++17", "--language=c++", "--quiet",
         "--template={file}:{line}:{column}: {severity}: {message} [{id}]", *["--suppress=" + s for s in SUPPRESSED], *given,
         entry["file"]], capture_output=True, text=True)
    lines = re.findall(r"^\S+:\d+:\d+: .*\]$", done.stderr, re.M)
    return lines or ([entry["file"] + ": " + done.stderr.strip()[-400:]] if done.returncode else [])


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("clang-tidy", "cppcheck"):
        sys.exit(__doc__)
    program = shutil.which(sys.argv[1])
    if program is None:
        print("SKIPPED:", sys.argv[1], "is not installed")
        sys.exit(77)
    build = pathlib.Path(sys.argv[2])
    entries = sources(build, sys.argv[3:])
    if not entries:
        sys.exit(f"{build}: compile_commands.json names none of the sources")
    check = clang_tidy if sys.argv[1] == "clang-tidy" else cppcheck
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = sorted({line for lines in pool.map(lambda e: check(program, e), entries) for line in lines})
    print("\n".join(found) or f"{sys.argv[1]}: nothing found in {len(entries)} sources and what they include")
    sys.exit(bool(found))


main()
