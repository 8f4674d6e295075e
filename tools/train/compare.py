#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Classifies pictures with PyTorch and with the command `rexnet` and compares the answers picture by picture.

usage: compare.py RUN_DIR PICTURES [--rexnet PROGRAM] [--model FILE]
RUN_DIR is train.py's; PICTURES a folder with class folders, or the list RUN_DIR/val.csv of a split; FILE what `rexnet`
reads (default: RUN_DIR/best.rexnet).
Exit code 0 when every top-1 is the same, 1 when one is not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

import data
import engine
from checkpoints import read_state
from errors import TrainError
from models import create_model

PICTURES_PER_CALL = 50  # Windows' command lines hold 32767 characters


@dataclass
class Comparison:
    """Of n pictures: how many top-1 are equal, how many PyTorch and rexnet have right, and the
    largest difference of the best class's probability."""

    n: int
    equal: int
    right_torch: int
    right_rexnet: int
    difference: float

    def __str__(self) -> str:
        return (
            f"{self.n} pictures: top-1 equal on {self.equal}, right {self.right_torch} (PyTorch) and "
            f"{self.right_rexnet} (rexnet), probabilities within {self.difference:.1e}"
        )


def rexnet_answers(program: str, model: Path, paths: list[str]) -> list[tuple[int, float]]:
    """(class index, probability) of every picture's best class, by `rexnet classify`."""
    answers = []
    for first in range(0, len(paths), PICTURES_PER_CALL):
        some = paths[first : first + PICTURES_PER_CALL]
        command = [program, "classify", str(model), "--json", "--top", "1", *some]
        try:
            done = subprocess.run(command, capture_output=True, check=True)
        except FileNotFoundError as e:
            raise TrainError(f"{program}: not found; --rexnet names the program") from e
        except subprocess.CalledProcessError as e:
            raise TrainError(e.stderr.decode(errors="replace").strip()) from e
        answers += [(a["top"][0]["class"], a["top"][0]["probability"]) for a in json.loads(done.stdout)]
    return answers


def torch_answers(run: Path, samples: list[data.Sample], batch_size: int = 32) -> torch.Tensor:
    """[n, classes] probabilities of best.pth with the run's own preprocessing."""
    o = argparse.Namespace(**json.loads((run / "options.json").read_text(encoding="utf-8")))
    o.batch_size, o.workers = batch_size, 0
    classes = (run / "classes.txt").read_text(encoding="utf-8").splitlines()
    model = create_model(o.model, o.rex_width_mult, len(classes))
    model.load_state_dict(read_state(str(run / "best.pth")))
    device = torch.device("cpu")
    return engine.logits_of(model, data.val_loader(samples, o, device), device)[0].softmax(dim=1)


def compare(run: Path, pictures: str, program: str, model: Path) -> Comparison:
    """Both answers for all pictures. Prints those whose top-1 differ."""
    classes = (run / "classes.txt").read_text(encoding="utf-8").splitlines()
    samples = (data.read_folder if Path(pictures).is_dir() else data.read_list)(pictures, classes)
    theirs = torch_answers(run, samples)
    ours = rexnet_answers(program, model, [path for path, _ in samples])
    result = Comparison(len(samples), 0, 0, 0, 0.0)
    for (path, target), row, (index, probability) in zip(samples, theirs, ours, strict=True):
        best = int(row.argmax())
        result.equal += best == index
        result.right_torch += best == target
        result.right_rexnet += index == target
        result.difference = max(result.difference, abs(float(row[index]) - probability))
        if best != index:
            print(f"{path}: {classes[best]} {row[best]:.4f} (PyTorch), {classes[index]} {probability:.4f} (rexnet)")
    return result


def main(argv: list[str] | None = None) -> int:
    """The program; its exit code."""
    p = argparse.ArgumentParser(description="Compares the answers of PyTorch and of rexnet, picture by picture.")
    p.add_argument("run", metavar="RUN_DIR", type=Path)
    p.add_argument("pictures", metavar="PICTURES")
    p.add_argument("--rexnet", default="rexnet", metavar="PROGRAM")
    p.add_argument("--model", type=Path, metavar="FILE", help="default: RUN_DIR/best.rexnet")
    o = p.parse_args(argv)
    try:
        result = compare(o.run, o.pictures, o.rexnet, o.model or o.run / "best.rexnet")
    except (OSError, TrainError) as e:
        print(f"compare.py: {e}", file=sys.stderr)
        return 1
    print(result)
    return 0 if result.equal == result.n else 1


if __name__ == "__main__":
    sys.exit(main())
