# SPDX-License-Identifier: MIT
"""Trains tiny networks with tools/train on drawn shapes: an interrupted run resumed is the uninterrupted run, another
class count starts from its weights, lite trains, and `rexnet` gives PyTorch's answers for every picture.

usage: train_smoke.py REXNET [FIXTURES]     (the command; the folder of PyTorch's checkpoints and answers)
Exit code 77: torch or timm is not installed. Without FIXTURES lite's comparison with them says that it skips.
"""

import contextlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

try:
    import numpy
    import torch
    from PIL import Image, ImageDraw
    import timm
except ImportError as e:
    print(f"skipped: {e.name} is not installed")
    sys.exit(77)

TOOLS = Path(__file__).resolve().parents[2] / "tools" / "train"
sys.path.insert(0, str(TOOLS))
import compare  # noqa: E402
import data  # noqa: E402
import models  # noqa: E402
import train  # noqa: E402
from checkpoints import load_initial  # noqa: E402

COLOURS = {
    "blue disc": (40, 60, 230),
    "green box": (40, 210, 60),
    "red disc": (220, 50, 40),
    "weiß, box": (240, 240, 240),
}
OPTIONS = (
    "--input-size 32 --rex-width-mult 0.35 --batch-size 8 --workers 0 --threads 1 --device cpu --lr 0.02 --scale 0.5 1"
).split()
failures = 0


def check(good: bool, what: str) -> None:
    """Prints the line, and counts what is not good."""
    global failures
    failures += not good
    print(("ok      " if good else "FAILED  ") + what, flush=True)


def draw(folder: Path, classes: list[str], count: int, rng: random.Random) -> None:
    """`count` pictures of each class: its shape in its colour, anywhere on a dark, odd-sized background."""
    for name in classes:
        (folder / name).mkdir(parents=True)
        for i in range(count):
            size = rng.randint(34, 70), rng.randint(34, 70)
            picture = Image.new("RGB", size, tuple(rng.randrange(90) for _ in range(3)))
            x, y, side = rng.randint(0, 10), rng.randint(0, 10), rng.randint(18, 24)
            pen = ImageDraw.Draw(picture)
            (pen.ellipse if "disc" in name else pen.rectangle)((x, y, x + side, y + side), fill=COLOURS[name])
            picture.save(folder / name / f"{i}.{'png' if i % 2 else 'jpg'}")


def run(*arguments) -> tuple[int, str]:
    """train.py here, its output kept; (exit code, output)"""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = train.main([str(a) for a in arguments])
    return code, out.getvalue()


def interrupted(*arguments) -> list[str]:
    """train.py in a process of its own that is killed after its first epoch; the lines it had printed."""
    process = subprocess.Popen(
        [sys.executable, str(TOOLS / "train.py"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith("epoch   1/"):
            process.kill()
            break
    process.communicate()
    return seen


def differing(a, b) -> list[str]:
    """Places at which two nests of dicts, lists, tensors and values differ, but for times and paths."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [
            f"{k}.{d}"
            for k in a.keys() | b.keys()
            if k not in ("seconds", "options")
            for d in (differing(a[k], b[k]) if k in a and k in b else ["(missing)"])
        ]
    if isinstance(a, (list, tuple)) and len(a) == len(b):
        return [f"{i}.{d}" for i, (x, y) in enumerate(zip(a, b, strict=True)) for d in differing(x, y)]
    same = torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
    return [] if same else ["differs"]


def check_resumed(run: Callable[..., tuple[int, str]], dir: Path, at: int, common: list) -> None:
    """The run `cut`, stopped after epoch `at` of 4, goes on to the end of the run `whole`. `run` is the program."""
    code, text = run("--resume", dir / "cut" / "last.pth")
    check(code == 0 and f"{at} of 4 epochs are done" in text, "resumed" + ("" if code == 0 else ": " + text))
    for name in ("last.pth", "best.pth"):
        whole, cut = (torch.load(dir / r / name, weights_only=True) for r in ("whole", "cut"))
        found = differing(whole, cut)
        check(not found, f"{name} of the resumed run is the uninterrupted run's" + "".join(f" {f}" for f in found[:5]))
    code, text = run(*common, "--output", dir / "whole")
    check(code == 1 and "holds a run" in text, "a run is not overwritten by accident")


def check_resume(dir: Path, pictures: Path) -> None:
    """Four epochs with everything random in them, whole and killed after the first."""
    random_options = (
        "--epochs 4 --opt adamw --lr 0.003 --drop-rate 0.2 --drop-path 0.1 --aa rand-m9-mstd0.5 --reprob 0.3 "
        "--model-ema --model-ema-decay 0.9"
    )
    common = [pictures, *OPTIONS, *random_options.split()]
    code, text = run(*common, "--output", dir / "whole")
    check(code == 0 and "rexnet pack" in text, "four epochs" + ("" if code == 0 else ": " + text))
    lines = interrupted(*common, "--output", dir / "cut")
    at = torch.load(dir / "cut" / "last.pth", weights_only=True)["epoch"]
    check(1 <= at < 4, f"killed after epoch {at} of 4" + ("" if at < 4 else f": {lines}"))
    check_resumed(run, dir, at, common)


def check_answers(rexnet: str, run_dir: Path, pictures: Path, what: str) -> compare.Comparison:
    """Packs as train.py said, and compares every picture's top-1."""
    o = json.loads((run_dir / "options.json").read_text(encoding="utf-8"))
    command = train.record.pack_command(run_dir, train.argparse.Namespace(**o))
    subprocess.run([rexnet, *command[1:]], check=True)
    result = compare.compare(run_dir, str(pictures), rexnet, run_dir / "best.rexnet")
    check(result.equal == result.n > 0 and result.difference < 1e-4, f"{what}: {result}")
    inspect = subprocess.run(
        [rexnet, "inspect", str(run_dir / "best.rexnet"), "--json"], check=True, capture_output=True
    )
    labels = json.loads(inspect.stdout)["labels"]
    check(labels == sorted(COLOURS)[: len(labels)], f"{what}: labels {labels}")
    return result


def check_fixtures(folder: Path | None) -> None:
    """Files of the official code give its logits: lite in this project's own module, v1 under timm's names."""
    for model, name, case in (
        ("rexnetv1_lite", "official_lite_0.5x_10c_zip", "1x224x224"),
        ("rexnetv1_lite", "official_lite_0.5x_10c_zip", "1x97x131"),
        ("rexnetv1", "official_v1_0.5x_10c_legacy", "3x97x131"),
    ):
        if not folder or not (folder / f"{name}.pth").exists():
            print(f"skipped: {name} against the official code's answers (no fixtures)")
            continue
        network = models.create_model(model, 0.5, 10).eval()
        load_initial(network, str(folder / f"{name}.pth"))
        answers = numpy.load(folder / f"{name}.{case}.npz")
        with torch.inference_mode():
            logits = network(torch.from_numpy(answers["input_nchw"])).numpy()
        worst, largest = abs(logits - answers["logits_f64"]).max(), abs(answers["logits_f64"]).max()
        check(worst < 1e-5 * largest, f"{name} {case}: logits within {worst:.1e} of the official code's")


def check_split(folder: Path) -> None:
    """A split loses no picture, takes of every class, and depends on the seed alone."""
    samples = data.read_folder(str(folder), data.class_names(str(folder)))
    train_part, val_part = data.split(list(samples), 0.3, 7)
    check(sorted(train_part + val_part) == sorted(samples), "a split loses no picture")
    check(Counter(target for _, target in val_part) == {0: 7, 1: 7, 2: 7, 3: 7}, "0.3 of 24 is 7 of every class")
    check(data.split(samples[::-1], 0.3, 7) == (train_part, val_part), "a split does not depend on the files' order")
    check(data.split(samples, 0.3, 8) != (train_part, val_part), "another seed is another split")


def fine_tune(dir: Path, pictures: Path, rexnet: str) -> None:
    """Four classes from the weights of three."""
    start = dir / "whole" / "last.pth"
    common = [pictures, *OPTIONS, *"--val-fraction 0.5 --epochs 16".split()]
    code, text = run(*common, "--output", dir / "tuned", "--initial-checkpoint", start)
    said = "classifier re-initialised: 3 classes in last.pth, 4 here" in text
    check(code == 0 and said, "three classes' weights begin with four" + ("" if said else ": " + text))
    result = check_answers(rexnet, dir / "tuned", dir / "tuned" / "val.csv", "fine-tuned")
    check(result.right_rexnet > 0.4 * result.n, "it has learned: equal answers are no accident of a constant one")
    # A run's own weights are no start for a run in the same folder, by whatever path.
    before = (dir / "tuned" / "best.pth").read_bytes()
    os.symlink(dir / "tuned" / "best.pth", dir / "best.pth")
    again = ("--output", dir / "tuned", "--overwrite", "--initial-checkpoint")
    code, text = run(*common, *again, dir / "best.pth")
    kept = (dir / "tuned" / "best.pth").read_bytes() == before
    check(code == 1 and kept and "is the input" in text, "a run does not write over what it starts from: " + text[-200:])


def check_names(dir: Path) -> None:
    """Folders whose names `rexnet pack --labels` would refuse."""
    for name in ("a\x1b[31m", "two\nlines", "\u202eend", "space ", os.fsdecode(b"caf\xe9")):
        try:
            (dir / "odd" / name).mkdir(parents=True)
        except OSError:  # file systems that know none of them
            continue
        code, text = run(dir / "odd", *OPTIONS, "--val-fraction", "0.5", "--output", dir / "no")
        check(code == 1 and ascii(name) in text, f"a class named {ascii(name)} is refused")
        (dir / "odd" / name).rmdir()


def train_lite(dir: Path, pictures: Path, rexnet: str) -> None:
    """Lite from scratch in mixed precision; its file is not v1's."""
    common = [pictures, *OPTIONS, *"--val-fraction 0.5 --epochs 14 --amp".split()]
    code, text = run(*common, "--output", dir / "lite", "--model", "rexnetv1_lite")
    check(code == 0, "lite, bfloat16" + ("" if code == 0 else ": " + text))
    result = check_answers(rexnet, dir / "lite", dir / "lite" / "val.csv", "lite")
    check(result.right_rexnet > 0.4 * result.n, "lite has learned")
    code, text = run(*common, "--output", dir / "no", "--initial-checkpoint", dir / "lite" / "best.pth")
    check(code == 1 and "weights of ReXNet lite, this network is v1" in text, "another family is refused by name")


def main() -> int:
    """All checks; the exit code."""
    rexnet, start = sys.argv[1], time.process_time()
    check_fixtures(Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    with tempfile.TemporaryDirectory() as temporary:
        dir, rng = Path(temporary) / "prüfung", random.Random(1)
        for part, count in (("train", 6), ("val", 4)):
            draw(dir / "three" / part, sorted(COLOURS)[:3], count, rng)
        draw(dir / "four", sorted(COLOURS), 24, rng)
        check_split(dir / "four")
        check_names(dir)
        check_resume(dir, dir / "three")
        check_answers(rexnet, dir / "whole", dir / "three" / "val", "v1")
        fine_tune(dir, dir / "four", rexnet)
        train_lite(dir, dir / "four", rexnet)
    seconds = time.process_time() - start
    versions = f"torch {torch.__version__}, timm {timm.__version__}"
    print(f"{versions}: {failures} failures, {seconds:.0f} s of CPU time without the interrupted run")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
