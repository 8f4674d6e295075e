#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every source file says its licence, every licence is there, and `reuse lint` agrees.

usage: licences.py SOURCE_DIR
The folder's files are those that git knows or would take; without git all outside build/. Exit code 77, after the part
that needs nothing: `reuse` (Debian package reuse) is not installed.
"""
import pathlib
import re
import shutil
import subprocess
import sys

CODE = {".hpp", ".cpp", ".h", ".c", ".S", ".ld", ".py", ".sh", ".cmake", ".sed", ".map"}
LINE = re.compile("SPDX-License-" + r"Identifier: ([^*\n]+)")  # in two parts, or reuse would read it as this file's
# Without an end that tells: scripts and CMake's lists. Templates (.in) become files of other people's projects.
NAMES = {"CMakeLists.txt", "run"}


def files(source):
    git = subprocess.run(["git", "-C", str(source), "ls-files", "-co", "--exclude-standard"], stdout=subprocess.PIPE, text=True)
    if git.returncode == 0:
        return [source / line for line in git.stdout.splitlines() if (source / line).is_file()]
    return [f for f in source.rglob("*") if f.is_file() and "build" not in f.relative_to(source).parts]


def main():
    source = pathlib.Path(sys.argv[1]).resolve()
    said, bad = {"MIT"}, []
    sources = [f for f in files(source) if f.suffix in CODE or f.name in NAMES]
    for path in sources:
        head = "\n".join(path.read_text(encoding="utf-8").splitlines()[:4])
        found = LINE.search(head)
        if not found:
            bad.append(f"{path.relative_to(source)}: no SPDX line in its first four")
            continue
        said |= set(re.split(r" (?:AND|OR|WITH) ", found[1].strip()))
    there = {p.stem for p in (source / "LICENSES").iterdir()}
    bad += [f"LICENSES has no {name}.txt" for name in sorted(said - there)]
    bad += [f"no file is under LICENSES/{name}.txt" for name in sorted(there - said)]
    if (source / "LICENSE").read_bytes() != (source / "LICENSES/MIT.txt").read_bytes():
        bad.append("LICENSE and LICENSES/MIT.txt differ")
    if bad or not sources:
        sys.exit("\n".join(bad) or "no source files")
    print(f"{len(sources)} source files say their licence: {', '.join(sorted(said))}")
    if not shutil.which("reuse"):
        print("skipped: no reuse, which would check the rest")
        sys.exit(77)
    sys.exit(subprocess.run(["reuse", "--root", str(source), "lint"], check=False).returncode)


main()
