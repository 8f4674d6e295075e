# SPDX-License-Identifier: MIT
"""The networks: ReXNet v1 and rexnetr are timm's, ReXNet-lite (which timm has not) is here.

Lite carries the official key names (features.0 .. features.20, output.0 .. output.4), v1 has timm's: `rexnet pack`
takes both. Sources: arXiv 2007.00992 (linear channel growth), clovaai/rexnet (names of lite's tensors).
"""

from __future__ import annotations

import timm
import torch
from timm.layers import DropPath, make_divisible
from torch import nn

from errors import TrainError

STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)


def conv_bn(
    in_c: int, out_c: int, kernel: int = 1, stride: int = 1, groups: int = 1, act: bool = True
) -> list[nn.Module]:
    """Convolution without bias, BatchNorm and, with `act`, ReLU6: the unit that all of lite consists of."""
    layers = [nn.Conv2d(in_c, out_c, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(out_c)]
    return layers + [nn.ReLU6()] if act else layers


class LiteBlock(nn.Module):
    """Inverted bottleneck without squeeze-excite: [expand] -> depthwise 3x3 -> linear projection.

    With stride 1 the input is added to the first in_c output channels; drop path acts on what it is added to.
    """

    def __init__(self, in_c: int, out_c: int, stride: int, expansion: int, drop_path: float) -> None:
        super().__init__()
        mid_c = in_c * expansion
        expand = conv_bn(in_c, mid_c) if expansion > 1 else []
        depthwise = conv_bn(mid_c, mid_c, 3, stride, groups=mid_c)
        self.out = nn.Sequential(*expand, *depthwise, *conv_bn(mid_c, out_c, act=False))
        self.residual_c = in_c if stride == 1 and in_c <= out_c else 0
        self.drop_path = DropPath(drop_path)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, in_c, h, w] -> [n, out_c, ceil(h / stride), ceil(w / stride)]"""
        out = self.out(x)
        if not self.residual_c:
            return out
        out = self.drop_path(out)
        return torch.cat([out[:, : self.residual_c] + x, out[:, self.residual_c :]], dim=1)


def lite_channels(width: float) -> list[int]:
    """Output channels of the 16 blocks: a straight line in the block's number, in multiples of 8."""
    start = 16 / width if width < 1 else 16
    return [make_divisible(round(width * (start + i * 164 / 15)), 8) for i in range(16)]


class RexNetLite(nn.Module):
    """ReXNet-lite for any width and class count. Input [n, 3, h, w], normalised; output [n, classes] logits."""

    def __init__(self, width: float, classes: int, drop_rate: float = 0.0, drop_path_rate: float = 0.0) -> None:
        super().__init__()
        channels = [make_divisible(32 if width < 1 else round(32 * width), 8), *lite_channels(width)]
        head_c = max(1280, int(1280 * width))
        blocks = [
            LiteBlock(channels[i], channels[i + 1], STRIDES[i], 6 if i else 1, drop_path_rate * i / 15)
            for i in range(16)
        ]
        self.features = nn.Sequential(
            *conv_bn(3, channels[0], 3, 2), *blocks, *conv_bn(channels[-1], head_c), nn.AdaptiveAvgPool2d(1)
        )
        self.output = nn.Sequential(
            nn.Conv2d(head_c, 1024, 1),
            nn.BatchNorm2d(1024),
            nn.ReLU6(),
            nn.Dropout(drop_rate),
            nn.Conv2d(1024, classes, 1),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                init_conv(module)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, 3, h, w] -> [n, classes]"""
        return self.output(self.features(x)).flatten(1)


def init_conv(conv: nn.Conv2d) -> None:
    """Normal weights that keep the gradients' variance (a depthwise output feeds its own group's only); small ones
    for the two dense layers, which have a bias: their fan-out is as small as the number of classes."""
    fan_out = conv.out_channels // conv.groups * conv.kernel_size[0] * conv.kernel_size[1]
    nn.init.normal_(conv.weight, std=(2 / fan_out) ** 0.5 if conv.bias is None else 0.01)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)


def checked_width(width: float | None) -> float:
    """--rex-width-mult, 1.0 unless given: hundredths, because `rexnet pack` recognises a network by its channels."""
    width = 1.0 if width is None else width
    if not 0.1 <= width <= 10 or abs(width * 100 - round(width * 100)) > 1e-6:
        raise TrainError(f"--rex-width-mult {width}: a multiple of 0.01 from 0.1 to 10 is needed")
    return round(width * 100) / 100


def create_model(
    name: str,
    width: float | None,
    classes: int,
    drop_rate: float = 0.0,
    drop_path_rate: float = 0.0,
    pretrained: bool = False,
) -> nn.Module:
    """The network of `name`: rexnetv1, rexnetv1_lite (both with `width`), or one of timm's rexnet_* and rexnetr_*.

    `pretrained` loads timm's published weights from the Hugging Face hub. TrainError: an unknown name, or options
    that do not go together.
    """
    if name == "rexnetv1_lite":
        if pretrained:
            raise TrainError("--pretrained: there are no published weights of timm for rexnetv1_lite")
        return RexNetLite(checked_width(width), classes, drop_rate, drop_path_rate)
    options = {"num_classes": classes, "drop_rate": drop_rate, "drop_path_rate": drop_path_rate}
    if name == "rexnetv1":
        if pretrained:
            raise TrainError("--pretrained goes with timm's names, such as --model rexnet_100")
        return timm.create_model("rexnet_100", width_mult=checked_width(width), **options)
    known = timm.list_models("rexnet*")
    if name.split(".")[0] not in known:
        raise TrainError(f"--model {name}: not a ReXNet; known are rexnetv1, rexnetv1_lite, {', '.join(known)}")
    if width is not None:
        raise TrainError(f"--rex-width-mult goes with rexnetv1 and rexnetv1_lite; {name} has a width of its own")
    return timm.create_model(name, pretrained=pretrained, **options)
