#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains a detector, SSDLite on ReXNet, on pictures with boxes.

usage: detect.py --train TRAIN.json --val VAL.json --images DIR --output RUN_DIR [OPTION...]      (COCO)
       detect.py --voc DIR --train SET... --val SET --output RUN_DIR [OPTION...]                  (Pascal VOC)
README.md beside this file; --help lists the options.
Exit code 0, 1 (bad input, message on stderr), 2 (usage) or 130 (interrupted: --resume goes on).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import sys
from pathlib import Path

import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from timm.utils import random_seed
from torch import nn
from torch.utils.data import DataLoader

import boxes
import engine
import options
import record
import state
from detector import create_detector, load_initial
from errors import TrainError
from run import choose_device, describe, exit_code, past_epochs, prepare_run, run_epochs

NUMBERS = "AP AP50 AP75 APsmall APmedium APlarge AR1 AR10 AR100 ARsmall ARmedium ARlarge".split()
LOGGED = ("AP", "AP50", "AP75", "AR100")
PATHS = ("voc", "images", "val_images", "initial_checkpoint")


def side_lengths(text: str) -> tuple[int, int]:
    """N or WxH."""
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is neither N nor WxH")
    return int(match[1]), int(match[2] or match[1])


def build_parser() -> argparse.ArgumentParser:
    """All options."""
    p = argparse.ArgumentParser(
        prog="detect.py", description="Trains a detector, SSDLite on ReXNet, on pictures with boxes."
    )
    g = p.add_argument_group("pictures")
    g.add_argument(
        "--train", nargs="+", default=[], metavar="FILE|SET", help="COCO files, or with --voc sets of its ImageSets/Main"
    )
    g.add_argument("--val", metavar="FILE|SET", help="what validates; its classes are the training's, by name")
    g.add_argument("--images", metavar="DIR", help="where COCO's file names begin (default: beside each file)")
    g.add_argument("--val-images", metavar="DIR", help="those of --val (default: --images)")
    g.add_argument("--voc", metavar="DIR", help="a Pascal VOC folder: Annotations, ImageSets, JPEGImages")
    g = p.add_argument_group("network")
    g.add_argument(
        "--model", default="rexnetv1", help="rexnetv1, or timm's rexnet_* and rexnetr_* (default: %(default)s)"
    )
    g.add_argument("--rex-width-mult", type=float, help="width of rexnetv1 (default: 1.0)")
    g.add_argument(
        "--input-size", type=side_lengths, default=(320, 320), metavar="N|WxH", help="of the network (default: 320)"
    )
    g.add_argument(
        "--anchor-scales",
        type=options.fraction,
        nargs=2,
        default=(0.2, 0.95),
        metavar=("MIN", "MAX"),
        help="of the first and of the last map's anchors, parts of the input (default: 0.2 0.95). Things far smaller than "
        "MIN are hardly learned. Not in the checkpoint: give them to `rexnet pack`, too",
    )
    g.add_argument(
        "--initial-checkpoint",
        metavar="FILE",
        help="a classifier's weights for the backbone, or a detector's; .pth or .safetensors; any classes",
    )
    g.add_argument(
        "--drop-path", type=options.fraction, default=0.0, help="stochastic depth (default: %(default)s)"
    )
    options.add_optimisation(p)
    g = p.add_argument_group("augmentation, torchvision's")
    g.add_argument("--hflip", type=float, default=0.5, help="probability (default: %(default)s)")
    g.add_argument("--vflip", type=float, default=0.0, help="probability (default: %(default)s)")
    g.add_argument(
        "--iou-crop",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="random crops that keep parts of boxes, as the preset ssdlite has them",
    )
    g.add_argument(
        "--color-jitter", type=float, default=0.0, help="brightness, contrast, saturation (default: %(default)s)"
    )
    options.add_run(p)
    p.add_argument("--val-interval", type=options.positive, default=1, help="epochs from one validation to the next")
    p.set_defaults(epochs=60, batch_size=16, lr=0.01, weight_decay=4e-5, model_ema=True, model_ema_warmup=True)
    return p


def check(o: argparse.Namespace) -> None:
    """TrainError for options that make no sense alone or together."""
    if not o.train or not o.val:
        raise TrainError("--train and --val are needed")
    if o.voc and (o.images or o.val_images):
        raise TrainError("--images and --val-images are for COCO files; a VOC folder has its own")
    for name in ("hflip", "vflip"):
        if not 0 <= getattr(o, name) <= 1:
            raise TrainError(f"--{name} {getattr(o, name)}: not in [0, 1]")
    if not 0 <= o.color_jitter < 1:
        raise TrainError(f"--color-jitter {o.color_jitter}: not in [0, 1)")
    if not o.voc:
        o.train, o.val = [os.path.abspath(f) for f in o.train], os.path.abspath(o.val)
    o.input_size, o.anchor_scales = tuple(o.input_size), tuple(o.anchor_scales)
    if not 0 < o.anchor_scales[0] <= o.anchor_scales[1]:
        raise TrainError(f"--anchor-scales {o.anchor_scales[0]} {o.anchor_scales[1]}: above 0, the smaller first")


def detection_loss(model: nn.Module, batch: tuple, device: torch.device) -> torch.Tensor:
    """torchvision's: smooth L1 of the boxes' codes and cross entropy with three negatives for a positive, each by the
    number of positives."""
    images, targets = batch
    losses = model([i.to(device) for i in images], [{k: v.to(device) for k, v in t.items()} for t in targets])
    return sum(losses.values())


@torch.inference_mode()
def detections_of(model: nn.Module, loader: DataLoader, device: torch.device) -> list[dict]:
    """What the model finds, as COCO's result files have it; category ids are labels."""
    model.eval()
    found, pictures = [], iter(loader.dataset.pictures)
    for images, _ in loader:
        for answer in model([i.to(device) for i in images]):
            picture = next(pictures)
            for (x1, y1, x2, y2), score, label in zip(
                answer["boxes"].tolist(), answer["scores"].tolist(), answer["labels"].tolist(), strict=True
            ):
                found.append(
                    {
                        "image_id": picture.id,
                        "category_id": label,
                        "bbox": [x1, y1, x2 - x1, y2 - y1],
                        "score": score,
                    }
                )
    return found


def coco_numbers(truth: dict, found: list[dict]) -> dict[str, float]:
    """pycocotools' twelve numbers, 0 to 1 (-1: there is nothing to measure)."""
    if not found:
        return dict.fromkeys(NUMBERS, 0.0)
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = truth
        gt.createIndex()
        evaluation = COCOeval(gt, gt.loadRes([dict(f) for f in found]), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(NUMBERS, map(float, evaluation.stats), strict=True))


def best_row(history: list[dict]) -> dict | None:
    """The epoch that best.pth holds: the highest AP, then the first. None before the first validation."""
    measured = [row for row in history if row["AP"] is not None]
    return max(measured, key=lambda row: (row["AP"], -row["epoch"]), default=None)


def epoch_line(row: dict, epochs: int, best: bool) -> str:
    """A row of the log for people."""
    numbers = "" if row["AP"] is None else f"AP {row['AP']:.2f} %  AP50 {row['AP50']:.2f} %  "
    return (
        f"epoch {row['epoch']:3}/{epochs}  lr {row['lr']:.2g}  loss {row['train_loss']:.4f}  {numbers}"
        f"{row['seconds']:.1f} s" + ("  best" if best else "")
    )


def finish(o: argparse.Namespace, run: Path, history: list[dict]) -> None:
    """The curve, and what to do next."""
    if len(history) < o.epochs:
        print(f"stopped after {len(history)} of {o.epochs} epochs: --resume {run / 'last.pth'} goes on")
    best = best_row(history)
    if best is None:
        print(f"not validated yet (--val-interval {o.val_interval}): there is no best.pth")
        return
    measures = (("AP", "AP (%)"), ("AP50", "AP50 (%)"))
    if not record.draw_curve(run / "curve.png", history, best, (("train_loss", "training"),), measures):
        print("no curve.png: matplotlib is not installed")
    print(f"best.pth: epoch {best['epoch']}, AP {best['AP']:.2f} %, AP50 {best['AP50']:.2f} %")
    print("its numbers, from its detections:")
    print("  " + record.quoted(["rexnet", "coco", str(run / "val.json"), str(run / "detections.json")]))
    print("for C++, and its numbers there:")
    print("  " + record.quoted(record.pack_detector_command(run, o)))
    print("  " + record.quoted(record.eval_command(run, str(run / "val.json"))))


def train(argv: list[str] | None) -> None:
    """The whole run. TrainError: what is wrong with it."""
    resume = options.resume_path(build_parser(), argv)
    saved = state.read(resume) if resume else None
    o = options.parse_with(build_parser(), argv, saved["options"] if saved else None, PATHS)
    check(o)
    device = choose_device(o)
    known = saved["classes"] if saved else None
    training = boxes.read_all(o.train, o.voc, o.images, known)
    validation = boxes.read_all([o.val], o.voc, o.val_images or o.images, training.classes)
    for what, b in (("training", training), ("validation", validation)):
        for why, count in sorted(b.left_out.items()):
            print(f"{what}: {count} {why} are left out")
    random_seed(o.seed)
    model = create_detector(o.model, o.rex_width_mult, len(training.classes), o.input_size, o.drop_path, o.anchor_scales)
    if o.initial_checkpoint and not saved:
        print(load_initial(model, o.initial_checkpoint))
    model.to(device)
    augment = boxes.augmentation(o.hflip, o.vflip, o.iou_crop, o.color_jitter)
    loaders = (
        boxes.loader(training.pictures, augment, o.batch_size, o.workers),
        boxes.loader(validation.pictures, None, o.batch_size, o.workers),
    )
    trainer = engine.make_trainer(model, o, device, len(loaders[0]), detection_loss)
    inputs = [str(p.path) for p in training.pictures + validation.pictures]
    run = prepare_run(o, inputs + ([] if o.voc else [*o.train, o.val]))
    truth = boxes.as_coco(validation)
    state.write_text(run / "val.json", json.dumps(truth) + "\n")
    describe(run, o, training.classes)
    print(
        f"{o.model}: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters, "
        f"{len(training.classes)} classes; {len(training.pictures)} pictures with {training.count()} boxes to train, "
        f"{len(validation.pictures)} with {validation.count()} to validate, on {device}",
        flush=True,
    )
    history = past_epochs(trainer, saved, o)
    found: list[dict] = []

    def measure(epoch: int) -> dict:
        if epoch % o.val_interval != 0 and epoch != o.epochs:
            return dict.fromkeys(LOGGED)
        found[:] = detections_of(trainer.judged(), loaders[1], device)
        numbers = coco_numbers(truth, found)
        return {name: 100 * numbers[name] for name in LOGGED}

    def keep() -> None:
        state.write_text(run / "detections.json", json.dumps(found) + "\n")

    run_epochs(trainer, loaders[0], o, run, training.classes, history, measure, best_row, epoch_line, keep)
    finish(o, run, history)


def main(argv: list[str] | None = None) -> int:
    """The program; its exit code."""
    return exit_code("detect.py", train, argv)


if __name__ == "__main__":
    sys.exit(main())
