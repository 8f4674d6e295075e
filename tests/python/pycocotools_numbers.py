#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random ground truth and detections: every element of pycocotools' arrays. Usage: pycocotools_numbers.py PROGRAM [N [SEED]]

Exit code 77 without numpy and pycocotools (pip install pycocotools).
"""
import contextlib
import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

NAMES = ["AP", "AP50", "AP75", "APsmall", "APmedium", "APlarge", "AR1", "AR10", "AR100", "ARsmall", "ARmedium", "ARlarge"]


def case(dice):
    """Few numbers, so that ties of scores, areas and overlaps are many; crowds, limits of the size classes, unsorted ids."""
    pictures = dice.sample(range(0, 1000), dice.randint(1, 12))
    categories = dice.sample(range(0, 100), dice.randint(1, 5))
    steps = dice.choice([1, 8, 0.37])
    side = lambda: dice.choice([0, 4, 16, 32, 32, 96, 96, 100, 240]) if dice.random() < 0.5 else dice.randint(1, 40) * steps
    annotations, detections = [], []
    for number in range(dice.randint(0, 60)):
        w, h = side(), side()
        annotations.append({"image_id": dice.choice(pictures), "category_id": dice.choice(categories),
                            "bbox": [dice.randint(-5, 40) * steps, dice.randint(0, 40) * steps, w, h],
                            "area": w * h if dice.random() < 0.7 else dice.choice([0, 1024, 9216, 1e10, 2e10, 500.5]),
                            "iscrowd": int(dice.random() < 0.15)})
    for a in annotations:
        for _ in range(dice.choice([0, 1, 1, 2, 120 if dice.random() < 0.03 else 3])):
            x, y, w, h = (v + dice.choice([0, 0, 1, -1, 3, 7]) * steps for v in a["bbox"])
            detections.append({"image_id": a["image_id"], "category_id": dice.choice(categories + [a["category_id"]] * 9),
                               "bbox": [x, y, max(w, 0), max(h, 0)], "score": dice.randint(0, 20) / 20})
    dice.shuffle(annotations)
    dice.shuffle(detections)
    ids = dice.sample(range(1, 10000), len(annotations))
    for a, number in zip(annotations, ids):
        a["id"] = number
    if not detections:  # pycocotools fails at an empty list
        detections = [{"image_id": pictures[0], "category_id": categories[0], "bbox": [0, 0, 1, 1], "score": 0.5}]
    truth = {"images": [{"id": i} for i in pictures], "categories": [{"id": i, "name": str(i)} for i in categories],
             "annotations": annotations}
    return truth, detections


def expected(gt, dt):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(gt))
        evaluation = COCOeval(truth, truth.loadRes(str(dt)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.eval, evaluation.stats


def main():
    program, cases, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 60, int(sys.argv[3]) if len(sys.argv) > 3 else 1
    worst = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        gt, dt = folder / "gt.json", folder / "dt.json"
        for number in range(cases):
            truth, detections = case(random.Random(seed * 100000 + number))
            gt.write_text(json.dumps(truth))
            dt.write_text(json.dumps(detections))
            done = subprocess.run([program, "coco", gt, dt, "--json", "--arrays", folder], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"case {number}: {done.stderr}")
            arrays, stats = expected(gt, dt)
            found = json.loads(done.stdout)
            for array in ("precision", "recall", "scores"):
                ours = np.load(folder / f"{array}.npy")
                if ours.shape != arrays[array].shape or np.abs(ours - arrays[array]).max() > 1e-12:
                    sys.exit(f"case {number} of seed {seed}: {array} differs")
            worst = max(worst, max(abs(found[key] - value) for key, value in zip(NAMES, stats)))
    print(f"{cases} cases: all arrays equal, the twelve numbers within {worst:.1e}")
    if worst > 1e-12:
        sys.exit(1)


main()
