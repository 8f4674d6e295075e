# SPDX-License-Identifier: MIT
"""Ways to run a batch with a runtime; the fastest is the one that is measured.

A model converted for the whole batch is not always the best: some runtimes are faster image by image.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from runners import runner_class

TRIALS = 5


class Whole:
    """One pass over the whole input."""

    def __init__(self, peer, path, x, threads):
        self.runner = runner_class(peer)(path, threads)
        self.x = self.runner.prepare(x)

    def run(self):
        return self.runner.run(self.x)


class Images:
    """Image by image, dealt out to a team of runners that share the threads."""

    def __init__(self, peer, path, x, threads, team):
        self.runners = [runner_class(peer)(path, threads // team) for _ in range(team)]
        self.x = [self.runners[i % team].prepare(x[i : i + 1]) for i in range(len(x))]
        self.pool = ThreadPoolExecutor(team) if team > 1 else None

    def share(self, member):
        team = len(self.runners)
        return [self.runners[member].run(x) for x in self.x[member::team]]

    def run(self):
        members = range(len(self.runners))
        shares = list((self.pool.map if self.pool else map)(self.share, members))
        return np.concatenate([shares[i % len(shares)][i // len(shares)] for i in range(len(self.x))])


def ways(peer, path, single, x, threads):
    """{name: how to make it}; `single` is the model for one image."""
    if len(x) == 1:
        return {"single": lambda: Whole(peer, path, x, threads)}
    found = {}
    if peer != "ncnn":
        found["whole batch"] = lambda: Whole(peer, path, x, threads)
    found["image by image"] = lambda: Images(peer, single, x, threads, 1)
    if threads > 1:
        found["image per thread"] = lambda: Images(peer, single, x, threads, threads)
    return found


def fastest(peer, path, single, x, threads):
    """(name, runner) of the fastest way; they must agree on the logits."""
    found, times, logits = ways(peer, path, single, x, threads), {}, None
    if len(found) == 1:
        return [(name, make()) for name, make in found.items()][0]
    for name, make in found.items():
        try:
            way = make()
            answer = np.array(way.run())
            if logits is not None and np.abs(answer - logits).max() > 1e-3 * np.abs(logits).max():
                raise ValueError("other logits")
            logits = answer
            seconds = []
            for _ in range(TRIALS):
                start = time.perf_counter()
                way.run()
                seconds.append(time.perf_counter() - start)
            times[name] = min(seconds)
            del way  # before the next: some runtimes have one thread pool a process
        except Exception as e:  # whatever a runtime throws: the way is out of the question
            print(f"{name}: {e}", file=sys.stderr)
    print("seconds:", times, file=sys.stderr)
    best = min(times, key=times.get)
    return best, found[best]()
