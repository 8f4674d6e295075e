#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lines of gcovr's JSON report that no test reached, with their text; behind them how many of a line's branches.

Usage: uncovered.py REPORT.json"""
import json
import pathlib
import sys

for file in json.load(open(sys.argv[1]))["files"]:
    source = pathlib.Path(file["file"]).read_text().splitlines()
    for line in file["lines"]:
        if line.get("gcovr/noncode"):
            continue
        text = source[line["line_number"] - 1].strip()
        missed = sum(1 for branch in line["branches"] if branch["count"] == 0 and not branch.get("throw"))
        if line["count"] == 0:
            print(f"{file['file']}:{line['line_number']}: {text}")
        elif missed:
            print(f"{file['file']}:{line['line_number']}: {missed} of {len(line['branches'])} branches: {text}")
