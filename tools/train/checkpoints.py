# SPDX-License-Identifier: MIT
"""Weights to start from: any file of the official repository or of timm, with any number of classes.

Files are read with torch's weights_only: nothing in them is executed.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

import timm.models
import torch
from torch import nn

from errors import TrainError

State = dict[str, torch.Tensor]
# Places in a block's `out` when it has an expand layer and squeeze-excite; the others lack some.
EXPAND = ("conv_exp.conv", "conv_exp.bn", None)
DEPTHWISE = ("conv_dw.conv", "conv_dw.bn")
PROJECT = (None, "conv_pwl.conv", "conv_pwl.bn")
SQUEEZE_EXCITE = {"fc.0": "se.fc1", "fc.1": "se.bn", "fc.3": "se.fc2"}


def read_state(path: str) -> State:
    """The tensors of a .pth or .safetensors file by name; EMA weights where it has them; wrappers' prefixes removed."""
    if not os.path.isfile(path):
        raise TrainError(f"{path}: no such file")
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):  # timm's training files hold their options
            state = timm.models.load_state_dict(path, use_ema=True)
    except Exception as e:  # torch, pickle, zipfile and safetensors each have their own
        raise TrainError(f"{path}: not a checkpoint that can be read: {e}") from e
    state = {re.sub(r"^((module|_orig_mod)\.)+", "", k): v for k, v in state.items() if isinstance(v, torch.Tensor)}
    if not state:
        raise TrainError(f"{path}: holds no tensors")
    return state


def block_names(index: int, squeeze_excite: bool) -> dict[str, str]:
    """Official places in block `index` (0 .. 15) -> timm's names: {"0": "conv_exp.conv", "5.fc.0": "se.fc1", ...}"""
    order = (EXPAND if index > 0 else ()) + DEPTHWISE + (("se",) if squeeze_excite else ()) + PROJECT
    names = {}
    for place, name in enumerate(order):
        if name == "se":
            names.update({f"{place}.{k}": v for k, v in SQUEEZE_EXCITE.items()})
        elif name is not None:
            names[str(place)] = name
    return names


def timm_names(state: State) -> State:
    """An official v1 state with timm's names; what has no counterpart keeps its own, to be named as unexpected."""
    layers = {
        "features.0": "stem.conv",
        "features.1": "stem.bn",
        "features.19": "features.16.conv",
        "features.20": "features.16.bn",
        "output.1": "head.fc",
    }
    for i in range(16):
        out = f"features.{i + 3}.out."
        for place, name in block_names(i, any(k.startswith(out + "5.fc.") for k in state)).items():
            layers[out + place] = f"features.{i}.{name}"
    renamed = {}
    for key, tensor in state.items():
        layer, _, kind = key.rpartition(".")
        name = f"{layers[layer]}.{kind}" if layer in layers else key
        renamed[name] = tensor.flatten(1) if name == "head.fc.weight" else tensor
    return renamed


def family_of(state: State) -> str:
    """What the tensors are: "v1" (also rexnetr) or "lite"; TrainError for anything else."""
    if any(k.startswith("stem.") for k in state):
        return "v1"
    if not any(k.startswith("features.3.out.") for k in state):
        raise TrainError(f"not a ReXNet: it has {len(state)} tensors, {', '.join(list(state)[:3])}, ...")
    return "v1" if any(".fc." in k for k in state) else "lite"


def classifier_of(model: nn.Module) -> str:
    """Name of the last layer."""
    return "output.4" if hasattr(model, "output") else "head.fc"


def width_hint(state: State) -> str:
    """What a v1 file's width seems to be, by its last convolution."""
    last = state.get("features.16.conv.weight")
    return "" if last is None else f"; the file looks like --rex-width-mult {last.shape[0] / 1280:.3g}"


def check_fit(state: State, wanted: State, hint: str) -> None:
    """TrainError, naming the first tensor that is missing, too many, or of another shape, with the hint."""
    for name, tensor in wanted.items():
        if name not in state and not name.endswith("num_batches_tracked"):
            raise TrainError(f"{name}: missing{hint}")
        if name in state and state[name].shape != tensor.shape:
            raise TrainError(
                f"{name}: {list(state[name].shape)} in the file, {list(tensor.shape)} in this network{hint}"
            )
    for name in state:
        if name not in wanted:
            raise TrainError(f"{name}: this network has no such tensor")


def load_initial(model: nn.Module, path: str, reset_classifier: bool = False) -> str:
    """Puts a file's weights into the model and returns a sentence about the classifier.

    A classifier for another number of classes, or any with `reset_classifier`, is initialised anew.
    """
    state = read_state(path)
    try:
        lite = hasattr(model, "output")
        if (family_of(state) == "lite") != lite:
            raise TrainError(
                f"these are weights of ReXNet {family_of(state)}, this network is {'lite' if lite else 'v1'}"
            )
        if not lite:
            state = timm_names(state)
        head = classifier_of(model)
        own = model.state_dict()
        here, there = own[head + ".bias"].shape[0], state.get(head + ".bias", torch.empty(0)).shape[0]
        fresh = reset_classifier or here != there
        if fresh:
            # Small: timm's own for a few classes gives logits of several units, and the first steps undo the rest.
            state[head + ".weight"] = torch.nn.init.normal_(torch.empty_like(own[head + ".weight"]), std=0.01)
            state[head + ".bias"] = torch.zeros_like(own[head + ".bias"])
        check_fit(state, own, width_hint(state))
    except TrainError as e:
        raise TrainError(f"{path}: {e}") from e
    model.load_state_dict(state, strict=False)  # only BatchNorm's counters may be missing: check_fit()
    found = f"{there} classes in {Path(path).name}, {here} here"
    return f"classifier re-initialised: {found}" if fresh else f"classifier kept: {found}"
