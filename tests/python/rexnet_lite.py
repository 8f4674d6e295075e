# SPDX-License-Identifier: MIT
"""ReXNet-lite in PyTorch, with the official checkpoints' tensor names: for timm_features.py, and for bench/peers, whose
runtimes convert from PyTorch.

Shape as in include/rexnet/arch/config.hpp: no squeeze-excite, ReLU6 everywhere, channels divisible by 8.
"""

import torch
from torch import nn
from torch.nn import functional

STAGES = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (5, 2)]  # (blocks, stride of the first)


def divisible_by_8(value):
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


def conv_bn(in_c, out_c, kernel=1, stride=1, groups=1):
    conv = nn.Conv2d(in_c, out_c, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(out_c)]


class Block(nn.Module):
    def __init__(self, in_c, out_c, stride, expansion):
        super().__init__()
        mid_c = in_c * expansion
        layers = [] if expansion == 1 else conv_bn(in_c, mid_c) + [nn.ReLU6()]
        layers += conv_bn(mid_c, mid_c, 3, stride, groups=mid_c) + [nn.ReLU6()]
        self.out = nn.Sequential(*layers, *conv_bn(mid_c, out_c))
        self.grown = out_c - in_c
        self.residual = stride == 1 and in_c <= out_c

    def forward(self, x):
        y = self.out(x)
        if not self.residual:
            return y
        in_c = x.shape[1]
        if self.grown == 0:
            return y + x
        return torch.cat([y[:, :in_c] + x, y[:, in_c:]], dim=1)


class RexnetLite(nn.Module):
    def __init__(self, width=1.0, classes=1000):
        super().__init__()
        stem_c = divisible_by_8(round(32 * max(width, 1.0)))  # below 1.0 stem and first block keep theirs
        strides = [s for count, stride in STAGES for s in [stride] + [1] * (count - 1)]
        first = 16 if width >= 1 else 16 / width
        channels = [divisible_by_8(round(width * (first + i * 164 / 15))) for i in range(len(strides))]
        layers = conv_bn(3, stem_c, 3, 2) + [nn.ReLU6()]
        in_c = stem_c
        for i, (out_c, stride) in enumerate(zip(channels, strides)):
            layers.append(Block(in_c, out_c, stride, 1 if i == 0 else 6))
            in_c = out_c
        head_c = int(1280 * max(width, 1.0))
        layers += conv_bn(in_c, head_c) + [nn.ReLU6()]
        self.features = nn.Sequential(*layers)
        self.output = nn.Sequential(
            nn.Conv2d(head_c, 1024, 1),
            nn.BatchNorm2d(1024),
            nn.ReLU6(),
            nn.Identity(),
            nn.Conv2d(1024, classes, 1),
        )

    def forward(self, x):
        pooled = functional.adaptive_avg_pool2d(self.features(x), 1)
        return self.output(pooled).flatten(1)
