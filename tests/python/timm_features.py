# SPDX-License-Identifier: MIT
"""Compares `rexnet features` and `rexnet classify --cam --embed` with timm and PyTorch on random weights.

usage: timm_features.py REXNET
timm gives features_only=True, forward_features() and forward_head(pre_logits=True) in float64; class activation
maps, and everything of lite (which timm does not have), are written in torch here. Every array must be within a
relative L2 of 1e-5 or of four times PyTorch's own float32 error. Exit code 77: torch or timm is not installed.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    import timm
    import torch
    from torch.nn import functional
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed")
    sys.exit(77)

from rexnet_lite import RexnetLite

LIMIT, STRIDES, BLOCKS = 1e-5, [2, 4, 8, 16, 32], [0, 2, 4, 10, 15]
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def settled(model):
    """Random BatchNorms, with the statistics of noise, so that activations neither die nor explode."""
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        torch.nn.init.normal_(norm.weight, 1.0, 0.1)
        torch.nn.init.normal_(norm.bias, 0.05, 0.1)
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()(torch.randn(4, 3, 64, 64))
    return model.eval()


def timm_backbone(model, name, arguments):
    """timm's own features_only model with the same weights."""
    backbone = timm.create_model(name, features_only=True, **arguments).eval()
    weights = {k.replace("features.", "features_", 1): v for k, v in model.state_dict().items()}
    missing = backbone.load_state_dict(weights, strict=False).missing_keys
    assert not missing, missing
    assert backbone.feature_info.reduction() == STRIDES
    return backbone


def timm_maps(model, backbone, x):
    head = model.forward_features(x)
    return backbone(x), head, head.mean((2, 3)), model.forward_head(head, pre_logits=True)


def lite_maps(model, x):
    stages = []
    for i, layer in enumerate(model.features):
        x = layer(x)
        if i - 3 in BLOCKS:
            stages.append(x)
    pooled = x.mean((2, 3))
    return stages, x, pooled, model.output[:4](pooled[:, :, None, None]).flatten(1)


def activation_map(model, head, k):
    """[h][w]: the classifier without its bias on every place; lite's hidden layer before it."""
    if isinstance(model, RexnetLite):
        return functional.conv2d(model.output[:4](head), model.output[4].weight)[0, k]
    return torch.einsum("c,nchw->nhw", model.head.fc.weight[k], head)[0]


class comparison:
    def __init__(self, rexnet, folder):
        self.rexnet, self.folder = rexnet, pathlib.Path(folder)
        self.arrays = self.failures = 0
        self.worst = {}

    def run(self, *arguments):
        return subprocess.run([self.rexnet, *map(str, arguments)], check=True, capture_output=True).stdout

    def check(self, label, what, file, expected, own):
        """own: the same array by PyTorch in float32"""
        limit = max(LIMIT, 4 * ((own - expected).norm() / expected.norm()).item())
        found, expected = numpy.load(file), expected.numpy()
        error = numpy.inf
        if found.shape == expected.shape:
            error = numpy.linalg.norm(found.astype("f8") - expected) / numpy.linalg.norm(expected)
        self.arrays += 1
        self.worst[what] = max(self.worst.get(what, 0), error)
        if not error <= limit:
            self.failures += 1
            print("DIFFERS", label, what, found.shape, expected.shape, error)

    def features(self, label, pth, x, maps, own):
        for layout in ("nchw", "nhwc") if x.shape[0] == 2 else ("nchw",):
            order = (0, 1, 2, 3) if layout == "nchw" else (0, 2, 3, 1)
            numpy.save(self.folder / "x.npy", x.float().permute(order).contiguous().numpy())
            self.run("features", pth, self.folder / "x.npy", "-o", self.folder / "out", "--layout", layout)
            for i, stride in enumerate(STRIDES):
                name = f"stride{stride}"
                self.check(label, name, self.folder / f"out/{name}.npy", maps[0][i].permute(order),
                           own[0][i].permute(order))
            self.check(label, "head", self.folder / "out/head.npy", maps[1].permute(order), own[1].permute(order))
            self.check(label, "pooled", self.folder / "out/pooled.npy", maps[2], own[2])
            self.check(label, "features", self.folder / "out/features.npy", maps[3], own[3])

    def pictures(self, label, pth, model, maps_of):
        """classify on pictures that need no resize: 96 x 96, crop 1."""
        files, pictures = [], torch.randint(0, 256, (3, 12, 12, 3), dtype=torch.uint8)
        pictures = pictures.repeat_interleave(8, 1).repeat_interleave(8, 2)
        for i, picture in enumerate(pictures):
            files.append(self.folder / f"{i}.ppm")
            files[-1].write_bytes(b"P6 96 96 255\n" + picture.numpy().tobytes())
        x = ((pictures.float() / 255 - MEAN) / STD).permute(0, 3, 1, 2).double()
        options = ["--input-size", 96, "--crop-pct", 1, "--json"]
        maps, own = maps_of(x), maps_of(x.float())
        scores = model(x).softmax(1)
        out = json.loads(self.run("classify", pth, *files, *options, "--embed", self.folder / "e.npy"))
        self.check(label, "embed", self.folder / "e.npy", maps[3], own[3])
        for i, file in enumerate(files):
            assert out[i]["top"][0]["class"] == scores[i].argmax(), (label, out[i])
            for chosen in (None, 3):
                more = [] if chosen is None else ["--cam-class", chosen]
                self.run("classify", pth, file, *options, "--cam", self.folder / "cam.npy", *more)
                k = scores[i].argmax() if chosen is None else chosen
                self.check(label, "cam", self.folder / "cam.npy", activation_map(model, maps[1][i:i + 1], k),
                           activation_map(model, own[1][i:i + 1].double(), k))


def main():
    torch.manual_seed(1)
    sizes = [(1, 96, 96), (2, 97, 131), (1, 1, 1), (1, 7, 5), (1, 33, 97)]
    cases = [("rexnet_100", {"width_mult": 0.5}, 10, sizes), ("rexnet_100", {"width_mult": 0.6}, 0, sizes[1:2]),
             ("rexnetr_100", {"width_mult": 0.5}, 10, sizes), ("rexnet_100", {}, 7, [(1, 64, 80)]),
             ("rexnetr_100", {}, 0, [(1, 64, 80)]), ("lite", {"width": 0.5}, 10, sizes),
             ("lite", {"width": 1.0}, 0, [(1, 64, 80)])]
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        c = comparison(sys.argv[1], folder)
        for name, arguments, classes, shapes in cases:
            label, pth = (name, arguments, classes), pathlib.Path(folder) / "model.pth"
            if name == "lite":
                model = settled(RexnetLite(classes=max(classes, 1), **arguments))
                state = {k: v for k, v in model.state_dict().items() if classes or not k.startswith("output.4.")}
            else:
                model = settled(timm.create_model(name, num_classes=classes, **arguments))
                state = model.state_dict()
            torch.save(state, pth)
            backbone = None if name == "lite" else timm_backbone(model, name, arguments)

            def maps_of(x):
                """In x's precision."""
                m, b = model.to(x.dtype), backbone and backbone.to(x.dtype)
                maps = lite_maps(m, x) if name == "lite" else timm_maps(m, b, x)
                model.double()
                return maps

            for shape in shapes:
                x = torch.randn(shape[0], 3, *shape[1:]).double()
                c.features((*label, shape), pth, x, maps_of(x), maps_of(x.float()))
            if classes:
                c.pictures(label, pth, model, maps_of)
    print(f"timm {timm.__version__}, torch {torch.__version__}: {c.arrays} arrays compared, {c.failures} differ; worst "
          "relative L2: " + ", ".join(f"{k} {v:.1e}" for k, v in c.worst.items()))
    return 1 if c.failures or c.arrays == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
