# SPDX-License-Identifier: MIT
"""One network to one peer's form, in the environment of that peer.

    python convert.py PEER NAME BATCH MODELS OUTPUT [SOURCE]

MODELS: directory of NAME.pth; SOURCE: the ONNX file, for peers that start there.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import models


def to_litert(model, x, output, _):
    """Channel-last input; the converter then keeps NHWC throughout."""
    import litert_torch

    nhwc = x.permute(0, 2, 3, 1).contiguous()
    litert_torch.convert(litert_torch.to_channel_last_io(model, args=[0]).eval(), (nhwc,)).export(
        str(output)
    )


def to_onnxruntime(model, x, output, _):
    """The classic exporter: fixed shapes, BatchNorm folded."""
    import torch

    torch.onnx.export(
        model,
        (x,),
        str(output),
        opset_version=17,
        dynamo=False,
        do_constant_folding=True,
        input_names=["input"],
        output_names=["logits"],
    )


def to_openvino(model, x, output, source):
    import openvino

    openvino.save_model(openvino.convert_model(source), str(output), compress_to_fp16=False)


def to_executorch(model, x, output, _):
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    program = to_edge_transform_and_lower(
        torch.export.export(model, (x,)), partitioner=[XnnpackPartitioner()]
    )
    output.write_bytes(program.to_executorch().buffer)


def to_ncnn(model, x, output, _):
    import torch

    x = x[:1]
    with tempfile.TemporaryDirectory(dir=output.parent) as directory:
        trace = Path(directory) / "model.pt"
        torch.jit.trace(model, x).save(str(trace))
        shape = ",".join(map(str, x.shape))
        pnnx = Path(sys.executable).parent / "pnnx"
        subprocess.run(
            [
                pnnx,
                trace,
                f"inputshape=[{shape}]",
                "fp16=0",
                f"ncnnparam={output}",
                f"ncnnbin={output.with_suffix('.bin')}",
            ],
            check=True,
            cwd=directory,
            stdout=subprocess.DEVNULL,
        )


def to_mnn(model, x, output, source):
    mnnconvert = Path(sys.executable).parent / "mnnconvert"
    subprocess.run(
        [
            mnnconvert,
            "-f",
            "ONNX",
            "--modelFile",
            source,
            "--MNNModel",
            output,
            "--bizCode",
            "rexnet",
            "--optimizeLevel",
            "2",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("name")
    parser.add_argument("batch", type=int)
    parser.add_argument("models", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("source", nargs="?")
    o = parser.parse_args()
    model = x = None
    if not o.source:
        import numpy as np
        import torch

        model = models.load(o.name, o.models)
        x = torch.from_numpy(np.load(o.models / f"{o.name}.input{o.batch}.npy"))
    # An interrupted conversion must not look like a finished one.
    unfinished = o.output.parent / "unfinished" / o.output.name
    shutil.rmtree(unfinished.parent, ignore_errors=True)
    unfinished.parent.mkdir(parents=True)
    globals()[f"to_{o.peer}"](model, x, unfinished.absolute(), o.source)
    produced = sorted(unfinished.parent.iterdir(), key=lambda path: path.name == o.output.name)
    for path in produced:  # the file that marks completion last
        path.rename(o.output.parent / path.name)
    unfinished.parent.rmdir()


if __name__ == "__main__":
    main()
