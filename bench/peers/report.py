# SPDX-License-Identifier: MIT
"""Step `report`: docs/peers.md, docs/peers.csv and the pictures, from whatever has been measured."""

import json
import platform
import subprocess

import models
import peers
import prose
from exports import picture_data, write_csv
from tables import Results, geometric_mean, title

MIB = 1 << 20


def table(header, lines):
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for line in lines:
        yield "| " + " | ".join(line) + " |"
    yield ""


def cell(results, key, peer):
    """minimum / median, bold for the fastest median ratio, with a dagger where the peer has no rank."""
    row = results.rows.get(key, {})
    if peer not in row:
        return "missing" if peers.runs(peer, key[0]) else ""
    text = f"{row[peer]['min']:.2f} / {row[peer]['median']:.2f}"
    ranked = results.ranked(key)
    if peer not in ranked:
        return text + " †"
    fastest = min(ranked, key=lambda p: ranked[p]["ratio"] or ranked[p]["median"])
    return f"**{text}**" if peer == fastest else text


def latency(results, threads, batch, names):
    """Rows of one table: every model that has results."""
    for model in results.setup.models:
        key = (model, threads, batch)
        if key not in results.rows:
            continue
        line = [title(model)] + [cell(results, key, p) for p in names]
        if models.is_rexnet(model):
            best, share = results.best_peer(key), results.share_of_peak(key)
            line.append(f"{best[1]:.2f} ({peers.PEERS[best[0]].title})" if best else "-")
            line.append(f"{share:.0%}" if share else "-")
        else:
            line += ["", ""]
        yield line


def ratios(results, names):
    for batch in results.setup.batches:
        for threads in results.setup.threads:
            for model in results.setup.models:
                ranked = results.ranked((model, threads, batch))
                if ranked and models.is_rexnet(model):
                    line = [title(model), str(threads), str(batch)]
                    yield line + [
                        f"{ranked[p]['ratio']:.2f}" if p in ranked and ranked[p]["ratio"] else "-"
                        for p in names
                        if p != "rexnet"
                    ]


def summary_lines(results):
    yield prose.MEANS
    yield ""
    lines = []
    for batch in results.setup.batches:
        for threads, (mean, least, count) in sorted(results.means(batch).items()):
            lines.append([str(batch), str(threads), f"**{mean:.2f}**", f"{least:.2f}", str(count)])
    yield from table(["batch", "threads", "mean", "smallest", "rows"], lines)
    wins = [
        f"{title(m)} at {t} thread(s), batch {b}: {peers.PEERS[best[0]].title} ({best[1]:.2f})"
        for (m, t, b) in results.rows
        for best in [results.best_peer((m, t, b))]
        if models.is_rexnet(m) and best and best[1] < 1
    ]
    yield "Rows where a peer is faster than rexnet: " + ("; ".join(wins) if wins else "none") + "."
    yield ""


def batch_ways(results, names):
    """How each peer ran its batches: the fastest way it had."""
    for model, threads, batch in results.facts:
        if batch > 1:
            facts = results.facts[model, threads, batch]["peers"]
            yield [title(model), str(threads), *(facts.get(p, {}).get("way") or "-" for p in names[1:])]


def scaling(results, names):
    """Is a second thread real? Minimum with one over minimum with two, and processor time per second."""
    for model in results.setup.models:
        one, two = results.rows.get((model, 1, 1), {}), results.rows.get((model, 2, 1), {})
        if not one or not two or not models.is_rexnet(model):
            continue
        line = [title(model)]
        for p in names:
            busy = results.facts[model, 2, 1]["peers"].get(p, {}).get("cores_busy", 0)
            line.append(
                f"{one[p]['min'] / two[p]['min']:.2f} ({busy:.1f})" if p in one and p in two else "-"
            )
        yield line


def memory(results, names, threads):
    for model in results.setup.models:
        facts = results.facts.get((model, threads, 1))
        if not facts or not models.is_rexnet(model):
            continue
        line = [title(model)]
        for p in names:
            peak, base = facts["peers"].get(p, {}).get("peak_kib"), results.baselines.get(p)
            line.append(f"{(peak - base) / 1024:.1f} ({peak / 1024:.0f})" if peak and base else "-")
        yield line


def sizes(results, names):
    for p in names:
        code = results.code(p)
        yield [peers.PEERS[p].title] + (
            [f"{code[0] / MIB:.2f}", f"{code[1] / MIB:.2f}"] if code else ["-", "-"]
        )


def agreement(results, names):
    for batch in results.setup.batches:
        for model in results.setup.models:
            cells = [results.checks.get(f"{p} {model} {batch}") for p in names]
            if any(c is not None for c in cells):
                yield [title(model), str(batch)] + [
                    "" if c is None else "failed" if isinstance(c, str) else f"{c:.1e}" for c in cells
                ]


def machine(results):
    facts = next(
        (
            row["peers"]["rexnet"]
            for row in results.facts.values()
            if "cpu" in row["peers"].get("rexnet", {})
        ),
        {},
    )
    cores = max(row["cores"] for row in results.facts.values())
    dates = sorted(row["date"] for row in results.facts.values())
    peaks = {
        t: [
            max(row["peak_gmacs"])
            for (_, th, _), row in results.facts.items()
            if th == t and row["peak_gmacs"]
        ]
        for t in results.setup.threads
    }
    peak = ", ".join(f"{max(v):.0f} GMAC/s with {t} thread(s)" for t, v in peaks.items() if v)
    yield from table(
        ["", ""],
        [
            ["date", f"{dates[0]} to {dates[-1]}" if dates else "-"],
            ["processor", f"{facts.get('cpu', 'unknown')}, {cores} core(s) used, {platform.system()}"],
            [
                "rexnet",
                f"{facts.get('isa', '?')}, compiler {facts.get('compiler', '?')}, -O3 -march=native, "
                f"commit {results.commit}",
            ],
            ["FMA peak, best of all rounds", peak or "-"],
            ["rounds", f"{results.rounds()}"],
            [
                "versions",
                "; ".join(
                    f"{env}: " + ", ".join(f"{p} {v}" for p, v in found.items())
                    for env, found in results.versions.items()
                    if found
                ),
            ],
        ],
    )


def section(heading, text, columns, lines):
    """A heading, what the table says, and the table; nothing without lines."""
    lines = list(lines)
    if lines:
        yield f"## {heading}"
        yield ""
        yield text
        yield ""
        yield from table(columns, lines)


def sections(results):
    names = results.setup.peers
    titles = [peers.PEERS[p].title for p in names]
    yield "# rexnet and its peers"
    yield ""
    yield prose.OPENING
    yield ""
    yield from machine(results)
    yield "## In short"
    yield ""
    yield from summary_lines(results)
    yield "![time by width](images/peers_width.svg)"
    yield ""
    for batch in results.setup.batches:
        for threads in results.setup.threads:
            lines = list(latency(results, threads, batch, names))
            if lines:
                yield f"## Batch {batch}, {threads} thread(s): ms, minimum / median"
                yield ""
                yield from table(
                    ["ReXNet", *titles, "fastest peer / rexnet", "rexnet of the FMA peak"], lines
                )
    yield prose.LATENCY
    yield ""
    yield "## Ratios to rexnet"
    yield ""
    yield from table(["ReXNet", "threads", "batch", *titles[1:]], ratios(results, names))
    yield from accuracy_section(results, names)
    yield from section("Second thread", prose.SECOND_THREAD, ["ReXNet", *titles], scaling(results, names))
    yield from section(
        "How a batch was run", prose.BATCHES, ["ReXNet", "threads", *titles[1:]], batch_ways(results, names)
    )
    threads = min(results.setup.threads)
    yield from section(
        "Memory",
        prose.MEMORY.format(threads=threads),
        ["ReXNet", *titles],
        memory(results, names, threads),
    )
    yield from section("Code", prose.CODE, ["", "code and constants", "files"], sizes(results, names))
    yield from section(
        "The same network?", prose.AGREEMENT, ["network", "batch", *titles], agreement(results, names)
    )
    yield "## Missing or doubtful"
    yield ""
    reasons = results.reasons()
    for reason, where in reasons.items():
        yield f"- {reason} ({', '.join(where)})"
    if not reasons:
        yield prose.NOTHING_MISSING
    yield ""


def accuracy_section(results, names):
    groups = [
        (t, [m for m in results.setup.models if (m, t, 1) in results.rows]) for t in results.setup.threads
    ]
    if not any(not models.is_rexnet(m) for _, group in groups for m in group):
        return
    yield "## Against published accuracy"
    yield ""
    yield prose.ACCURACY
    yield ""
    yield "![latency against accuracy](images/peers_accuracy.svg)"
    yield ""
    used = [p for p in names if p == "rexnet" or p in peers.EFFICIENTNET_PEERS]
    lines = []
    for threads, group in groups:
        for model in sorted(group, key=lambda m: models.MODELS[m][1]):
            ranked = results.ranked((model, threads, 1))
            size, top1 = models.MODELS[model]
            name = title(model) if not models.is_rexnet(model) else "ReXNet " + title(model)
            lines.append(
                [name, str(size), f"{top1:.1f}", str(threads)]
                + [f"{ranked[p]['median']:.2f}" if p in ranked else "-" for p in used]
            )
    yield from table(["network", "input", "top-1", "threads", *[peers.PEERS[p].title for p in used]], lines)


def report(setup):
    results = Results(setup)
    if not results.facts:
        print("  nothing has been measured")
        return
    setup.output.mkdir(parents=True, exist_ok=True)
    write_csv(results, setup.output / "peers.csv")
    (setup.output / "peers.md").write_text("\n".join(sections(results)))
    data = setup.work / "pictures.json"
    data.write_text(json.dumps(picture_data(results)))
    drawn = subprocess.run(
        [setup.python("torch"), "-B", setup.here / "plots.py", data, setup.output / "images"]
    )
    print(
        f"  {setup.output / 'peers.md'}"
        + ("" if drawn.returncode == 0 else " (no pictures: plots.py failed)")
    )
    means = {b: results.means(b) for b in setup.batches}
    every = [m[0] for found in means.values() for m in found.values()]
    if every:
        print(f"  fastest peer / rexnet, geometric mean over all tables: {geometric_mean(every):.2f}")
