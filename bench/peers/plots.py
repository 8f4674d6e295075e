# SPDX-License-Identifier: MIT
"""Draws the report's pictures, in an environment with matplotlib.

python plots.py DATA.json DIRECTORY
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

COLOURS = {
    "rexnet": "#b5121b",
    "litert": "#2b6cb0",
    "onnxruntime": "#6b7280",
    "openvino": "#2f855a",
    "executorch": "#805ad5",
    "ncnn": "#b7791f",
    "mnn": "#0f766e",
}


def latency_by_width(data, directory):
    """Grouped bars; each group relative to rexnet, so that small and wide networks fit one axis."""
    figure, axes = plt.subplots(
        len(data["widths"]), 1, figsize=(9, 3.2 * len(data["widths"])), squeeze=False
    )
    for axis, panel in zip(axes[:, 0], data["widths"]):
        present = [p for p in data["titles"] if any(p in group["ms"] for group in panel["groups"])]
        width = 0.84 / max(1, len(present))
        for i, peer in enumerate(present):
            at = [
                g + (i - (len(present) - 1) / 2) * width
                for g, group in enumerate(panel["groups"])
                if peer in group["ms"]
            ]
            ms = [group["ms"][peer] for group in panel["groups"] if peer in group["ms"]]
            relative = [group["ratio"][peer] for group in panel["groups"] if peer in group["ms"]]
            axis.bar(at, relative, width * 0.92, color=COLOURS[peer], label=data["titles"][peer])
            for x, height, value in zip(at, relative, ms):
                axis.text(
                    x, height + 0.02, f"{value:.3g}", ha="center", va="bottom", fontsize=6.5, rotation=90
                )
        axis.set_xticks(range(len(panel["groups"])), [group["title"] for group in panel["groups"]])
        axis.set_ylabel("time, rexnet = 1")
        axis.set_title(panel["title"] + " (figures: median ms)", fontsize=10)
        axis.set_ylim(0, max(max(g["ratio"].values()) for g in panel["groups"]) * 1.17)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].legend(ncols=4, fontsize=7.5, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.32))
    figure.tight_layout()
    figure.savefig(directory / "peers_width.svg")


def latency_by_accuracy(data, directory):
    figure, axis = plt.subplots(figsize=(8, 5))
    for line in data["accuracy"]:
        dashed = line["family"] == "EfficientNet"
        axis.plot(
            [p["ms"] for p in line["points"]],
            [p["top1"] for p in line["points"]],
            "o--" if dashed else "o-",
            color=COLOURS[line["peer"]],
            markersize=5,
            markerfacecolor="white" if dashed else None,
            linewidth=2 if line["peer"] == "rexnet" else 1.2,
            label=f"{line['family']}, {data['titles'][line['peer']]}",
        )
    named = set()
    for line in data["accuracy"]:
        for p in line["points"]:
            if p["title"] not in named:
                named.add(p["title"])
                axis.annotate(
                    p["title"],
                    (p["ms"], p["top1"]),
                    textcoords="offset points",
                    xytext=(-4, 6),
                    ha="right",
                    fontsize=7,
                )
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda v, _: f"{v:g}"))
    axis.xaxis.set_minor_formatter(matplotlib.ticker.FuncFormatter(lambda v, _: f"{v:g}"))
    axis.tick_params(axis="x", which="minor", labelsize=7)
    axis.set_xlabel(f"median ms, {data['accuracy_threads']} thread(s), batch 1")
    axis.set_ylabel("published top-1 on ImageNet, %")
    axis.grid(alpha=0.25)
    axis.legend(fontsize=7.5, frameon=False, loc="lower right")
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(directory / "peers_accuracy.svg")


if __name__ == "__main__":
    plt.rcParams["svg.hashsalt"] = "rexnet"
    content, target = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    if content["widths"]:
        latency_by_width(content, target)
    if content["accuracy"]:
        latency_by_accuracy(content, target)
