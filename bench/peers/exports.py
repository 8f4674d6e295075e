# SPDX-License-Identifier: MIT
"""The results for other programs: peers.csv, and what plots.py draws."""

import csv

import models
import peers
from tables import title


def write_csv(results, file):
    with open(file, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(
            [
                "model",
                "threads",
                "batch",
                "runtime",
                "min_ms",
                "median_ms",
                "ratio_to_rexnet",
                "rounds",
                "passes",
                "cores_busy",
                "peak_kib",
                "way",
                "problem",
            ]
        )
        for key, facts in results.facts.items():
            for peer, entry in facts["peers"].items():
                s = results.rows[key].get(peer, {})
                number = [f"{s[k]:.4f}" if s.get(k) else "" for k in ("min", "median", "ratio")]
                writer.writerow(
                    [
                        *key,
                        peer,
                        *number,
                        len(entry["blocks"]),
                        entry.get("passes", ""),
                        entry.get("cores_busy", ""),
                        entry.get("peak_kib", ""),
                        entry.get("way") or "",
                        results.problem(peer, *key) or "",
                    ]
                )


def picture_data(results):
    panels = []
    for batch in results.setup.batches:
        for threads in results.setup.threads:
            groups = []
            for model in results.setup.models:
                ranked = results.ranked((model, threads, batch))
                if models.is_rexnet(model) and "rexnet" in ranked:
                    groups.append(
                        {
                            "title": title(model),
                            "ms": {p: s["median"] for p, s in ranked.items()},
                            "ratio": {p: s["ratio"] for p, s in ranked.items()},
                        }
                    )
            if groups:
                panels.append({"title": f"batch {batch}, {threads} thread(s)", "groups": groups})
    threads, lines = max(results.setup.threads), []
    if not any((m, threads, 1) in results.rows for m in results.setup.models if not models.is_rexnet(m)):
        threads = min(results.setup.threads)
    for family in ("ReXNet", "EfficientNet"):
        for peer in ["rexnet", *peers.EFFICIENTNET_PEERS]:
            points = [
                {"title": title(m), "ms": s[peer]["median"], "top1": models.MODELS[m][1]}
                for m in results.setup.models
                for s in [results.ranked((m, threads, 1))]
                if peer in s and models.is_rexnet(m) == (family == "ReXNet") and "lite" not in m
            ]
            if points:
                lines.append(
                    {"family": family, "peer": peer, "points": sorted(points, key=lambda p: p["top1"])}
                )
    return {
        "titles": {p: peers.PEERS[p].title for p in results.setup.peers},
        "widths": panels,
        "accuracy": lines,
        "accuracy_threads": threads,
    }
