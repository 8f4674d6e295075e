# SPDX-License-Identifier: MIT
"""What detect.py prints: Markdown, from rows as measure.py has them."""

import platform
import statistics

import measure
import peers
from prose import paragraph
from report import section, table
from steps import TOLERANCE

# arXiv 2007.00992, table 6: parameters in millions, multiply-adds in billions, AP on COCO test-dev2017.
PAPER = {90: (5.0, 0.88, 24.7), 100: (5.7, 1.01, 25.3), 130: (8.4, 1.60, 27.3)}
PARTS = ("pre-processing", "network", "decoding + NMS")
WANTED_RATIO, WANTED_SHARE = 1.3, 5.0

OPENING = paragraph("""
    Written by `bench/peers/detect.py`; `bench/peers/README.md` has the protocol. ReXNet v1 + SSDLite,
    320 x 320, float32, seeded weights, the same in every runtime. "1.0, 91" is width and classes (with the
    background).""")

LATENCY = paragraph("""
    "network": a normalised input in memory to logits and box codes. "boxes above s": an RGB picture of
    640 x 480 pixels to boxes, all of torchvision's pipeline with least score s; the peers run it as one
    exported graph. Ratio: the median over rounds of the peer's block median over rexnet's; bold: the faster
    peer's.""")

SPLIT = paragraph("""
    The same picture through the three parts, ms (share); median over rounds. Only the network uses a second
    thread.""")

AGREEMENT = paragraph("""
    Raw outputs: the largest difference from PyTorch's float64, in brackets relative to the largest value.
    Boxes, against PyTorch's in float32: how many of them are found (same class, corners within half a pixel),
    how many at the same place of the order, and the largest differences of those that are found. With one
    thread; with more, only what differs too much is listed, at the end.""")

NEAR_PAPER = paragraph("""
    The network alone with 91 classes and random weights; in brackets what the paper's table 6 says. Its AP is
    of its authors' weights, which were not published.""")


def title(row):
    task = "network" if row["task"] == "network" else f"boxes above {row['task']}"
    return f"{', '.join(map(str, row['model']))}: {task}"


def times(summary):
    return f"{summary['min']:.2f} / {summary['median']:.2f}"


def others(row):
    return {p: s for p, s in measure.summary(row).items() if p != "rexnet" and s["ratio"]}


def row_text(row):
    """A line for the terminal."""
    found = measure.summary(row)
    words = [
        f"{p} {times(s)}" + (f" x{s['ratio']:.2f}" if p in others(row) else "") for p, s in found.items()
    ]
    errors = [f"{p}: {r['error']}" for p, r in row["peers"].items() if "error" in r]
    return f"{title(row)}, {row['threads']} thread(s): " + ", ".join(words + errors)


def latency(rows, names):
    for row in rows:
        found, ratios = measure.summary(row), {p: s["ratio"] for p, s in others(row).items()}
        fastest = min(ratios, key=ratios.get, default=None)
        cells = [times(found[p]) if p in found else "failed" for p in names]
        marks = ["-" if p not in ratios else f"{ratios[p]:.2f}" for p in names[1:]]
        marks = [f"**{m}**" if p == fastest else m for p, m in zip(names[1:], marks)]
        yield [title(row), str(row["threads"]), *cells, *marks]


def parts(row):
    """ms of the three parts, or None."""
    return [statistics.median(part) for part in zip(*row["split"])] if row["split"] else None


def splits(rows):
    for row in rows:
        if parts(row):
            ms, boxes = parts(row), row["peers"]["rexnet"].get("boxes", "-")
            cells = [f"{t:.3f} ({100 * t / sum(ms):.1f} %)" for t in ms]
            yield [title(row), str(row["threads"]), str(boxes), *cells]


def agreement_cell(check):
    if check is None:
        return "failed"
    if "logits" in check:
        logits, codes = check["logits"], check["codes"]
        return (
            f"logits {logits:.1e} ({logits / check['largest_logit']:.0e}), "
            f"codes {codes:.1e} ({codes / check['largest_code']:.0e})"
        )
    return (
        f"{check['found']} of {check['expected']}, {check['in_place']} in place; "
        f"{check['pixels']:.1e} px, score {check['score']:.1e}"
    )


def agreement(rows, names):
    first = min(row["threads"] for row in rows)
    for row in rows:
        if row["threads"] == first:
            yield [title(row), *(agreement_cell(row["peers"][p].get("check")) for p in names)]


def near_paper(paper):
    found = [measure.summary(row) for row in paper]
    for width, (parameters, multiply_adds, ap) in PAPER.items():
        facts = paper[0]["peers"][width]
        yield [
            f"{width / 100:.1f}",
            f"{facts.get('parameters', 0) / 1e6:.2f} M ({parameters} M)",
            f"{facts.get('multiply_adds', 0) / 1e9:.3f} G ({multiply_adds:.2f} G)",
            *(times(summary[width]) if width in summary else "failed" for summary in found),
            f"({ap})",
        ]


def worse_than(check, task):
    """Whether a check says that something else was computed."""
    if task == "network":
        return any(
            check[what] > TOLERANCE * check[largest]
            for what, largest in (("logits", "largest_logit"), ("codes", "largest_code"))
        )
    return check["found"] < check["expected"] or check["boxes"] != check["expected"]


def doubts(rows, paper):
    for row in [*rows, *paper]:
        where = f"{title(row) if row in rows else 'the widths of the paper'}, {row['threads']} thread(s)"
        for p, result in row["peers"].items():
            check = result.get("check")
            if "error" in result:
                yield f"- {where}, {p}: {result['error']}"
            if check and worse_than(check, row["task"]):
                boxes = f", {check['boxes']} boxes" if "boxes" in check else ""
                yield f"- {where}, {p}: another answer: {agreement_cell(check)}{boxes}"
        # Only the network uses a second thread.
        if row in rows and (row["task"] == "network" or row["threads"] == 1) and measure.disturbed(row):
            yield f"- {where}: {measure.disturbed(row)}: measure again"


def goals(rows):
    """The two goals, one sentence each: one thread."""
    one = [row for row in rows if row["threads"] == 1]
    ratios = {title(row): min(s["ratio"] for s in others(row).values()) for row in one if others(row)}
    if ratios:
        least = min(ratios, key=ratios.get)
        yield (
            f"- Faster peer / rexnet, one thread, wanted {WANTED_RATIO} or more: "
            f"{min(ratios.values()):.2f} ({least}) to {max(ratios.values()):.2f}"
        )
    shares = {title(row): 100 * parts(row)[2] / sum(parts(row)) for row in one if parts(row)}
    if shares:
        most = max(shares, key=shares.get)
        yield (
            f"- Decoding + NMS of our time, one thread, wanted below {WANTED_SHARE:.0f} %: "
            f"{min(shares.values()):.1f} to {max(shares.values()):.1f} % ({most})"
        )


def packages(found):
    return ", ".join(f"{p} {v}" for p, v in found.items())


def machine(setup, rows, versions):
    facts = next((r["peers"]["rexnet"] for r in rows if "cpu" in r["peers"]["rexnet"]), {})
    dates = sorted(row["date"] for row in rows)
    commit = (setup.work / "commit.txt").read_text()
    return [
        ["date", f"{dates[0]} to {dates[-1]}"],
        ["processor", f"{facts.get('cpu', 'unknown')}, {len(setup.cores)} core(s) used, {platform.system()}"],
        [
            "rexnet",
            f"{facts.get('isa', '?')}, compiler {facts.get('compiler', '?')}, -O3 -march=native, "
            f"commit {commit}",
        ],
        ["rounds", f"{setup.rounds} per row, blocks of {setup.block_seconds} s, 3 to 20 passes"],
        ["versions", "; ".join(f"{name}: {packages(found)}" for name, found in versions.items())],
    ]


def report(setup, rows, paper, versions):
    names = ["rexnet", *(p for p in rows[0]["peers"] if p != "rexnet")]
    titles = [peers.PEERS[p].title for p in names]
    ratios = [f"{t} / rexnet" for t in titles[1:]]
    threads = [f"ms, {row['threads']} thread(s)" for row in paper]
    lines = ["# Detectors: rexnet and its peers", "", OPENING, ""]
    lines += table(["", ""], machine(setup, rows, versions))
    lines += ["## In short", "", *goals(rows), ""]
    lines += section(
        "Time: ms, minimum / median",
        LATENCY,
        ["width, classes", "threads", *titles, *ratios],
        latency(rows, names),
    )
    lines += section(
        "Where our time goes", SPLIT, ["width, classes", "threads", "boxes", *PARTS], splits(rows)
    )
    lines += section("The same answer?", AGREEMENT, ["width, classes", *titles], agreement(rows, names))
    lines += section(
        "Beside the paper",
        NEAR_PAPER,
        ["width", "parameters", "multiply-adds", *threads, "AP"],
        near_paper(paper),
    )
    lines += ["## Missing or doubtful", "", *(list(doubts(rows, paper)) or ["Nothing."]), ""]
    return "\n".join(lines)
