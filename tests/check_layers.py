#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the dependency arrows of docs/design.md: which folder may include which. Prints every violation."""
import pathlib
import re
import sys

ALLOWED = {
    "core": set(),
    "system": {"core"},
    "simd": {"core"},
    "kernels": {"core", "simd"},
    "arch": {"core"},
    "labels": {"core"},
    "image": {"core", "kernels"},
    "checkpoint": {"core", "system", "arch", "image", "labels"},
    "payload": {"core", "system", "arch", "image", "labels", "checkpoint"},
    "dispatch": {"core", "simd", "kernels"},
    "engine": {"core", "system", "kernels", "arch", "payload", "image", "dispatch"},
    "heads": {"core", "system", "arch", "payload", "image", "engine", "."},
    ".": {"core", "system", "simd", "kernels", "arch", "labels", "image", "checkpoint", "payload", "dispatch", "engine", "heads"},
}
# Of a room only this: the engine knows the packed layout and no file, checkpoints know how pictures are prepared, and the
# resize knows its two loops.
ONLY = {("engine", "payload"): {"layout.hpp"}, ("checkpoint", "image"): {"preprocess.hpp"},
        ("payload", "image"): {"preprocess.hpp"}, ("image", "kernels"): {"resample.hpp"}}

root, bad = pathlib.Path(sys.argv[1]), []
for header in sorted(root.rglob("*.hpp")):
    layer = header.relative_to(root).parts[0] if len(header.relative_to(root).parts) > 1 else "."
    text = header.read_text()
    for target in re.findall(r'#include "rexnet/([^"]+)"', text):
        to = target.split("/")[0] if "/" in target else "."
        if (to != layer and to not in ALLOWED[layer]) or target.split("/")[-1] not in ONLY.get((layer, to), {target.split("/")[-1]}):
            bad.append(f"{header.relative_to(root)} includes {target}")
    if "<xsimd/" in text and header.name != "simd.hpp":
        bad.append(f"{header.relative_to(root)} includes xsimd")
    if "<Eigen/" in text and header.name != "reference.hpp":
        bad.append(f"{header.relative_to(root)} includes Eigen")
    if re.search(r"<omp\.h>|#pragma omp", text) and header.name != "parallel.hpp":
        bad.append(f"{header.relative_to(root)} knows OpenMP")
print("\n".join(bad) or "all arrows point the right way")
sys.exit(bool(bad))
