# SPDX-License-Identifier: MIT
"""Trains tiny detectors with tools/train/detect.py on drawn shapes: the network is that of the fixtures, an interrupted
run resumed is the uninterrupted run, COCO's and VOC's files of the same boxes are the same data, `rexnet coco` has
pycocotools' numbers, damaged files are named.

usage: detect_smoke.py REXNET [FIXTURES]     (the command; the folder of torchvision's answers)
Exit code 77: torch, torchvision, timm or pycocotools is not installed.
"""

import contextlib
import copy
import io
import json
import random
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from pathlib import Path

try:
    import numpy
    import pycocotools.coco  # noqa: F401
    import torch
    import torchvision  # noqa: F401
    from PIL import Image, ImageDraw
except ImportError as e:
    print(f"skipped: {e.name} is not installed")
    sys.exit(77)

import train_smoke  # tests/python's; tools/train is on the path after it
from train_smoke import check, differing

import boxes  # noqa: E402
import detect  # noqa: E402
import detector  # noqa: E402

OPTIONS = (
    "--input-size 96 --rex-width-mult 0.35 --batch-size 4 --workers 0 --threads 1 --device cpu --lr 0.05 --epochs 4"
).split()
KINDS = ("disc", "weiß, box")


def draw(folder: Path, count: int, rng: random.Random) -> dict:
    """`count` pictures of odd sizes with up to four shapes; their COCO file's content, ids in no order."""
    folder.mkdir(parents=True)
    coco = {"images": [], "annotations": [], "categories": [{"id": 9, "name": KINDS[1]}, {"id": 4, "name": KINDS[0]}]}
    for i in range(count):
        width, height = rng.randint(90, 160), rng.randint(90, 160)
        picture = Image.new("RGB", (width, height), tuple(rng.randrange(60) for _ in range(3)))
        pen = ImageDraw.Draw(picture)
        coco["images"].append({"id": 1000 - i, "file_name": f"{i}.png", "width": width, "height": height})
        for _ in range(rng.randrange(5)):
            kind, side = rng.randrange(2), rng.randint(20, 45)
            x, y = rng.randint(0, width - side - 1), rng.randint(0, height - side - 1)
            shape = pen.rectangle if kind else pen.ellipse
            shape((x, y, x + side - 1, y + side - 1), fill=(200, 200, 90 + 160 * kind))
            coco["annotations"].append(
                {
                    "id": len(coco["annotations"]) + 1,
                    "image_id": 1000 - i,
                    "category_id": (4, 9)[kind],
                    "bbox": [x, y, side, side],
                    "area": side * side,
                    "iscrowd": 0,
                }
            )
        picture.save(folder / f"{i}.png")
    return coco


def write(path: Path, content: object) -> Path:
    """A JSON file."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_voc(root: Path, name: str, coco: dict, pictures: Path) -> None:
    """The same boxes as a Pascal VOC set."""
    for folder in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    names = {c["id"]: c["name"] for c in coco["categories"]}
    stems = []
    for image in coco["images"]:
        stem = f"{name}_{image['id']}"
        stems.append(stem)
        (root / "JPEGImages" / f"{stem}.png").write_bytes((pictures / image["file_name"]).read_bytes())
        tree = xml.Element("annotation")
        xml.SubElement(tree, "filename").text = f"{stem}.png"
        size = xml.SubElement(tree, "size")
        for side in ("width", "height"):
            xml.SubElement(size, side).text = str(image[side])
        for a in coco["annotations"]:
            if a["image_id"] != image["id"]:
                continue
            thing = xml.SubElement(tree, "object")
            xml.SubElement(thing, "name").text = names[a["category_id"]]
            place, (x, y, w, h) = xml.SubElement(thing, "bndbox"), a["bbox"]
            for side, value in zip(("xmin", "ymin", "xmax", "ymax"), (x, y, x + w, y + h), strict=True):
                xml.SubElement(place, side).text = str(value)
        xml.ElementTree(tree).write(root / "Annotations" / f"{stem}.xml", encoding="utf-8")
    (root / "ImageSets/Main" / f"{name}.txt").write_text("".join(s + "\n" for s in stems), encoding="utf-8")


def run(*arguments) -> tuple[int, str]:
    """detect.py here, its output kept; (exit code, output)"""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = detect.main([str(a) for a in arguments])
    return code, out.getvalue()


def check_fixtures(folder: Path | None) -> None:
    """The model is the one whose answers are stored, to the last key."""
    if not folder or not (folder / "detection" / "manifest.json").exists():
        print("skipped: torchvision's stored answers (no fixtures)")
        return
    folder = folder / "detection"
    for entry in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["models"]:
        size, classes = entry["size_wh"], entry["classes_with_background"] - 1
        model = detector.create_detector("rexnetv1", entry["width"], classes, tuple(size)).eval()
        model.load_state_dict(torch.load(folder / entry["checkpoint"], weights_only=True))
        count = sum(p.numel() for p in model.parameters())
        check(count == entry["parameters"], f"{entry['checkpoint']}: {count} parameters")
        for stored in entry["pictures"]:
            answers = numpy.load(folder / stored["case"])
            with torch.inference_mode():
                raw = model.head(list(model.backbone(torch.from_numpy(answers["input_nchw"])).values()))
            for name, error in (("cls_logits", "cls_f32_vs_f64"), ("bbox_regression", "box_f32_vs_f64")):
                worst = abs(raw[name].numpy() - answers[name + "_f64"]).max()
                check(worst <= 4 * stored[error], f"{stored['case']}: {name} within {worst:.1e}")


def check_data(dir: Path, coco: dict) -> None:
    """COCO's and VOC's way to the same boxes; crowds and empty boxes are counted; damaged files are named."""
    write_voc(dir / "voc", "train", coco, dir / "train")
    ours = boxes.read_all([str(dir / "train.json")], None, str(dir / "train"), None)
    theirs = boxes.read_all(["train"], str(dir / "voc"), None, None)
    check(ours.classes == list(KINDS) == theirs.classes, f"classes in the order of ids: {ours.classes}")
    same = [(p.boxes, p.labels) for p in ours.pictures] == [(p.boxes, p.labels) for p in theirs.pictures]
    check(same and ours.count() == len(coco["annotations"]), "COCO's and VOC's files of the same boxes are the same data")

    odd = copy.deepcopy(coco)
    first = odd["images"][0]
    for bbox, crowd in (([5, 5, 0, 9], 0), ([first["width"] + 1, 0, 5, 5], 0), ([0, 0, 50, 50], 1)):
        number = 900 + len(odd["annotations"])
        box = {"id": number, "image_id": first["id"], "category_id": 4, "bbox": bbox, "iscrowd": crowd}
        odd["annotations"].append(box)
    odd = boxes.read_all([str(write(dir / "odd.json", odd))], None, str(dir / "train"), None)
    check(
        odd.count() == ours.count()
        and odd.left_out == {"boxes without area in their picture": 2, "boxes of crowds": 1},
        f"left out and counted: {dict(odd.left_out)}",
    )
    back = boxes.as_coco(odd)["annotations"]
    check(sum(a["iscrowd"] for a in back) == 1, "crowds stay in what validates")

    def refused(change, words: str) -> None:
        content = copy.deepcopy(coco)
        change(content)
        files = ["--train", write(dir / "bad.json", content), "--val", dir / "val.json", "--images", dir / "train"]
        code, text = run(*files, "--output", dir / "no", *OPTIONS)
        last = text.strip().splitlines()[-1]
        check(code == 1 and last.startswith("detect.py: ") and words in last, f"refused: {last[-150:]}")

    refused(lambda c: c.pop("images"), "no list 'images'")
    refused(lambda c: c["images"][1].pop("width"), "'width' is missing")
    refused(lambda c: c["annotations"][0].update(bbox=[1, 2, 3]), "is not four numbers")
    refused(lambda c: c["annotations"][0].update(bbox=[1, 2, 3, "4"]), "is not four numbers")
    refused(lambda c: c["annotations"][0].update(image_id=5), "an image or a category that is not there")
    refused(lambda c: c["images"].append(c["images"][0]), "is there twice")
    refused(lambda c: c["categories"][0].update(name="a\x1b[31m"), "cannot name a class")
    refused(lambda c: c["categories"].append({"id": 5, "name": KINDS[0]}), "two categories are called disc")
    refused(lambda c: c["images"][0].update(width=1), "its boxes are for 1 x ")
    refused(lambda c: c["images"][0].update(file_name="none.png"), "no such file")
    refused(lambda c: c["annotations"].clear(), "no boxes")
    (dir / "bad.json").write_text("[" * 100000)
    code, text = run("--train", dir / "bad.json", "--val", dir / "val.json", "--output", dir / "no", *OPTIONS)
    check(code == 1 and "bad.json" in text, "deep nesting is refused")


def check_resume(dir: Path, common: list) -> None:
    """Whole, and stopped after the first epoch."""
    code, text = run(*common, "--output", dir / "whole", "--color-jitter", 0.3, "--vflip", 0.5)
    check(code == 0 and "AP50" in text, "four epochs" + ("" if code == 0 else ": " + text))
    code, text = run(*common, "--output", dir / "cut", "--color-jitter", 0.3, "--vflip", 0.5, "--stop-after", 1)
    check(code == 0 and "stopped after 1 of 4 epochs" in text, "stopped" + ("" if code == 0 else ": " + text))
    code, text = run("--resume", dir / "cut" / "last.pth")
    check(code == 0 and "1 of 4 epochs are done" in text, "resumed" + ("" if code == 0 else ": " + text))
    for name in ("last.pth", "best.pth"):
        whole, cut = (torch.load(dir / r / name, weights_only=True) for r in ("whole", "cut"))
        found = differing(whole, cut)
        check(not found, f"{name} of the resumed run is the uninterrupted run's" + "".join(f" {f}" for f in found[:5]))
    code, text = run(*common, "--output", dir / "whole")
    check(code == 1 and "holds a run" in text, "a run is not overwritten by accident")


def check_numbers(rexnet: str, run_dir: Path) -> None:
    """`rexnet coco` on what a run leaves: the numbers of its log."""
    done = subprocess.run(
        [rexnet, "coco", run_dir / "val.json", run_dir / "detections.json", "--json"], check=True, capture_output=True
    )
    ours = json.loads(done.stdout)
    theirs = detect.coco_numbers(*(json.loads((run_dir / n).read_text()) for n in ("val.json", "detections.json")))
    worst = max(abs(ours[name] - value) for name, value in theirs.items())
    check(worst < 1e-12, f"`rexnet coco` has pycocotools' twelve numbers within {worst:.1e}")


def check_start(dir: Path, common: list) -> None:
    """From a classifier of the same width, and from a detector of other classes."""
    classifier = train_smoke.models.create_model("rexnetv1", 0.35, 7)
    torch.save(classifier.state_dict(), dir / "classifier.pth")
    begun = detector.create_detector("rexnetv1", 0.35, 2, (96, 96))
    detector.load_initial(begun, str(dir / "classifier.pth"))
    equal = torch.equal(begun.backbone.features[10].conv_pwl.conv.weight, classifier.features[10].conv_pwl.conv.weight)
    check(equal, "a classifier's weights are the backbone's")
    other = detector.create_detector("rexnetv1", 0.35, 5, (96, 96))
    said = detector.load_initial(other, str(dir / "whole" / "best.pth"))
    check("6 classification layers are for other classes" in said, said)
    another = ["--rex-width-mult", 0.5, "--initial-checkpoint", dir / "classifier.pth"]
    code, text = run(*common, "--output", dir / "no", *another)
    check(code == 1 and "in the file" in text and "0.35" in text, "another width is refused: " + text.strip()[-160:])


def main() -> int:
    """All checks; the exit code."""
    check_fixtures(Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    with tempfile.TemporaryDirectory() as temporary:
        dir, rng = Path(temporary) / "prüfung", random.Random(1)
        for name, count in (("train", 13), ("val", 5)):
            coco = draw(dir / name, count, rng)
            write(dir / f"{name}.json", coco)
            if name == "train":
                training = coco
        common = ["--train", dir / "train.json", "--val", dir / "val.json", "--images", dir / "train"]
        common += ["--val-images", dir / "val", *OPTIONS]
        check_data(dir, training)
        check_resume(dir, common)
        check_numbers(sys.argv[1], dir / "whole")
        check_start(dir, common)
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}: {train_smoke.failures} failures")
    return 1 if train_smoke.failures else 0


if __name__ == "__main__":
    sys.exit(main())
