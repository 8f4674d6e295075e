#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws scenes, pictures with several garments on all kinds of grounds, and a COCO file of what is where.

    python3 tools/draw_scenes.py OUT_DIR --split train --count 600 --seed 1     (needs Pillow)
    python3 tools/draw_scenes.py examples/scenes --examples            (the bundled ones)

Writes OUT_DIR/SPLIT/0000.jpg, ... and OUT_DIR/SPLIT.json; with --examples the pictures of EXAMPLES and boxes.json. The
outlines are those of draw_garments.py. A box is around what can be seen of its garment: at least half of it,
the rest is behind another garment or outside the picture. A seed gives the same pictures wherever Pillow is the same
(the bundled ones: 13.0).
"""
import argparse
import json
import math
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

from draw_garments import GARMENTS

SCALE = 2  # drawn twice as large, then reduced: smooth edges
VISIBLE = 0.5  # the smallest part of a garment that is seen
NAMES = sorted(GARMENTS)  # category 1 is the first
SIZES = [(320, 240), (400, 300), (480, 360), (640, 480), (640, 360), (240, 320), (360, 480), (320, 320), (480, 480)]
# Of the bundled pictures: size, garments, smallest (as the option), seed: scenes in which the bundled detector finds all.
EXAMPLES = {
    "wardrobe": ((640, 480), 5, 0.25, 2),
    "square": ((400, 400), 4, 0.2, 3),
    "wide": ((640, 360), 4, 0.25, 7),
}


def colour(rng):
    return tuple(rng.randrange(20, 240) for _ in range(3))


def distance(a, b):
    return sum(abs(x - y) for x, y in zip(a, b))


def moved(points, centre, angle, across, down, skew):
    """The points, stretched, skewed, turned, around `centre`."""
    c, s = math.cos(angle), math.sin(angle)
    flat = [(x * across + y * skew, y * down) for x, y in points]
    return [(centre[0] + x * c - y * s, centre[1] + x * s + y * c) for x, y in flat]


def area(points):
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1]))) / 2


def larger(points):
    return [(x * SCALE, y * SCALE) for x, y in points]


def gradient(rng, size):
    """From one colour to another, in a random direction."""
    side = 2 * max(size)
    ramp = Image.linear_gradient("L").resize((side, side)).rotate(rng.uniform(0, 360), Image.BILINEAR)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    ramp = ramp.crop((left, top, left + size[0], top + size[1]))
    return Image.composite(Image.new("RGB", size, colour(rng)), Image.new("RGB", size, colour(rng)), ramp)


def stripes(rng, size):
    """Of two colours, in a random direction."""
    picture, reach, width = Image.new("RGB", size, colour(rng)), 2 * max(size), rng.randint(8, 60) * SCALE
    pen, ink, angle = ImageDraw.Draw(picture), colour(rng), rng.uniform(0, math.pi)
    for offset in range(-reach, reach, 2 * width):
        bar = [(-reach, offset), (reach, offset), (reach, offset + width), (-reach, offset + width)]
        pen.polygon(moved(bar, (size[0] / 2, size[1] / 2), angle, 1, 1, 0), fill=ink)
    return picture


def noise(rng, size):
    """Random points, coarse or fine, in two colours' mixtures."""
    coarse = rng.choice([2, 4, 12, 40]) * SCALE
    small = (size[0] // coarse + 1, size[1] // coarse + 1)
    grains = Image.frombytes("L", small, rng.randbytes(small[0] * small[1])).resize(size, Image.BICUBIC)
    low = colour(rng)
    high = tuple(max(0, min(255, c + rng.randint(-90, 90))) for c in low)
    return Image.composite(Image.new("RGB", size, high), Image.new("RGB", size, low), grains)


def plain(rng, size):
    return Image.new("RGB", size, colour(rng))


def distract(rng, picture):
    """Draws something that is no garment."""
    pen, (w, h) = ImageDraw.Draw(picture), picture.size
    x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0.03, 0.25) * min(w, h)
    kind, ink = rng.randrange(5), colour(rng)
    if kind == 0:
        flat = rng.uniform(0.4, 1)
        pen.ellipse((x - r, y - r * flat, x + r, y + r * flat), fill=ink)
    elif kind == 1:
        pen.ellipse((x - r, y - r, x + r, y + r), outline=ink, width=max(2, int(r / 5)))
    elif kind == 2:
        end = rng.uniform(0, w), rng.uniform(0, h)
        pen.line((x, y, *end), fill=ink, width=rng.randint(2, 16) * SCALE)
    else:  # a polygon, or a star
        corners, turn, inner = rng.randint(3, 7), rng.uniform(0, 6.28), rng.uniform(0.3, 0.6) if kind == 4 else 1
        wheel = [(i * math.pi / corners + turn, r * (inner if i % 2 else 1)) for i in range(2 * corners)]
        wheel = wheel if kind == 4 else wheel[::2]
        pen.polygon([(x + d * math.cos(a), y + d * math.sin(a)) for a, d in wheel], fill=ink)


def wear(picture, outline, ink, rng):
    """Draws a garment and its shadow."""
    right, down = (rng.uniform(0, 0.05) * max(picture.size) / 4 for _ in range(2))
    soft = rng.uniform(1, 6) * SCALE
    xs, ys = zip(*outline)
    margin = 3 * soft + max(right, down)
    x1, y1, x2, y2 = (int(v) for v in (min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin))
    shadow = Image.new("L", (x2 - x1, y2 - y1))
    shape = [(x + right - x1, y + down - y1) for x, y in outline]
    ImageDraw.Draw(shadow).polygon(shape, fill=rng.randrange(0, 130))
    picture.paste((40, 38, 36), (x1, y1), shadow.filter(ImageFilter.GaussianBlur(soft)))
    pen, edge = ImageDraw.Draw(picture), rng.choice([0.6, 0.75, 1.3])
    pen.polygon(outline, fill=ink)
    pen.line(outline + outline[:2], fill=tuple(min(255, int(c * edge)) for c in ink), width=SCALE + 1)


def place(rng, size, smallest, owners, placed):
    """A garment at random: (name, outline, `owners` with it), or None where too little would be seen of it or another.

    A pixel of `owners` is the number of the garment that is seen there, from 1, or 0. `placed` are the garments so far,
    each with the area of its outline.
    """
    name, side = rng.choice(NAMES), min(size)
    longest = side * math.exp(rng.uniform(math.log(smallest), math.log(0.62)))
    points = [(x - 50, y - 50) for x, y in GARMENTS[name]["parts"][0]]
    turned = moved(points, (0, 0), math.radians(rng.gauss(0, 14)), rng.uniform(0.85, 1.15), rng.uniform(0.85, 1.15),
                   rng.gauss(0, 0.08))
    xs, ys = zip(*turned)
    factor = longest / max(max(xs) - min(xs), max(ys) - min(ys))
    reach = [0, 0]  # one of four may be cut by the border
    if rng.random() < 0.75:
        reach = [max(map(abs, xs)) * factor, max(map(abs, ys)) * factor]
    centre = [rng.uniform(min(r, s / 2), max(s - r, s / 2)) for r, s in zip(reach, size)]
    outline = [(centre[0] + x * factor, centre[1] + y * factor) for x, y in turned]
    after = owners.copy()
    ImageDraw.Draw(after).polygon(outline, fill=len(placed) + 1)
    seen = after.histogram()
    areas = [*(whole for _, whole in placed), area(outline)]
    if any(seen[i + 1] < VISIBLE * whole for i, whole in enumerate(areas)):
        return None
    return name, outline, after


def scene(rng, size, count, smallest):
    """(picture, [(name, box, visible pixels)]); fewer than `count` garments where no more find a place."""
    full = size[0] * SCALE, size[1] * SCALE
    ground = rng.choice([plain, gradient, gradient, stripes, noise])(rng, full)
    for _ in range(rng.choice([0, 0, 2, 4, 8])):
        distract(rng, ground)
    owners, placed = Image.new("L", size), []
    for _ in range(40 * count):
        found = place(rng, size, smallest, owners, placed) if len(placed) < count else None
        if not found:
            continue
        name, outline, after = found
        # Not in the colour of what is around it.
        xs, ys = zip(*larger(outline))
        box = max(0, int(min(xs))), max(0, int(min(ys))), min(full[0], int(max(xs))), min(full[1], int(max(ys)))
        around = ground.crop(box).resize((1, 1), Image.BOX).getpixel((0, 0))
        ink = colour(rng)
        while distance(ink, around) < 120:
            ink = colour(rng)
        wear(ground, larger(outline), ink, rng)
        owners = after
        placed.append((name, area(outline)))
    found = []
    for i, (name, _) in enumerate(placed):
        own = owners.point([255 * (v == i + 1) for v in range(256)])
        found.append((name, own.getbbox(), own.histogram()[255]))
    return ground.resize(size, Image.BOX), found


def main():
    p = argparse.ArgumentParser(description="Draws scenes with garments, and a COCO file.")
    p.add_argument("out_dir", type=Path, metavar="OUT_DIR")
    p.add_argument("--split", default="train", help="name of the folder and of the COCO file (default: %(default)s)")
    p.add_argument("--count", type=int, default=600, help="pictures (default: %(default)s)")
    p.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    p.add_argument("--smallest", type=float, default=0.2, metavar="PART",
                   help="longer side of the smallest garments, of the picture's shorter one (default: %(default)s)")
    p.add_argument("--format", choices=("jpg", "png"), default="jpg", help="(default: %(default)s)")
    p.add_argument("--examples", action="store_true", help="the bundled pictures instead, directly in OUT_DIR")
    o = p.parse_args()
    coco = {"images": [], "annotations": [], "categories": [{"id": i + 1, "name": n} for i, n in enumerate(NAMES)]}

    def keep(name, picture, found):
        """Writes a picture and notes what is in it."""
        path = o.out_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, **({"quality": 90} if path.suffix == ".jpg" else {"optimize": True}))
        number = len(coco["images"]) + 1
        coco["images"].append({"id": number, "file_name": name, "width": picture.width, "height": picture.height})
        for label, (x1, y1, x2, y2), pixels in found:
            coco["annotations"].append({
                "id": len(coco["annotations"]) + 1, "image_id": number, "category_id": NAMES.index(label) + 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1], "area": pixels, "iscrowd": 0})

    if o.examples:
        for name, (size, count, smallest, seed) in EXAMPLES.items():
            keep(f"{name}.png", *scene(random.Random(seed), size, count, smallest))
    else:
        rng = random.Random(o.seed)
        for i in range(o.count):
            keep(f"{o.split}/{i:04}.{o.format}", *scene(rng, rng.choice(SIZES), rng.randint(1, 7), o.smallest))
    file = o.out_dir / ("boxes.json" if o.examples else f"{o.split}.json")
    file.write_text(json.dumps(coco, indent=1 if o.examples else None) + "\n", encoding="utf-8")
    print(f"{file}: {len(coco['images'])} pictures, {len(coco['annotations'])} garments")


if __name__ == "__main__":
    main()
