# SPDX-License-Identifier: MIT
"""SSDLite on ReXNet: torchvision's SSD with timm's ReXNet as its backbone, as arXiv 2007.00992 has it in table 6.

The maps are the output of block 10 (stride 16), that of the last 1x1 convolution (stride 32) and four extra blocks, each
on the one before. With 91 classes 1.0x has the paper's 5.7 M parameters, and 0.96 G multiply-adds at 320x320 (the paper:
1.01 G).
Names of tensors: backbone.stem, backbone.features (timm's), backbone.extra, head (torchvision's). BatchNorm's eps is
timm's 1e-5 in the backbone, torchvision's 1e-3 in extra blocks and heads.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

import torch
from torch import nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.ssdlite import SSDLiteHead, _extra_block, _normal_init

from checkpoints import check_fit, family_of, read_state, timm_names, width_hint
from errors import TrainError
from models import create_model

TAP = 10  # the block whose output is the first map
ANCHOR_SCALES = (0.2, 0.95)  # of the first and the last map, parts of the input
EXTRA_CHANNELS = (512, 256, 256, 128)  # at every width
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Maps(nn.Module):
    """[n, 3, h, w] -> six maps by number, each of half the side of the one before; the first has h / 16 rows."""

    def __init__(self, classifier: nn.Module, norm_layer: type[nn.Module] | partial) -> None:
        super().__init__()
        self.stem, self.features = classifier.stem, classifier.features
        channels = (classifier.num_features, *EXTRA_CHANNELS)
        pairs = zip(channels[:-1], channels[1:], strict=True)
        self.extra = nn.ModuleList(_extra_block(a, b, norm_layer) for a, b in pairs)
        _normal_init(self.extra)
        self.channels = [self.features[TAP].conv_pwl.bn.num_features, *channels]

    def forward(self, x: torch.Tensor) -> OrderedDict[str, torch.Tensor]:
        """See the class."""
        x, maps = self.stem(x), []
        for i, block in enumerate(self.features):
            x = block(x)
            if i == TAP:
                maps.append(x)
        maps.append(x)
        for block in self.extra:
            maps.append(block(maps[-1]))
        return OrderedDict((str(i), m) for i, m in enumerate(maps))


def create_detector(
    name: str,
    width: float | None,
    classes: int,
    size: tuple[int, int],
    drop_path_rate: float = 0.0,
    anchor_scales: tuple[float, float] = ANCHOR_SCALES,
) -> SSD:
    """A detector of `classes` kinds of things (the background is added) for a network input of `size` (width, height).

    `anchor_scales`: of the first and of the last map, parts of the input; `rexnet pack --anchor-scales` stores them.
    `name` and `width` as create_model()'s, but lite, whose blocks have other names. TrainError: as create_model(), and for
    an input whose last map would be empty.
    """
    if name == "rexnetv1_lite":
        raise TrainError("--model rexnetv1_lite: detectors are made of rexnetv1 and of timm's rexnet_* and rexnetr_*")
    if not all(32 <= side <= 4096 for side in size):
        raise TrainError(f"--input-size {size[0]}x{size[1]}: sides from 32 to 4096 are needed")
    norm_layer = partial(nn.BatchNorm2d, eps=0.001, momentum=0.03)
    maps = Maps(create_model(name, width, 1, drop_path_rate=drop_path_rate), norm_layer)
    anchors = DefaultBoxGenerator([[2, 3]] * len(maps.channels), *anchor_scales)
    head = SSDLiteHead(maps.channels, anchors.num_anchors_per_location(), classes + 1, norm_layer)
    return SSD(
        maps,
        anchors,
        size,
        classes + 1,
        image_mean=list(IMAGENET_MEAN),
        image_std=list(IMAGENET_STD),
        head=head,
        score_thresh=0.001,
        nms_thresh=0.55,
        detections_per_img=300,
        topk_candidates=300,
    )


def load_initial(model: SSD, path: str) -> str:
    """Puts a classifier's weights into the backbone, or a detector's into all but what has another number of classes;
    returns a sentence about it. TrainError names the first tensor that is missing, too many, or of another shape."""
    state = read_state(path)
    own = model.state_dict()
    try:
        if any(k.startswith("backbone.") for k in state):
            fresh = [k for k in state if k.startswith("head.classification_head.") and k in own]
            fresh = [k for k in fresh if state[k].shape != own[k].shape]
            state.update({k: own[k] for k in fresh})
            what = "detector" + (f"; {len(fresh) // 2} classification layers are for other classes" if fresh else "")
        else:
            if family_of(state) == "lite":
                raise TrainError("these are weights of ReXNet lite, this network is v1")
            # Without the classifier, whatever its names; head and extra blocks keep their initial values.
            state = {k: v for k, v in timm_names(state).items() if not k.startswith("head.")}
            state = {"backbone." + k: v for k, v in state.items()}
            state.update({k: v for k, v in own.items() if k.startswith(("head.", "backbone.extra."))})
            what = "classifier, in the backbone"
        check_fit(state, own, width_hint({k.removeprefix("backbone."): v for k, v in state.items()}))
    except TrainError as e:
        raise TrainError(f"{path}: {e}") from e
    model.load_state_dict(state, strict=False)  # only BatchNorm's counters may be missing
    return f"starts from a {what}: {path}"
