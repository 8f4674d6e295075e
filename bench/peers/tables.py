# SPDX-License-Identifier: MIT
"""What the report says, computed from the results: rankings, shares, means, sizes."""

import json
import math
import subprocess
from pathlib import Path

import elf
import measure
import models
import peers
from steps import TOLERANCE


def title(model):
    """rexnet_130 -> 1.3, rexnet_lite_100 -> lite 1.0, efficientnet_b0 -> EfficientNet-B0."""
    if not models.is_rexnet(model):
        return "EfficientNet-" + model[-2:].upper()
    return ("lite " if "lite" in model else "") + f"{int(model[-3:]) / 100:.1f}"


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def read_json(file, default):
    return json.loads(file.read_text()) if file.exists() else default


class Results:
    def __init__(self, setup):
        self.setup = setup
        self.rows, self.facts = {}, {}
        for model, threads, batch in measure.rows(setup):
            file = measure.result_file(setup.work, model, threads, batch)
            if file.exists():
                row = json.loads(file.read_text())
                self.facts[model, threads, batch] = row
                self.rows[model, threads, batch] = measure.summary(row)
        self.checks = read_json(setup.work / "check.json", {})
        self.baselines = read_json(setup.work / "results/baselines.json", {})
        self.versions = read_json(setup.work / "versions.json", {})
        built = setup.work / "commit.txt"
        self.commit = built.read_text() if built.exists() else "unknown"
        self.macs = {m: self.multiply_adds(m) for m in setup.models if models.is_rexnet(m)}

    def multiply_adds(self, model):
        file = peers.model_file(self.setup.work, "rexnet", model, 1)
        answer = subprocess.run(
            [self.setup.build / "tools/rexnet", "inspect", file, "--json"], stdout=subprocess.PIPE
        )
        return json.loads(answer.stdout)["multiply_adds"] if answer.returncode == 0 else None

    def problem(self, peer, model, threads, batch):
        """Why this cell has no rank, or None."""
        if (model, threads, batch) not in self.facts:
            return "not measured"
        entry = self.facts[model, threads, batch]["peers"].get(peer)
        if entry is None:
            return "not measured"
        if "error" in entry:
            # A report does not name the directories of the machine it was made on.
            return (
                entry["error"].replace(str(self.setup.work), "WORK").replace(str(self.setup.root), "ROOT")
            )
        check = self.checks.get(f"{peer} {model} {batch}", "logits not checked")
        if isinstance(check, str):
            return check
        return None if check <= TOLERANCE else f"logits differ by {check:.2g}"

    def ranked(self, key):
        return {p: s for p, s in self.rows.get(key, {}).items() if self.problem(p, *key) is None}

    def best_peer(self, key):
        """(name, ratio to rexnet) of the fastest peer of a row."""
        others = {p: s["ratio"] for p, s in self.ranked(key).items() if p != "rexnet" and s["ratio"]}
        return min(others.items(), key=lambda item: item[1]) if others else None

    def share_of_peak(self, key):
        """rexnet's multiply-adds per second over the FMA peak of the same rounds."""
        model, _, batch = key
        ours, peak = self.rows[key].get("rexnet"), self.facts[key].get("peak_gmacs")
        if not ours or not peak or not self.macs.get(model):
            return None
        return self.macs[model] * batch / (ours["min"] * 1e6) / max(peak)

    def means(self, batch):
        """{threads: (mean, smallest, rows)} of best peer / rexnet."""
        found = {}
        for threads in self.setup.threads:
            ratios = [self.best_peer((m, threads, batch)) for m in self.setup.models if models.is_rexnet(m)]
            ratios = [r[1] for r in ratios if r]
            if ratios:
                found[threads] = (geometric_mean(ratios), min(ratios), len(ratios))
        return found

    def code(self, peer):
        """(code and constants, size of the files) in bytes, of what the runtime's workers had loaded."""
        if peer == "rexnet":
            file = self.setup.work / "minimal.stripped"
            program = self.setup.build / "examples/minimal"
            if subprocess.run(["strip", "-o", file, program]).returncode != 0:
                return None
            return elf.code_bytes(file), file.stat().st_size
        for row in self.facts.values():
            files = [f for f in row["peers"].get(peer, {}).get("libraries", []) if Path(f).exists()]
            if files:
                return sum(map(elf.code_bytes, files)), sum(Path(f).stat().st_size for f in files)
        return None

    def rounds(self):
        entries = [e for row in self.facts.values() for e in row["peers"].values() if e["blocks"]]
        if not entries:
            return "none"
        passes, counts = [e["passes"] for e in entries], [len(e["blocks"]) for e in entries]
        return f"{min(counts)} to {max(counts)} per row, blocks of {min(passes)} to {max(passes)} passes"

    def reasons(self):
        """Every cell without rank and every row to doubt: {reason: [cells]}."""
        found = {}
        for model, threads, batch in self.facts:
            for peer in self.setup.peers:
                if peers.runs(peer, model):
                    reason = self.problem(peer, model, threads, batch)
                    if reason:
                        text = f"{peers.PEERS[peer].title}: {reason}"
                        found.setdefault(text, []).append(f"{title(model)} x{threads} b{batch}")
        for (model, threads, batch), row in self.facts.items():
            text = measure.disturbed(row)
            if text:
                found.setdefault(text, []).append(f"{title(model)} x{threads} b{batch}")
        return found
