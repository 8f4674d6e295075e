# SPDX-License-Identifier: MIT
"""Writes checkpoints with PyTorch in every form and compares what rexnet's reader finds, value by value.

usage: checkpoint_matrix.py DUMP_CHECKPOINT     (the test tool built from tests/support/dump_checkpoint.cpp)
Exit code 77: torch is not installed. safetensors is compared where that package is there.
"""
import argparse
import collections
import itertools
import os
import subprocess
import sys
import tempfile
import zlib

try:
    import torch
except ImportError:
    print("skipped: torch is not installed")
    sys.exit(77)
try:
    from safetensors.torch import save_file
except ImportError:
    save_file = None

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
          torch.int8, torch.uint8, torch.bool]


def values(dtype):
    t = torch.arange(120, dtype=torch.float64).reshape(2, 3, 4, 5) * 1.37 - 60
    return t > 0 if dtype is torch.bool else t.clamp(min=0).to(dtype) if dtype is torch.uint8 else t.to(dtype)


def state_dict(strided):
    """Every dtype; with `strided` also views: transposed, sliced, channels-last, expanded, shared, scalar, empty."""
    d = collections.OrderedDict((str(t).replace("torch.", ""), values(t)) for t in DTYPES)
    d["special"] = torch.tensor([float("inf"), float("-inf"), float("nan"), -0.0, 1e-45, 3.4e38])
    d["half_special"] = torch.tensor([float("inf"), -0.0, 6e-8, 65504.0, 6.1e-5], dtype=torch.float16)
    d["scalar"], d["empty"] = torch.tensor(7), torch.zeros(0, 3)
    d["gew\u00f6hnlich.\U0001f600"] = torch.ones(2)
    if strided:
        base = torch.randn(6, 8, 5, 5)
        d["transposed"], d["sliced"] = base.transpose(0, 3), base[1:5:2, ::3, 1:, 2]
        d["channels_last"] = base.contiguous(memory_format=torch.channels_last)
        d["expanded"], d["tied"] = torch.randn(1, 3, 1).expand(4, 3, 2), base
    return d


def containers(d):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    other = {"w": torch.zeros(1)}
    extra = {"epoch": 3, "arch": "rexnet_100", "optimizer": optimizer.state_dict(), "metric": 77.9, "version": 2,
             "args": argparse.Namespace(lr=0.1, mean=(0.5, 0.5), name="x", nothing=None, nested={"a": [1, 2]}),
             "best": None, "big": 2**70}
    try:
        import numpy
        extra["numpy"] = numpy.float64(0.5)
        extra["numpy32"] = numpy.float32(0.5)
    except ImportError:
        pass
    yield "bare", d, ""
    yield "module", model.state_dict(), ""
    yield "parameters", {k: torch.nn.Parameter(v) if v.is_floating_point() else v for k, v in d.items()}, ""
    keys = ["state_dict_ema", "model_ema", "state_dict", "model"]
    for i, key in enumerate(keys):
        yield key, {**extra, **{k: other for k in keys[i + 1:]}, key: d}, key


def expected(d):
    lines = []
    for name, t in d.items():
        t = t.detach()
        data = t.to(torch.float64).contiguous().numpy().astype("<f8").tobytes()
        shape = "[" + ",".join(map(str, t.shape)) + "]"
        lines.append((name, str(t.dtype).replace("torch.", ""), shape, zlib.crc32(data)))
    return lines


def strip(name):
    while name.startswith(("module.", "_orig_mod.")):
        name = name.split(".", 1)[1]
    return name


def main():
    dump, failures, count = sys.argv[1], 0, 0
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "checkpoint \u00e4.pth")

        def compare(label, container, key, d):
            nonlocal failures, count
            out = subprocess.run([dump, path], capture_output=True, check=True).stdout.decode().replace("\r\n", "\n")
            rows = [line.split("\t") for line in out.splitlines()]
            found = sorted((r[1], r[2], r[3], int(r[4], 16)) for r in rows if r[0] == "tensor")
            wanted = sorted((strip(n), t, s, c) for n, t, s, c in expected(d))
            count += 1
            if rows[0] != ["file", container, key] or found != wanted:
                failures += 1
                print("DIFFERS", label, rows[0], [x for x in wanted if x not in found][:3])

        prefixes = ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.module."]
        for strided, legacy, protocol in itertools.product([False, True], [False, True], [2, 3, 4, 5]):
            for prefix in prefixes:
                d = collections.OrderedDict((prefix + k, v) for k, v in state_dict(strided).items())
                for name, content, key in containers(d):
                    chosen = content[key] if key else content
                    torch.save(content, path, pickle_protocol=protocol, _use_new_zipfile_serialization=not legacy)
                    compare((strided, legacy, protocol, prefix, name), "torch legacy" if legacy else "torch zip", key, chosen)
        for prefix in prefixes if save_file else []:
            d = {prefix + k: v for k, v in state_dict(False).items()}
            save_file(d, path, metadata={"format": "pt", "quote": 'a "b" \\ \u00e4'})
            compare(("safetensors", prefix), "safetensors", "", d)
    print(f"{count} checkpoints compared, {failures} differ" + ("" if save_file else " (safetensors is not installed)"))
    return 1 if failures or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
