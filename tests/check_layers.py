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
    "model": {"core", "system", "image", "checkpoint", "payload", "engine"},
    "heads": {"core", "arch", "payload", "image", "engine", "model", "."},
    ".": {"core", "system", "simd", "kernels", "arch", "labels", "image", "checkpoint", "payload", "dispatch", "engine", "model", "heads"},
}
# Of a folder only this: the engine uses the packed layout and no file, checkpoints how pictures are prepared, the resize
# its two loops, a model of a checkpoint only where it came from, and heads of the headers above them only the operators.
ONLY = {("engine", "payload"): {"layout.hpp", "detector_layout.hpp"}, ("checkpoint", "image"): {"preprocess.hpp"},
        ("payload", "image"): {"preprocess.hpp"}, ("image", "kernels"): {"resample.hpp"},
        ("model", "checkpoint"): {"origin.hpp"}, ("model", "image"): {"preprocess.hpp"},
        ("heads", "."): {"ops.hpp"}}

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
