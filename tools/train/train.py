#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains or fine-tunes a ReXNet on pictures in class folders and saves what `rexnet pack` takes.

usage: train.py DATA_DIR --output RUN_DIR [OPTION...]     (README.md beside this file; --help lists the options)
Exit code 0, 1 (bad input, message on stderr), 2 (usage) or 130 (interrupted: --resume goes on).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from timm.data import resolve_data_config
from timm.utils import random_seed
from torch import nn

import data
import engine
import options
import record
import state
from checkpoints import load_initial
from errors import TrainError
from models import create_model
from run import choose_device, describe, exit_code, past_epochs, prepare_run, run_epochs


def build_model(o: argparse.Namespace, classes: int, resumed: bool) -> nn.Module:
    """The network with the weights it starts from. Fills in the preprocessing that was not given."""
    model = create_model(o.model, o.rex_width_mult, classes, o.drop_rate, o.drop_path, o.pretrained and not resumed)
    if o.initial_checkpoint and not resumed:
        print(f"{o.initial_checkpoint}: {load_initial(model, o.initial_checkpoint, o.reset_classifier)}")
    own = resolve_data_config({}, model=model, verbose=False)
    o.input_size = o.input_size or own["input_size"][-1]
    o.crop_pct = o.crop_pct or own["crop_pct"]
    o.interpolation = o.interpolation or own["interpolation"]
    return model


def finish(o: argparse.Namespace, run: Path, history: list[dict], pictures: str) -> None:
    """The curve, and what to do next."""
    if not record.draw_curve(run / "curve.png", history, record.best_row(history)):
        print("no curve.png: matplotlib is not installed")
    best = record.best_row(history)
    print(f"best.pth: epoch {best['epoch']}, top-1 {best['top1']:.2f} %, top-5 {best['top5']:.2f} %")
    if len(history) < o.epochs:
        print(f"stopped after {len(history)} of {o.epochs} epochs: --resume {run / 'last.pth'} goes on")
    print("next:")
    print("  " + record.quoted(record.pack_command(run, o)))
    print("  " + record.quoted(record.eval_command(run, pictures)))


def train(argv: list[str] | None) -> None:
    """The whole run. TrainError: what is wrong with it."""
    resume = options.resume_path(options.build_parser(), argv)
    saved = state.read(resume) if resume else None
    o = options.parse(argv, saved["options"] if saved else None)
    device = choose_device(o)
    classes, train_samples, val_samples, val_dir = data.find_samples(o)
    if saved and saved["classes"] != classes:
        raise TrainError(f"{resume}: a run of the classes {', '.join(saved['classes'])}, found {', '.join(classes)}")
    random_seed(o.seed)
    model = build_model(o, len(classes), saved is not None).to(device)
    loaders = data.train_loader(train_samples, o, device), data.val_loader(val_samples, o, device)
    trainer = engine.make_trainer(model, o, device, len(loaders[0]), engine.classification_loss(o.smoothing))
    run = prepare_run(o, [path for path, _ in train_samples + val_samples])
    if val_dir is None:
        val_dir = str(run / "val.csv")
        state.write_text(val_dir, data.list_text(val_samples, classes))
    describe(run, o, classes)
    print(
        f"{o.model}: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters, {len(classes)} classes, "
        f"{len(train_samples)} pictures to train, {len(val_samples)} to validate, on {device}",
        flush=True,
    )
    history = past_epochs(trainer, saved, o)

    def measure(_: int) -> dict:
        answers = engine.validate(trainer.judged(), loaders[1], device)
        return {"val_loss": answers.loss, "top1": answers.top1, "top5": answers.top5}

    run_epochs(trainer, loaders[0], o, run, classes, history, measure, record.best_row, record.epoch_line)
    finish(o, run, history, val_dir)


def main(argv: list[str] | None = None) -> int:
    """The program; its exit code."""
    return exit_code("train.py", train, argv)


if __name__ == "__main__":
    sys.exit(main())
