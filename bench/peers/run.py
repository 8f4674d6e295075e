#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rexnet and other runtimes on this machine in one run.

    python3 bench/peers/run.py [STEP...]      setup convert check measure report; by default all

README.md beside this file says how it measures. What it downloads, builds and finds is kept under --work.
"""

import argparse
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import environments  # noqa: E402
import measure  # noqa: E402
import models  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402
import steps  # noqa: E402

STEPS = {
    "setup": environments.prepare,
    "convert": steps.convert,
    "check": steps.check,
    "measure": measure.measure,
    "report": report.report,
}
ROOT = Path(__file__).resolve().parents[2]


def words(kind, allowed=None):
    def parse(text):
        values = [kind(word) for word in text.split(",") if word]
        for value in values:
            if allowed is not None and value not in allowed:
                raise argparse.ArgumentTypeError(f"{value}: not one of {', '.join(map(str, allowed))}")
        return values

    return parse


class Setup:
    """What every step needs to know."""

    def __init__(self, o):
        self.here = Path(__file__).resolve().parent
        self.root = ROOT
        self.work = o.work.absolute()
        self.work.mkdir(parents=True, exist_ok=True)
        self.build = o.build.absolute() if o.build else self.work / "rexnet"
        self.given = dict(pair.split("=", 1) for pair in o.venv)
        self.models, self.peers, self.threads, self.batches = o.models, o.peers, o.threads, o.batches
        self.rounds, self.block_seconds, self.again, self.output = (
            o.rounds,
            o.block_seconds,
            o.again,
            o.output,
        )
        self.cores = o.cores
        if "rexnet" not in self.peers:
            self.peers = ["rexnet", *self.peers]
        self.status = steps.Status(self.work / "conversions.json")
        os.sched_setaffinity(0, self.cores)

    def python(self, environment):
        base = Path(self.given.get(environment, self.work / "environments" / environment))
        return base / "bin/python"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    # No choices=: argparse of older Pythons refuses an empty list then.
    parser.add_argument("steps", nargs="*", metavar="STEP", help="setup, convert, check, measure, report")
    parser.add_argument("--work", type=Path, default=ROOT / "build/peers")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs", help="where peers.md, peers.csv, images/ go"
    )
    parser.add_argument(
        "--build", type=Path, help="CMake build directory for rexnet (default: WORK/rexnet)"
    )
    parser.add_argument(
        "--venv",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help=f"an existing virtual environment for {', '.join(peers.ENVIRONMENTS)}",
    )
    parser.add_argument("--models", type=words(str, list(models.MODELS)), default=list(models.MODELS))
    parser.add_argument("--peers", type=words(str, list(peers.PEERS)), default=list(peers.PEERS))
    parser.add_argument("--threads", type=words(int), default=[1, 2])
    parser.add_argument("--batches", type=words(int, models.BATCHES), default=list(models.BATCHES))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument(
        "--block-seconds", type=float, default=0.5, help="a block has 20 passes, fewer if slow"
    )
    parser.add_argument("--cores", type=words(int), default=sorted(os.sched_getaffinity(0)))
    parser.add_argument("--again", action="store_true", help="measure rows that have been measured before")
    o = parser.parse_args()
    for step in o.steps:
        if step not in STEPS:
            parser.error(f"no such step: {step}")
    setup = Setup(o)
    for step in o.steps or STEPS:
        print(f"== {step}", flush=True)
        STEPS[step](setup)


if __name__ == "__main__":
    main()
