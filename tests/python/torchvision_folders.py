# SPDX-License-Identifier: MIT
"""`rexnet eval` on folders against torchvision's ImageFolder: the same pictures, of the same classes, in the same order.

usage: torchvision_folders.py REXNET SOURCE_DIR     (exit code 77: torchvision is not there)
Trees are drawn from a seed: nested folders, links to folders and files, odd names and endings, class folders that are
links or hidden. What torchvision takes and rexnet does not evaluate must be named among what is broken or left out,
and the other way round each further picture must be one that torchvision does not take by its name.
"""
import csv
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

try:
    from torchvision.datasets import ImageFolder
    from torchvision.datasets.folder import IMG_EXTENSIONS
except ImportError:
    print("skipped: needs torchvision")
    sys.exit(77)

rexnet, source = sys.argv[1], pathlib.Path(sys.argv[2])
model = str(source / "models/clothing_1.0x.rexnet")
classes = ["dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt"]
picture = b"P6\n2 2\n255\n" + bytes(range(12))
contents = [picture] * 6 + [b"notes\n" * 3, b"", b"\0\5\26\7\0\2\0\0Mac OS X        "]
stems = ["a", "b", "B", "a b", "a-b", "10", "9", "caf\u00e9", "cafe\u0301", "\u5199\u771f", "._a", ".a", "-x", "a.b", "a,b"]
endings = [*IMG_EXTENSIONS, *(e.upper() for e in IMG_EXTENSIONS), ".jpe", ".jfif", ".gif", ".txt", ".json", "", ".jpg.bak"]
failures = 0


def plant(random_, folder, depth, elsewhere):
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(random_.randrange(6)):
        path = folder / (random_.choice(stems) + random_.choice(endings))
        if path.exists() or path.is_symlink():
            continue
        kind = random_.random()
        if kind < 0.85:
            path.write_bytes(random_.choice(contents))
        elif kind < 0.95:
            path.symlink_to(elsewhere / "file.ppm")
        else:
            path.symlink_to("nothing")
    for _ in range(random_.randrange(3) if depth else 0):
        deeper = folder / random_.choice([*stems, "c.png", ".ipynb_checkpoints"])
        if not deeper.exists() and not deeper.is_symlink():
            if random_.random() < 0.2:
                deeper.symlink_to(elsewhere)
            else:
                plant(random_, deeper, depth - 1, elsewhere)


def require(condition, *what):
    global failures
    if not condition:
        failures += 1
        print("FAILED", *(str(w)[:1500] for w in what))


def compare(seed, folder):
    random_ = random.Random(seed)
    root, elsewhere = folder / "data", folder / "elsewhere"
    plant(random_, elsewhere, 1, folder / "nowhere")
    (elsewhere / "file.ppm").write_bytes(picture)
    root.mkdir()
    for name in random_.sample(classes, random_.randrange(1, 6)):
        if random_.random() < 0.2:
            (root / name).symlink_to(elsewhere)
        else:
            plant(random_, root / name, 3, elsewhere)
    samples = [os.path.relpath(path, root) for path, _ in ImageFolder(root, allow_empty=True).samples]
    rows_file = folder / "rows.csv"
    done = subprocess.run([rexnet, "eval", model, str(root), "--json", "--csv", str(rows_file), "--input-size", "8",
                           "--threads", "1"], capture_output=True)
    if not samples and done.returncode == 1 and b"no pictures" in done.stderr:
        return 0
    require(done.returncode in (0, 1) and done.stdout, seed, done.stderr.decode(errors="replace"))
    report = json.loads(done.stdout)
    with open(rows_file, encoding="utf-8", errors="surrogateescape", newline="") as f:
        rows = [(row["path"], row["label_name"]) for row in csv.DictReader(f)]
    others = {e["path"] for e in [*report["left_out"]["names"], *report["left_out"]["unread"]]}
    taken = [path for path, _ in rows if path.lower().endswith(IMG_EXTENSIONS)]
    require(taken == [path for path in samples if path not in others], seed, "other pictures or another order", taken, samples)
    require(all(label == path.split("/")[0] for path, label in rows), seed, "classes")
    # Nothing that is there is missing, whatever it is called.
    there = {os.path.relpath(os.path.join(at, name), root) for at, _, names in os.walk(root, followlinks=True) for name in names}
    require({path for path, _ in rows} | others == there, seed, "unaccounted", there ^ ({path for path, _ in rows} | others))
    require((done.returncode == 1) == (report["broken"] + len(report["left_out"]["unread"]) > 0), seed, "exit code")
    return len(samples)


pictures = 0
for seed in range(60):
    with tempfile.TemporaryDirectory() as name:
        pictures += compare(seed, pathlib.Path(name))
print(f"60 trees, {pictures} pictures of torchvision's, {failures} failures")
sys.exit(1 if failures else 0)
