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


def write_log(path: Path, history: list[dict]) -> None:
    """log.csv: a row per epoch, percent for top1 and top5; lr is that of the epoch's first step."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(history[-1]), lineterminator="\n")
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


# (column of the log, what it is called) of a classifier's curve.
LOSSES = (("train_loss", "training (augmented, smoothed)"), ("val_loss", "validation"))
MEASURES = (("top1", "validation top-1 (%)"),)


def draw_curve(
    path: Path,
    history: list[dict],
    best: dict,
    losses: tuple[tuple[str, str], ...] = LOSSES,
    measures: tuple[tuple[str, str], ...] = MEASURES,
) -> bool:
    """curve.png: losses and measures by epoch, the best epoch's first measure marked. False without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(8, 3.2), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)

    def plot(axes, column: str, label: str) -> None:
        rows = [row for row in history if row[column] is not None]  # some are not measured every epoch
        axes.plot([row["epoch"] for row in rows], [row[column] for row in rows], label=label)

    for column, label in losses:
        plot(left, column, label)
    # Averages and BatchNorm's statistics need some steps: what validation says before would flatten the rest.
    most = [max(row[column] for row in history) for column, _ in losses]
    left.set(xlabel="epoch", ylabel="loss", ylim=(0, 1.05 * max(most[0], min(max(most), 1.5 * most[0]))))
    for column, label in measures:
        plot(right, column, label)
    column, label = measures[0]
    right.plot(best["epoch"], best[column], "o", color="tab:blue", label=f"best.pth: {best[column]:.1f} %")
    right.set(xlabel="epoch", ylabel=label if len(measures) == 1 else "%")
    left.legend(frameon=False)
    right.legend(frameon=False, loc="lower right")
    for axes in (left, right):
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


def pack_detector_command(run: Path, o: argparse.Namespace) -> list[str]:
    """`rexnet pack` with this run's labels, input size and anchors."""
    width, height = o.input_size
    least, most = o.anchor_scales
    return [
        "rexnet",
        "pack",
        str(run / "best.pth"),
        "-o",
        str(run / "best.rexnet"),
        "--labels",
        str(run / "classes.txt"),
        "--input-size",
        f"{width}x{height}",
        "--anchor-scales",
        f"{least},{most}",
    ]


def eval_command(run: Path, pictures: str) -> list[str]:
    """`rexnet eval` on the validation pictures: a folder, the list of a split, or a detector's COCO file."""
    return ["rexnet", "eval", str(run / "best.rexnet"), pictures]
