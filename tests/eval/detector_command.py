#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`rexnet eval` with a detector as people use it. Usage: detector_command.py PROGRAM SOURCE_DIR SHARED_DIR

The weights are random, so the numbers are small; that they are right is asked of pycocotools. Exit code 77 without
SHARED_DIR's fixtures, or without numpy and pycocotools (pip install pycocotools).
"""
import contextlib
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NAMES = ["AP", "AP50", "AP75", "APsmall", "APmedium", "APlarge", "AR1", "AR10", "AR100", "ARsmall", "ARmedium", "ARlarge"]

program, source, shared = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
model = shared / "fixtures/detection/ssdlite_050_320.pth"
classifier = source / "models/clothing_1.0x.rexnet"
bccd = shared / "data/bccd"
for needed in [model, bccd / "coco/test.json", bccd / "JPEGImages"]:
    if not needed.exists():
        print(f"skipped: needs {needed}")
        sys.exit(77)
try:
    import numpy as np
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

whole = json.loads((bccd / "coco/test.json").read_text())


def run(*arguments, code=0, says=()):
    """The standard output of `rexnet ARGUMENTS`; both streams together hold all of `says`."""
    r = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8", timeout=600)
    both = r.stdout + r.stderr
    assert r.returncode == code, f"exit code {r.returncode} instead of {code}: {arguments}\n{both}"
    for text in [says] if isinstance(says, str) else says:
        assert text in both, f"no '{text}' in: {arguments}\n{both}"
    return r.stdout


def evaluate(gt, *options, **how):
    return run("eval", model, gt, *options, **how)


def part(n, change=None):
    """Ground truth of the first n pictures."""
    images = [dict(i) for i in whole["images"][:n]]
    ids = {i["id"] for i in images}
    gt = {"images": images, "categories": [dict(c) for c in whole["categories"]],
          "annotations": [dict(a) for a in whole["annotations"] if a["image_id"] in ids]}
    if change:
        change(gt)
    return gt


def overlap(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h) if w > 0 and h > 0 else 0


def confusion(gt, found):
    pairs = {}
    for image in gt["images"]:
        truths = [a for a in gt["annotations"] if a["image_id"] == image["id"]]
        for d in found:  # by score already
            if d["image_id"] != image["id"] or d["score"] < 0.3:
                continue
            best = max(truths, key=lambda t: overlap(d["bbox"], t["bbox"]), default=None)
            if best is not None and overlap(d["bbox"], best["bbox"]) >= 0.5:
                truths.remove(best)
                key = best["category_id"], d["category_id"]
            else:
                key = None, d["category_id"]
            pairs[key] = pairs.get(key, 0) + 1
        for t in truths:
            key = t["category_id"], None
            pairs[key] = pairs.get(key, 0) + 1
    return pairs


class folder:
    def __init__(self, at):
        self.at = pathlib.Path(at)

    def __truediv__(self, name):
        return self.at / name

    def write(self, name, what):
        path = self.at / name
        path.write_text(what if isinstance(what, str) else json.dumps(what), encoding="utf-8")
        return path


def check_numbers(dir):
    gt, pictures = dir.write("gt.json", part(10)), ["--images", bccd / "JPEGImages"]
    out, svg = dir / "out.json", dir / "confusion.svg"
    report = json.loads(evaluate(gt, *pictures, "--detections", out, "--confusion", svg, "--json"))
    found = json.loads(out.read_text())
    assert not (dir / "out.json.rows").exists() and not (dir / "out.json.part").exists()
    assert [report[k] for k in ["pictures", "finished", "evaluated", "broken"]] == [10, 10, 10, 0], report
    assert report["detections"] == len(found) and report["speed"]["ms_per_picture"] > 0

    assert found == sorted(found, key=lambda d: (d["image_id"], -d["score"]))
    assert {k for d in found for k in d} == {"image_id", "category_id", "bbox", "score"}
    assert all(d["score"] > 0.001 and len(d["bbox"]) == 4 and min(d["bbox"]) >= 0 for d in found)
    assert all(np.float32(d["score"]) == d["score"] and np.float32(d["bbox"][0]) == d["bbox"][0] for d in found)
    assert max(sum(d["image_id"] == i["id"] for d in found) for i in whole["images"][:10]) <= 300

    by_file = json.loads(run("coco", gt, out, "--json"))
    assert [report[k] for k in NAMES] == [by_file[k] for k in NAMES]
    assert report["classes"] == by_file["categories"]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(gt))
        e = COCOeval(truth, truth.loadRes(str(out)), "bbox")
        e.evaluate(), e.accumulate(), e.summarize()
    assert np.abs(np.array([report[k] for k in NAMES]) - e.stats).max() < 1e-12, (report, e.stats)
    assert report["AR100"] > 0.01, "random weights that find nothing test nothing"
    for k, c in enumerate(report["classes"]):
        p = e.eval["precision"]
        for key, values in [("AP", p[:, :, k, 0, 2]), ("AP50", p[0, :, k, 0, 2])]:
            values = values[values > -1]
            assert abs(c[key] - (values.mean() if values.size else -1)) < 1e-12, (key, c)
    pairs = {(a, b): n for a, b, n in report["confusion"]["pairs"]}
    assert pairs == confusion(part(10), found), pairs
    assert "RBC taken for nothing" in svg.read_text(encoding="utf-8")

    # Threads change nothing; the score of 0.001 is the default.
    evaluate(gt, *pictures, "--detections", dir / "one.json", "--threads", 1, "--min-score", 0.001, "--max", 300,
             "--nms", 0.55, "--input-size", "320x320", says=["10 of 10 pictures evaluated", "categories by id", "AP50"])
    assert (dir / "one.json").read_bytes() == out.read_bytes()
    # The folder of the pictures is the file's.
    beside = dir / "beside"
    beside.mkdir()
    for i in whole["images"][:2]:
        shutil.copy(bccd / "JPEGImages" / i["file_name"], beside)
    (beside / "gt.json").write_text(json.dumps(part(2)))
    evaluate(beside / "gt.json", "--detections", dir / "two.json")
    assert json.loads((dir / "two.json").read_text()) == [d for d in found if d["image_id"] in
                                                          {i["id"] for i in whole["images"][:2]}]
    os.chdir(beside)
    evaluate("gt.json", "--max", 5, says="2 of 2")
    os.chdir(source)
    few = json.loads(evaluate(beside / "gt.json", "--max", 5, "--json"))
    assert few["detections"] == 10, few
    wide = json.loads(evaluate(beside / "gt.json", "--input-size", "256x192", "--json"))
    assert wide["input_size"] == [256, 192] and wide["AP"] != few["AP"], wide
    # Absolute names, as tools/train/detect.py writes them, need no folder.
    def absolute(gt):
        for i in gt["images"]:
            i["file_name"] = str(bccd / "JPEGImages" / i["file_name"])
    evaluate(dir.write("absolute.json", part(2, absolute)), "--detections", dir / "absolute.found.json")
    assert (dir / "absolute.found.json").read_bytes() == (dir / "two.json").read_bytes()
    # Nothing found: pycocotools would end with an exception.
    none = json.loads(evaluate(beside / "gt.json", "--min-score", 0.9999, "--detections", dir / "none.json", "--json"))
    assert (dir / "none.json").read_text() == "[]\n" and none["AP"] == 0 and none["detections"] == 0
    assert json.loads(run("coco", beside / "gt.json", dir / "none.json", "--json"))["AP"] == 0


def check_broken(dir):
    pictures = dir / "pictures"
    pictures.mkdir()
    gt = part(6)
    for i in gt["images"]:
        shutil.copy(bccd / "JPEGImages" / i["file_name"], pictures)
    names = [i["file_name"] for i in gt["images"]]
    (pictures / names[1]).unlink()
    os.chmod(pictures / names[3], 0o644)
    (pictures / names[3]).write_bytes((bccd / "JPEGImages" / names[3]).read_bytes()[:2000])
    gt["images"][4]["width"], gt["images"][4]["height"] = 320, 240
    path = dir.write("broken.json", gt)
    says = [f"broken: {names[1]}: cannot be opened", f"broken: {names[3]}: ",
            f"broken: {names[4]}: has 640 x 480 pixels, the ground truth is of a picture of 320 x 240",
            "3 of 6 pictures are broken", "3 of 6 pictures evaluated; the boxes of the 3 broken ones count as not found"]
    evaluate(path, "--images", pictures, "--detections", dir / "broken.found.json", code=1, says=says)
    report = json.loads(evaluate(path, "--images", pictures, "--json", code=1))
    assert [b["path"] for b in report["broken_files"]] == [names[1], names[3], names[4]], report["broken_files"]
    assert report["evaluated"] == 3 and report["broken"] == 3
    by_file = json.loads(run("coco", path, dir / "broken.found.json", "--json"))
    assert [report[k] for k in NAMES] == [by_file[k] for k in NAMES]
    # The sides are checked where the file has them.
    del gt["images"][4]["width"], gt["images"][4]["height"]
    evaluate(dir.write("sides.json", gt), "--images", pictures, code=1, says="2 of 6 pictures are broken")

    for name, what in [("../x.jpg", "leads out"), ("/x.jpg", "without --images only"), ("a/../../x.jpg", "leads out"),
                       ("a\0b", "leads out"), ("", "has no file_name"), (None, "has no file_name")]:
        gt["images"][2]["file_name"] = name
        evaluate(dir.write("names.json", gt), "--images", pictures, code=1, says=[f"id {gt['images'][2]['id']}", what])
    evaluate(dir.write("none.json", {"images": [], "categories": [], "annotations": []}), code=1, says="lists no pictures")
    evaluate(dir / "broken.json", "--images", dir / "absent", code=1, says="is no folder of pictures")
    evaluate(pictures, code=1, says="is a folder: a detector is evaluated on a file of boxes")
    # One reader for all: what `rexnet coco` says of a file.
    for text in ["", "[]", "{", '{"images": 3}', '{"images": [{"id": 1}], "categories": [], "annotations": [{"id": 0}]}',
                 json.dumps(gt).replace('"area": ', '"area": -1e999, "a": ', 1), "[" * 100000]:
        bad = dir.write("bad.json", text)
        dir.write("empty.json", "[]")
        expected = subprocess.run([program, "coco", bad, dir / "empty.json"], capture_output=True, text=True).stderr
        assert expected.startswith("rexnet: "), expected
        evaluate(bad, code=1, says=expected)


def check_mapping(dir):
    pictures = ["--images", bccd / "JPEGImages"]
    gt = dir.write("gt.json", part(2))
    evaluate(gt, *pictures, "--detections", dir / "by_id.json")
    found = json.loads((dir / "by_id.json").read_text())

    def labelled(names, *options, gt=gt, **how):
        return evaluate(gt, *pictures, "--labels", dir.write("labels.txt", "\n".join(names) + "\n"), *options, **how)

    labelled(["Platelets", "RBC", "WBC"], "--detections", dir / "by_name.json", says="categories by name")
    moved = {1: 3, 2: 1, 3: 2}
    assert json.loads((dir / "by_name.json").read_text()) == [{**d, "category_id": moved[d["category_id"]]} for d in found]
    labelled(["Platelets", "RBC", "WBC"], "--by-id", "--detections", dir / "forced.json", says="categories by id")
    assert json.loads((dir / "forced.json").read_text()) == found
    labelled(["RBC", "wbc", "cell"], code=1,
             says="only the model has wbc, cell; only the file has WBC, Platelets")
    labelled(["RBC", "WBC"], code=1, says="2 labels for 3 classes")
    labelled(["RBC", "RBC", "WBC"], code=1, says='two classes of the model have the name "RBC"')

    def ids(new):
        def change(gt):
            for c in gt["categories"]:
                c["id"] = new[c["id"]]
            for a in gt["annotations"]:
                a["category_id"] = new[a["category_id"]]
        return change
    far = dir.write("far.json", part(2, ids({1: 10, 2: 20, 3: 7})))
    evaluate(far, *pictures, code=1, says=["category id 7 is no class of the model, which has 1 to 3", "--labels FILE"])
    labelled(["RBC", "WBC", "Platelets"], "--detections", dir / "far.found.json", gt=far, says="categories by name")
    moved = {1: 10, 2: 20, 3: 7}
    assert json.loads((dir / "far.found.json").read_text()) == [{**d, "category_id": moved[d["category_id"]]} for d in found]

    def fewer(gt):
        gt["categories"] = gt["categories"][:2]
        gt["annotations"] = [a for a in gt["annotations"] if a["category_id"] != 3]
    two = dir.write("two.json", part(2, fewer))
    evaluate(two, *pictures, "--detections", dir / "two.found.json", says="1 of the model's classes are no category")
    assert json.loads((dir / "two.found.json").read_text()) == [d for d in found if d["category_id"] != 3]

    def more(gt):
        gt["categories"].append({"id": 4, "name": "dust"})
    evaluate(dir.write("more.json", part(2, more)), *pictures, code=1, says="and the file 4 categories")
    # One spelling of Unicode is as good as another, where the build can tell.
    composed, apart = "Zelle \u00e9", "Zelle e\u0301"

    def renamed(gt):
        gt["categories"][0]["name"] = apart
    strange = dir.write("strange.json", part(2, renamed))
    r = subprocess.run([program, "eval", model, strange, *pictures, "--labels",
                        dir.write("labels.txt", f"{composed}\nWBC\nPlatelets\n")], capture_output=True, text=True)
    assert r.returncode == 0 or "only the model has" in r.stderr, r.stderr


def check_options(dir):
    gt = dir.write("gt.json", part(1))
    for option in [["--csv", dir / "rows.csv"], ["--batch", 2], ["--null"], ["--left-out"], ["--crop-pct", 0.9],
                   ["--interpolation", "bicubic"]]:
        evaluate(gt, *option, code=1, says=[f"{option[0]}: is for classifiers", "is a detector"])
    for option in [["--images", dir.at], ["--detections", dir / "a.json"], ["--min-score", 0.5], ["--max", 3],
                   ["--nms", 0.5], ["--by-id"]]:
        run("eval", classifier, dir.at, *option, code=1, says=[f"{option[0]}: is for detectors", "is none"])
    run("eval", classifier, dir.at, "--input-size", "112x100", code=1, says="a classifier's input is a square")
    evaluate(gt, "--resume", code=2, says="--resume needs --csv, or --detections")
    for option in [["--input-size", "0x3"], ["--input-size", "3x"], ["--input-size", "3x4x5"], ["--input-size", "x"],
                   ["--input-size", "1.5"], ["--min-score", 1], ["--min-score", "nan"], ["--max", 0], ["--nms", 1.5],
                   ["--confusion", "matrix.png"]]:
        evaluate(gt, *option, code=2, says=option[0])
    # Nothing is written over what is read, and no result over another.
    before = gt.read_bytes()
    evaluate(gt, "--images", bccd / "JPEGImages", "--detections", gt, code=1, says="the same file")
    assert gt.read_bytes() == before
    picture = dir / "picture.svg"
    shutil.copy(bccd / "JPEGImages" / whole["images"][0]["file_name"], picture)

    def as_svg(gt):
        gt["images"][0]["file_name"] = "picture.svg"
    evaluate(dir.write("svg.json", part(1, as_svg)), "--confusion", picture, code=1, says="the same file")
    dir.write("old.json", "old")
    evaluate(gt, "--images", bccd / "JPEGImages", "--detections", dir / "old.json", code=1, says="exists already")
    assert (dir / "old.json").read_text() == "old"


def check_parts(dir):
    """A run that is stopped by SIGINT, SIGKILL and SIGTERM gives what one run gives."""
    gt = part(30)
    for n in range(90):  # the same pictures again
        gt["images"].append({**gt["images"][n % 30], "id": 1000 + n})
    gt["images"][60]["file_name"] = "absent.jpg"
    total = len(gt["images"])
    path = dir.write("long.json", gt)
    rows = dir / "parts.json.rows"
    how = ["eval", model, path, "--images", bccd / "JPEGImages", "--threads", 2, "--json", "--max", 20]
    once = run(*how, "--detections", dir / "once.json", code=1)

    def lines():
        return rows.read_bytes().count(b"\n") if rows.exists() else 0

    def stop(what, after):
        with open(dir / "out", "w") as out, open(dir / "err", "w") as err:
            p = subprocess.Popen([program, *map(str, how), "--detections", dir / "parts.json", "--resume"], stdout=out,
                                 stderr=err)
            try:
                end = time.monotonic() + 300
                while lines() < after and p.poll() is None and time.monotonic() < end:
                    time.sleep(0.01)
                p.send_signal(what)
                return p.wait(timeout=120)
            finally:
                p.kill()

    def code_of(what, after):
        code = stop(what, after)
        assert lines() < total + 1 and not (dir / "parts.json").exists(), "the run was too fast for this test"
        return code

    assert code_of(signal.SIGINT, 10) == 130, (dir / "err").read_text()
    report = json.loads((dir / "out").read_text())
    assert report["interrupted"] and report["finished"] == lines() - 1 < report["pictures"] == total, report
    # The numbers of an interrupted run are of the pictures that it has seen.
    seen = report["finished"]
    images = sorted(gt["images"], key=lambda i: i["id"])[:seen]
    ids = {i["id"] for i in images}
    first = dir.write("first.json", {**gt, "images": images,
                                     "annotations": [a for a in gt["annotations"] if a["image_id"] in ids]})
    same = json.loads(run("eval", model, first, *how[3:], code=1 if "absent.jpg" in {i["file_name"] for i in images} else 0))
    assert [same[k] for k in NAMES] == [report[k] for k in NAMES]

    assert code_of(signal.SIGKILL, 30) == -signal.SIGKILL
    with open(rows, "ab") as f:
        f.write(b'{"image_id":5,"boxes":[[1,')  # as a write that the system did not finish
    assert code_of(signal.SIGTERM, 50) == 130, (dir / "err").read_text()
    resumed = [*how, "--detections", dir / "parts.json", "--resume"]
    run(*how, "--detections", dir / "parts.json", code=1, says=["exists already", "--resume"])
    run(*resumed, "--min-score", 0.01, code=1, says="other settings")
    run(*resumed, "--input-size", 256, code=1, says="other settings")
    parts = run(*resumed, code=1, says=["of 120 pictures were finished before", "1 of 120 pictures are broken"])
    assert (dir / "parts.json").read_bytes() == (dir / "once.json").read_bytes() and not rows.exists()
    one, other = json.loads(once), json.loads(parts)
    assert one.pop("speed")["pictures"] == total > other.pop("speed")["pictures"] and one == other


def check_resume_end(dir):
    """From every state of the rows the result is that of one run, and rows of another run are refused."""
    gt = part(12)
    gt["images"][7]["file_name"] = "absent.jpg"
    path = dir.write("gt.json", gt)
    how = ["--images", bccd / "JPEGImages", "--json"]
    once = evaluate(path, *how, "--detections", dir / "once.json", code=1)
    rows = dir / "parts.json.rows"
    p = subprocess.Popen([program, "eval", model, path, *how, "--detections", dir / "parts.json", "--threads", "1"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while p.poll() is None and (not rows.exists() or rows.read_bytes().count(b"\n") < 4):
        time.sleep(0.002)
    p.kill()
    p.wait()
    assert rows.exists(), "the run was too fast for this test"
    beginning = rows.read_bytes()
    beginning = beginning[:beginning.rindex(b"\n") + 1]
    lines = beginning.splitlines(keepends=True)
    assert 3 <= len(lines) <= 12, len(lines)

    def results(report):
        j = json.loads(report)
        return {k: v for k, v in j.items() if k != "speed"}

    for keep, tail in [(0, b""), (0, lines[0][:9]), (1, b""), (2, lines[2][:40]), (len(lines), b""), (3, b"\0\xff")]:
        rows.write_bytes(b"".join(lines[:keep]) + tail)
        parts = evaluate(path, *how, "--detections", dir / "parts.json", "--resume", code=1)
        assert (dir / "parts.json").read_bytes() == (dir / "once.json").read_bytes(), (keep, tail)
        assert results(parts) == results(once) and not rows.exists(), (keep, tail)
        (dir / "parts.json").unlink()
    row = json.loads(lines[1])

    def damaged(change, what):
        bad = json.loads(lines[1])
        change(bad)
        rows.write_bytes(lines[0] + json.dumps(bad).encode() + b"\n")
        before = rows.read_bytes()
        evaluate(path, *how, "--detections", dir / "parts.json", "--resume", code=1, says=["cannot be continued", what])
        assert rows.read_bytes() == before

    damaged(lambda r: r.update(image_id=row["image_id"] + 1), "line 2 is of another picture")
    damaged(lambda r: r.pop("boxes"), "line 2 is damaged")
    damaged(lambda r: r.update(boxes=3), "line 2 is damaged")
    damaged(lambda r: r["boxes"][0].pop(), "line 2 is damaged")
    damaged(lambda r: r["boxes"][0].__setitem__(0, 99), "line 2 is damaged")
    damaged(lambda r: r["boxes"][0].__setitem__(3, -1), "line 2 is damaged")
    damaged(lambda r: r["boxes"][0].__setitem__(5, "1"), "line 2 is damaged")
    damaged(lambda r: r.update(error="also"), "line 2 is damaged")
    for text, what in [(b"a,b\n", "no file of rexnet eval"), (b"abc", "no file of rexnet eval"),
                       (b'{"run":3}\n', "no file of rexnet eval"), (b'{"run":"3"}\n', "no run of rexnet eval"),
                       (lines[0] + b"\xff\n", "line 2 is damaged"), (lines[0] + b"[" * 100000 + b"\n", "line 2 is damaged"),
                       (lines[0][:8] + (b"1" if lines[0][8:9] == b"0" else b"0") + lines[0][9:], "another model")]:
        rows.write_bytes(text)
        evaluate(path, *how, "--detections", dir / "parts.json", "--resume", code=1, says=["cannot be continued", what])
        assert rows.read_bytes() == text
    rows.write_bytes(lines[0])
    evaluate(dir.write("other.json", part(11)), *how, "--detections", dir / "parts.json", "--resume", code=1,
             says="another data set")
    evaluate(path, *how, "--detections", dir / "parts.json", "--resume", "--max", 7, code=1, says="other settings")
    assert not (dir / "parts.json").exists()
    # A folder that is not there is found before any work.
    evaluate(path, *how, "--detections", dir / "absent/parts.json", code=1, says="absent/parts.json")


checks = [check_numbers, check_broken, check_mapping, check_options, check_resume_end]
if os.name == "posix":
    checks.append(check_parts)
for check in checks:
    with tempfile.TemporaryDirectory() as at:
        start = time.monotonic()
        check(folder(at))
        print(f"{check.__name__}: {time.monotonic() - start:.1f} s")
print("all as expected")
