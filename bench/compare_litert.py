#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rexnet against LiteRT (XNNPACK) on this machine, in blocks of two seconds in turn, so that both meet the same noise.

    python3 bench/compare_litert.py REXNET_PROGRAM MODEL.pth MODEL.tflite [--threads N] [--rounds N]

Needs ai-edge-litert and numpy. MODEL.tflite: the same network (litert-torch converts timm's rexnet_100).
"""
import argparse
import json
import subprocess
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("checkpoint")
parser.add_argument("tflite")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--rounds", type=int, default=5)
options = parser.parse_args()

interpreter = Interpreter(options.tflite, num_threads=options.threads)
interpreter.allocate_tensors()
image = interpreter.get_input_details()[0]
interpreter.set_tensor(image["index"], np.random.rand(*image["shape"]).astype(np.float32))
for _ in range(20):
    interpreter.invoke()

peer, ours, best, share = [], [], 1e9, 0.0
for _ in range(options.rounds):
    start = time.perf_counter()
    while time.perf_counter() - start < 2:
        before = time.perf_counter()
        interpreter.invoke()
        peer.append((time.perf_counter() - before) * 1e3)
    answer = json.loads(subprocess.check_output(
        [options.program, "bench", options.checkpoint, "--threads", str(options.threads), "--json"]))
    ours.append(answer["median_ms"])
    best, share = min(best, answer["min_ms"]), max(share, answer["share_of_peak"])

print(f"{answer['cpu']}, {answer['instruction_set']}, {options.threads} thread(s), milliseconds, minimum / median")
print(f"rexnet  {best:.2f} / {np.median(ours):.2f}  ({share:.0%} of the FMA peak)")
print(f"LiteRT  {min(peer):.2f} / {np.median(peer):.2f}")
print(f"ratio   {min(peer) / best:.2f} / {np.median(peer) / np.median(ours):.2f}")
