#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What PyTorch makes of NaN, infinities, denormals and huge numbers: writes tests/golden/faults.txt.

    python3 tests/python/pytorch_faults.py        (PyTorch 2.15 on a CPU)

Inputs and weights are formulas that tests/support/faults.hpp repeats. A line is what was computed, the fault, and an
answer: a number each for activations; for operators a character an element (n NaN, + and - infinities, 0, 6, or . for
any other number); for networks the count of NaN and of infinities after stem, blocks, head and classifier, and a
CRC-32 of their characters. Every answer is the same with and without oneDNN, or this script fails.
"""
import math
import os
import zlib

import torch
import torch.nn.functional as F

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "faults.txt")
OPERATOR_FAULTS = ["nan", "inf", "-inf", "1e+30", "1e-45"]
FAULTS = ["nan", "inf", "-inf", "3.4028234e+38", "1e+30", "-1e+30", "1e-45", "-0"]
EDGES = FAULTS + ["0", "-1e-45", "1.1754944e-38", "-3.4028234e+38", "88", "-88", "-89", "-104", "6", "7"]


def values(*shape):
    """NHWC maps from numbers that are sums of few powers of two; NCHW for PyTorch."""
    n = math.prod(shape)
    v = torch.tensor([((i * 7 + 3) % 11 - 5) / 4 for i in range(n)]).reshape(shape)
    return v.permute(0, 3, 1, 2).contiguous() if len(shape) == 4 else v


def weights(out_c, k):
    return torch.tensor([((i * 5 + 1) % 9 - 4) / 8 for i in range(out_c * k)]).reshape(out_c, k)


def taps(w, kernel, in_c):
    """[out][ky, kx, in] as PyTorch wants it."""
    return w.reshape(w.shape[0], kernel, kernel, in_c).permute(0, 3, 1, 2).contiguous()


def bias(n):
    return torch.tensor([((i * 3 + 2) % 5 - 2) / 4 for i in range(n)])


def kind(v):
    return "n" if math.isnan(v) else "+" if v == math.inf else "-" if v == -math.inf else "0" if v == 0 else "6" if v == 6 else "."


def kinds(nchw):
    nhwc = nchw.permute(0, 2, 3, 1) if nchw.dim() == 4 else nchw
    return "".join(kind(v) for v in nhwc.flatten().tolist())


def squeeze_excite(x, w1, b1, w2, b2):
    s = F.relu(F.linear(x.mean((2, 3)), w1, b1))
    return F.relu6(x * torch.sigmoid(F.linear(s, w2, b2))[:, :, None, None])


def operators(fault):
    """Each with the fault at one place, (y, x, c) of the first image."""
    def at(y, x, c, *shape):
        v = values(*shape)
        v[0, c, y, x] = fault
        return v
    for y, x in [(2, 2), (0, 0), (4, 4)]:
        yield f"convolution {y} {x}", F.conv2d(at(y, x, 1, 1, 5, 5, 3), taps(weights(5, 27), 3, 3), bias(5), 2, 1)
        for stride in (1, 2):
            for kernel in (3, 5):
                w = weights(3, kernel * kernel).reshape(3, 1, kernel, kernel)
                yield f"depthwise {y} {x} {kernel} {stride}", F.relu6(F.conv2d(at(y, x, 1, 1, 5, 5, 3), w, bias(3), stride, kernel // 2, 1, 3))
    pointwise = F.conv2d(at(1, 1, 2, 1, 3, 3, 5), weights(7, 5)[:, :, None, None], bias(7))
    yield "pointwise none", pointwise
    yield "pointwise relu", F.relu(pointwise)
    yield "pointwise relu6", F.relu6(pointwise)
    yield "pointwise silu", F.silu(pointwise)
    y = F.silu(pointwise)
    y[:, :4] += at(1, 1, 2, 1, 3, 3, 4)
    yield "pointwise residual", y
    yield "mean", at(1, 1, 2, 1, 3, 3, 5).mean((2, 3))
    x = values(5)
    x[2] = fault
    yield "dense", F.linear(x, weights(7, 5), bias(7))
    yield "squeeze_excite", squeeze_excite(at(1, 1, 2, 1, 3, 3, 5), weights(2, 5), bias(2), weights(5, 2), bias(5))


# stem, output channels, squeeze-excite, head, hidden, classes of two small networks.
SHAPES = {"lite": (9, [8, 9, 10] + list(range(11, 24)), [0] * 16, 33, 10, 7),
          "v1": (9, [8, 9, 10] + list(range(11, 24)), [0] * 3 + [3] * 13, 33, 0, 7)}


def layer(number, out_c, k):
    """Weights and bias of a network's layer, about as large as keeps activations alive."""
    shift = 0
    while 2 * 4 ** shift < k:
        shift += 1
    w = [[(((o * 31 + i * 17 + number * 7) * 2654435761 % 2 ** 32 >> 16) % 17 - 8) / 8 / 2 ** shift for i in range(k)] for o in range(out_c)]
    return torch.tensor(w), bias(out_c)


def network(family, fault, everywhere):
    stem_c, out_c, se_c, head_c, hidden_c, classes = SHAPES[family]
    numbers = iter(range(1000))
    act = F.relu6 if family == "lite" else F.silu
    x = values(1, 33, 47, 3)
    x[(slice(None) if everywhere else (0, slice(None), 16, 21))] = fault
    w, b = layer(next(numbers), stem_c, 27)
    x = act(F.conv2d(x, taps(w, 3, 3), b, 2, 1))
    yield x
    in_c = stem_c
    for i in range(16):
        stride, y = 2 if i in (1, 3, 5, 11) else 1, x
        if i > 0:
            w, b = layer(next(numbers), in_c * 6, in_c)
            y = act(F.conv2d(y, w[:, :, None, None], b))
        mid = y.shape[1]
        w, b = layer(next(numbers), mid, 9)
        y = F.conv2d(y, w.reshape(mid, 1, 3, 3), b, stride, 1, 1, mid)
        y = squeeze_excite(y, *layer(next(numbers), se_c[i], mid), *layer(next(numbers), mid, se_c[i])) if se_c[i] else F.relu6(y)
        w, b = layer(next(numbers), out_c[i], mid)
        y = F.conv2d(y, w[:, :, None, None], b)
        if stride == 1 and in_c <= out_c[i]:
            y[:, :in_c] += x
        x, in_c = y, out_c[i]
        yield x
    w, b = layer(next(numbers), head_c, in_c)
    x = act(F.conv2d(x, w[:, :, None, None], b))
    yield x
    x = x.mean((2, 3))
    if hidden_c:
        x = F.relu6(F.linear(x, *layer(next(numbers), hidden_c, head_c)))
    yield F.linear(x, *layer(next(numbers), classes, x.shape[1]))


def answers():
    edges = torch.tensor([float(v) for v in EDGES], dtype=torch.float32)
    yield "edges " + " ".join(EDGES)
    for name, f in [("silu", F.silu), ("sigmoid", torch.sigmoid), ("relu", F.relu), ("relu6", F.relu6)]:
        yield f"{name} " + " ".join(f"{v:.9g}" for v in f(edges.repeat(3))[len(EDGES):2 * len(EDGES)].tolist())
    for scores in ["nan 1 2", "1 nan 2", "inf 1 -1", "inf inf 0", "-inf 1 1", "-inf -inf -inf", "3e38 -3e38 3e38", "1e-45 0 -0"]:
        y = F.softmax(torch.tensor([float(v) for v in scores.split()]), 0)
        yield f"softmax {scores} " + " ".join(f"{v:.9g}" for v in y.tolist())
    for text in OPERATOR_FAULTS:
        for name, y in operators(float(text)):
            yield f"{name} {text} {kinds(y)}"
    for family in SHAPES:
        for everywhere, faults in [(False, FAULTS), (True, ["nan", "1e+30", "1e-45"])]:
            for text in faults:
                maps = [kinds(x) for x in network(family, float(text), everywhere)]
                faulty = [f"{m.count('n')} {m.count('+') + m.count('-')}" for m in maps]
                plain = "".join(maps).replace("0", ".").replace("6", ".")
                yield f"{family} {'everywhere' if everywhere else 'pixel'} {text} {' '.join(faulty)} {zlib.crc32(plain.encode())}"


lines = list(answers())
with torch.backends.mkldnn.flags(enabled=False):
    assert lines == list(answers()), "oneDNN and PyTorch's own loops differ"
with open(GOLDEN, "w", encoding="utf-8") as out:
    out.write(f"pytorch {torch.__version__.split('+')[0]}\n" + "\n".join(lines) + "\n")
