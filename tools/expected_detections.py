#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PyTorch's detections in the bundled scenes, for tests: writes examples/scenes/expected.json.

    python3 tools/expected_detections.py DETECTOR.pth LABELS.txt WIDTH INPUT_SIZE PICTURE...
        (torch, torchvision, timm, Pillow)

DETECTOR.pth is what tools/train/detect.py trains, a rexnetv1 of that width and that (square) network input. The model is
torchvision's SSD with float32 weights; detections of a score above 0.3 are written, the best first, boxes in pixels of the
picture, "class" 1 being the first label. The bundled models/garments_detector.rexnet has the weights as float16: a
comparison must allow for that.
"""
import json
import sys
from pathlib import Path

import torch
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS / "train"))
from detector import create_detector, load_initial  # noqa: E402

SCORE = 0.3


def main():
    checkpoint, labels, width, size = sys.argv[1], Path(sys.argv[2]).read_text().splitlines(), float(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(1)
    model = create_detector("rexnetv1", width, len(labels), (size, size)).eval()
    load_initial(model, checkpoint)
    answers = []
    for path in map(Path, sys.argv[5:]):
        with Image.open(path) as file:
            picture = pil_to_tensor(file.convert("RGB")).float() / 255
        with torch.inference_mode():
            found = model([picture])[0]
        answers.append({"image": path.name, "width": picture.shape[2], "height": picture.shape[1], "detections": [
            {"class": label, "label": labels[label - 1], "score": round(score, 6), "box": [round(v, 3) for v in box]}
            for label, score, box in zip(found["labels"].tolist(), found["scores"].tolist(), found["boxes"].tolist())
            if score > SCORE]})
    (TOOLS.parent / "examples/scenes/expected.json").write_text(json.dumps(answers, indent=1) + "\n")


main()
