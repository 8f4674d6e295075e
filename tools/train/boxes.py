# SPDX-License-Identifier: MIT
"""Pictures with boxes, from COCO's JSON or Pascal VOC's XML, and torchvision's augmentation for them.

Boxes are x1 y1 x2 y2 in pixels of the picture. VOC's four numbers are taken as they are (no -1, no +1). Labels are the
places of the class names, from 1; 0 is the background.
"""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as xml
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from data import CONTROLS
from errors import TrainError


@dataclass
class Picture:
    """One picture and what is in it."""

    path: Path
    id: int  # COCO's, or the place in the list of a VOC set
    width: int
    height: int
    boxes: list[list[float]] = field(default_factory=list)  # x1 y1 x2 y2
    labels: list[int] = field(default_factory=list)
    crowds: list[list[float]] = field(default_factory=list)  # boxes of groups, which nothing is trained on
    crowd_labels: list[int] = field(default_factory=list)


@dataclass
class Boxes:
    """What a file, or several, say. `left_out` counts what is not trained on by its reason."""

    classes: list[str]
    pictures: list[Picture]
    left_out: Counter

    def count(self) -> int:
        """Boxes to be found."""
        return sum(len(p.boxes) for p in self.pictures)


def checked_name(name: object, where: str) -> str:
    """A class name that `rexnet pack --labels` takes."""
    if not isinstance(name, str) or not name or CONTROLS.search(name) or name != name.rstrip(" "):
        raise TrainError(f"{where}: {ascii(name)} cannot name a class")
    return name


def add_box(p: Picture, box: list[float], label: int, crowd: bool, left_out: Counter) -> None:
    """Adds a box that has an area inside the picture, cut at its borders; counts another one."""
    x1, y1 = max(box[0], 0.0), max(box[1], 0.0)
    x2, y2 = min(box[2], float(p.width)), min(box[3], float(p.height))
    if not all(math.isfinite(v) for v in box) or x2 <= x1 or y2 <= y1:
        left_out["boxes without area in their picture"] += 1
    elif crowd:
        left_out["boxes of crowds"] += 1
        p.crowds.append([x1, y1, x2, y2])
        p.crowd_labels.append(label)
    else:
        p.boxes.append([x1, y1, x2, y2])
        p.labels.append(label)


def read_json(path: str) -> dict:
    """A COCO file's lists `images`, `annotations` and `categories`."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as e:
        raise TrainError(f"{path}: {e}") from e
    for name in ("images", "annotations", "categories"):
        if not isinstance(content, dict) or not isinstance(content.get(name), list):
            raise TrainError(f"{path}: no list {name!r}: not a COCO file with boxes")
    return content


def number_list(value: object, count: int) -> bool:
    """Whether it is a list of so many numbers."""
    kinds = (int, float)
    return isinstance(value, list) and len(value) == count and all(type(v) in kinds for v in value)


def read_coco(path: str, folder: str, classes: list[str] | None) -> Boxes:
    """A COCO file, its pictures below `folder`. Classes are in ascending order of their ids; where `classes` are given
    (another file's), those, by name."""
    content = read_json(path)
    where = ""
    try:
        names = {}
        for where in content["categories"]:
            if type(where["id"]) is not int or where["id"] in names:
                raise TrainError(f"{path}: category {where['id']!r} is no whole number, or there twice")
            names[where["id"]] = checked_name(where["name"], path)
        own = [names[i] for i in sorted(names)]
        if len(set(own)) < len(own):
            raise TrainError(f"{path}: two categories are called {next(n for n in own if own.count(n) > 1)}")
        unknown = sorted(set(own) - set(own if classes is None else classes))
        if unknown:
            raise TrainError(f"{path}: classes that the training does not have: {', '.join(unknown)}")
        classes = own if classes is None else classes
        label_of = {i: classes.index(name) + 1 for i, name in names.items()}
        pictures, left_out = {}, Counter()
        for where in content["images"]:
            if where["id"] in pictures:
                raise TrainError(f"{path}: image id {where['id']!r} is there twice")
            file, size = Path(folder, where["file_name"]), (where["width"], where["height"])
            if not all(type(v) is int and v > 0 for v in size):
                raise TrainError(f"{path}: image {where['id']!r} has the size {size[0]!r} x {size[1]!r}")
            pictures[where["id"]] = Picture(file, where["id"], *size)
        for where in content["annotations"]:
            if where["image_id"] not in pictures or where["category_id"] not in label_of:
                raise TrainError(f"{path}: annotation {where.get('id')!r} is of an image or a category that is not there")
            if not number_list(where["bbox"], 4):
                raise TrainError(f"{path}: annotation {where.get('id')!r}: bbox {where['bbox']!r} is not four numbers")
            x, y, w, h = where["bbox"]
            label = label_of[where["category_id"]]
            add_box(
                pictures[where["image_id"]], [x, y, x + w, y + h], label, bool(where.get("iscrowd", 0)), left_out
            )
    except (KeyError, TypeError) as e:
        raise TrainError(f"{path}: {str(where)[:200]}: {e} is missing or of another type") from e
    return Boxes(classes, list(pictures.values()), left_out)


def read_voc(folder: str, name: str, classes: list[str] | None) -> Boxes:
    """The set ImageSets/Main/NAME.txt of a Pascal VOC folder. Classes are sorted by name, or those given. Boxes marked
    `difficult` count as the others."""
    root = Path(folder)
    try:
        stems = (root / "ImageSets" / "Main" / f"{name}.txt").read_text(encoding="utf-8").split()
    except (OSError, ValueError) as e:
        raise TrainError(f"{folder}: no set {name}: {e}") from e
    found = []
    for stem in stems:
        path = root / "Annotations" / f"{stem}.xml"
        try:
            tree = xml.parse(path).getroot()
            size = int(tree.findtext("size/width", "")), int(tree.findtext("size/height", ""))
            if min(size) < 1:
                raise ValueError(f"the size is {size[0]} x {size[1]}")
            objects = []
            for thing in tree.iter("object"):
                sides = [float(thing.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax")]
                objects.append((checked_name(thing.findtext("name"), str(path)), sides))
        except (OSError, ValueError, xml.ParseError) as e:
            raise TrainError(f"{path}: {e}") from e
        found.append((path, stem, tree.findtext("filename") or "", size, objects))
    own = sorted({name for *_, objects in found for name, _ in objects})
    unknown = sorted(set(own) - set(own if classes is None else classes))
    if unknown:
        raise TrainError(f"{folder}, {name}: classes that the training does not have: {', '.join(unknown)}")
    classes = own if classes is None else classes
    pictures, left_out = [], Counter()
    for index, (_, stem, file, size, objects) in enumerate(found):
        path = root / "JPEGImages" / file
        if not file or not path.is_file():  # some sets name their files otherwise
            path = root / "JPEGImages" / f"{stem}.jpg"
        picture = Picture(path, index + 1, *size)
        for name_of_thing, sides in objects:
            add_box(picture, sides, classes.index(name_of_thing) + 1, False, left_out)
        pictures.append(picture)
    return Boxes(classes, pictures, left_out)


def read_all(sets: list[str], voc: str | None, images: str | None, classes: list[str] | None) -> Boxes:
    """Several sets as one: COCO files with their pictures in `images` (default: the file's folder), or the sets of the
    VOC folder `voc`. The classes of the first are those of all, unless given. Ids are made unique."""
    if voc and classes is None:  # any set may lack one
        classes = sorted({name for s in sets for name in read_voc(voc, s, None).classes})
    whole = None
    for name in sets:
        one = read_voc(voc, name, classes) if voc else read_coco(name, images or str(Path(name).parent), classes)
        if whole is None:
            whole, classes = one, one.classes
        else:
            whole.pictures += one.pictures
            whole.left_out += one.left_out
    if len(sets) > 1:
        for index, picture in enumerate(whole.pictures):
            picture.id = index + 1
    if not whole.classes or whole.count() == 0:
        raise TrainError(f"{', '.join(sets)}: no boxes")
    missing = [str(p.path) for p in whole.pictures if not p.path.is_file()]
    if missing:
        raise TrainError(f"{missing[0]}: no such file" + (f", nor {len(missing) - 1} others" if len(missing) > 1 else ""))
    return whole


def as_coco(b: Boxes) -> dict:
    """The boxes as a COCO file, category ids being the labels: what `rexnet coco` and pycocotools read."""
    annotations = []
    for p in b.pictures:
        for boxes, labels, crowd in ((p.boxes, p.labels, 0), (p.crowds, p.crowd_labels, 1)):
            for (x1, y1, x2, y2), label in zip(boxes, labels, strict=True):
                w, h = x2 - x1, y2 - y1
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": p.id,
                        "category_id": label,
                        "bbox": [x1, y1, w, h],
                        "area": w * h,
                        "iscrowd": crowd,
                    }
                )
    return {
        "images": [
            {"id": p.id, "file_name": str(p.path.absolute()), "width": p.width, "height": p.height} for p in b.pictures
        ],
        "annotations": annotations,
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(b.classes)],
    }


class Samples(Dataset):
    """([3, h, w] floats from 0 to 1, {"boxes": [k, 4], "labels": [k]}) of each picture, augmented."""

    def __init__(self, pictures: list[Picture], transform: v2.Transform) -> None:
        self.pictures, self.transform = pictures, transform

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        p = self.pictures[index]
        try:
            with Image.open(p.path) as file:
                picture = tv_tensors.Image(v2.functional.pil_to_tensor(file.convert("RGB")))
        except OSError as e:
            raise TrainError(f"{p.path}: cannot be read as a picture: {e}") from e
        height, width = picture.shape[-2:]
        if (width, height) != (p.width, p.height):
            raise TrainError(f"{p.path}: {width} x {height} pixels, its boxes are for {p.width} x {p.height}")
        boxes = torch.tensor(p.boxes, dtype=torch.float32).reshape(-1, 4)
        target = {
            "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(height, width)),
            "labels": torch.tensor(p.labels, dtype=torch.int64),
        }
        picture, target = self.transform(picture, target)
        return picture.as_subclass(torch.Tensor), {
            "boxes": target["boxes"].as_subclass(torch.Tensor),
            "labels": target["labels"],
        }


def augmentation(hflip: float, vflip: float, iou_crop: bool, color_jitter: float) -> v2.Transform:
    """torchvision's "ssdlite" preset (a crop by overlap, a flip), and what else was asked for."""
    steps: list[v2.Transform] = []
    if color_jitter > 0:
        steps.append(v2.ColorJitter(color_jitter, color_jitter, color_jitter))
    if iou_crop:
        steps.append(v2.RandomIoUCrop())
    steps += [v2.RandomHorizontalFlip(hflip), v2.RandomVerticalFlip(vflip), *PLAIN]
    return v2.Compose(steps)


PLAIN = (v2.ToDtype(torch.float32, scale=True), v2.SanitizeBoundingBoxes())


def together(batch: list) -> tuple:
    """Pictures differ in size: lists, not one tensor."""
    return tuple(zip(*batch, strict=True))


def loader(pictures: list[Picture], transform: v2.Transform | None, batch: int, workers: int) -> DataLoader:
    """Shuffled batches of augmented pictures without the last, smaller one; without `transform` all in order, as they
    are."""
    training = transform is not None
    if training and len(pictures) < batch:
        raise TrainError(f"{len(pictures)} pictures to train: fewer than a batch ({batch})")
    return DataLoader(
        Samples(pictures, transform or v2.Compose(list(PLAIN))),
        batch,
        shuffle=training,
        drop_last=training,
        num_workers=workers,
        collate_fn=together,
        persistent_workers=workers > 0,
    )
