# SPDX-License-Identifier: MIT
"""The runtimes that are compared: their names, environments, packages and the file each one loads."""

from collections import namedtuple

# environment: the virtual environment it lives in; package: the distribution whose version is printed;
# suffix: of the converted model; source: another peer's conversion that it starts from
Peer = namedtuple("Peer", "title environment package suffix source")

PEERS = {
    "rexnet": Peer("rexnet", None, None, ".rexnet", None),
    "litert": Peer("LiteRT (XNNPACK)", "litert", "ai-edge-litert", ".tflite", None),
    "onnxruntime": Peer("ONNX Runtime", "torch", "onnxruntime", ".onnx", None),
    "openvino": Peer("OpenVINO", "torch", "openvino", ".xml", "onnxruntime"),
    "executorch": Peer("ExecuTorch (XNNPACK)", "executorch", "executorch", ".pte", None),
    "ncnn": Peer("ncnn", "torch", "ncnn", ".ncnn.param", None),
    "mnn": Peer("MNN", "torch", "MNN", ".mnn", "onnxruntime"),
}

# LiteRT and ExecuTorch bring torch versions of their own, so they do not share an environment.
ENVIRONMENTS = {
    "torch": [
        "torch",
        "timm",
        "onnx",
        "onnxscript",
        "onnxruntime",
        "openvino",
        "ncnn",
        "pnnx",
        "MNN",
        "matplotlib",
    ],
    "litert": ["litert-torch", "ai-edge-litert", "timm"],
    "executorch": ["executorch", "timm"],
}

# The widths are the subject; EfficientNet is there for the plot against accuracy, with these runtimes.
EFFICIENTNET_PEERS = ("litert", "onnxruntime", "openvino")


def runs(peer, model):
    """Whether `peer` has a row for `model` at all."""
    return model.startswith("rexnet") or peer in EFFICIENTNET_PEERS


def model_file(work, peer, model, batch):
    """ncnn takes images one by one and rexnet any number: one file for every batch."""
    name = model if peer in ("rexnet", "ncnn") else f"{model}_b{batch}"
    return work / "converted" / peer / (name + PEERS[peer].suffix)
