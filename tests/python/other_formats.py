# SPDX-License-Identifier: MIT
"""Writes files of other programs with these programs, and compares what rexnet's reader says of them.

usage: other_formats.py DUMP_CHECKPOINT     (the test tool built from tests/support/dump_checkpoint.cpp)
       other_formats.py --golden FOLDER     writes the small ones of them: tests/golden/other_formats
Exit code 77: torch is not installed. What else is not installed (onnx, h5py, joblib, gguf, timm) is left out and said.
"""
import bz2
import functools
import gzip
import importlib
import lzma
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
import warnings
import zipfile

warnings.simplefilter("ignore")
try:
    import numpy
    import torch
except ImportError:
    print("skipped: torch is not installed")
    sys.exit(77)

TORCHSCRIPT, UNSUPPORTED, LEGACY, MODULE, OTHER, TRUNCATED, GLOBAL = 48, 40, 60, 77, 78, 52, 23
W = {"w": torch.arange(6.0).reshape(2, 3)}
ARRAYS = {"w": numpy.arange(6, dtype="f4").reshape(2, 3)}


class plus_one(torch.nn.Module):
    def forward(self, x):
        return x + 1


def small():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.BatchNorm2d(2)).eval()


X = torch.zeros(1, 3, 8, 8)
CASES = []  # (file, code, words, function of the path, module that it needs)


def case(file, code, words, needs=None):
    def keep(write):
        CASES.append((file, code, words, write, needs))
        return write
    return keep


def plain(file, code, words, write, needs=None):
    CASES.append((file, code, words, write, needs))


def write_bytes(path, data):
    with open(path, "wb") as f:
        f.write(data)


# ---- programs of torch ----
plain("tiny.pt", TORCHSCRIPT, "state_dict()", lambda p: torch.jit.script(plus_one()).save(p))
plain("traced.pt", TORCHSCRIPT, "state_dict()", lambda p: torch.jit.trace(small(), X).save(p))
plain("scripted.pt", TORCHSCRIPT, "state_dict()", lambda p: torch.jit.script(small()).save(p))
plain("extra.pt", TORCHSCRIPT, "state_dict()",
      lambda p: torch.jit.save(torch.jit.script(small()), p, _extra_files={"labels.txt": "a\nb"}))
plain("frozen.pt", TORCHSCRIPT, "state_dict()", lambda p: torch.jit.freeze(torch.jit.script(small())).save(p))
plain("lite.ptl", TORCHSCRIPT, "for mobile", lambda p: torch.jit.script(small())._save_for_lite_interpreter(p))
plain("exported.pt2", OTHER, "torch.export.save", lambda p: torch.export.save(torch.export.export(small(), (X,)), p))


@case("package.pt", OTHER, "torch.package")
def package(path):
    with torch.package.PackageExporter(path) as e:
        e.extern("**")
        e.save_pickle("model", "model.pkl", small())


# ---- pickled modules ----
CONTAINER = "torch.nn.modules.container.Sequential"
for protocol in (2, 3, 4, 5):
    for zipped in (True, False):
        plain(f"module_{protocol}_{zipped}.pth", MODULE, CONTAINER, functools.partial(
            lambda p, protocol, zipped: torch.save(small(), p, pickle_protocol=protocol,
                                                   _use_new_zipfile_serialization=zipped),
            protocol=protocol, zipped=zipped))
plain("module.pth", MODULE, "torch.nn.modules.activation.ReLU", lambda p: torch.save(torch.nn.ReLU(), p))
plain("module_in_dict.pth", MODULE, CONTAINER, lambda p: torch.save({"epoch": 3, "model": small()}, p))
plain("module_and_loss.pth", MODULE, CONTAINER,
      lambda p: torch.save({"epoch": 3, "model": small(), "loss": torch.ones(1)}, p))
plain("module_and_state.pth", 0, "state_dict", lambda p: torch.save({"model": small(), "state_dict": W}, p))
plain("module_half.pth", MODULE, CONTAINER, lambda p: torch.save(small().half(), p))
plain("module_parallel.pth", MODULE, "DataParallel", lambda p: torch.save(torch.nn.DataParallel(small()), p))
plain("module_compiled.pth", MODULE, "OptimizedModule", lambda p: torch.save(torch.compile(small()), p))
plain("module_averaged.pth", MODULE, "AveragedModel",
      lambda p: torch.save(torch.optim.swa_utils.AveragedModel(small()), p))
plain("module_jit.pkl", OTHER, "pickle.dump", lambda p: write_bytes(p, pickle.dumps(small())))
plain("module_timm.pth", MODULE, "timm.models.rexnet.RexNet",
      lambda p: torch.save(importlib.import_module("timm").create_model("rexnet_100", num_classes=2), p), "timm")
plain("tensors.pkl", OTHER, "pickle.dump", lambda p: write_bytes(p, pickle.dumps(W)))

# ---- numpy ----
for protocol in (2, 3, 4, 5):
    plain(f"arrays_{protocol}.pkl", 0, "pickle",
          functools.partial(lambda p, protocol: write_bytes(p, pickle.dumps(ARRAYS, protocol=protocol)),
                            protocol=protocol))
    plain(f"arrays_{protocol}.pth", 0, "torch zip",
          functools.partial(lambda p, protocol: torch.save(ARRAYS, p, pickle_protocol=protocol), protocol=protocol))
    plain(f"fortran_{protocol}.pkl", 0, "pickle", functools.partial(
        lambda p, protocol: write_bytes(p, pickle.dumps({"w": numpy.asfortranarray(ARRAYS["w"])}, protocol=protocol)),
        protocol=protocol))
plain("big_endian.pkl", 39, "big-endian", lambda p: write_bytes(p, pickle.dumps({"w": numpy.arange(3, dtype=">f4")})))
plain("array.npy", OTHER, "a numpy array", lambda p: numpy.save(open(p, "wb"), ARRAYS["w"]))
plain("arrays.npz", OTHER, ".npz", lambda p: numpy.savez(open(p, "wb"), **ARRAYS))
plain("deflated.npz", OTHER, ".npz", lambda p: numpy.savez_compressed(open(p, "wb"), **ARRAYS))
plain("raw.joblib", OTHER, "joblib", lambda p: importlib.import_module("joblib").dump(ARRAYS, p), "joblib")
for method, words in (("zlib", "zlib"), ("gzip", "gzip"), ("bz2", "bzip2"), ("xz", "xz"), ("lzma", "lzma")):
    plain(method + ".joblib", OTHER, words, functools.partial(
        lambda p, method: importlib.import_module("joblib").dump(ARRAYS, p, compress=(method, 3)), method=method),
          "joblib")


# ---- other formats ----
@case("model.onnx", OTHER, "an ONNX model", "onnx")
def onnx(path):
    from onnx import TensorProto, helper, save
    value = functools.partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT, shape=[1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value("x")], [value("y")])
    save(helper.make_model(graph, producer_name="pytorch"), path)


@case("keras.h5", OTHER, "HDF5", "h5py")
def hdf5(path):
    with importlib.import_module("h5py").File(path, "w", libver="latest") as f:
        f["a"] = numpy.zeros(2)


@case("model.gguf", OTHER, "GGUF", "gguf")
def gguf(path):
    w = importlib.import_module("gguf").GGUFWriter(path, "llama")
    w.add_tensor("w", ARRAYS["w"])
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


# ---- a checkpoint in another coat ----
def good():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.pth")
        torch.save(W, path)
        with open(path, "rb") as f:
            return f.read()


def archived(path, mode, **how):
    with tempfile.TemporaryDirectory() as folder, tarfile.open(path, mode, **how) as tar:
        write_bytes(os.path.join(folder, "x"), good())
        tar.add(os.path.join(folder, "x"), arcname="folder/model.pth")


def zipped(path, method):
    with zipfile.ZipFile(path, "w", method) as z:
        z.writestr("folder/model.pth", good())
        z.writestr("folder/readme.txt", "x")


plain("model.pth.gz", OTHER, "unpack it first", lambda p: write_bytes(p, gzip.compress(good())))
plain("model.pth.bz2", OTHER, "unpack it first", lambda p: write_bytes(p, bz2.compress(good())))
plain("model.pth.xz", OTHER, "unpack it first", lambda p: write_bytes(p, lzma.compress(good())))
plain("model.tar", OTHER, "unpack it first", lambda p: archived(p, "w"))
plain("pax.tar", OTHER, "unpack it first", lambda p: archived(p, "w", format=tarfile.PAX_FORMAT))
plain("model.tar.gz", OTHER, "unpack it first", lambda p: archived(p, "w:gz"))
plain("stored.zip", OTHER, "unpack it first", lambda p: zipped(p, zipfile.ZIP_STORED))
plain("deflated.zip", OTHER, "unpack it first", lambda p: zipped(p, zipfile.ZIP_DEFLATED))
plain("deflated.pth", 13, "compression method 8", lambda p: rezipped(p, zipfile.ZIP_DEFLATED))
plain("cut.pth", TRUNCATED, "cut short", lambda p: write_bytes(p, good()[:-100]))
plain("half.pth", TRUNCATED, "cut short", lambda p: write_bytes(p, good()[:600] + bytes(len(good()) - 600)))
plain("reserved.pth", TRUNCATED, "did not finish", lambda p: write_bytes(p, bytes(5000)))


def rezipped(path, method):
    with tempfile.TemporaryDirectory() as folder:
        inner = os.path.join(folder, "x")
        write_bytes(inner, good())
        with zipfile.ZipFile(inner) as old, zipfile.ZipFile(path, "w", method) as new:
            for info in old.infolist():
                new.writestr(info.filename, old.read(info))


GOLDEN = ["tiny.pt", "model.onnx", "keras.h5", "model.gguf", "raw.joblib", "zlib.joblib", "arrays_2.pkl", "arrays_5.pkl",
          "fortran_2.pkl", "deflated.npz", "model.pth.gz", "deflated.zip", "module.pth"]


def main():
    golden = sys.argv[1] == "--golden"
    wrong, missing, tried = 0, set(), 0
    with tempfile.TemporaryDirectory() as folder:
        for file, code, words, write, needs in CASES:
            if golden and file not in GOLDEN:
                continue
            if needs is not None and importlib.util.find_spec(needs) is None:
                missing.add(needs)
                continue
            path = os.path.join(sys.argv[2] if golden else folder, file)
            write(path)
            if golden:
                continue
            tried += 1
            out = subprocess.run([sys.argv[1], path], capture_output=True, check=True).stdout.decode()
            head = out.split("\n")[0].split("\t")
            found = int(head[1]) if head[0] == "error" else 0
            # What loads is "w", 0 to 5, whatever the order in the file.
            good_tensor = code != 0 or "tensor\tw\tfloat32\t[2,3]" in out and "91e79017" in out
            if found != code or words not in "\t".join(head) or not good_tensor:
                wrong += 1
                print(f"WRONG {file}: expected {code} with '{words}', found {out[:300]!r}")
    if not golden:
        print(f"{tried} files, {wrong} wrong" + (f"; not installed: {', '.join(sorted(missing))}" if missing else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
