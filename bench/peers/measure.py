# SPDX-License-Identifier: MIT
"""Step `measure`: rounds of blocks in random order, one row (model, threads, batch) after the other."""

import hashlib
import json
import random
import statistics
import time

import models
import peers
from environments import write_versions
from worker_process import Worker, WorkerError

WARM_UP = 3


def worker_command(setup, peer, model, batch, threads):
    """`model` None: no model, to see what the imports alone need."""
    file = peers.model_file(setup.work, peer, model, batch) if model else "-"
    images = setup.work / "models" / f"{model or 'rexnet_100'}.input{batch}.npy"
    if peer == "rexnet":
        return [setup.build / "bench/peers/rexnet_worker", file, images, str(batch), str(threads)]
    single = peers.model_file(setup.work, peer, model, 1) if model else "-"
    python, script = setup.python(peers.PEERS[peer].environment), setup.here / "worker.py"
    return [python, script, peer, file, images, "--single", single, "--threads", str(threads)]


def start(setup, peer, model, batch, threads):
    log = setup.work / "logs" / f"{peer}_{model}_b{batch}_t{threads}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # One thread gets the last core: interrupts tend to go to the first.
    cores = setup.cores[-threads:]
    return Worker(list(map(str, worker_command(setup, peer, model, batch, threads))), cores, log, threads)


def passes_for(times, block_seconds):
    """20 passes, fewer where that takes longer than the block's time, but never fewer than 3."""
    return max(3, min(20, int(block_seconds * 1e3 / statistics.median(times))))


def measure_rounds(setup, row, workers, before):
    """One block per worker in each round; before(rexnet's worker) comes before its blocks. Who fails is taken
    out of `workers`."""
    order = random.Random(f"{row['model']} {row['threads']} {row['batch']}")
    for _ in range(setup.rounds):
        names = list(workers)
        order.shuffle(names)
        for name in names:
            result = row["peers"][name]
            try:
                if name == "rexnet":
                    before(workers[name])
                result["blocks"].append(workers[name].run(result["passes"]))
            except WorkerError as e:
                result["error"] = str(e)
                del workers[name]


def measure_row(setup, model, threads, batch, names):
    """One row: every runtime's blocks, and the FMA peak, in the same rounds."""
    row = {
        "model": model,
        "threads": threads,
        "batch": batch,
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "cores": len(setup.cores),
        "peers": {},
    }
    workers = {}
    for name in names:
        result = row["peers"][name] = {"blocks": []}
        try:
            missing = setup.status.failure(name, model, batch)
            if missing:
                raise WorkerError(missing)
            workers[name] = start(setup, name, model, batch, threads)
            result["passes"] = passes_for(workers[name].run(WARM_UP), setup.block_seconds)
            workers[name].run(result["passes"])
        except (WorkerError, OSError) as e:
            result["error"] = str(e)
            workers.pop(name, None)
    row["peak_gmacs"] = []
    measure_rounds(
        setup, row, workers, lambda rexnet: row["peak_gmacs"].append(float(rexnet.ask("peak")) / 1e9)
    )
    for name, worker in workers.items():
        try:
            row["peers"][name].update(worker.quit())
        except (WorkerError, ValueError) as e:
            row["peers"][name]["error"] = f"quit: {e}"
    return row


def summary(row):
    """{peer: minimum, median, ratio to rexnet}.

    The ratio is the median over rounds of the ratio of the two block medians."""
    medians = {
        name: [statistics.median(b) for b in result["blocks"]]
        for name, result in row["peers"].items()
        if result["blocks"] and "error" not in result
    }
    ours = medians.get("rexnet")
    return {
        name: {
            "min": min(min(b) for b in row["peers"][name]["blocks"]),
            "median": statistics.median(rounds),
            "ratio": statistics.median(p / r for p, r in zip(rounds, ours)) if ours else None,
        }
        for name, rounds in medians.items()
    }


def disturbed(row):
    """Whether something else ran on the cores: rexnet keeps all of them busy when it can."""
    busy = row["peers"].get("rexnet", {}).get("cores_busy")
    if busy is None or busy > 0.85 * row["threads"]:
        return None
    return f"the machine was busy, rexnet's worker got {busy:.2f} of {row['threads']} core(s)"


def result_file(work, model, threads, batch):
    return work / "results" / f"{model}_t{threads}_b{batch}.json"


def fingerprint(setup):
    """Rows are measured again when rexnet has been rebuilt into something else or the plan has changed."""
    digest = hashlib.sha256((setup.build / "bench/peers/rexnet_worker").read_bytes()).hexdigest()[:16]
    return f"{digest} rounds {setup.rounds} block {setup.block_seconds} peers {' '.join(setup.peers)}"


def rows(setup):
    return [
        (m, t, b)
        for b in setup.batches
        for t in setup.threads
        for m in setup.models
        if models.is_rexnet(m) or b == 1
    ]


def baselines(setup):
    """Peak memory of each worker without a model."""
    found = {}
    for name in setup.peers:
        try:
            found[name] = start(setup, name, None, 1, 1).quit()["peak_kib"]
        except (WorkerError, OSError, ValueError, KeyError) as e:
            print(f"  baseline of {name}: {e}", flush=True)
    (setup.work / "results" / "baselines.json").write_text(json.dumps(found))


def measure(setup):
    (setup.work / "results").mkdir(parents=True, exist_ok=True)
    write_versions(setup)
    baselines(setup)
    mark = fingerprint(setup)
    todo = rows(setup)
    for at, (model, threads, batch) in enumerate(todo, 1):
        head = f"[{at}/{len(todo)}] {model}, {threads} thread(s), batch {batch}: "
        if threads > len(setup.cores):
            print(head + f"skipped, only {len(setup.cores)} core(s)", flush=True)
            continue
        file = result_file(setup.work, model, threads, batch)
        before = json.loads(file.read_text()) if file.exists() and not setup.again else {}
        if before.get("fingerprint") == mark and not disturbed(before):
            print(head + "measured before", flush=True)
            continue
        begin = time.monotonic()
        row = measure_row(setup, model, threads, batch, [p for p in setup.peers if peers.runs(p, model)])
        row["fingerprint"] = mark
        file.write_text(json.dumps(row))
        numbers = ", ".join(
            f"{name} {s['min']:.2f}/{s['median']:.2f}" + (f" x{s['ratio']:.2f}" if s["ratio"] else "")
            for name, s in summary(row).items()
        )
        print(f"{head}{numbers} ({time.monotonic() - begin:.0f} s)", flush=True)
        for name, result in row["peers"].items():
            if "error" in result:
                print(f"    {name}: {result['error']}", flush=True)
        if disturbed(row):
            print(f"    {disturbed(row)}: measure again", flush=True)
