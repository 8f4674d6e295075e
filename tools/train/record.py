# SPDX-License-Identifier: MIT
"""What a run leaves to read: log.csv, curve.png, and the commands that come next."""

from __future__ import annotations

import argparse
import csv
import io
import os
import shlex
import subprocess
from pathlib import Path

from state import write_atomically, write_text

COLUMNS = ("epoch", "lr", "train_loss", "val_loss", "top1", "top5", "seconds")


def write_log(path: Path, history: list[dict]) -> None:
    """log.csv: a row per epoch, percent for top1 and top5; lr is that of the epoch's first step."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_text(path, text.getvalue())


def epoch_line(row: dict, epochs: int, best: bool) -> str:
    """A row of the log for people."""
    return (
        f"epoch {row['epoch']:3}/{epochs}  lr {row['lr']:.2g}  loss {row['train_loss']:.4f}  validation loss "
        f"{row['val_loss']:.4f}  top-1 {row['top1']:.2f} %  top-5 {row['top5']:.2f} %  {row['seconds']:.1f} s"
        + ("  best" if best else "")
    )


def best_row(history: list[dict]) -> dict:
    """The epoch that best.pth holds: highest top-1, then lowest validation loss, then the first."""
    return max(history, key=lambda row: (row["top1"], -row["val_loss"], -row["epoch"]))


def draw_curve(path: Path, history: list[dict]) -> bool:
    """curve.png: losses and top-1 by epoch. False without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(8, 3.2), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    losses, accuracy = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    losses.plot(epochs, [row["train_loss"] for row in history], label="training (augmented, smoothed)")
    losses.plot(epochs, [row["val_loss"] for row in history], label="validation")
    # Averages and BatchNorm's statistics need some steps: what validation says before would flatten the rest.
    most_val, most_train = (max(row[name] for row in history) for name in ("val_loss", "train_loss"))
    losses.set(xlabel="epoch", ylabel="loss", ylim=(0, 1.05 * max(most_train, min(most_val, 1.5 * most_train))))
    losses.legend(frameon=False)
    best = best_row(history)
    accuracy.plot(epochs, [row["top1"] for row in history], color="tab:green")
    accuracy.plot(best["epoch"], best["top1"], "o", color="tab:green", label=f"best.pth: {best['top1']:.1f} %")
    accuracy.set(xlabel="epoch", ylabel="validation top-1 (%)")
    accuracy.legend(frameon=False, loc="lower right")
    for axes in (losses, accuracy):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    write_atomically(path, lambda part: figure.savefig(part, format="png"))
    return True


def quoted(words: list[str]) -> str:
    """A command line to paste into this system's shell."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def pack_command(run: Path, o: argparse.Namespace) -> list[str]:
    """`rexnet pack` with this run's labels and preprocessing."""
    return [
        "rexnet",
        "pack",
        str(run / "best.pth"),
        "-o",
        str(run / "best.rexnet"),
        "--labels",
        str(run / "classes.txt"),
        "--input-size",
        str(o.input_size),
        "--crop-pct",
        str(o.crop_pct),
        "--interpolation",
        o.interpolation,
    ]


def eval_command(run: Path, pictures: str) -> list[str]:
    """`rexnet eval` on the validation pictures: a folder, or the list of a split."""
    return ["rexnet", "eval", str(run / "best.rexnet"), pictures]
