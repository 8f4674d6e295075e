#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains or fine-tunes a ReXNet on pictures in class folders and saves what `rexnet pack` takes.

usage: train.py DATA_DIR --output RUN_DIR [OPTION...]     (README.md beside this file; --help lists the options)
Exit code 0, 1 (bad input, message on stderr), 2 (usage) or 130 (interrupted: --resume goes on).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from timm.data import resolve_data_config
from timm.utils import random_seed
from torch import nn
from torch.utils.data import DataLoader

import data
import engine
import options
import record
import state
from checkpoints import load_initial
from errors import TrainError
from models import create_model
from run import choose_device, prepare_run


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


def run_epochs(
    t: engine.Trainer,
    loaders: tuple[DataLoader, DataLoader],
    o: argparse.Namespace,
    run: Path,
    classes: list[str],
    history: list[dict],
) -> None:
    """The epochs that are left; after each one the run's files are up to date."""
    for epoch in range(len(history) + 1, min(o.epochs, o.stop_after or o.epochs) + 1):
        start, lr = time.monotonic(), t.optimizer.param_groups[0]["lr"]
        train_loss = engine.train_epoch(t, loaders[0])
        answers = engine.validate(t.judged(), loaders[1], t.device)
        history.append(
            {
                "epoch": epoch,
                "lr": lr,
                "train_loss": train_loss,
                "val_loss": answers.loss,
                "top1": answers.top1,
                "top5": answers.top5,
                "seconds": round(time.monotonic() - start, 3),
            }
        )
        best = record.best_row(history) is history[-1]
        if best:
            state.save_weights(run / "best.pth", t.judged())
        # Last: a program that is stopped before this line repeats the epoch, to the same result.
        state.save(run / "last.pth", t, options.stored(o), classes, history)
        record.write_log(run / "log.csv", history)
        print(record.epoch_line(history[-1], o.epochs, best), flush=True)


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
    state.write_text(run / "classes.txt", "".join(name + "\n" for name in classes))
    state.write_text(run / "options.json", json.dumps(options.stored(o), indent=1) + "\n")
    history = saved["history"] if saved else []
    print(
        f"{o.model}: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters, {len(classes)} classes, "
        f"{len(train_samples)} pictures to train, {len(val_samples)} to validate, on {device}",
        flush=True,
    )
    if saved:
        state.restore(trainer, saved)
        print(f"{resume}: {len(history)} of {o.epochs} epochs are done", flush=True)
    run_epochs(trainer, loaders, o, run, classes, history)
    finish(o, run, history, val_dir)


def main(argv: list[str] | None = None) -> int:
    """The program; its exit code."""
    try:
        train(argv)
    except TrainError as e:
        text = str(e).strip()
        if "DataLoader worker" in text:  # a worker's error comes with its whole traceback
            text = text.splitlines()[-1].removeprefix("errors.TrainError: ")
        print(f"train.py: {text}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("train.py: interrupted; --resume RUN_DIR/last.pth goes on after the last whole epoch", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
