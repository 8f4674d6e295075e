#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes single_include/rexnet/rexnet_single.hpp: the library's headers as one file, for a project that wants to copy one.

usage: amalgamate.py [--check] [SOURCE_DIR]
--check compares instead, and exits with 1 where the file is not what the headers give.

Each header stands there once, behind its own include guard, at the place of its first #include: a program may include
the single header and others of the library. Includes of the standard library that every system makes go to the top;
those of one system, xsimd's and Eigen's stay where they are. The choice of kernels at run time needs files compiled
with flags of their own, so what REXNET_DISPATCH and REXNET_UNIT bring is left out.
"""
import pathlib
import re
import sys

OUT = "single_include/rexnet/rexnet_single.hpp"
ROOTS = ["rexnet/rexnet.hpp", "rexnet/embedded.hpp", "rexnet/payload/file/write.hpp"]
WITH_EIGEN = "rexnet/engine/reference.hpp"  # where REXNET_SINGLE_WITH_EIGEN is defined
ABSENT = re.compile(r"defined\((REXNET_DISPATCH|REXNET_UNIT)\)")  # at the beginning of a condition: false here
DIRECTIVE = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif|else|endif|include)\b\s*(.*?)\s*(//.*)?$")


class Amalgamation:
    def __init__(self, source):
        self.include = source / "include"
        self.system = set()  # standard headers, for the top
        self.seen = {}  # header -> the conditions around its first #include
        self.lines = []

    def header(self, name, around):
        """Appends a header and what it includes, unless it stands there already."""
        if name in self.seen:
            first = self.seen[name]
            if around[: len(first)] != first:
                sys.exit(f"{name} is included under {around} after {first}: the single header would miss it")
            return
        self.seen[name] = list(around)
        guard = re.sub(r"[^A-Z0-9]", "_", name.upper())
        text = (self.include / name).read_text(encoding="utf-8")
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            sys.exit(f"{name}: no include guard {guard}")
        self.lines.append(f"// ---- {name}")
        self.body(name, text, guard, list(around))

    def body(self, name, text, guard, conditions):
        """Lines of one header. `known` says for each open #if: None as it stands, else whether this branch is taken."""
        known = []
        for line in text.splitlines():
            if line.startswith("// SPDX-"):
                continue
            found = DIRECTIVE.match(line)
            kind, rest = (found[1], found[2]) if found else ("", "")
            if kind in ("if", "ifdef", "ifndef"):
                absent = kind == "if" and ABSENT.match(rest)
                if absent and rest != absent[0]:
                    sys.exit(f"{name}: cannot decide {line}")
                known.append(False if absent else None)
                if absent:
                    continue
                if rest != guard and all(k is not False for k in known):
                    conditions.append(rest)
            elif kind == "elif" and known[-1] is not None:
                if known[-1] or ABSENT.match(rest):
                    continue
                # The first branch that can be: it opens what is left of the choice.
                known[-1], line = None, f"#if {rest}"
                conditions.append(rest)
            elif kind == "elif" and ABSENT.match(rest):
                sys.exit(f"{name}: {line} after a branch that stays")
            elif kind == "elif" and all(k is not False for k in known):
                conditions[-1] = rest
            elif kind == "else":
                if known[-1] is not None:
                    known[-1] = True
                    continue
                if all(k is not False for k in known):
                    conditions[-1] = f"else of {conditions[-1]}"
            elif kind == "endif":
                state = known.pop()
                if state is not None:
                    continue
                if known and all(k is not False for k in known):
                    conditions.pop()
            if any(k is False for k in known):
                continue
            if kind == "include":
                self.included(name, line, rest, conditions)
            else:
                self.lines.append(line)

    def included(self, name, line, target, conditions):
        if target.startswith('"'):
            if not target.startswith('"rexnet/'):
                sys.exit(f"{name}: {line}")
            self.header(target.strip('"'), conditions)
        elif not conditions and "/" not in target:
            self.system.add(target)
        else:
            self.lines.append(line)


def macro(text, name):
    return re.search(rf"^#define {name} (.+)$", text, re.M)[1].strip('"')


def commented(text):
    return "".join(f"// {line}".rstrip() + "\n" for line in text.strip().splitlines())


def amalgamate(source):
    made = Amalgamation(source)
    for root in ROOTS:
        made.header(root, [])
    made.lines.append("#if defined(REXNET_SINGLE_WITH_EIGEN)")
    made.header(WITH_EIGEN, ["defined(REXNET_SINGLE_WITH_EIGEN)"])
    made.lines.append("#endif  // REXNET_SINGLE_WITH_EIGEN")
    build = (source / "include/rexnet/core/build.hpp").read_text(encoding="utf-8")
    licences = [(source / f).read_text(encoding="utf-8") for f in ("LICENSE", "LICENSES/LicenseRef-WordNet-3.0.txt")]
    top = f"""// SPDX-License-Identifier: MIT AND LicenseRef-WordNet-3.0
// rexnet {macro(build, "REXNET_VERSION_STRING")} as one header. Made by tools/amalgamate.py; do not edit.
// C++17, -ffp-contract=off; xsimd 8.1 or newer is needed beside it. REXNET_SINGLE_WITH_EIGEN adds the reference in double
// (engine/reference.hpp), which needs Eigen. Not in here: the choice of kernels at run time (REXNET_DISPATCH).
//
{commented(licences[0])}//
{commented(licences[1])}#ifndef REXNET_REXNET_SINGLE_HPP
#define REXNET_REXNET_SINGLE_HPP

#if defined(REXNET_DISPATCH) || defined(REXNET_UNIT)
#error "rexnet_single.hpp has one instruction set, the compiler's: several in one program need include/rexnet"
#endif

""" + "".join(f"#include {header}\n" for header in sorted(made.system)) + "\n"
    text = top + "\n".join(made.lines) + "\n\n#endif  // REXNET_REXNET_SINGLE_HPP\n"
    return re.sub(r"\n{3,}", "\n\n", text)


def main():
    arguments = sys.argv[1:]
    check = arguments[:1] == ["--check"]
    arguments = arguments[check:]
    source = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent).resolve()
    text, out = amalgamate(source).encode(), source / OUT
    if check:
        if not out.exists() or out.read_bytes() != text:
            sys.exit(f"{OUT} is not what the headers give: run tools/amalgamate.py and commit it")
        print(f"{OUT}: {len(text)} bytes, as the headers give it")
        return
    if not out.exists() or out.read_bytes() != text:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(text)
    print(f"{OUT}: {len(text)} bytes")


main()
