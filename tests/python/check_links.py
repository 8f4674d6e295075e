#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every relative link of the project's Markdown files leads to a file, and every anchor to a heading.
Usage: check_links.py SOURCE_DIR"""
import pathlib
import re
import sys

SKIP = {"build", "node_modules"}


def without_code(text):
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", lambda m: re.sub(r"[\[\]()]", " ", m[0]), text)


def anchors(document):
    """As GitHub makes them: lower case, punctuation dropped, blanks to hyphens, -1, -2 for repeated ones."""
    found, text = set(), re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, re.M):
        heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        n = 0
        while (anchor := name if n == 0 else f"{name}-{n}") in found:
            n += 1
        found.add(anchor)
    return found


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    checked, bad = 0, []
    for document in sorted(root.rglob("*.md")):
        if SKIP & set(document.relative_to(root).parts):
            continue
        text = without_code(document.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: +(\S+)", text, re.M):
            if re.match(r"[a-z]+:", target):
                continue
            checked += 1
            path, _, anchor = target.partition("#")
            to = (document.parent / path).resolve() if path else document
            if not to.exists() or (root not in to.parents and to != root):
                bad.append(f"{document.relative_to(root)}: {target}: no such file in the project")
            elif anchor and (to.suffix != ".md" or anchor not in anchors(to)):
                bad.append(f"{document.relative_to(root)}: {target}: no such heading")
    print("\n".join(bad) or f"{checked} links lead somewhere")
    sys.exit(bool(bad) or checked == 0)


main()
