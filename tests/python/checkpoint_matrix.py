# SPDX-License-Identifier: MIT
"""Writes checkpoints with PyTorch in every form and compares what rexnet's reader finds, bit by bit.

usage: checkpoint_matrix.py DUMP_CHECKPOINT     (the test tool built from tests/support/dump_checkpoint.cpp)
Exit code 77: torch is not installed. safetensors is compared where that package is there.

The rule: what torch.load(weights_only=True) reads in a supported container and dtype, rexnet reads with equal tensors.
The exceptions are REFUSED below, each with torch's success and rexnet's words.
"""
import argparse
import collections
import datetime
import decimal
import enum
import functools
import io
import itertools
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import uuid
import warnings
import zipfile
import zlib

try:
    import torch
    from torch.utils.serialization import config as torch_config
except ImportError:
    print("skipped: torch is not installed")
    sys.exit(77)
try:
    import numpy
except ImportError:
    numpy = None
try:
    from safetensors.torch import load_file, save_file
except ImportError:
    save_file = None

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
          torch.int8, torch.uint8, torch.bool]
PREFIXES = ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.module."]
KEYS = ["state_dict_ema", "model_ema", "state_dict", "model"]


def values(dtype):
    t = torch.arange(120, dtype=torch.float64).reshape(2, 3, 4, 5) * 1.37 - 60
    return t > 0 if dtype is torch.bool else t.clamp(min=0).to(dtype) if dtype is torch.uint8 else t.to(dtype)


def state_dict(strided):
    """Every dtype; with `strided` also views: transposed, sliced, channels-last, expanded, shared, scalar, empty."""
    d = collections.OrderedDict((str(t).replace("torch.", ""), values(t)) for t in DTYPES)
    d["special"] = torch.tensor([float("inf"), float("-inf"), float("nan"), -0.0, 1e-45, 3.4e38])
    d["half_special"] = torch.tensor([float("inf"), -0.0, 6e-8, 65504.0, 6.1e-5], dtype=torch.float16)
    d["bfloat_special"] = torch.tensor([float("-inf"), -0.0, 1e-40, 3.3e38], dtype=torch.bfloat16)
    d["scalar"], d["empty"] = torch.tensor(7), torch.zeros(0, 3)
    d["gew\u00f6hnlich.\U0001f600"] = torch.ones(2)
    if strided:
        base = torch.randn(6, 8, 5, 5)
        d["transposed"], d["sliced"] = base.transpose(0, 3), base[1:5:2, ::3, 1:, 2]
        d["channels_last"] = base.contiguous(memory_format=torch.channels_last)
        d["expanded"], d["tied"] = torch.randn(1, 3, 1).expand(4, 3, 2), base
        d["eight"] = torch.randn(256).reshape([2] * 8).permute(7, 0, 6, 1, 5, 2, 4, 3)
        d["ones"] = torch.randn(3).as_strided((1, 3, 1), (2**40, 1, 7))
        d["nothing"], d["tail"] = base[2:2], base.reshape(-1)[-1]
        for dtype in DTYPES:
            d[f"every.{dtype}"] = values(dtype).transpose(0, 2)[1:, ..., ::2]
        d["attribute"] = with_attribute(torch.arange(6.0).reshape(2, 3).t())
    return d


def containers(d):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    other = {"w": torch.zeros(1)}
    extra = {"epoch": 3, "arch": "rexnet_100", "optimizer": optimizer.state_dict(), "metric": 77.9, "version": 2,
             "args": argparse.Namespace(lr=0.1, mean=(0.5, 0.5), name="x", nothing=None, nested={"a": [1, 2]}),
             "best": None, "big": 2**70, "negative": -2**63, "device": torch.device("cpu"), "set": {1, 2},
             "counter": collections.Counter("aab"), "complex": 1 + 2j, "bytes": b"\xff\x00", "array": bytearray(b"ab"),
             "dtype": torch.bfloat16, "float8": torch.float8_e4m3fn, "size": torch.Size([1, 2]),
             "layout": torch.strided, "empty": [(), [], {}, ""], "storage": torch.ones(3).untyped_storage(),
             "attribute": torch.nn.Parameter(torch.ones(2))}
    extra["attribute"].group = "a"
    if numpy:
        extra["numpy"], extra["numpy32"] = numpy.float64(0.5), numpy.float32(0.5)
    yield "bare", d, ""
    yield "module", model.state_dict(), ""
    yield "parameters", {k: torch.nn.Parameter(v) if v.is_floating_point() else v for k, v in d.items()}, ""
    for i, key in enumerate(KEYS):
        yield key, {**extra, **{k: other for k in KEYS[i + 1:]}, key: d}, key


def strip(name):
    while name.startswith(("module.", "_orig_mod.")):
        name = name.split(".", 1)[1]
    return name


def rows(d):
    """What dump_checkpoint prints of such tensors."""
    lines = []
    for name, t in d.items():
        if not isinstance(t, torch.Tensor):
            continue
        t = t.detach()
        crcs = [zlib.crc32(t.to(torch.float64).contiguous().numpy().tobytes())]
        crcs += [zlib.crc32(t.to(torch.float64).to(torch.float32).contiguous().numpy().tobytes())]
        shape = "[" + ",".join(map(str, t.shape)) + "]"
        lines.append((strip(name), str(t.dtype).replace("torch.", ""), shape, *[f"{c:08x}" for c in crcs]))
    return sorted(lines)


def torch_reads(path, key):
    """The state dict by torch's careful reader; None where it refuses the file."""
    safe = [argparse.Namespace] + ([numpy.dtype, type(numpy.dtype("f8")), type(numpy.dtype("f4"))] if numpy else [])
    if numpy:
        safe += [(numpy._core.multiarray.scalar, name) for name in
                 ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")]
    with torch.serialization.safe_globals(safe), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            loaded = torch.load(path, weights_only=True)
        except Exception:  # pylint: disable=broad-except
            return None
    return loaded[key] if key else loaded


class matrix:
    """Files that wait for one call of the tool, and what must come out."""

    def __init__(self, tool, folder):
        self.tool, self.folder, self.waiting = tool, folder, []
        self.compared = self.by_torch = self.failures = 0

    def path(self):
        return os.path.join(self.folder, f"checkpoint \u00e4 {len(self.waiting)}")

    def add(self, label, container, key, d, by_torch):
        """Of the file at path(), just written."""
        wanted = rows(d)
        if by_torch is not None:
            self.by_torch += 1
            if rows(by_torch) != wanted:
                self.failures += 1
                print("torch itself differs:", label)
        self.waiting.append((label, self.path(), container, key, wanted))
        if len(self.waiting) == 64:
            self.flush()

    def flush(self):
        out = subprocess.run([self.tool] + [w[1] for w in self.waiting], capture_output=True, check=True).stdout
        found = []
        for line in out.decode().replace("\r\n", "\n").splitlines():
            row = line.split("\t")
            if row[0] == "tensor":
                found[-1][1].append(tuple(row[1:]))
            else:
                found.append((row, []))
        assert len(found) == len(self.waiting), out
        for (label, _, container, key, wanted), (head, tensors) in zip(self.waiting, found):
            self.compared += 1
            if head != ["file", container, key] or sorted(tensors) != wanted:
                self.failures += 1
                print("DIFFERS", label, head, [x for x in wanted if x not in tensors][:3])
        self.waiting = []


def torch_files(m):
    save = torch_config.save
    forms = [("legacy", True, 64)] + [("zip", crc, 64) for crc in (True, False)] + [("zip", True, 4096)]
    for strided, (form, crc, alignment), protocol in itertools.product([False, True], forms, [2, 3, 4, 5]):
        torch.serialization.set_crc32_options(crc)
        save.storage_alignment = alignment
        for prefix in PREFIXES:
            d = collections.OrderedDict((prefix + k, v) for k, v in state_dict(strided).items())
            for name, content, key in containers(d):
                path = m.path()
                if protocol > 3 and form == "zip" and not crc and prefix:
                    continue  # the axes are independent
                if form == "legacy" and protocol == 2:
                    content.pop("storage", None)  # torch's careful reader stumbles over it there
                torch.save(content, path, pickle_protocol=protocol, _use_new_zipfile_serialization=form == "zip")
                m.add((strided, form, crc, alignment, protocol, prefix, name), "torch " + form, key,
                      content[key] if key else content, torch_reads(path, key))
    torch.serialization.set_crc32_options(True)
    save.storage_alignment = 64


def safetensors_files(m):
    for prefix, strided, metadata in itertools.product(
            PREFIXES, [False, True], [None, {"format": "pt", "quote": 'a "b" \\ \u00e4\n\U0001f600', "": ""}]):
        d = {prefix + k: v.contiguous().clone() for k, v in state_dict(strided).items()}
        save_file(d, m.path(), metadata=metadata)
        m.add(("safetensors", prefix, strided, metadata), "safetensors", "", d, load_file(m.path()))
    # Headers of every length: some begin with the bytes of other formats ("PK" is 19280).
    for length in (640, 768, 1024, 1280, 19280):
        d = {"w": torch.arange(4.0)}
        save_file(d, m.path(), metadata={"pad": ""})
        with open(m.path(), "rb") as f:
            raw = f.read()
        header = raw[8:8 + struct.unpack("<Q", raw[:8])[0]]
        with open(m.path(), "wb") as f:
            f.write(struct.pack("<Q", length) + header.rstrip().ljust(length) + raw[8 + len(header):])
        m.add(("safetensors", length), "safetensors", "", d, load_file(m.path()))


# ---- what torch reads and rexnet refuses on purpose ----
W = {"w": torch.arange(6.0).reshape(2, 3)}


def saved(content, **how):
    out = io.BytesIO()
    torch.save(content, out, **how)
    return bytearray(out.getvalue())


def rezipped(change=lambda info, data: (info, data), extra=(), method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bytes(saved(W)))) as old, zipfile.ZipFile(out, "w", method) as new:
        for info in old.infolist():
            name, data = change(info.filename, old.read(info))
            new.writestr(name, data)
        for name, data in extra:
            new.writestr(name, data)
    return bytearray(out.getvalue())


def patched(find, replace, count=1):
    raw = saved(W)
    at = raw.index(find)
    raw[at:at + len(find)] = replace
    return raw


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def with_attribute(t):
    t.tag = "x"
    return t


# ---- what may lie beside the tensors ----
def named(module, name, **how):
    """A file of torch.save that refers to this name, whatever it is: as GLOBAL, which is how protocol 2 does it."""
    raw = saved({"state_dict": W, "value": "PLACEHOLDER"}, **how)
    return re.sub(rb"X\x0b\0\0\0PLACEHOLDER", b"c" + module.encode() + b"\n" + name.encode() + b"\n", bytes(raw))


def named_zip(module, name):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bytes(saved({"state_dict": W, "value": "PLACEHOLDER"})))) as old:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
            for info in old.infolist():
                new.writestr(info.filename, re.sub(
                    rb"X\x0b\0\0\0PLACEHOLDER", b"c" + module.encode() + b"\n" + name.encode() + b"\n",
                    old.read(info)))
    return out.getvalue()


def beside():
    """(label, bytes of a file whose state dict is W): each name that torch allows, and each kind of value."""
    for full in sorted(torch._weights_only_unpickler._get_allowed_globals()):
        module, name = full.rsplit(".", 1)
        yield full + ", the name in a zip", named_zip(module, name)
        yield full + ", the name in a legacy file", named(module, name, _use_new_zipfile_serialization=False)
    q = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
    channels = torch.quantize_per_channel(torch.ones(2, 3), torch.ones(2), torch.zeros(2), 0, torch.quint8)
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.group = "a"
    values = {"qint8": q, "per channel": channels, "qint32": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint32),
              "coo": torch.eye(3).to_sparse(), "csr": torch.eye(3).to_sparse_csr(), "complex": torch.ones(2) * 1j,
              "complex128": torch.ones(2, dtype=torch.complex128), "float8": torch.ones(2).to(torch.float8_e5m2),
              "uint16": torch.ones(2, dtype=torch.uint16), "meta": torch.ones(2, device="meta"),
              "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "attribute": with_attribute(torch.ones(2)),
              "parameter": parameter, "size": torch.Size([1]), "device": torch.device("cuda", 1), "layout": torch.sparse_coo,
              "scheme": torch.per_channel_symmetric, "format": torch.channels_last, "counter": collections.Counter("aab"),
              "set": {1, "a"}, "bytearray": bytearray(b"a"), "complex number": 1j, "bytes": b"\xff", "untyped": torch.ones(2).untyped_storage(),
              "quantized module": torch.ao.nn.quantized.Linear(2, 2).state_dict()}
    for label, value in values.items():
        for zipped in (True, False):
            try:
                yield (label, zipped), saved({"state_dict": W, "value": value}, _use_new_zipfile_serialization=zipped)
            except (NotImplementedError, RuntimeError, AttributeError, TypeError) as e:
                print("  torch does not write", label, zipped, str(e)[:80])


def names_beside(m):
    """What torch's careful reader takes beside the tensors must not keep them from being read here."""
    for label, raw in beside():
        with open(m.path(), "wb") as f:
            f.write(raw)
        loaded = torch_reads(m.path(), "state_dict")
        if loaded is None:
            print("  torch itself refuses", label)
        form = "torch zip" if raw[:2] == b"PK" else "torch legacy"
        m.add(("beside", label), form, "state_dict", W, loaded)


# ---- what training scripts keep that torch refuses and this reader does not: names are labels to it ----
class color(enum.Enum):
    red = 1


class config(dict):
    """As mmcv, addict, easydict and yacs have it."""


def training_values():
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    yield "module", model
    yield "optimizer", optimizer
    yield "scheduler", torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    yield "plateau", torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    yield "partial", functools.partial(int, base=2)
    yield "path", pathlib.PurePosixPath("/a")
    yield "enum", color.red
    yield "config", config(a=1, b=config(c=torch.ones(1)))
    yield "date", datetime.datetime(2026, 1, 2)
    yield "delta", datetime.timedelta(1)
    yield "defaultdict", collections.defaultdict(list, a=[1])
    yield "deque", collections.deque([1])
    yield "various", [slice(1, 2), range(3), ..., frozenset([1]), uuid.UUID(int=1), decimal.Decimal("1.5"), ValueError("x")]
    yield "types", [int, torch.nn.Conv2d, torch.nn.functional.relu]
    yield "python's random", random.getstate()
    if numpy:
        yield "random state", numpy.random.get_state()
        yield "generators", [numpy.random.RandomState(1), numpy.random.default_rng(1)]
        yield "arrays", [numpy.zeros((2, 3)), numpy.array(["a"]), numpy.array([None]), numpy.zeros(2, dtype="f4,i4")]
        yield "scalars", [numpy.bool_(True), numpy.float16(1), numpy.datetime64("2026-01-01"), numpy.dtype("f4")]


def training_files(m):
    for (label, value), protocol, zipped in itertools.product(training_values(), [2, 3, 4, 5], [True, False]):
        torch.save({"state_dict": W, "value": value}, m.path(), pickle_protocol=protocol,
                   _use_new_zipfile_serialization=zipped)
        m.add(("training", label, protocol, zipped), "torch zip" if zipped else "torch legacy", "state_dict", W, None)


REFUSED = [
    ("a damaged storage (Z9)", lambda: patched(struct.pack("<f", 5.0), struct.pack("<f", 6.0)), "checksum"),
    ("a deflated archive (Z3)", lambda: rezipped(method=zipfile.ZIP_DEFLATED), "compression method 8"),
    ("two entries of one name (Z5)", lambda: rezipped(extra=[("archive/x", "1"), ("archive/x", "2")]), "two entries"),
    ("an entry that leaves the archive (Z6)", lambda: rezipped(extra=[("archive/../x", "1")]), "unsafe name"),
    ("a local name that differs (Z4)", lambda: patched(b"archive/data/0", b"archive/dAta/0"), "disagree on the name"),
    ("nesting beyond 64 (P7)", lambda: saved({**W, "deep": nested(100)}), "deeper than 64"),
    ("a name of 2000 bytes (P8)", lambda: saved({"n" * 2000: torch.ones(1)}), "at most 1024"),
    ("nine dimensions (T2)", lambda: saved({"w": torch.ones([1] * 9)}), "9 dimensions"),
    ("values of a thousand times the file (T6)", lambda: saved({"w": torch.ones(1).expand(10**7)}), "elements out of"),
    ("two names that are one without prefix (M3)", lambda: saved({"w": W["w"], "module.w": W["w"]}), "two tensors"),
    ("a single tensor (T8)", lambda: saved(W["w"]), "no dictionary of tensors"),
    ("a dictionary without tensors (M1)", lambda: saved({"net": {"steps": 1}}), "no tensors"),
    ("complex numbers (T8)", lambda: saved({"w": torch.ones(2, dtype=torch.complex64)}), "ComplexFloatStorage"),
    ("uint16 (T8)", lambda: saved({"w": torch.ones(2, dtype=torch.uint16)}), "_rebuild_tensor_v3"),
    ("float8 (T8)", lambda: saved({"w": torch.ones(2).to(torch.float8_e5m2)}), "_rebuild_tensor_v3"),
    ("quantized tensors (T8)", lambda: saved({"w": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}),
     "_rebuild_qtensor"),
    ("sparse tensors (T8)", lambda: saved({"w": torch.eye(2).to_sparse()}), "_rebuild_sparse_tensor"),
    ("tensors on the meta device (T8)", lambda: saved({"w": torch.ones(2, device="meta")}), "_rebuild_meta_tensor"),
    ("a legacy file with bytes behind it (L2)",
     lambda: saved(W, _use_new_zipfile_serialization=False) + b"xx", "2 bytes after"),
]


def refused_on_purpose(m):
    path = os.path.join(m.folder, "refused")
    for name, make, words in REFUSED:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                raw = make()
        except Exception as e:  # pylint: disable=broad-except
            m.failures += 1
            print("CANNOT WRITE", name, e)
            continue
        with open(path, "wb") as f:
            f.write(raw)
        loaded = torch_reads(path, "")
        out = subprocess.run([m.tool, path], capture_output=True, check=True).stdout.decode()
        good = loaded is not None and out.startswith("error\t") and words in out
        m.failures += not good
        print(f"  {'' if good else 'WRONG: '}{name}" + ("" if good else f": torch {loaded is not None}, {out.strip()}"))


def main():
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        m = matrix(sys.argv[1], folder)
        torch_files(m)
        if save_file:
            safetensors_files(m)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names_beside(m)
            training_files(m)
        m.flush()
        print("refused on purpose, though torch reads them:")
        refused_on_purpose(m)
    print(f"{m.compared} checkpoints compared, {m.by_torch} of them with what torch's weights_only reads, "
          f"{len(REFUSED)} refused on purpose, {m.failures} differ" +
          ("" if save_file else " (safetensors is not installed)"))
    return 1 if m.failures or m.compared == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
