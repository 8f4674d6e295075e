# SPDX-License-Identifier: MIT
"""One peer with one detector, or with its network alone: as worker.py, whose lines it understands.

    python detect_worker.py PEER MODEL INPUT.npy THREADS

`logits FILE` writes all outputs, one after the other.
"""

import sys

import numpy as np

from runners import runner_class
from worker import package_libraries, serve


def main():
    peer, model, file, threads = sys.argv[1:]
    runner = runner_class(peer)(model, int(threads))
    x = runner.prepare(np.load(file))
    runner.outputs(x)
    serve(lambda: runner.outputs(x), lambda: {"libraries": package_libraries(peer)})


if __name__ == "__main__":
    main()
