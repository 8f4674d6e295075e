# SPDX-License-Identifier: MIT
"""Pictures in class folders, their split into training and validation, and timm's loaders and augmentation.

Validation sees what `rexnet` computes: the shorter side resized to floor(input_size / crop_pct), the centre cropped,
ImageNet's mean and standard deviation; no EXIF rotation.
"""

from __future__ import annotations

import argparse
import collections
import csv
import io
import os
import random
import re
from pathlib import Path

import torch
from PIL import Image
from timm.data import create_loader
from torch.utils.data import DataLoader, Dataset

from errors import TrainError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".pnm")  # what both Pillow and `rexnet` read
Sample = tuple[str, int]  # path, class index


class Pictures(Dataset):
    """Samples as (what `transform` makes of the RGB picture, class index). timm's loader sets the transform."""

    def __init__(self, samples: list[Sample]) -> None:
        self.samples = samples
        self.transform = None

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path, target = self.samples[index]
        try:
            with Image.open(path) as file:
                picture = file.convert("RGB")
        except OSError as e:
            raise TrainError(f"{path}: cannot be read as a picture: {e}") from e
        return self.transform(picture), target


# What `rexnet pack --labels` refuses: controls, separators of lines, and what turns the direction of writing.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def class_names(folder: str) -> list[str]:
    """The folders in `folder`, sorted as torchvision's ImageFolder does: their places are the class indices."""
    if not os.path.isdir(folder):
        raise TrainError(f"{folder}: no such folder")
    names = sorted(e.name for e in os.scandir(folder) if e.is_dir() and not e.name.startswith("."))
    for name in names:
        try:
            name.encode("utf-8")
        except UnicodeEncodeError as e:
            raise TrainError(f"{folder}: the folder {ascii(name)} has a name that is not UTF-8") from e
        if CONTROLS.search(name) or name != name.rstrip(" "):
            raise TrainError(f"{folder}: {ascii(name)} cannot name a class: a control character, or a space at the end")
    return names


def read_folder(folder: str, classes: list[str]) -> list[Sample]:
    """Every picture in the class folders, sorted. Prints how many other files there are; TrainError if none is left."""
    samples, skipped = [], collections.Counter()
    for index, name in enumerate(classes):
        for path in sorted(Path(folder, name).rglob("*")):
            if path.suffix.lower() in EXTENSIONS:
                samples.append((str(path), index))
            elif path.is_file():
                skipped[path.suffix or path.name] += 1
    if skipped:
        print(f"{folder}: {sum(skipped.values())} files are no pictures for rexnet: {', '.join(sorted(skipped))}")
    if not samples:
        raise TrainError(f"{folder}: no pictures in class folders ({', '.join(EXTENSIONS)})")
    return samples


def split(samples: list[Sample], fraction: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """(training, validation): of every class about `fraction` to validation, but one picture at least on each side.

    The same for the same files and seed, wherever the folder lies and in whatever order it is read.
    """
    by_class = collections.defaultdict(list)
    for sample in samples:
        by_class[sample[1]].append(sample)
    train, val, rng = [], [], random.Random(seed)
    for index in sorted(by_class):
        of_class = by_class[index]
        if len(of_class) < 2:
            raise TrainError(f"{of_class[0][0]}: the only picture of its class, a split needs two")
        of_class.sort()
        rng.shuffle(of_class)
        count = min(max(1, round(len(of_class) * fraction)), len(of_class) - 1)
        val += sorted(of_class[:count])
        train += sorted(of_class[count:])
    return train, val


def find_folders(o: argparse.Namespace) -> tuple[str, str | None]:
    """(training folder, validation folder, or None where one folder is to be split)"""
    if o.train_dir and o.val_dir and not o.data_dir:
        return o.train_dir, o.val_dir
    if o.train_dir or o.val_dir or not o.data_dir:
        raise TrainError("give DATA_DIR, or both --train and --val")
    if o.val_fraction is not None:
        return o.data_dir, None
    for val in ("val", "validation", "valid"):
        if os.path.isdir(os.path.join(o.data_dir, "train")) and os.path.isdir(os.path.join(o.data_dir, val)):
            return os.path.join(o.data_dir, "train"), os.path.join(o.data_dir, val)
    raise TrainError(f"{o.data_dir}: no folders train and val; --val-fraction splits one folder of classes")


def find_samples(o: argparse.Namespace) -> tuple[list[str], list[Sample], list[Sample], str | None]:
    """(class names, training samples, validation samples, validation folder or None after a split)"""
    train_dir, val_dir = find_folders(o)
    classes = class_names(train_dir)
    if len(classes) < 2:
        raise TrainError(f"{train_dir}: {len(classes)} class folders, two at least are needed")
    samples = read_folder(train_dir, classes)
    empty = set(range(len(classes))) - {target for _, target in samples}
    if empty:
        raise TrainError(f"{train_dir}: no pictures of {', '.join(classes[i] for i in sorted(empty))}")
    if val_dir is None:
        return classes, *split(samples, o.val_fraction, o.split_seed), None
    unknown = sorted(set(class_names(val_dir)) - set(classes))
    if unknown:
        raise TrainError(f"{val_dir}: classes that {train_dir} does not have: {', '.join(unknown)}")
    return classes, samples, read_folder(val_dir, classes), val_dir


def list_text(samples: list[Sample], classes: list[str]) -> str:
    """The samples as a list that `rexnet eval` reads: CSV, absolute path and class name."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows((os.path.abspath(path), classes[target]) for path, target in samples)
    return "path,class\n" + text.getvalue()


def read_list(path: str, classes: list[str]) -> list[Sample]:
    """The samples of list_text()."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [(picture, classes.index(name)) for picture, name in rows]


def train_loader(samples: list[Sample], o: argparse.Namespace, device: torch.device) -> DataLoader:
    """Shuffled batches with timm's augmentation. The last, smaller batch is left out, as timm does."""
    batch = min(o.batch_size, len(samples))
    if batch < 2:
        raise TrainError(f"batches of {batch}: BatchNorm needs two pictures at least")
    return create_loader(
        Pictures(samples),
        o.input_size,
        batch,
        is_training=True,
        use_prefetcher=False,
        device=device,
        scale=tuple(o.scale),
        ratio=tuple(o.ratio),
        hflip=o.hflip,
        color_jitter=o.color_jitter,
        auto_augment=o.aa,
        re_prob=o.reprob,
        re_mode=o.remode,
        interpolation=o.train_interpolation,
        num_workers=o.workers,
        pin_memory=device.type == "cuda",
        persistent_workers=o.workers > 0,
    )


def val_loader(samples: list[Sample], o: argparse.Namespace, device: torch.device) -> DataLoader:
    """All samples in order, prepared as `rexnet` does."""
    return create_loader(
        Pictures(samples),
        o.input_size,
        o.batch_size,
        is_training=False,
        use_prefetcher=False,
        device=device,
        interpolation=o.interpolation,
        crop_pct=o.crop_pct,
        crop_mode="center",
        num_workers=o.workers,
        pin_memory=device.type == "cuda",
        persistent_workers=o.workers > 0,
    )
