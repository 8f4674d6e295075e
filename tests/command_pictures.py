# SPDX-License-Identifier: MIT
"""`rexnet classify` on a directory of odd and damaged pictures: every file gets an answer or an error that names it.

usage: command_pictures.py REXNET SOURCE_DIR ROBUSTNESS_DIR     (exit code 77: the last is not there)
Which files are refused is Pillow's verdict (tests/golden/picture_files.json). Pictures that differ in their EXIF
orientation must have the same answer with --exif.
"""
import array
import json
import math
import pathlib
import subprocess
import sys
import tempfile

rexnet, source, pictures = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
if not pictures.is_dir():
    print(f"skipped: needs {pictures}")
    sys.exit(77)
golden = json.loads((source / "tests/golden/picture_files.json").read_text())["files"]
# The checksum of the data counts; Pillow does not look at it (README, "What differs").
refused = {name for name, what in golden.items() if what == "refused"} | {"pngsuite/corrupt/xcsn0g01.png"}
failures = []


def classify(folder, *options):
    model = source / "models/clothing_1.0x.rexnet"
    done = subprocess.run([rexnet, "classify", str(model), str(folder), "--json", "--threads", "1", *options],
                          capture_output=True)
    entries = {pathlib.Path(e["image"]).relative_to(folder).as_posix(): e for e in json.loads(done.stdout)
               if "left_out" not in e}  # the collections' licences
    return done.returncode, done.stderr.decode(errors="replace"), entries


def require(condition, *what):
    if not condition:
        failures.append(what)
        print("FAILED", *what)


code, messages, entries = classify(pictures)
require(code == 1, "exit code", code)
require(list(entries) == sorted(entries, key=lambda name: tuple(map(str.encode, name.rpartition("/")))), "the order")
require(set(golden) <= set(entries), "missing", set(golden) - set(entries))
for name, entry in entries.items():
    if name in refused:
        require("error" in entry and name in entry["error"], name, entry)
        require(entry.get("error", "?") in messages, name, "is not named on stderr")
    else:
        top = entry.get("top", [])
        require(len(top) == 5 and 0 < top[4]["probability"] <= top[0]["probability"] <= 1, name, entry)
require(f"{len(refused)} of {len(entries)} pictures" in messages, "the sum", messages[-200:])

# The same two pictures in nine files each, which show their number, too: features of one direction, where pictures
# that are not turned upright are below 0.92 from each other.
with tempfile.TemporaryDirectory() as folder:
    embedding = pathlib.Path(folder) / "features.npy"
    code, messages, entries = classify(pictures / "exif", "--exif", "--embed", str(embedding))
    values = array.array("f", embedding.read_bytes()[128:])
require(code == 0 and messages.startswith("rexnet: left out: ") and messages.count("\n") == 1, "exif", code, messages)
width, least = len(values) // len(entries), 1.0
for shape in ("Landscape", "Portrait"):
    upright = entries[f"{shape}_1.jpg"]
    for orientation in range(9):
        entry = entries[f"{shape}_{orientation}.jpg"]
        a, b = (values[e["row"] * width:(e["row"] + 1) * width] for e in (upright, entry))
        cosine = sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
        least = min(least, cosine)
        require(cosine > 0.98 and entry["top"][0]["class"] == upright["top"][0]["class"], shape, orientation, cosine)
print(f"{len(golden)} files, {len(refused)} refused; EXIF orientations: cosine of the features at least {least:.4f}")
sys.exit(1 if failures else 0)
