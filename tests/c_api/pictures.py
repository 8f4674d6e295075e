#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bundled pictures for programs that read PPM, and PyTorch's answers for those that read no JSON: a line
"NAME LABEL PROBABILITY LOGIT..." a picture. Usage: pictures.py SOURCE_DIR OUT_DIR"""
import json
import sys
from pathlib import Path

source, out = map(Path, sys.argv[1:])
sys.path.insert(0, str(source / "examples/bare_metal"))
from png_to_rgb import rgb_of  # noqa: E402

out.mkdir(parents=True, exist_ok=True)
lines = []
for name, answer in sorted(json.loads((source / "examples/pictures/expected.json").read_text()).items()):
    width, height, pixels = rgb_of((source / "examples/pictures" / name).read_bytes())
    ppm = Path(name).with_suffix(".ppm").name
    (out / ppm).write_bytes(b"P6 %d %d 255\n" % (width, height) + pixels)
    best = answer["top5"][0]
    lines.append(" ".join(map(str, [ppm, best["label"], best["probability"], *answer["logits"]])))
(out / "expected.txt").write_text("\n".join(lines) + "\n")
