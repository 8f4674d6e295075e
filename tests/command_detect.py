# SPDX-License-Identifier: MIT
"""`rexnet detect`: torchvision's boxes of the fixtures, lists, options, drawings, broken pictures, wrong models.

usage: command_detect.py REXNET SOURCE_DIR WRITE_CHECKPOINT FIXTURES_DIR
Without the last a model of random weights is used for everything but torchvision's boxes.
"""
import array
import ast
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib

rexnet, source, write_checkpoint = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
fixtures = pathlib.Path(sys.argv[4]).resolve()
pictures = sorted((source / "examples/pictures").glob("*.png"))
failures = []


def require(condition, *what):
    if not condition:
        failures.append(what)
        print("FAILED", *(str(w)[:1000] for w in what))


def run(command, model, inputs, *options, stdin=b"", cwd=None):
    done = subprocess.run([rexnet, command, *map(os.fspath, [model, *inputs, *options])], input=stdin, capture_output=True,
                          cwd=cwd, timeout=300)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def detect(model, inputs, *options, **how):
    return run("detect", model, inputs, "--threads", "1", *options, **how)


def without_times(text):
    """The answers of --json or --jsonl."""
    entries = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    for e in entries:
        e.pop("ms", None)
    return entries


def read_npz(path):
    """name -> flat list of numbers"""
    out = {}
    with zipfile.ZipFile(path) as file:
        for name in file.namelist():
            data = file.read(name)
            begin = 10 if data[6] == 1 else 12
            size = struct.unpack("<H" if begin == 10 else "<I", data[8:begin])[0]
            header = ast.literal_eval(data[begin:begin + size].decode())
            kind = {"<f4": "f", "<f8": "d", "<i8": "q"}[header["descr"]]
            out[name.removesuffix(".npy")] = array.array(kind, data[begin + size:]).tolist()
    return out


def write_png(path, width, height):
    """A picture of stripes and squares."""
    def row(y):
        return b"\0" + b"".join(bytes([(x // 17 % 2) * 90 + 60, (y // 23 % 2) * 120 + 40, (x * y) // 997 % 90 + 80])
                                for x in range(width))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = [row(y) for y in range(46)]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(b"".join(rows[y % 46] for y in range(height)), 1)) + chunk(b"IEND", b""))


def size_of(path):
    return struct.unpack(">II", path.read_bytes()[16:24])


def torchvision(_):
    manifest = json.loads((fixtures / "manifest.json").read_text())
    for model in manifest["models"]:
        shown = [fixtures / p["picture"] for p in model["pictures"]]
        code, out, err = detect(fixtures / model["checkpoint"], shown, "--json", "--min-score", "0.001", "--max", "300")
        require(code == 0 and err == "", model["checkpoint"], code, err)
        for p, entry in zip(model["pictures"], json.loads(out)):
            case, found = read_npz(fixtures / p["case"]), entry["detections"]
            require([entry["width"], entry["height"]] == p["picture_wh"], "size", entry["width"], entry["height"])
            require([d["class"] for d in found] == case["labels"], p["picture"], "classes and their order")
            box = [v for d in found for v in d["box"]]
            score = [d["score"] for d in found]
            errors = []
            for mine, name, most in ((box, "boxes", 1e-3), (score, "scores", 1e-5)):
                theirs, exact = case[name], case[name + "_f64"]
                require(len(mine) == len(theirs) == len(exact), name, len(mine), len(theirs))
                ours, known = (max(abs(a - b) for a, b in zip(v, exact)) for v in (mine, theirs))
                errors += [ours, known, max(abs(a - b) for a, b in zip(mine, theirs))]
                # Both are float32: within a few times PyTorch's own distance from the exact answer.
                require(ours <= most + 2 * known, p["picture"], name, ours, known)
            print(f"{p['picture']}: {len(found)} boxes; pixels from float64 {errors[0]:.2g} (PyTorch's float32: "
                  f"{errors[1]:.2g}), from PyTorch's {errors[2]:.2g}; scores {errors[3]:.2g} ({errors[4]:.2g}), {errors[5]:.2g}")


def bundled(_):
    """The bundled detector on its pictures: PyTorch's boxes, whose weights were not rounded to float16; each garment that
    was drawn has its box, and nothing else has one."""
    scenes = source / "examples/scenes"
    expected = {e["image"]: e for e in json.loads((scenes / "expected.json").read_text())}
    truth = json.loads((scenes / "boxes.json").read_text())
    names = {c["id"]: c["name"] for c in truth["categories"]}
    code, out, err = detect(source / "models/garments_detector_0.3x.rexnet", [scenes], "--json")
    require(code == 0, "bundled", err)
    found = {pathlib.Path(e["image"]).name: e for e in without_times(out) if "detections" in e}
    require(sorted(found) == sorted(expected) and len(found) == 3, "pictures", sorted(found))
    for image in truth["images"]:
        ours, theirs = (f[image["file_name"]]["detections"] for f in (found, expected))
        require([(d["class"], d["label"]) for d in ours] == [(d["class"], d["label"]) for d in theirs], image, ours)
        for a, b in zip(ours, theirs):
            require(abs(a["score"] - b["score"]) < 0.01, "score", image, a, b)
            require(max(abs(x - y) for x, y in zip(a["box"], b["box"])) < 1, "box", image, a, b)
        drawn = sorted(names[t["category_id"]] for t in truth["annotations"] if t["image_id"] == image["id"])
        require(drawn == sorted(d["label"] for d in ours), "what was drawn", image, drawn, ours)


def answers(folder):
    model = folder / "random.rexnet"
    code, out, err = detect(model, pictures, "--json")
    entries = without_times(out)
    require(code == 0 and err == "" and [e["image"] for e in entries] == list(map(str, pictures)), "--json", code, err)
    require(list(entries[0]) == ["image", "kind", "orientation", "width", "height", "detections"], list(entries[0]))
    for e in entries:
        found = e["detections"]
        require(1 <= len(found) <= 300 and (e["width"], e["height"]) == (400, 400), "found", len(found))
        require(all(0.3 < d["score"] <= 1 and 1 <= d["class"] <= 3 and d["label"] == f"class {d['class']}" for d in found),
                "scores and classes", found)
        require(all(-1e-3 <= v <= 400.001 for d in found for v in d["box"]), "boxes in the picture", found)
        require(all(a["score"] >= b["score"] for a, b in zip(found, found[1:])), "the order", found)
    require(without_times(detect(model, pictures, "--jsonl")[1]) == entries, "--jsonl")
    require(without_times(run("detect", model, pictures, "--json", "--threads", "2")[1]) == entries, "threads")
    require(without_times(detect(model, [], "-", "--jsonl", stdin="\n".join(map(str, pictures)).encode())[1]) == entries, "list")
    require([e["detections"] for e in without_times(detect(model, [pictures[0].parent], "--jsonl")[1]) if "detections" in e] ==
            [e["detections"] for e in entries], "a directory")
    one = without_times(detect(model, ["-"], "--json", stdin=pictures[0].read_bytes())[1])
    require(one[0]["detections"] == entries[0]["detections"], "a picture on standard input")

    few = without_times(detect(model, pictures, "--json", "--max", "2")[1])
    require([e["detections"] for e in few] == [e["detections"][:2] for e in entries], "--max")
    best = [d for d in entries[0]["detections"] if d["score"] > 0.8]
    require(without_times(detect(model, pictures[:1], "--json", "--min-score", "0.8")[1])[0]["detections"] == best, "--min-score")
    counts = [len(without_times(detect(model, pictures[:1], "--json", "--nms", t, "--max", "99999")[1])[0]["detections"])
              for t in ("0", "0.55", "1")]
    require(300 >= counts[0] and counts[0] < counts[1] < counts[2], "--nms", counts)
    require(without_times(detect(model, pictures[:1], "--json", "--input-size", "128x96")[1])[0] == entries[0], "own size")
    wide, high, square = (without_times(detect(model, pictures[:1], "--json", "--input-size", size)[1])[0]["detections"]
                          for size in ("160x96", "96x160", "64"))
    require(wide != high and high != square and len(square) > 0, "--input-size", wide[:1], high[:1], square[:1])
    other = without_times(detect(model, pictures[:1], "--json", "--mean", "0,0,0", "--std", "1,1,1")[1])[0]
    require(other["detections"] != entries[0]["detections"], "--mean, --std")

    (folder / "names.txt").write_text("first\nsec\u00f6nd\nthird\n", encoding="utf-8")
    named = without_times(detect(model, pictures, "--json", "--labels", folder / "names.txt")[1])
    require({(d["class"], d["label"]) for e in named for d in e["detections"]} <=
            {(1, "first"), (2, "sec\u00f6nd"), (3, "third")}, "--labels", named[0])
    code, out, err = detect(model, pictures[:1], "--labels", folder / "names.txt", "--max", "1")
    d = named[0]["detections"][0]
    require(out.count("\n") == 2 and "(400 x 400, " in out and f"{d['score'] * 100:.2f} %  {d['label']}  (" in out, "words", out)
    code, out, err = detect(model, pictures[:1], "--min-score", "0.99999")
    require(code == 0 and out.count("\n") == 1 and out.endswith("): nothing found\n"), "nothing found", out)
    require(without_times(detect(model, pictures[:1], "--jsonl", "--min-score", "0.99999")[1])[0]["detections"] == [], "nothing")


def errors(folder):
    model, classifier = folder / "random.rexnet", source / "models/clothing_1.0x.rexnet"
    code, out, err = run("classify", model, pictures[:1])
    require(code == 1 and "the model is a detector: use rexnet detect" in err and out == "", "classify", code, err)
    code, out, err = detect(classifier, pictures[:1])
    require(code == 1 and "not a detector: use rexnet classify" in err and out == "", "detect", code, err)
    for options, said in ((["--min-score", "1"], "least score 1: must be 0 or more, below 1"),
                          (["--min-score", "nan"], "must be 0 or more, below 1"), (["--min-score", "a"], "is not a number"),
                          (["--max", "0"], "must be 1 to 1048576"), (["--max", "1.5"], "--max"),
                          (["--nms", "1.5"], "overlap 1.5: must be 0 to 1"), (["--nms", "-1"], "must be 0 to 1"),
                          (["--input-size", "0"], "must be 1 to 16384"), (["--input-size", "320x"], "WIDTHxHEIGHT of such sides"),
                          (["--input-size", "32x16385"], "1 to 16384"), (["--input-size", "99999999999999999999"], "16384"),
                          (["--input-size", "-3"], "WIDTHxHEIGHT of such sides"), (["--crop-pct", "0.9"], "--crop-pct"),
                          (["--json", "--jsonl"], "--json"), (["--threads", "0"], "must be 1 to 64")):
        code, out, err = detect(model, pictures[:1], *options)
        require(code == 2 and said in err and out == "", options, code, err)
    for options, said in ((["--labels", folder / "two.txt"], "2 labels for 3 classes"), (["--draw", "x.jpg"], "must end in .png"),
                          (["--mean", "0,0,0", "--labels", "missing.txt"], "missing.txt")):
        (folder / "two.txt").write_text("a\nb\n")
        code, out, err = detect(model, pictures[:1], *options)
        require(code == 1 and said in err and out == "" and err.count("\n") == 1, options, code, err)
    (folder / "broken.png").write_bytes(pictures[0].read_bytes()[:500])
    (folder / "\x1b[31m.png").write_bytes(b"no picture")
    shown = [pictures[0], folder / "broken.png", folder / "missing.png", folder / "\x1b[31m.png", pictures[1]]
    whole = without_times(detect(model, pictures[:2], "--json")[1])
    for form in ("--json", "--jsonl"):
        code, out, err = detect(model, shown, form)
        entries = without_times(out)
        require(code == 1 and [e["detections"] for e in entries if "detections" in e] == [e["detections"] for e in whole], form)
        require([i for i, e in enumerate(entries) if "error" in e] == [1, 2, 3], form, out)
        require("broken.png: " in err and "missing.png: " in err and "3 of 5 pictures have no answer" in err, err)
        require("\x1b" not in out + err, "escape sequences")
    code, out, err = detect(model, shown, "--max", "1")
    require(code == 1 and out.count("(400 x 400, ") == 2 and err.count("\n") == 4, "in words", out, err)


def drawings(folder):
    model = folder / "random.rexnet"
    for width, height in ((300, 225), (4000, 3000), (1, 1), (7, 300)):
        picture, drawn = folder / f"{width}.png", folder / f"{width}.drawn.png"
        write_png(picture, width, height)
        code, out, err = detect(model, [picture], "--draw", drawn, "--json")
        require(code == 0 and err == "" and json.loads(out)[0]["drawing"] == str(drawn), "--draw", width, code, out, err)
        require(size_of(drawn) == (width, height) and not drawn.with_suffix(".png.part").exists(), "the picture's size", width)
        first = drawn.read_bytes()
        detect(model, [picture], "--draw", drawn)
        require(drawn.read_bytes() == first, "the same drawing again", width)
    code, out, err = detect(model, [folder / "300.png"], "--min-score", "0.99999", "--draw", folder / "none.png")
    require(code == 0 and f"drawn: {folder / 'none.png'}" in out and size_of(folder / "none.png") == (300, 225), "no boxes", out)
    # Several pictures: a folder, names that are taken get numbers
    (folder / "a").mkdir()
    shutil.copy(pictures[0], folder / "a" / pictures[1].name)
    shown = [pictures[0], pictures[1], folder / "a" / pictures[1].name, folder / "missing.png"]
    code, out, err = detect(model, shown, "--draw", folder / "drawn", "--jsonl")
    stem = pictures[1].stem
    names = [pathlib.Path(e["drawing"]).name for e in without_times(out) if "drawing" in e]
    require(code == 1 and names == [pictures[0].name, f"{stem}.png", f"{stem}_2.png"], "a folder", names, err)
    require(sorted(p.name for p in (folder / "drawn").iterdir()) == sorted(names), "files", names)
    code, out, err = detect(model, shown[:2], "--draw", folder / "one.png")
    require(code == 1 and "must be a directory for several pictures" in err, "one file for two", err)
    # Never onto an input
    before = (folder / "300.png").read_bytes()
    for inputs, target, said in (([folder / "300.png"], folder / "300.png", "is the same file as the input"),
                                 ([folder / "300.png", pictures[0]], folder, "is the same file as the")):
        code, out, err = detect(model, inputs, "--draw", target)
        require(code == 1 and said in err and (folder / "300.png").read_bytes() == before, "onto an input", target, err)
    code, out, err = detect(model, [folder / "300.png"], "--draw", model)
    require(code == 1, "onto the model", err)


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    subprocess.run([write_checkpoint, os.fspath(scratch / "random.rexnet"), "detector", "30", "4"], check=True)
    for part in (torchvision, bundled, answers, errors, drawings):
        before = len(failures)
        if part is torchvision and not (fixtures / "manifest.json").is_file():
            print(f"skipped: torchvision's boxes need {fixtures}")
            continue
        part(scratch)
        print("ok" if len(failures) == before else "FAILED", part.__name__)
sys.exit(1 if failures else 0)
