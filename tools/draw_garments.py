#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the bundled pictures: five garments with a soft shadow on a light ground.

    python3 tools/draw_garments.py examples/pictures        (needs Pillow)
"""
import sys

from PIL import Image, ImageDraw, ImageFilter

SIDE, SCALE = 400, 3  # drawn three times larger, then reduced: smooth edges

# Outlines in 0 .. 100 across and down.
GARMENTS = {
    "t-shirt": dict(colour=(52, 92, 150), parts=[
        [(36, 16), (42, 20), (50, 22), (58, 20), (64, 16), (76, 21), (90, 40), (78, 47), (71, 39), (72, 88), (28, 88), (29, 39), (22, 47), (10, 40), (24, 21)]]),
    "longsleeve": dict(colour=(120, 44, 50), parts=[
        [(37, 12), (43, 16), (50, 17), (57, 16), (63, 12), (74, 17), (82, 40), (90, 82), (80, 84), (71, 48), (70, 88), (30, 88), (29, 48), (20, 84), (10, 82), (18, 40), (26, 17)]]),
    "pants": dict(colour=(48, 58, 88), parts=[
        [(34, 6), (66, 6), (69, 40), (71, 95), (56, 95), (51, 38), (49, 38), (44, 95), (29, 95), (31, 40)]]),
    "dress": dict(colour=(160, 50, 84), parts=[
        [(40, 6), (43, 6), (46, 16), (54, 16), (57, 6), (60, 6), (63, 22), (61, 42), (78, 92), (22, 92), (39, 42), (37, 22)]]),
    "hat": dict(colour=(150, 120, 80), parts=[
        [(20, 76), (21, 52), (27, 36), (38, 26), (50, 23), (62, 26), (73, 36), (79, 52), (80, 76), (50, 80)]]),
}


def draw(garment):
    size = SIDE * SCALE
    outline = [[(x * size / 100, y * size / 100) for x, y in part] for part in garment["parts"]]
    shadow = Image.new("L", (size, size), 0)
    for part in outline:
        ImageDraw.Draw(shadow).polygon([(x + 8 * SCALE, y + 10 * SCALE) for x, y in part], fill=110)
    shadow = shadow.filter(ImageFilter.GaussianBlur(9 * SCALE))
    picture = Image.composite(Image.new("RGB", (size, size), (120, 118, 116)), Image.new("RGB", (size, size), (226, 224, 220)), shadow)
    pen = ImageDraw.Draw(picture)
    darker = tuple(c * 3 // 4 for c in garment["colour"])
    for part in outline:
        pen.polygon(part, fill=garment["colour"])
        pen.line(part + part[:1], fill=darker, width=2 * SCALE)
    return picture.resize((SIDE, SIDE), Image.LANCZOS)


if __name__ == "__main__":
    for name, garment in GARMENTS.items():
        draw(garment).save(f"{sys.argv[1]}/{name}.png", optimize=True)
