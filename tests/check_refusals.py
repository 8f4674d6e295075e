#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that every refusal is numbered, documented and tested.

usage: check_refusals.py SOURCE_DIR [NAME PROGRAM]...

Every errc of core/errc.hpp stands in docs/refusals.md, with the number that its comment has, and in a test; a test case
names each number. The tests of each tests/unit/NAME.cpp are run by their PROGRAM (without what is slow and no refusal),
and every example of the document must be among the messages that they got.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SLOW = "*misbehave*,*survived*,*fixtures*,*read from the tensors*,*M1 every*,*folded*,*trained file*"
source = pathlib.Path(sys.argv[1])
bad = []

header = (source / "include/rexnet/core/errc.hpp").read_text()
enum = header[header.index("enum class errc"):header.index("};", header.index("enum class errc"))]
codes = dict(re.findall(r"^  (\w+) = \d+,? *(?:// ([A-Z]\d+))?", enum, re.M))
codes.pop("ok")
document = (source / "docs/refusals.md").read_text()
rows = {code: number for number, code in re.findall(r"^\| ([A-Z]\d+) \| `(\w+)` \|", document, re.M)}
tests = {path: path.read_text() for ext in ("cpp", "sh") for path in sorted((source / "tests").rglob("*." + ext))}
titles = " ".join(re.findall(r'TEST_CASE\(\s*"([^"]*)"', "".join(tests.values())))
for first, last in re.findall(r"([A-Z]\d+) to ([A-Z]\d+)", titles):
    titles += "".join(f" {first[0]}{i}" for i in range(int(first[1:]), int(last[1:]) + 1))

for code, number in codes.items():
    if not re.search(rf"`{code}`", document):
        bad.append(f"{code} is not in docs/refusals.md")
    if number and rows.get(code) != number:
        bad.append(f"{code} is {number} in errc.hpp and {rows.get(code)} in docs/refusals.md")
    if not any(re.search(rf"\b{code}\b", text) for text in tests.values()):
        bad.append(f"no test names {code}")
    if number and not re.search(rf"\b{number}\b", titles):
        bad.append(f"no test case names {number} ({code})")
bad += [f"docs/refusals.md: {code} ({number}) is no errc" for code, number in rows.items() if code not in codes]
for test in re.findall(r"`(history: [^`]+)`", document):
    if test not in titles:
        bad.append(f"docs/refusals.md: there is no test '{test}'")

examples = re.findall(r"^\| (?:[A-Z]\d+|-) \| `\w+` \|[^|]*\| `(.*)` \|$", document, re.M)
if len(sys.argv) > 2:
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "messages"
        for name, program in zip(sys.argv[2::2], sys.argv[3::2]):
            subprocess.run([program, f"--source-file=*/unit/{name}.cpp", "--test-case-exclude=" + SLOW],
                           env={**os.environ, "REXNET_REFUSALS": str(log)}, stdout=subprocess.DEVNULL, check=True)
        messages = set(log.read_text(errors="replace").splitlines())
    bad += [f"no test gets the example '{e}'" for e in examples if e not in messages]
    print(f"{len(examples)} examples, {len(messages)} messages")

print("\n".join(bad) or f"all {len(codes)} codes are documented and tested")
sys.exit(bool(bad))
