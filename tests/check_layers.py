#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the dependency arrows of docs/design.md: which folder may include which. Prints every violation."""
import pathlib
import re
import sys

ALLOWED = {
    "core": {"core"},
    "config": {"core", "config"},
    "simd": {"core", "simd"},
    "kernels": {"core", "simd", "kernels"},
    "ops": {"core", "simd", "kernels", "ops"},
    "image": {"core", "image"},
    "network": {"core", "config", "simd", "kernels", "network", "image"},
    "weights": {"core", "config", "weights", "network", "image"},
    "dispatch": {"core", "image", "network", "dispatch"},
    ".": {"core", "config", "simd", "kernels", "image", "network", "dispatch", "ops", "weights", "."},
}
# weights knows the packed layout, network the pixel formats; nothing else of each other.
ONLY = {("weights", "network"): {"layout.hpp"}, ("network", "image"): {"pixels.hpp", "resample.hpp"}, ("dispatch", "image"): {"resample.hpp"}, ("weights", "image"): {"preprocess.hpp"}}

root, bad = pathlib.Path(sys.argv[1]), []
for header in sorted(root.rglob("*.hpp")):
    layer = header.relative_to(root).parts[0] if len(header.relative_to(root).parts) > 1 else "."
    text = header.read_text()
    for target in re.findall(r'#include "rexnet/([^"]+)"', text):
        to = target.split("/")[0] if "/" in target else "."
        if to not in ALLOWED[layer] or target.split("/")[-1] not in ONLY.get((layer, to), {target.split("/")[-1]}):
            bad.append(f"{header.relative_to(root)} includes {target}")
    if "<xsimd/" in text and header.name != "simd.hpp":
        bad.append(f"{header.relative_to(root)} includes xsimd")
    if "<Eigen/" in text and header.name != "reference.hpp":
        bad.append(f"{header.relative_to(root)} includes Eigen")
    if re.search(r"<omp\.h>|#pragma omp", text) and header.name != "parallel.hpp":
        bad.append(f"{header.relative_to(root)} knows OpenMP")
print("\n".join(bad) or "all arrows point the right way")
sys.exit(bool(bad))
