#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""librexnet exports what rexnet.h declares and nothing else, and needs only the system's libraries.
Usage: symbols.py NM READELF LIBRARY HEADER"""
import re
import subprocess
import sys

nm, readelf, library, header = sys.argv[1:]


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


exported = {line.split()[-1] for line in run(nm, "-D", "--defined-only", library).splitlines()}
declared = set(re.findall(r"^REXNET_API [^;(]*?(rexnet_\w+)\(", open(header).read(), re.MULTILINE))
dynamic = run(readelf, "-d", library)
needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
problems = [f"{name} is exported and not declared" for name in sorted(exported - declared)]
problems += [f"{name} is declared and not exported" for name in sorted(declared - exported)]
system = re.compile(r"(lib(stdc\+\+|m|gcc_s|c|pthread)|ld-.*)\.so")
problems += [f"needs {name}" for name in sorted(needed) if not system.match(name)]
if "[librexnet.so.0]" not in dynamic:
    problems.append("its name is not librexnet.so.0")
if len(declared) < 20:
    problems.append(f"only {len(declared)} functions found in {header}")
print("\n".join(problems) or f"{len(exported)} functions; needs {' '.join(sorted(needed))}")
sys.exit(bool(problems))
