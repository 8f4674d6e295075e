# SPDX-License-Identifier: MIT
"""The detectors that are compared, with seeded weights, as PyTorch has them and as ONNX files.

    python detect_models.py WIDTH CLASSES DIRECTORY   (in an environment with torch, torchvision, timm, onnx)

CLASSES: with the background. Writes into DIRECTORY:

    model.pth                     names and shapes of tools/train/detector.py, which rexnet reads
    input.npy                     [1][3][320][320], normalised: the network's input
    picture.npy, picture.rgb      [480][640][3] bytes; the same without a header
    network.onnx                  input.npy -> class logits, box codes
    0.001.onnx, 0.3.onnx          picture.npy -> boxes, scores, labels: all of torchvision's SSD, least score
    network.expected.npy          the outputs in float64, one after the other
    0.001.expected.npy, 0.3...    the boxes, scores and labels that PyTorch has in float32, likewise
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools/train"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

from detector import create_detector  # noqa: E402

SIDE, PICTURE_H, PICTURE_W = 320, 480, 640
SCORES = ("0.001", "0.3")


def candidates(classes):
    """How many of 3234 * (classes - 1) probabilities shall be above 0.3, which leaves a few dozen boxes, and
    how many above 0.001."""
    return 60, min(200 * (classes - 1), 2000)


def pictures(count, h, w, seed):
    """Smooth coloured noise with some grain, in bytes: [count, 3, h, w]."""
    g = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 8, 8, generator=g)
    smooth = torch.nn.functional.interpolate(coarse, (h, w), mode="bicubic", align_corners=False)
    grain = 0.05 * torch.randn(count, 3, h, w, generator=g)
    return ((smooth + grain).clamp(0, 1) * 255).round().to(torch.uint8)


class Network(nn.Module):
    """Normalised input to raw outputs."""

    def __init__(self, model):
        super().__init__()
        self.backbone, self.head = model.backbone, model.head

    def forward(self, x):
        out = self.head(list(self.backbone(x).values()))
        return out["cls_logits"], out["bbox_regression"]


class Whole(nn.Module):
    """A picture, [h, w, 3] bytes, to boxes in its pixels."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, picture):
        found = self.model([picture.permute(2, 0, 1).to(torch.float32) / 255])[0]
        return found["boxes"], found["scores"], found["labels"]


def randomise(model, x):
    """Seeded weights; BatchNorm statistics are those of a forward pass over `x`, as after a training."""
    g = torch.Generator().manual_seed(7)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            fan_in = module.weight[0].numel()
            module.weight.data = torch.randn(module.weight.shape, generator=g) * (1.6 / fan_in) ** 0.5
            if module.bias is not None:
                module.bias.data = 0.1 * torch.randn(module.bias.shape, generator=g)
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.data = 0.8 + 0.4 * torch.rand(module.weight.shape, generator=g)
            module.bias.data = 0.3 * torch.randn(module.bias.shape, generator=g)
            module.momentum = 1.0  # the statistics of the last batch
    network = Network(model).train()
    with torch.no_grad():
        network(x)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Few values can lie close together: a tiny variance would only magnify rounding.
            module.running_var.clamp_(min=0.25)
    model.eval()


def solve(f, wanted, low, high):
    """Where the falling function f passes `wanted`."""
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) > wanted else (low, middle)
    return (low + high) / 2


def calibrate(model, x, classes):
    """Scales the logits of the classes and sets the background's, so that as many candidates come out as
    after a training: without that, each class of each row has about the probability 1 / CLASSES."""
    with torch.no_grad():
        logits = Network(model)(x)[0][0].double()

    def above(least, gain, background):
        changed = torch.cat([torch.full((len(logits), 1), background), gain * logits[:, 1:]], 1)
        return int((changed.softmax(1)[:, 1:] > least).sum())

    many, all_of_them = candidates(classes)

    def background_of(gain):
        """In the middle of where it is `many`, so that no probability is 0.3 but for rounding."""
        ends = [solve(lambda b: above(0.3, gain, b), many + d, 0.0, 100.0 * gain) for d in (-0.5, 0.5)]
        return sum(ends) / 2

    # The larger the logits, the nearer are the two counts.
    gain = solve(lambda k: above(0.001, k, background_of(k)), all_of_them, 1.0, 100.0)
    background = background_of(gain)
    for level in model.head.classification_head.module_list:
        last = level[-1]
        shape = (-1, classes, *last.weight.shape[1:])
        weight, bias = last.weight.data.view(shape), last.bias.data.view(-1, classes)
        weight *= gain
        bias *= gain
        weight[:, 0] = 0
        bias[:, 0] = background


def export(model, x, output, inputs, outputs):
    """The classic exporter: fixed shapes, BatchNorm folded. Complete or not there."""
    unfinished = output.with_suffix(".unfinished")
    torch.onnx.export(
        model,
        (x,),
        str(unfinished),
        opset_version=17,
        dynamo=False,
        do_constant_folding=True,
        input_names=inputs,
        output_names=outputs,
    )
    unfinished.rename(output)


def flat(tensors):
    return np.concatenate([t.detach().double().numpy().ravel() for t in tensors])


def make(width, classes, directory):
    torch.manual_seed(7)
    model = create_detector("rexnetv1", width, classes - 1, (SIDE, SIDE))
    many = pictures(8, PICTURE_H, PICTURE_W, seed=11)
    with torch.no_grad():
        batch = model.transform(list(many.float() / 255))[0].tensors
    randomise(model, batch)
    one = pictures(1, PICTURE_H, PICTURE_W, seed=13)
    with torch.no_grad():
        x = model.transform(list(one.float() / 255))[0].tensors.contiguous()
    calibrate(model, x, classes)
    torch.save(model.state_dict(), directory / "model.pth")
    np.save(directory / "input.npy", x.numpy())
    picture = one[0].permute(1, 2, 0).contiguous()
    np.save(directory / "picture.npy", picture.numpy())
    picture.numpy().tofile(directory / "picture.rgb")
    with torch.no_grad():
        for score in SCORES:
            model.score_thresh = float(score)
            whole = Whole(model).eval()
            found = whole(picture)
            np.save(directory / f"{score}.expected.npy", flat(found))
            export(whole, picture, directory / f"{score}.onnx", ["input"], ["boxes", "scores", "labels"])
            print(f"least score {score}: {len(found[0])} boxes", flush=True)
        network = Network(model).eval()
        export(network, x, directory / "network.onnx", ["input"], ["logits", "codes"])
        np.save(directory / "network.expected.npy", flat(network.double()(x.double())))


if __name__ == "__main__":
    make(float(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
