# SPDX-License-Identifier: MIT
"""The sentences of docs/peers.md."""


def paragraph(text):
    """One line of Markdown."""
    return " ".join(text.split())


OPENING = paragraph("""
    Written by `bench/peers/run.py`; `bench/peers/README.md` has the protocol. float32, 224 x 224, random
    weights, the same in every runtime; each runtime in the best configuration that we know.""")

MEANS = paragraph("""
    Each mean is the geometric mean, over ReXNet's rows, of the fastest peer of that row over rexnet (above 1:
    rexnet is faster). The fastest peer is chosen row by row.""")

LATENCY = paragraph("""
    Bold: the fastest; †: not ranked. Fastest peer / rexnet: the median over rounds of the ratio of the two
    block medians. A batch's time is that of all its images.""")

SECOND_THREAD = paragraph("""
    Minimum with one thread over minimum with two, batch 1; in brackets the processor time per second during
    the passes with two threads (2.0: both cores are busy, be it with waiting).""")

BATCHES = paragraph("""
    Every peer had the choice between a model converted for the whole batch, its model for one image run
    image by image, and one image per thread; each worker took the fastest by the best of five trials at its
    start. rexnet runs one image per thread.""")

MEMORY = paragraph("""
    Peak resident MiB of a process that loads the model and runs batch 1 with {threads} thread(s), less the
    same process with its imports only; in brackets without that subtraction (Python and its packages are in
    it, for rexnet nothing but the program). Mapped model files count.""")

CODE = paragraph("""
    MiB. rexnet: the whole stripped `examples/minimal`. Peers: the shared libraries of their package that the
    worker had loaded, all operators included, without those of other packages (ExecuTorch's Python binding
    needs torch's). Peers offer smaller builds; these are the ones on PyPI.""")

AGREEMENT = paragraph("""
    Largest difference of a logit from PyTorch's float64, relative to the largest logit. Above 1e-3 a runtime
    is not ranked.""")

ACCURACY = paragraph("""
    Top-1 on ImageNet as published: ReXNet by its authors' repository, EfficientNet by its paper (table 2),
    each at the input size given. Medians in ms, batch 1.""")

NOTHING_MISSING = (
    "Nothing: every runtime ran every network that it was asked to, on an otherwise idle machine."
)
