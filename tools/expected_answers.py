#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PyTorch's answers for the bundled pictures, for tests: writes examples/pictures/expected.json.

    python3 tools/expected_answers.py CHECKPOINT.pth CLASSES.txt INPUT_SIZE PICTURE...   (torch, timm, Pillow)

Official v1 keys are renamed to timm's, whose model is the same network.
"""
import json
import os
import re
import sys

import numpy as np
import timm
import torch
from PIL import Image


def timm_name(key):
    """features.5.out.7.weight -> features.2.conv_pwl.conv.weight"""
    key = re.sub(r"^features\.0\.", "stem.conv.", key)
    key = re.sub(r"^features\.1\.", "stem.bn.", key)
    key = re.sub(r"^features\.19\.", "features.16.conv.", key)
    key = re.sub(r"^features\.20\.", "features.16.bn.", key)
    key = re.sub(r"^output\.1\.", "head.fc.", key)
    match = re.match(r"features\.(\d+)\.out\.(.*)$", key)
    if not match:
        return key
    block, rest = int(match[1]) - 3, match[2]
    if block == 0:
        names = {"0": "conv_dw.conv", "1": "conv_dw.bn", "3": "conv_pwl.conv", "4": "conv_pwl.bn"}
    else:
        last = 7 if block >= 3 else 6
        names = {"0": "conv_exp.conv", "1": "conv_exp.bn", "3": "conv_dw.conv", "4": "conv_dw.bn", "5.fc.0": "se.fc1",
                 "5.fc.1": "se.bn", "5.fc.3": "se.fc2", str(last): "conv_pwl.conv", str(last + 1): "conv_pwl.bn"}
    for old in sorted(names, key=len, reverse=True):
        if rest.startswith(old + "."):
            return f"features.{block}.{names[old]}{rest[len(old):]}"
    return key


def main():
    checkpoint, classes, size, pictures = sys.argv[1], open(sys.argv[2]).read().split(), int(sys.argv[3]), sys.argv[4:]
    state = {timm_name(k): v for k, v in torch.load(checkpoint, map_location="cpu", weights_only=True).items()}
    state["head.fc.weight"] = state["head.fc.weight"].flatten(1)
    model = timm.create_model("rexnet_100", num_classes=len(classes))
    model.load_state_dict(state)
    model.eval()
    answers = {}
    for path in pictures:
        image = Image.open(path).convert("RGB")
        short = int(size / 0.875)
        w, h = image.size
        w, h = (short, int(short * h / w)) if w <= h else (int(short * w / h), short)
        image = image.resize((w, h), Image.BICUBIC)
        left, top = round((w - size) / 2), round((h - size) / 2)
        x = np.asarray(image.crop((left, top, left + size, top + size)), np.float32) / 255
        x = (x - np.array([0.485, 0.456, 0.406], np.float32)) / np.array([0.229, 0.224, 0.225], np.float32)
        with torch.no_grad():
            logits = model(torch.from_numpy(x.transpose(2, 0, 1))[None])[0]
        p = logits.softmax(0)
        order = p.argsort(descending=True)[:5].tolist()
        answers[os.path.basename(path)] = {
            "logits": [round(v, 6) for v in logits.tolist()],
            "top5": [{"label": classes[i], "probability": round(p[i].item(), 6)} for i in order]}
    json.dump(answers, open("examples/pictures/expected.json", "w"), indent=1)


main()
