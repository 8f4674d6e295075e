#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes sources of the ```cpp and ```c blocks of README.md and docs/*.md, so that the compiler reads the documents, too.

A block with `int main` is a program of its own. Any other is a fragment: it becomes the body of a function that sees
the stand-ins of tests/snippets/stand_ins.hpp, and its #include lines go to the top of the file. The test runs all
fragments. A comment above the block says what is different:
  <!-- not compiled: REASON -->      nothing is done with it
  <!-- compiled, not run: REASON --> for fragments
  <!-- at namespace scope -->        declarations: no function around it
  <!-- with dispatch -->             compiled with REXNET_DISPATCH, not run
  <!-- run: ARGUMENTS -->            a program's arguments; it must give 0
Usage: extract_snippets.py SOURCE_DIR OUT_DIR
"""
import pathlib
import re
import sys

MARKERS = ("not compiled: .+", "compiled, not run: .+", "at namespace scope", "with dispatch", "run: .+", "not run: .+")


class Block:
    def __init__(self, document, line, language, lines, marker):
        self.document, self.line, self.language, self.lines, self.marker = document, line, language, lines, marker
        self.text = "\n".join(lines) + "\n"
        self.name = f"{document.stem.replace('-', '_').lower()}_{line}"

    def where(self):
        return f"{self.document.name}:{self.line}"


def documents(source):
    return [source / "README.md"] + sorted((source / "docs").glob("*.md"))


def blocks(document):
    """The fenced blocks of a document. Unknown comments above one and blocks that never end are errors."""
    found, marker, open_block = [], "", None
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        if open_block is not None:
            if line.strip() == "```":
                found.append(Block(document, *open_block, marker))
                open_block, marker = None, ""
            else:
                open_block[2].append(line)
        elif line.startswith("```"):
            if marker and not any(re.fullmatch(m, marker) for m in MARKERS):
                sys.exit(f"{document}:{number}: unknown marker: {marker}")
            open_block = (number + 1, line[3:].strip(), [])
        elif comment := re.fullmatch(r"<!-- (.+) -->", line.strip()):
            marker = comment[1]
        elif line.strip():
            marker = ""
    if open_block is not None:
        sys.exit(f"{document}:{open_block[0]}: the block does not end")
    return found


def source_of(fragments, run):
    """One translation unit of fragments; #line makes the compiler's messages name the document."""
    includes, bodies, calls = ['#include "tests/snippets/stand_ins.hpp"'], [], []
    for b in fragments:
        body = []
        for line in b.lines:
            if line.startswith("#include"):
                includes.append(line)
                line = ""
            body.append(line)
        text = f'#line {b.line} "{b.document.name}"\n' + "\n".join(body) + "\n"
        if b.marker == "at namespace scope":
            bodies.append(f"namespace {b.name} {{\n{text}}}\n")
            continue
        bodies.append(f"static void {b.name}() {{\nusing namespace stand_ins;\n{text}}}\n")
        skip = b.marker.startswith("compiled, not run")
        calls.append(f'  static_cast<void>({b.name});\n' if skip or not run else f'  std::puts("{b.where()}"), {b.name}();\n')
    main = f"int main() {{\n{''.join(calls)}}}\n" if run else f"void use_fragments() {{\n{''.join(calls)}}}\n"
    return "\n".join(dict.fromkeys(includes)) + "\n\n" + "\n".join(bodies) + '\n#line 1 "calls"\n' + main


def write(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main():
    source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    every = [b for d in documents(source) for b in blocks(d)]
    code = [b for b in every if b.language in ("cpp", "c") and not b.marker.startswith("not compiled")]
    programs = [b for b in code if re.search(r"^int main\(", b.text, re.M)]
    dispatch = [b for b in code if b.marker == "with dispatch"]
    fragments = [b for b in code if b not in programs and b not in dispatch]
    for b in fragments:
        if b.language == "c":
            sys.exit(f"{b.where()}: C comes in whole programs")
    write(out / "fragments.cpp", source_of(fragments, True))
    write(out / "fragments_dispatch.cpp", source_of(dispatch, False))
    lists = ""
    count = {}
    for b in programs:
        stem = b.name.rsplit("_", 1)[0]
        count[stem] = count.get(stem, 0) + 1
        b.name = f"{stem}_{count[stem]}"
        write(out / f"{b.name}.{b.language}", f'#line {b.line} "{b.document.name}"\n{b.text}')
        lists += f"set(snippet_arguments_{b.name} {b.marker[5:] if b.marker.startswith('run: ') else ''})\n"
    for language in ("cpp", "c"):
        lists += f"set(snippet_programs_{language} {' '.join(b.name for b in programs if b.language == language)})\n"
    write(out / "programs.cmake", lists)
    (out / "picture.rgb").write_bytes(bytes((x * 4, y * 5, (x + y) * 2)[c] for y in range(48) for x in range(64) for c in range(3)))
    print(f"{len(fragments)} fragments, {len(dispatch)} with dispatch, {len(programs)} programs")


if __name__ == "__main__":
    main()
