# SPDX-License-Identifier: MIT
"""A run's device and folder."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

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
