#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command with a detector: run against torchvision's outputs, pack, verify, inspect, features, bench, refusals.

usage: command_detector.py REXNET SOURCE_DIR DETECTION_DIR     (exit code 77: numpy or the last is not there)
DETECTION_DIR has a checkpoint, inputs with the outputs that PyTorch gives in float32 and in double, and a manifest with
how far these two are apart.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

rexnet, source, fixtures = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), Path(sys.argv[3])
if not (fixtures / "manifest.json").is_file():
    print(f"skipped: needs {fixtures}")
    sys.exit(77)
try:
    import numpy
except ImportError:
    print("skipped: needs numpy")
    sys.exit(77)
fixtures = fixtures.resolve()
entry = json.loads((fixtures / "manifest.json").read_text())["models"][0]
checkpoint, classifier = fixtures / entry["checkpoint"], source / "models/clothing_1.0x.rexnet"
classes, rows = entry["classes_with_background"], entry["anchors"]
failures = []


def require(condition, *what):
    if not condition:
        failures.append(what)
        print("FAILED", *what)


def call(*arguments):
    done = subprocess.run([rexnet, *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def good(*arguments):
    code, out, err = call(*arguments)
    require(code == 0, "exit code", code, *arguments, err)
    return out


def refused(words, *arguments, code=1):
    found, out, err = call(*arguments)
    require(found == code and words in err, "no", repr(words), "with code", code, "but", found, out + err, *arguments)


def raw(folder):
    return [numpy.load(Path(folder) / f"{name}.npy") for name in ("cls_logits", "bbox_regression")]


def same(a, b, what):
    for name in ("cls_logits.npy", "bbox_regression.npy"):
        require((Path(a) / name).read_bytes() == (Path(b) / name).read_bytes(), what, name)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)

    # run: against torchvision in double; any layout, size, number of threads and of images
    for index, picture in enumerate(entry["pictures"]):
        case = numpy.load(fixtures / picture["case"])
        numpy.save(f"in{index}.npy", case["input_nchw"])
        numpy.save(f"in{index}_cls.npy", case["cls_logits"])
        numpy.save(f"in{index}_box.npy", case["bbox_regression"][None])
        good("run", checkpoint, f"in{index}.npy", "-o", f"out{index}", "--threads", 1)
        for key, found, apart in zip(("cls_logits", "bbox_regression"), raw(f"out{index}"),
                                     (picture["cls_f32_vs_f64"], picture["box_f32_vs_f64"])):
            expected = case[key + "_f64"]
            require(found.shape == (1, *expected.shape) and found.dtype == numpy.float32, key, found.shape)
            worst, bound = abs(found[0] - expected).max(), max(1e-5 * abs(expected).max(), 4 * apart)
            print(f"{picture['case']} {key}: {worst:.3g} from double, {worst / abs(expected).max():.2g} of the largest, "
                  f"bound {bound:.3g}, PyTorch's float32 {apart:.3g}")
            require(worst <= bound, picture["case"], key, worst, bound)
    image = numpy.load("in0.npy")
    numpy.save("both.npy", numpy.concatenate([image, numpy.load("in1.npy")]))
    numpy.save("both_nhwc.npy", numpy.ascontiguousarray(numpy.load("both.npy").transpose(0, 2, 3, 1)))
    numpy.save("crop.npy", numpy.ascontiguousarray(image[:, :, :97, :131]))
    numpy.save("none.npy", image[:0])
    good("run", checkpoint, "both.npy", "-o", "a/new/folder", "--threads", 2, "--layers", "layers")
    good("run", checkpoint, "both_nhwc.npy", "-o", "nhwc", "--layout", "nhwc")
    same("a/new/folder", "nhwc", "the layouts differ:")
    for k, values in enumerate(raw("nhwc")):
        for index in range(2):
            require((values[index] == raw(f"out{index}")[k][0]).all(), "an image alone and among others", k, index)
    good("run", checkpoint, "none.npy", "-o", "none")
    require([v.shape for v in raw("none")] == [(0, rows, classes), (0, rows, 4)], "no images", raw("none"))
    good("run", checkpoint, "crop.npy", "-o", "crop")
    refused("expected [n,3,h,w]", "run", checkpoint, "both_nhwc.npy", "-o", "x")
    Path("file").write_text("x")
    require(call("run", checkpoint, "in0.npy", "-o", "file")[0] == 1, "-o is a file")
    os.mkdir("link")
    os.link("in0.npy", "link/cls_logits.npy")
    refused("the same file as the input in0.npy", "run", checkpoint, "in0.npy", "-o", "link")

    # pack: float32 has the checkpoint's bits, whatever settings come with it
    Path("labels.txt").write_text("".join(f"thing {i}\n" for i in range(1, classes)))
    good("pack", checkpoint, "-o", "plain.rexnet")
    good("pack", checkpoint, "-o", "again.rexnet")
    require(Path("plain.rexnet").read_bytes() == Path("again.rexnet").read_bytes(), "pack is not deterministic")
    settings = ["--labels", "labels.txt", "--input-size", "384x256", "--mean", "0.5,0.4,0.3", "--std", "0.2,0.25,0.3",
                "--min-score", "0.125", "--nms", "0.5", "--max", "50", "--candidates", "200", "--anchor-scales", "0.1,0.9"]
    out = good("pack", checkpoint, "-o", "full.rexnet", *settings)
    require(f"SSDLite on ReXNet v1 0.5x, {classes - 1} classes and the background" in out and "384 x 256" in out, out)
    good("pack", "full.rexnet", "-o", "repacked.rexnet")
    require(Path("full.rexnet").read_bytes() == Path("repacked.rexnet").read_bytes(), "a packed file packed again differs")
    good("pack", "full.rexnet", "-o", "half.rexnet", "--fp16", "--labels", "none", "--input-size", "320")
    require(Path("half.rexnet").stat().st_size < 0.52 * Path("full.rexnet").stat().st_size, "--fp16 is not half the size")
    for model in ("plain.rexnet", "full.rexnet"):
        good("run", model, "in0.npy", "-o", model + ".out")
        same(model + ".out", "out0", f"{model} and the checkpoint differ:")
    good("run", "full.rexnet", "crop.npy", "-o", "crop_packed")
    same("crop", "crop_packed", "another size: packed file and checkpoint differ:")
    good("run", "half.rexnet", "in0.npy", "-o", "half")
    for found, exact in zip(raw("half"), raw("out0")):
        require(0 < abs(found - exact).max() < 0.1 * abs(exact).max(), "float16", abs(found - exact).max())
    for model, words in (("plain.rexnet", "checksums right, the file's"), ("half.rexnet", "checksums right, the file's"),
                         (checkpoint, "well-formed, a generated")):
        out = good("verify", model)
        require(words + " self-test passed" in out and "logits" in out and "codes" in out, out)

    # inspect
    found = json.loads(good("inspect", checkpoint, "--json"))
    require(found["kind"] == "detector" and found["parameters"] == entry["parameters"] and found["labels"] == []
            and found["classes"] == classes - 1 and found["input_size"] == entry["size_wh"] and found["tensors"], found)
    d = found["detector"]
    require([[m["height"], m["width"]] for m in d["maps"]] == entry["maps_hw"]
            and [m["channels"] for m in d["maps"]] == entry["channels"] and d["rows"] == rows
            and d["classes_with_background"] == classes and d["tap_block"] == 10, d)
    require([d["anchor_scales"], d["min_score"], d["nms"], d["candidates"], d["max"]] ==
            [[0.2, 0.95], 0.001, 0.55, 300, 300], "torchvision's settings", d)
    at_320 = found["multiply_adds"]
    found = json.loads(good("inspect", "full.rexnet", "--json"))
    d = found["detector"]
    require([d["anchor_scales"], d["min_score"], d["nms"], d["candidates"], d["max"]] ==
            [[0.1, 0.9], 0.125, 0.5, 200, 50], "settings that were packed", d)
    require(found["labels"] == [f"thing {i}" for i in range(1, classes)] and found["self_test"], found["labels"])
    require(found["preprocessing"]["mean"] == [0.5, 0.4, 0.3] and found["preprocessing"]["std"] == [0.2, 0.25, 0.3]
            and found["input_size"] == [384, 256] and d["maps"][0] == {"height": 16, "width": 24, "channels": 72}, found)
    require(json.loads(good("inspect", "full.rexnet", "--json", "--input-size", 320))["multiply_adds"] == at_320, "at 320")
    half = json.loads(good("inspect", "half.rexnet", "--json"))
    require(half["number_type"] == "float16" and half["labels"] == [] and half["input_size"] == [320, 320]
            and half["detector"]["max"] == 50, half)
    text = good("inspect", "full.rexnet")
    for words in (f"{classes - 1} classes and the background (packed, float32)", "24 x 16 of 72 channels (block 10)",
                  "resized to 384 x 256", "scales 0.1 to 0.9", "score above 0.125, overlap up to 0.5, 200 candidates of a "
                  "class, 50 of a picture", "names: packed file", "self-test: 64 x 64"):
        require(words in text, "no", repr(words), "in", text)
    require(json.loads(good("inspect", classifier, "--json"))["kind"] == "classifier", "a classifier's kind")

    # A self-test of one's own: input, logits and codes, with or without a dimension of 1 in front
    good("pack", "--selftest", "in0.npy", "in0_cls.npy", "in0_box.npy", "-o", "tested.rexnet", checkpoint)
    require("the file's self-test passed" in good("verify", "tested.rexnet"), "a self-test of one's own")
    numpy.save("wrong.npy", numpy.load("in0_box.npy") * numpy.float32(1.001))
    refused("the outputs differ from the expected ones by logits", "pack", checkpoint, "-o", "x.rexnet",
            "--selftest", "in0.npy", "in0_cls.npy", "wrong.npy")
    refused("2 files, expected 3: a detector's input, cls_logits and bbox_regression", "pack", checkpoint, "-o", "x.rexnet",
            "--selftest", "in0.npy", "in0_cls.npy")
    refused(f"shape [1,{rows},4], expected [1,", "pack", checkpoint, "-o", "x.rexnet",
            "--selftest", "crop.npy", "in0_box.npy", "in0_cls.npy")
    refused("2 images, expected 1", "pack", checkpoint, "-o", "x.rexnet",
            "--selftest", "both.npy", "in0_cls.npy", "in0_box.npy")
    refused("3 files, expected 2: input and outputs", "pack", classifier, "-o", "x.rexnet",
            "--selftest", "in0.npy", "in0_cls.npy", "in0_box.npy")

    # Damaged files
    whole = Path("plain.rexnet").read_bytes()

    def damaged(at, words, *command):
        Path("bad.rexnet").write_bytes(whole[:at] + bytes([whole[at] ^ 64]) + whole[at + 1:])
        refused(words, *command, "bad.rexnet")
    damaged(len(whole) - 1000, "weights checksum", "verify")
    damaged(17, "checksum", "inspect")
    table = 64
    for row in range(int.from_bytes(whole[20:24], "little") - 1):
        at = int.from_bytes(whole[table + 32 * row + 8:table + 32 * row + 16], "little")
        damaged(at + 1, "checksum", "inspect")
    Path("bad.rexnet").write_bytes(whole[:len(whole) // 2])
    refused("bad.rexnet", "run", "bad.rexnet", "in0.npy", "-o", "x")
    torch = checkpoint.read_bytes()
    Path("bad.pth").write_bytes(torch[:len(torch) // 2])
    refused("bad.pth", "pack", "bad.pth", "-o", "x.rexnet")

    # What does not fit the kind of model
    Path("five.txt").write_text("a\nb\nc\nd\ne\n")
    refused(f"five.txt: 5 labels for {classes - 1} classes (the background has no name)", "pack", checkpoint,
            "-o", "x.rexnet", "--labels", "five.txt")
    Path("all.txt").write_text("background\n" + Path("labels.txt").read_text())
    refused(f"{classes} labels for {classes - 1} classes", "pack", checkpoint, "-o", "x.rexnet", "--labels", "all.txt")
    refused("--crop-pct: a detector sees the whole picture", "pack", checkpoint, "-o", "x.rexnet", "--crop-pct", 0.9)
    refused("--interpolation: a detector's pictures are resized bilinear", "features", checkpoint, "in0.npy", "-o", "x",
            "--interpolation", "bicubic")
    for option, value in (("--min-score", 0.1), ("--nms", 0.5), ("--max", 5), ("--candidates", 5),
                          ("--anchor-scales", "0.1,0.9")):
        refused(f"{option}: only a detector has it", "pack", classifier, "-o", "x.rexnet", option, value)
    for command in (["pack", classifier, "-o", "x.rexnet"], ["inspect", classifier], ["bench", classifier],
                    ["bench", classifier, "--profile"], ["features", classifier, "in0.npy", "-o", "x"]):
        refused("--input-size: 320x240: only a detector's input has two sides", *command, "--input-size", "320x240")
    for option, value, words in (("--min-score", "1", "must be 0 or more"), ("--min-score", "nan", "must be 0 or more"),
                                 ("--nms", "1.5", "must be 0 to 1"), ("--max", "0", "must be 1 to"),
                                 ("--candidates", "2000000", "must be 1 to"), ("--input-size", "0", "must be 1 to 16384"),
                                 ("--input-size", "320x", "must be 1 to 16384"),
                                 ("--input-size", "320x99999", "must be 1 to 16384"),
                                 ("--input-size", "a", "must be 1 to 16384"), ("--anchor-scales", "0.5", "")):
        refused(words, "pack", checkpoint, "-o", "x.rexnet", option, value, code=2)
    refused("must be above 0, at most 1, the smaller first", "pack", checkpoint, "-o", "x.rexnet", "--anchor-scales", "0.9,0.1")
    require(not Path("x.rexnet").exists() and not Path("x.rexnet.part").exists(), "a refused pack left a file")

    # features: the backbone's maps, and the six that the heads see
    good("features", "plain.rexnet", "in0.npy", "-o", "maps", "--threads", 2)
    case = numpy.load(fixtures / entry["pictures"][0]["case"])
    bound = 5e-4  # these come in float32 alone, whose error grows from level to level: run has the strict bounds
    for k in range(6):
        found, expected = numpy.load(f"maps/map{k}.npy"), case[f"map{k}"]
        require(found.shape == (1, *expected.shape), "map", k, found.shape)
        apart = numpy.linalg.norm(found[0] - expected) / numpy.linalg.norm(expected)
        print(f"map{k}: relative L2 from PyTorch's float32 {apart:.2g}")
        require(apart < bound, "map", k, apart)
    for a, b in (("maps/map0", "maps/stride16"), ("maps/map1", "maps/head"), ("maps/pooled", "maps/features")):
        require(Path(a + ".npy").read_bytes() == Path(b + ".npy").read_bytes(), a, b)
    require((numpy.load("layers/features.13.npy")[0] == numpy.load("maps/map0.npy")[0]).all(), "--layers and features")
    require(len(os.listdir("layers")) == 19 and len(os.listdir("maps")) == 14, os.listdir("layers"), os.listdir("maps"))
    good("features", "plain.rexnet", "both_nhwc.npy", "-o", "maps_nhwc", "--layout", "nhwc")
    good("features", "plain.rexnet", "none.npy", "-o", "maps_none")
    for k in range(6):
        both = numpy.load(f"maps_nhwc/map{k}.npy").transpose(0, 3, 1, 2)
        require((both[0] == numpy.load(f"maps/map{k}.npy")[0]).all(), "a map alone and among others", k)
        require(numpy.load(f"maps_none/map{k}.npy").shape == (0, *both.shape[1:]), "no images, map", k)
    good("features", "plain.rexnet", fixtures / entry["pictures"][0]["picture"], "-o", "picture")
    for k in range(6):
        found, expected = numpy.load(f"picture/map{k}.npy")[0], case[f"map{k}"]
        apart = numpy.linalg.norm(found - expected) / numpy.linalg.norm(expected)
        require(apart < bound, "a picture's map", k, apart)
    good("features", "plain.rexnet", fixtures / entry["pictures"][0]["picture"], "-o", "wide", "--input-size", "480x320")
    require(numpy.load("wide/map0.npy").shape == (1, 72, 20, 30), "the features of 480x320")

    # bench
    found = json.loads(good("bench", "plain.rexnet", "--json", "--threads", 1, "--batch", 2, "--input-size", "96x64"))
    d = found["detect"]
    require(found["kind"] == "detector" and found["input_size"] == [96, 64] and found["min_ms"] > 0 and d["pictures"] == 2
            and d["picture_size"] == [640, 480] and d["preprocess_ms"] > 0 and d["postprocess_ms"] > 0, found)
    require("640 x 480 to boxes" in good("bench", "plain.rexnet", "--input-size", 64), "bench in words")
    for size, threads in (("320", 1), ("97x131", 2)):
        found = json.loads(good("bench", "plain.rexnet", "--profile", "--json", "--input-size", size, "--threads", threads,
                                "--svg", "profile.svg"))
        parts = list(dict.fromkeys(p["part"] for p in found["phases"]))
        require(len(parts) == 16 + 1 + 4 + 12 and parts[11:13] == ["logits 0", "codes 0"] and parts[-1] == "codes 5", parts)
        macs = json.loads(good("inspect", "plain.rexnet", "--json", "--input-size", size))["multiply_adds"]
        require(sum(p["macs"] for p in found["phases"]) == macs, "multiply-adds of the phases", size, macs)
    require(Path("profile.svg").read_text(encoding="utf-8").count('<g class="row">') == len(parts), "rows of --svg")
    require("logits 0 slices" in good("bench", "plain.rexnet", "--profile", "--input-size", 64), "the profile's table")

sys.exit(1 if failures else 0)
