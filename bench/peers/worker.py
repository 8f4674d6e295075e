# SPDX-License-Identifier: MIT
"""One peer with one model, driven line by line.

    python worker.py PEER MODEL INPUT.npy [--single MODEL] [--threads T]     (MODEL "-": imports only)

--single: the model for one image, for batches (batches.py).

Prints READY; then `run N` answers with the seconds of N forward passes, `logits FILE` writes the logits as
raw float32 and answers DONE, `quit` answers with JSON (peak resident memory, processor time per second of the
passes, the way a batch is run, the package's shared libraries) and ends.
"""

import argparse
import json
import os
import sys
import time

# Answers go to the real stdout; what libraries print goes to stderr.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import numpy as np  # noqa: E402

import peers  # noqa: E402
from batches import fastest  # noqa: E402
from runners import runner_class  # noqa: E402


def peak_kib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def package_libraries(peer):
    """Mapped shared libraries of the peer's distribution (with what the wheel vendors in NAME.libs)."""
    from importlib import metadata

    package = peers.PEERS[peer].package
    files = {str(f.locate().resolve()) for f in metadata.files(package) or []}
    with open("/proc/self/maps") as maps:
        mapped = {line.split(maxsplit=5)[5].strip() for line in maps if len(line.split(maxsplit=5)) == 6}
    return sorted(path for path in mapped if path in files and ".so" in path)


def serve(run, facts):
    """Answers until `quit`: run() is a pass, which returns an array or a list of them, facts() a part of the
    last answer."""
    print("READY", file=answers)
    wall = processor = 0.0
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "run":
            seconds = []
            busy = time.process_time()
            for _ in range(int(arguments[0])):
                start = time.perf_counter()
                run()
                seconds.append(time.perf_counter() - start)
            processor += time.process_time() - busy
            wall += sum(seconds)
            print(*(f"{s:.9f}" for s in seconds), file=answers)
        elif command == "logits":
            outputs = run()
            with open(arguments[0], "wb") as file:
                for output in outputs if isinstance(outputs, list) else [outputs]:
                    file.write(np.asarray(output, np.float32).tobytes())
            print("DONE", file=answers)
        elif command == "quit":
            break
    busy = processor / wall if wall else 0.0
    print(json.dumps({"peak_kib": peak_kib(), "cores_busy": busy, **facts()}), file=answers)
    answers.flush()
    os._exit(0)  # some runtimes do not shut down cleanly


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=[p for p in peers.PEERS if p != "rexnet"])
    parser.add_argument("model")
    parser.add_argument("input")
    parser.add_argument("--single")
    parser.add_argument("--threads", type=int, default=1)
    o = parser.parse_args()
    x = np.load(o.input)
    way = runner = None
    if o.model == "-":
        runner_class(o.peer).imports()
    else:
        way, runner = fastest(o.peer, o.model, o.single, x, o.threads)
        runner.run()
    serve(runner.run if runner else None, lambda: {"way": way, "libraries": package_libraries(o.peer)})


if __name__ == "__main__":
    main()
