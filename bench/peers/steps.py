# SPDX-License-Identifier: MIT
"""Steps `convert` and `check`: every runtime's form of the networks, and whether they still agree."""

import json
import os
import sys
from array import array
from pathlib import Path

import models
import peers
from environments import run_logged
from measure import start
from worker_process import WorkerError

TOLERANCE = 1e-3  # of the largest logit; above it a peer computes something else


class Status:
    """Reasons of failed conversions, kept over runs: a peer that cannot be run is shown with its reason."""

    def __init__(self, file):
        self.file = file
        self.reasons = json.loads(file.read_text()) if file.exists() else {}

    def set(self, peer, model, batch, reason):
        self.reasons.pop(f"{peer} {model} {batch}", None)
        if reason:
            self.reasons[f"{peer} {model} {batch}"] = reason
        self.file.write_text(json.dumps(self.reasons, indent=1))

    def failure(self, peer, model, batch):
        return self.reasons.get(f"{peer} {model} {batch}")


def convert_one(setup, peer, model, batch):
    """None, or why not."""
    output = peers.model_file(setup.work, peer, model, batch)
    if output.exists():
        return None
    output.parent.mkdir(parents=True, exist_ok=True)
    weights = setup.work / "models"
    log = setup.work / "logs" / f"convert_{peer}_{model}_b{batch}.log"
    if peer == "rexnet":
        return run_logged(
            [setup.build / "tools/rexnet", "pack", weights / f"{model}.pth", "-o", output], log
        )
    if not setup.python(peers.PEERS[peer].environment).exists():
        return f"there is no environment {peers.PEERS[peer].environment}"
    command = [
        setup.python(peers.PEERS[peer].environment),
        setup.here / "convert.py",
        peer,
        model,
        str(batch),
        weights.absolute(),
        output.absolute(),
    ]
    source = peers.PEERS[peer].source
    if source:
        onnx = peers.model_file(setup.work, source, model, batch)
        reason = setup.status.failure(source, model, batch) or convert_one(setup, source, model, batch)
        if reason:
            return f"no ONNX file to start from: {reason}"
        command.append(onnx.absolute())
    reason = run_logged(command, log)
    return reason or (None if output.exists() else f"the converter left no {output.name}")


def convert(setup):
    weights = setup.work / "models"
    weights.mkdir(parents=True, exist_ok=True)
    for model in setup.models:
        if not (weights / f"{model}.logits.npy").exists():
            log = setup.work / "logs" / f"model_{model}.log"
            reason = run_logged([setup.python("torch"), setup.here / "models.py", model, weights], log)
            if reason:
                sys.exit(f"{model}: {reason} (see {log})")
            print("  " + log.read_text().splitlines()[-1], flush=True)
        for batch in sorted({1, *setup.batches}):  # batches may be run image by image
            for peer in setup.peers:
                if peers.runs(peer, model) and (models.is_rexnet(model) or batch == 1):
                    known = peers.model_file(setup.work, peer, model, batch).exists()
                    reason = convert_one(setup, peer, model, batch)
                    setup.status.set(peer, model, batch, reason)
                    if not known:
                        print(f"  {model} batch {batch} for {peer}: {reason or 'done'}", flush=True)


def read_npy(path):
    """A float64 array of NumPy's simplest kind, without NumPy."""
    data = Path(path).read_bytes()
    begin = 10 + int.from_bytes(data[8:10], "little")
    assert data[6] == 1 and b"'<f8'" in data[:begin], path
    return array("d", data[begin:])


def check(setup):
    """Every peer's logits against PyTorch's in double."""
    file = setup.work / "check.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    for model in setup.models:
        exact = read_npy(setup.work / "models" / f"{model}.logits.npy")
        for batch in setup.batches:
            for peer in setup.peers:
                if not peers.runs(peer, model) or not (models.is_rexnet(model) or batch == 1):
                    continue
                key = f"{peer} {model} {batch}"
                try:
                    reason = setup.status.failure(peer, model, batch)
                    if reason:
                        raise WorkerError(reason)
                    found[key] = difference(setup, peer, model, batch, exact[: len(exact) // 8 * batch])
                except (WorkerError, OSError) as e:
                    found[key] = str(e)
                verdict = found[key] if isinstance(found[key], str) else f"{found[key]:.2g}"
                print(f"  {model} batch {batch} {peer}: {verdict}", flush=True)
                file.write_text(json.dumps(found, indent=1))


def difference(setup, peer, model, batch, exact):
    """The largest difference relative to the largest logit."""
    out = setup.work / "logits.bin"
    worker = start(setup, peer, model, batch, 1)
    try:
        worker.ask(f"logits {out.absolute()}")
    finally:
        worker.kill()
    got = array("f", out.read_bytes())
    os.remove(out)
    if len(got) != len(exact):
        raise WorkerError(f"{len(got)} logits instead of {len(exact)}")
    return max(abs(a - b) for a, b in zip(got, exact)) / max(map(abs, exact))
