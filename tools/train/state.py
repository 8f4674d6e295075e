# SPDX-License-Identifier: MIT
"""last.pth: all that a run needs to go on as if it had not stopped. Plain values and tensors only: read with
weights_only, and `rexnet` reads it as well."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy
import torch

from engine import Trainer
from errors import TrainError


def write_atomically(path: str | Path, write: Callable[[str], None]) -> None:
    """Calls write(temporary path), then renames: a program that is stopped in between leaves the old file or none."""
    part = f"{path}.part"
    try:
        write(part)
        os.replace(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)


def write_text(path: str | Path, text: str) -> None:
    """A UTF-8 file with \\n, atomically."""
    write_atomically(path, lambda part: Path(part).write_text(text, encoding="utf-8", newline="\n"))


def save_weights(path: str | Path, model: torch.nn.Module) -> None:
    """A bare state_dict on the CPU, atomically."""
    weights = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
    write_atomically(path, lambda part: torch.save(weights, part))


def random_state() -> dict:
    """The states of all generators that loaders, augmentation and dropout use."""
    _, keys, position, has_gauss, cached = numpy.random.get_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {
        "python": random.getstate(),
        "numpy": [keys.tolist(), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "cuda": cuda,
    }


def set_random_state(state: dict) -> None:
    """Puts random_state()'s answer back."""
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    keys, position, has_gauss, cached = state["numpy"]
    numpy.random.set_state(("MT19937", numpy.array(keys, numpy.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([s.cpu() for s in state["cuda"]])


def save(path: str | Path, t: Trainer, options: dict, classes: list[str], history: list[dict]) -> None:
    """The run after its last whole epoch: as many as `history` has rows."""
    content = {
        "epoch": len(history),
        "arch": options["model"],
        "options": options,
        "classes": classes,
        "history": history,
        "steps": t.steps,
        "state_dict": t.model.state_dict(),
        "optimizer": t.optimizer.state_dict(),
        "random": random_state(),
    }
    if t.ema is not None:
        content["state_dict_ema"] = t.ema.module.state_dict()
    if t.scaler is not None:
        content["scaler"] = t.scaler.state_dict()
    write_atomically(path, lambda part: torch.save(content, part))


def read(path: str) -> dict:
    """What save() wrote. TrainError for any other file."""
    if not os.path.isfile(path):
        raise TrainError(f"{path}: no such file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as e:  # torch, pickle and zipfile each have their own
        raise TrainError(f"{path}: cannot be read: {e}") from e
    if not isinstance(content, dict) or "random" not in content or "options" not in content:
        raise TrainError(f"{path}: no last.pth of this program; --initial-checkpoint takes any weights")
    return content


def restore(t: Trainer, content: dict) -> None:
    """Puts read()'s answer into a trainer made with the same options."""
    if (t.ema is None) != ("state_dict_ema" not in content):
        raise TrainError("--resume: a run keeps --model-ema, or --no-model-ema, to its end")
    try:
        t.model.load_state_dict(content["state_dict"])
        t.optimizer.load_state_dict(content["optimizer"])
    except (RuntimeError, ValueError) as e:
        raise TrainError(f"--resume: another network or optimizer than the run's: {e}") from e
    if t.ema is not None:
        t.ema.module.load_state_dict(content["state_dict_ema"])
    if t.scaler is not None and "scaler" in content:
        t.scaler.load_state_dict(content["scaler"])
    t.steps = content["steps"]
    t.scheduler.step_update(t.steps)  # timm's schedules are functions of the step alone
    set_random_state(content["random"])
