#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that the command writes to its streams and makes files in one place each. Prints every violation.

usage: check_doors.py TOOLS_DIR

What prints goes through terminal.hpp, which makes names printable and notices lost output; what makes a file goes through
create_output() of options.cpp (growing_file.cpp: a file that grows), which asks output_guard.
"""
import pathlib
import re
import sys

STREAMS = r"std::(cout|cerr|clog|printf|puts|fprintf|fputs|fwrite|vprintf)\b|\bstdout\b"
FILES = r"\b(output_file::create|ofstream|fopen|write_png|save_packed)\b"
ALLOWED = {
    STREAMS: {"terminal.hpp"},
    # image_io has write_png for others; nothing of the command calls it.
    FILES: {"options.cpp", "growing_file.cpp", "growing_file.hpp", "image_io.cpp", "image_io.hpp"},
}

bad = []
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.[ch]pp")):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for pattern, allowed in ALLOWED.items():
            if path.name not in allowed and re.search(pattern, line.split("//")[0]):
                bad.append(f"{path.name}:{number}: {line.strip()}")
print("\n".join(bad) or "one door for the streams, one for files")
sys.exit(bool(bad))
