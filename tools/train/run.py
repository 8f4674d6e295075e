# SPDX-License-Identifier: MIT
"""What training a classifier and training a detector have in common: device, folder, epochs, exit code."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.data import DataLoader

import engine
import options
import record
import state
from errors import TrainError


def choose_device(o: argparse.Namespace) -> torch.device:
    """--device, or CUDA where there is one, or the CPU."""
    if o.threads:
        torch.set_num_threads(o.threads)
    try:
        device = torch.device(o.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as e:
        raise TrainError(f"--device {o.device}: {e}") from e
    return device


RUN_FILES = (
    "best.pth",
    "last.pth",
    "classes.txt",
    "options.json",
    "log.csv",
    "val.csv",
    "val.json",
    "detections.json",
    "curve.png",
)


def file_id(path: str | Path) -> tuple[int, int]:
    """Of an existing file."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


def prepare_run(o: argparse.Namespace, pictures: list[str]) -> Path:
    """The run's folder; another run in it is only overwritten on request, what this one reads never."""
    run = Path(o.output)
    # By device and inode: links and other paths lead to the same file.
    known = {file_id(run / name): run / name for name in RUN_FILES if (run / name).exists()}
    for path in [o.initial_checkpoint or "", *pictures] if known else []:
        if os.path.exists(path) and file_id(path) in known:
            raise TrainError(f"{known[file_id(path)]}, which the run writes, is the input {path}: another --output")
    if (run / "last.pth").exists() and not o.resume and not o.overwrite:
        raise TrainError(f"{run} holds a run: --resume {run / 'last.pth'} goes on with it, --overwrite replaces it")
    run.mkdir(parents=True, exist_ok=True)
    return run


def describe(run: Path, o: argparse.Namespace, classes: list[str]) -> None:
    """classes.txt and options.json."""
    state.write_text(run / "classes.txt", "".join(name + "\n" for name in classes))
    state.write_text(run / "options.json", json.dumps(options.stored(o), indent=1) + "\n")


def past_epochs(t: engine.Trainer, saved: dict | None, o: argparse.Namespace) -> list[dict]:
    """The rows of the epochs that are done. A resumed run (`saved`: its last.pth) is put into the trainer."""
    if not saved:
        return []
    state.restore(t, saved)
    print(f"{o.resume}: {len(saved['history'])} of {o.epochs} epochs are done", flush=True)
    return saved["history"]


def run_epochs(
    t: engine.Trainer,
    loader: DataLoader,
    o: argparse.Namespace,
    run: Path,
    classes: list[str],
    history: list[dict],
    measure: Callable[[int], dict],
    best_row: Callable[[list[dict]], dict | None],
    line: Callable[[dict, int, bool], str],
    keep: Callable[[], None] = lambda: None,
) -> None:
    """The epochs that are left; after each one the run's files are up to date.

    `measure(epoch)` gives the log's columns of a validation, `best_row` the row of best.pth (None: none yet), `line` a
    row for people; `keep` writes what goes with best.pth.
    """
    for epoch in range(len(history) + 1, min(o.epochs, o.stop_after or o.epochs) + 1):
        start, lr = time.monotonic(), t.optimizer.param_groups[0]["lr"]
        row = {"epoch": epoch, "lr": lr, "train_loss": engine.train_epoch(t, loader), **measure(epoch)}
        history.append({**row, "seconds": round(time.monotonic() - start, 3)})
        best = best_row(history) is history[-1]
        if best:
            state.save_weights(run / "best.pth", t.judged())
            keep()
        # Last: a program that is stopped before this line repeats the epoch, to the same result.
        state.save(run / "last.pth", t, options.stored(o), classes, history)
        record.write_log(run / "log.csv", history)
        print(line(history[-1], o.epochs, best), flush=True)


def exit_code(program: str, train: Callable[[list[str] | None], None], argv: list[str] | None) -> int:
    """Runs `train(argv)`, says on stderr why it ended, and gives the exit code of `program`."""
    try:
        train(argv)
    except TrainError as e:
        text = str(e).strip()
        if "DataLoader worker" in text:  # a worker's error comes with its whole traceback
            text = text.splitlines()[-1].removeprefix("errors.TrainError: ")
        print(f"{program}: {text}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{program}: interrupted; --resume RUN_DIR/last.pth goes on after the last whole epoch", file=sys.stderr)
        return 130
    return 0
