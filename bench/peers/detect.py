#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The detector (SSDLite on ReXNet v1, 320x320) and two other runtimes on this machine in one run.

    python3 bench/peers/detect.py [--output FILE] [--venv export=PATH] [--venv runtimes=PATH]

Prints Markdown; README.md beside this file says what is measured. What it downloads, builds and converts is
kept under --work, and taken from there the next time.
"""

import argparse
import os
import sys
import time
from array import array
from pathlib import Path

sys.dont_write_bytecode = True

import detect_report  # noqa: E402
import environments  # noqa: E402
import measure  # noqa: E402
from run import words  # noqa: E402
from steps import read_npy  # noqa: E402
from worker_process import Worker, WorkerError  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = {
    "export": ["torch", "torchvision", "timm", "onnx", "onnxscript", "numpy"],
    "runtimes": ["onnxruntime", "openvino", "numpy"],
}
PEERS = ["rexnet", "onnxruntime", "openvino"]
TASKS = ["network", "0.001", "0.3"]  # raw outputs; a picture to boxes above that score
SUFFIX = {"onnxruntime": ".onnx", "openvino": ".xml"}
SPLIT_PASSES = 5
PAPER_WIDTHS, PAPER_CLASSES = (90, 100, 130), 91


def detector(text):
    """ "1.0:91" -> ("1.0", 91) """
    width, classes = text.split(":")
    return f"{float(width):.1f}", int(classes)


class Setup:
    """What every part needs to know."""

    def __init__(self, o):
        self.here, self.root = Path(__file__).resolve().parent, ROOT
        self.work = o.work.absolute()
        self.work.mkdir(parents=True, exist_ok=True)
        self.build = o.build.absolute() if o.build else self.work / "rexnet"
        self.given = dict(pair.split("=", 1) for pair in o.venv)
        self.models, self.tasks, self.threads = o.models, o.tasks, o.threads
        self.rounds, self.block_seconds, self.cores = o.rounds, o.block_seconds, o.cores
        os.sched_setaffinity(0, self.cores)

    def python(self, environment):
        return Path(self.given.get(environment, self.work / "environments" / environment)) / "bin/python"

    def folder(self, model):
        width, classes = model
        return self.work / "detect" / f"v1_{width}_{classes}"


def run_or_stop(command, log, what):
    reason = environments.run_logged(command, log)
    if reason:
        sys.exit(f"{what}: {reason} (see {log})")


def prepare(setup):
    for name, packages in ENVIRONMENTS.items():
        environments.make_environment(setup, name, packages)
    environments.build_rexnet(setup, ["detect_worker"])


def convert(setup):
    """The ONNX files and what PyTorch makes of them, then OpenVINO's form."""
    for model in setup.models:
        folder = setup.folder(model)
        folder.mkdir(parents=True, exist_ok=True)
        log = setup.work / "logs" / f"detect_{folder.name}.log"
        if not (folder / "network.expected.npy").exists():  # the last that it writes
            print(f"  {folder.name}: exporting", flush=True)
            run_or_stop(
                [setup.python("export"), setup.here / "detect_models.py", *map(str, model), folder],
                log,
                folder.name,
            )
        for task in TASKS:
            if not (folder / f"{task}.xml").exists():
                onnx, output = folder / f"{task}.onnx", folder / f"{task}.xml"
                script = [setup.here / "convert.py", "openvino", task, "1", folder, output, onnx]
                run_or_stop([setup.python("runtimes"), *script], log, f"{folder.name} {task} for OpenVINO")


def worker_command(setup, peer, model, task, threads):
    folder = setup.folder(model)
    if peer == "rexnet":
        image = folder / ("input.npy" if task == "network" else "picture.rgb")
        return [setup.build / "bench/peers/detect_worker", task, folder / "model.pth", image, threads]
    image = folder / ("input.npy" if task == "network" else "picture.npy")
    script = setup.here / "detect_worker.py"
    return [setup.python("runtimes"), script, peer, folder / (task + SUFFIX[peer]), image, threads]


def start(setup, command, name, threads):
    log = setup.work / "logs" / f"detect_worker_{name}.log"
    # One thread gets the last core: interrupts tend to go to the first.
    return Worker(list(map(str, command)), setup.cores[-threads:], log, threads)


def outputs(setup, worker):
    file = setup.work / "outputs.bin"
    worker.ask(f"logits {file}")
    values = array("f", file.read_bytes())
    file.unlink()
    return values


def largest_difference(a, b):
    return max((abs(x - y) for x, y in zip(a, b)), default=0.0)


def compare_raw(got, exact, classes):
    """Largest differences from PyTorch's float64, of logits and of box codes."""
    if len(got) != len(exact):
        raise WorkerError(f"{len(got)} outputs instead of {len(exact)}")
    at = len(exact) // (classes + 4) * classes
    return {
        "logits": largest_difference(got[:at], exact[:at]),
        "largest_logit": max(map(abs, exact[:at])),
        "codes": largest_difference(got[at:], exact[at:]),
        "largest_code": max(map(abs, exact[at:])),
    }


def detections(values):
    """(label, score, corners) from all corners, then all scores, then all labels."""
    n = len(values) // 6
    return [(values[5 * n + i], values[4 * n + i], tuple(values[4 * i : 4 * i + 4])) for i in range(n)]


def same_box(a, b):
    """The same class, and corners within half a pixel."""
    return a[0] == b[0] and largest_difference(a[2], b[2]) < 0.5


def compare_boxes(got, expected):
    """How far the order is PyTorch's, and differences of what is found in both, wherever it stands."""
    got, expected = detections(got), detections(expected)
    pairs = [(e, next((g for g in got if same_box(e, g)), None)) for e in expected]
    pairs = [(e, g) for e, g in pairs if g is not None]
    return {
        "boxes": len(got),
        "expected": len(expected),
        "in_place": sum(same_box(e, g) for e, g in zip(expected, got)),
        "found": len(pairs),
        "pixels": max((largest_difference(e[2], g[2]) for e, g in pairs), default=0.0),
        "score": max((abs(e[1] - g[1]) for e, g in pairs), default=0.0),
    }


def check(setup, worker, model, task):
    expected = read_npy(setup.folder(model) / f"{task}.expected.npy")
    got = outputs(setup, worker)
    return compare_raw(got, expected, model[1]) if task == "network" else compare_boxes(got, expected)


def measure_workers(setup, row, commands, before):
    """Fills row["peers"]: {name: blocks, what the worker says at its end, what `before` says}."""
    workers = {}
    for name, command in commands.items():
        result = row["peers"][name] = {"blocks": []}
        try:
            workers[name] = start(setup, command, name, row["threads"])
            result["check"] = before(workers[name])
            times = workers[name].run(measure.WARM_UP)
            result["passes"] = measure.passes_for(times, setup.block_seconds)
            workers[name].run(result["passes"])
        except (WorkerError, OSError) as e:
            result["error"] = str(e)
            if name in workers:
                workers.pop(name).kill()
    row["split"] = []

    def split(rexnet):
        if row["task"] not in ("network", "random"):
            row["split"].append([1e3 * float(s) for s in rexnet.ask(f"split {SPLIT_PASSES}").split()])

    measure.measure_rounds(setup, row, workers, split)
    for name, worker in workers.items():
        try:
            row["peers"][name].update(worker.quit())
        except (WorkerError, ValueError) as e:
            row["peers"][name]["error"] = f"quit: {e}"
    return row


def new_row(model, task, threads):
    date = time.strftime("%Y-%m-%d %H:%M")
    return {"model": model, "task": task, "threads": threads, "batch": 1, "date": date, "peers": {}}


def measure_all(setup):
    """The rows of models and tasks, and those of the paper's widths."""
    rows = []
    threads = [t for t in setup.threads if t <= len(setup.cores)]
    for model in setup.models:
        for task in setup.tasks:
            for t in threads:
                commands = {p: worker_command(setup, p, model, task, t) for p in PEERS}
                row = new_row(model, task, t)
                measure_workers(setup, row, commands, lambda worker: check(setup, worker, model, task))
                rows.append(row)
                print("  " + detect_report.row_text(row), flush=True)
    paper = []
    for t in threads:
        program = setup.build / "bench/peers/detect_worker"
        commands = {w: [program, "random", w, PAPER_CLASSES, t] for w in PAPER_WIDTHS}
        paper.append(measure_workers(setup, new_row("paper", "random", t), commands, lambda _: None))
        print(f"  the paper's widths, {t} thread(s): done", flush=True)
    return rows, paper


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=ROOT / "build/peers")
    parser.add_argument("--output", type=Path, help="a Markdown file to write as well")
    parser.add_argument("--build", type=Path, help="CMake build directory for rexnet (default: WORK/rexnet)")
    parser.add_argument(
        "--venv",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help=f"an existing virtual environment for {', '.join(ENVIRONMENTS)}",
    )
    parser.add_argument(
        "--models",
        type=words(detector),
        default=[("1.0", 91), ("0.5", 4)],
        help="WIDTH:CLASSES,... with the background (default: 1.0:91,0.5:4)",
    )
    parser.add_argument("--tasks", type=words(str, TASKS), default=TASKS)
    parser.add_argument("--threads", type=words(int), default=[1, 2])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument(
        "--block-seconds", type=float, default=0.2, help="a block has 20 passes, fewer if slow"
    )
    parser.add_argument("--cores", type=words(int), default=sorted(os.sched_getaffinity(0)))
    parser.add_argument("--prepare", action="store_true", help="everything but the measurement")
    o = parser.parse_args()
    setup = Setup(o)
    print("== setup", flush=True)
    prepare(setup)
    print("== convert", flush=True)
    convert(setup)
    if o.prepare:
        return
    print("== check and measure", flush=True)
    begin = time.monotonic()
    rows, paper = measure_all(setup)
    print(f"  {time.monotonic() - begin:.0f} s\n", flush=True)
    text = detect_report.report(setup, rows, paper, environments.versions(setup, ENVIRONMENTS))
    print(text)
    if o.output:
        o.output.write_text(text)


if __name__ == "__main__":
    main()
