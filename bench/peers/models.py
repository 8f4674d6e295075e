# SPDX-License-Identifier: MIT
"""The networks that are compared, with seeded weights, and the reference logits.

    python models.py NAME DIRECTORY     (in an environment with torch and timm)

writes DIRECTORY/NAME.pth (names that rexnet reads), NAME.inputB.npy ([B][3][h][w], B = 1 and 8) and
NAME.logits.npy (float64).
"""

import sys
from pathlib import Path

# Input size and top-1 on ImageNet: ReXNet from its authors' README, EfficientNet from its paper, table 2
# (arXiv:1905.11946), both at these sizes.
MODELS = {
    "rexnet_100": (224, 77.9),
    "rexnet_130": (224, 79.5),
    "rexnet_150": (224, 80.3),
    "rexnet_200": (224, 81.6),
    "rexnet_300": (224, 82.8),
    "rexnet_lite_100": (224, 76.2),
    "efficientnet_b0": (224, 77.1),
    "efficientnet_b1": (240, 79.1),
    "efficientnet_b2": (260, 80.1),
}
BATCHES = (1, 8)


def is_rexnet(name):
    return name.startswith("rexnet")


def images(count, size, seed):
    """Smooth coloured noise of about unit variance, so that pooled features differ from image to image."""
    import torch

    g = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 3, 6, 6, generator=g)
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic", align_corners=False)
    return smooth + 0.3 * torch.randn(count, 3, size, size, generator=g)


def bare(name):
    import timm

    sys.path.append(str(Path(__file__).resolve().parents[2] / "tests/python"))
    from rexnet_lite import RexnetLite

    return RexnetLite(1.0) if name == "rexnet_lite_100" else timm.create_model(name, exportable=True)


def load(name, directory):
    """The network with the weights in DIRECTORY/NAME.pth, in evaluation mode."""
    import torch

    model = bare(name)
    model.load_state_dict(torch.load(Path(directory) / f"{name}.pth", weights_only=True))
    return model.eval()


def randomise(model, size):
    """Seeded weights; BatchNorm statistics are those of a forward pass, as after a training."""
    import torch
    from torch import nn

    g = torch.Generator().manual_seed(7)
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            fan_in = module.weight[0].numel()
            module.weight.data = torch.randn(module.weight.shape, generator=g) * (1.6 / fan_in) ** 0.5
            if module.bias is not None:
                module.bias.data = 0.1 * torch.randn(module.bias.shape, generator=g)
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.data = 0.8 + 0.4 * torch.rand(module.weight.shape, generator=g)
            module.bias.data = 0.3 * torch.randn(module.bias.shape, generator=g)
            module.momentum = 1.0  # the statistics of the last batch
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    if hasattr(model, "drop_rate"):
        model.drop_rate = 0.0
    with torch.no_grad():
        model(images(16, size, seed=11))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Sixteen pooled values can lie close together: a tiny variance would only magnify rounding.
            module.running_var.clamp_(min=1e-2)
    return model.eval()


def make(name, directory):
    import numpy as np
    import torch

    torch.manual_seed(7)
    size = MODELS[name][0]
    model = randomise(bare(name), size)
    torch.save(model.state_dict(), directory / f"{name}.pth")
    x = images(max(BATCHES), size, seed=23)
    with torch.no_grad():
        single = model(x).double()
        exact = model.double()(x.double())
    for batch in BATCHES:  # a file of its own: what is not used must not count as memory
        np.save(directory / f"{name}.input{batch}.npy", x[:batch].numpy())
    np.save(directory / f"{name}.logits.npy", exact.numpy())
    print(
        f"{name}: largest logit {exact.abs().max():.3g}, spread between images "
        f"{(exact - exact.mean(0)).std():.3g}, float32 differs by {(single - exact).abs().max():.2g}"
    )


if __name__ == "__main__":
    make(sys.argv[1], Path(sys.argv[2]))
