#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lines of gcovr's JSON report that no test reached, with their text.

Usage: uncovered.py REPORT.json"""
import json
import pathlib
import sys

for file in json.load(open(sys.argv[1]))["files"]:
    source = pathlib.Path(file["file"]).read_text().splitlines()
    ran = {}
    for line in file["lines"]:  # one for each function made of a template
        ran[line["line_number"]] = ran.get(line["line_number"], 0) + line["count"]
    for number, count in sorted(ran.items()):
        if count == 0:
            print(f"{file['file']}:{number}: {source[number - 1].strip()}")
