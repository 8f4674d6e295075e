#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Pillow says, for tests: writes tests/golden/resize.json and tests/golden/picture_files.json.

    python3 tests/python/pillow_answers.py ROBUSTNESS_DIR        (Pillow 13.0, numpy)

resize.json: checksums of resized and cropped pictures that a formula draws; no picture file is needed.
picture_files.json: for every JPEG and PNG below ROBUSTNESS_DIR its size and the CRC-32 of its RGB bytes, plain and
turned upright by EXIF; "refused" where Pillow raises an error.
"""
import json
import os
import sys
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")
FILTERS = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR}


def drawn(width, height):
    """The picture of tests/unit/resize.cpp: every byte value, smooth parts and hard edges."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    smooth = x * 3 + y * 5 + c * 40
    rough = (x * 73 + y * 151 + c * 199) * (x + y + 1) // 7
    return Image.fromarray((np.where((x // 9 + y // 11) % 2 == 0, smooth, rough) % 256).astype(np.uint8))


def preprocessed(picture, size, crop_pct, name):
    """torchvision's Resize (short side) and CenterCrop."""
    width, height = picture.size
    short = int(size / crop_pct)
    width, height = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    picture = picture.resize((width, height), FILTERS[name])
    left, top = round((width - size) / 2), round((height - size) / 2)
    return picture.crop((left, top, left + size, top + size))


def resize_answers():
    cases = []
    sizes = [(1, 1), (2, 3), (7, 5), (64, 48), (100, 37), (37, 100), (256, 256), (257, 300), (640, 480), (481, 1237), (1500, 333),
             (150, 300)]  # twice as tall as wide: both shrink in the very ratio where the order of the passes changes
    for width, height in sizes:
        for size, crop_pct in [(224, 0.875), (96, 0.95), (33, 1.0), (288, 1.0)]:
            for name in FILTERS:
                pixels = preprocessed(drawn(width, height), size, crop_pct, name)
                cases.append({"width": width, "height": height, "input_size": size, "crop_pct": crop_pct, "interpolation": name,
                              "crc32": zlib.crc32(pixels.tobytes())})
    return {"pillow": PIL.__version__, "cases": cases}


def file_answers(root):
    files = {}
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            if not name.lower().endswith((".jpg", ".jpeg", ".png")):
                continue
            path = os.path.join(folder, name)
            try:
                picture = Image.open(path)
                mode, plain, upright = picture.mode, picture.convert("RGB"), ImageOps.exif_transpose(picture).convert("RGB")
                files[os.path.relpath(path, root)] = {"mode": mode, "size": plain.size, "crc32": zlib.crc32(plain.tobytes()),
                                                      "upright_crc32": zlib.crc32(upright.tobytes())}
            except Exception:  # Pillow raises OSError, SyntaxError, ValueError and more for damaged files
                files[os.path.relpath(path, root)] = "refused"
    return {"pillow": PIL.__version__, "files": files}


def write(name, answers, key):
    """One entry a line: a diff shows what changed."""
    entries = answers[key]
    if isinstance(entries, dict):
        lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in entries.items()]
        brackets = "{}"
    else:
        lines, brackets = [f"  {json.dumps(v)}" for v in entries], "[]"
    with open(os.path.join(GOLDEN, name), "w", encoding="utf-8") as out:
        out.write(f'{{\n "pillow": "{answers["pillow"]}",\n "{key}": {brackets[0]}\n' + ",\n".join(lines) + f"\n {brackets[1]}\n}}\n")


write("resize.json", resize_answers(), "cases")
write("picture_files.json", file_answers(sys.argv[1]), "files")
