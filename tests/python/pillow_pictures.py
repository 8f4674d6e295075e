#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pictures with every option of every format: rexnet must read what Pillow reads, and refuse what Pillow refuses.

usage: pillow_pictures.py DUMP_PICTURE [FORMAT...]           (exit code 77: no Pillow or numpy)
DUMP_PICTURE is tests/support/dump_picture.cpp. Writers: Pillow, the writers of tests/python/picture_writers.py, and
where they are installed cjpeg (libjpeg-turbo-progs), tiffcp (libtiff-tools), heif-enc and pillow_heif.
REXNET_PICTURES=N in the environment takes every Nth file of the long lists (default 7; 1: all, some thousand).
Compared are the pixels of convert("RGB"), plain and after ImageOps.exif_transpose. Where rexnet differs on purpose
(README, "What differs"), the file's `rule` says how.
"""
import collections
import os
import subprocess
import sys
import tempfile
import warnings
import zlib

try:
    import numpy as np
    from PIL import Image, ImageOps, features
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)
if int(Image.__version__.split(".")[0]) < 13:
    print("skipped: Pillow", Image.__version__, "is not 13")
    sys.exit(77)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import picture_writers as writers  # noqa: E402

warnings.simplefilter("ignore")
try:
    import pillow_heif
    pillow_heif.register_heif_opener()
except ImportError:
    pass
dump = sys.argv[1]
built = subprocess.run([dump, "--formats"], capture_output=True, text=True, check=True).stdout.split()
KINDS = {"JPEG": ["JPEG", "MPO"], "PNG": ["PNG"], "GIF": ["GIF"], "WebP": ["WEBP"], "BMP": ["BMP"], "TIFF": ["TIFF"],
         "PNM": ["PPM"], "AVIF": ["AVIF"], "HEIC": ["HEIF"]}


def pillow(path, formats):
    """Mode, plain and upright pixels; None where Pillow refuses."""
    try:
        with Image.open(path, formats=formats) as picture:
            mode, plain = picture.mode, picture.convert("RGB")
        with Image.open(path, formats=formats) as picture:
            upright = ImageOps.exif_transpose(picture).convert("RGB")
        return mode, plain, upright
    except Exception:  # OSError, SyntaxError, ValueError, struct.error, zlib.error ...
        return None


def summary(picture):
    return [str(picture.width), str(picture.height), str(zlib.crc32(picture.tobytes()))]


def read_ppm(path):
    with open(path, "rb") as file:
        _, width, height, _ = file.readline().split()
        return np.frombuffer(file.read(), np.uint8).reshape(int(height), int(width), 3)


def verdict(case, answer, theirs, ppm):
    """None, or what is wrong."""
    ours, rule = answer[0] == "ok", case.rule
    if rule == "refused":
        return "is read, against the rule" if ours else None
    if rule == "any":  # damaged: both may refuse, and where both read they agree
        return "other pixels" if ours and theirs and answer[3:6] != summary(theirs[1]) else None
    if rule == "refuses more":
        rule = "pillow"
        if not ours:
            return None
    if rule == "reads more" and theirs is None:
        return None
    if callable(case.pixels):  # what is right, where Pillow may not be
        try:
            right = summary(case.pixels())
        except Exception:
            return "is read, against the rule" if ours else None
        return None if ours and answer[3:6] == right else "not the pixels of the rule" if ours else "is refused: " + answer[2]
    if ours != (theirs is not None):
        return "is read by Pillow alone: " + answer[2] if theirs else "is refused by Pillow alone"
    if not ours:
        return None
    if rule.startswith("near"):
        _, mean, most = rule.split()
        a, b = read_ppm(ppm).astype(int), np.asarray(theirs[1]).astype(int)
        if a.shape != b.shape:
            return f"another size: {a.shape}, Pillow {b.shape}"
        far = np.abs(a - b)
        worst[case.format] = max(worst[case.format], (float(far.mean()), int(far.max())))
        return None if far.mean() <= float(mean) and far.max() <= int(most) else f"far: {far.mean():.2f} {far.max()}"
    if answer[3:6] != summary(theirs[1]):
        return f"other pixels ({theirs[0]})"
    if answer[6:9] != summary(theirs[2]):
        return f"other upright pixels, orientation {answer[2]}"
    return None


counts, worst, failures = collections.defaultdict(collections.Counter), collections.defaultdict(lambda: (0.0, 0)), 0
chosen = sys.argv[2:] or list(KINDS)
for name in chosen:
    if name not in built:
        print(f"{name}: not built, left out")
        continue
    with tempfile.TemporaryDirectory() as folder:
        cases = list(writers.cases(name, int(os.environ.get("REXNET_PICTURES", "7")), folder))
        paths = []
        for i, case in enumerate(cases):
            paths.append(os.path.join(folder, f"{i:05d}.{name.lower()}"))
            with open(paths[-1], "wb") as file:
                file.write(case.data)
        done = subprocess.run([dump, folder], input="\n".join(paths) + "\n", capture_output=True, text=True)
        answers = [line.split("\t") for line in done.stdout.splitlines()]
        if done.returncode != 0 or len(answers) != len(paths):
            print(f"FAILED: {name}: the program ended with {done.returncode} at {cases[len(answers)].name}", done.stderr)
            failures += 1
            continue
        for i, (case, path, answer) in enumerate(zip(cases, paths, answers)):
            theirs = pillow(path, case.pillow or KINDS[name])
            wrong = verdict(case, answer, theirs, os.path.join(folder, f"{i}.ppm"))
            read = answer[0] == "ok"
            same = read and theirs is not None and answer[3:6] == summary(theirs[1])
            counts[name]["failed" if wrong else "with Pillow's pixels" if same else "refused by both" if not read and not theirs
                         else f"by the rule '{case.rule}'" if case.rule != "any"
                         else "damaged, refused by rexnet alone" if theirs else "damaged, read by rexnet alone"] += 1
            if wrong:
                failures += 1
                keep = os.environ.get("REXNET_KEEP")
                if keep:
                    os.replace(path, os.path.join(keep, f"{name}_{i:05d}.{name.lower()}"))
                print(f"FAILED: {name} {i} {case.name}: {wrong}")
    print(f"{name}: {len(cases)} files:", ", ".join(f"{n} {what}" for what, n in sorted(counts[name].items())),
          f"; farthest {worst[name][0]:.2f} in the mean, {worst[name][1]} at most" if name in worst else "", flush=True)
print("Pillow", Image.__version__, "libjpeg-turbo", features.version("libjpeg_turbo"), "libtiff", features.version("libtiff"))
sys.exit(1 if failures else 0)
