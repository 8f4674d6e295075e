# SPDX-License-Identifier: MIT
"""Trains tiny networks with tools/train on drawn shapes: an interrupted run resumed is the uninterrupted run, another
class count starts from its weights, lite trains, and `rexnet` gives PyTorch's answers for every picture.

usage: train_smoke.py REXNET [FIXTURES]     (the command; the folder of PyTorch's checkpoints and answers)
Exit code 77: torch or timm is not installed. Without FIXTURES, or numpy, lite's comparison with them says that it skips.
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
from pathlib import Path

try:
    import torch
    from PIL import Image, ImageDraw
    import timm
except ImportError as e:
    print(f"skipped: {e.name} is not installed")
    sys.exit(77)

TOOLS = Path(__file__).resolve().parents[2] / "tools" / "train"
sys.path.insert(0, str(TOOLS))
import compare  # noqa: E402
import models  # noqa: E402
import train  # noqa: E402
from checkpoints import load_initial  # noqa: E402

COLOURS = {"blue disc": (40, 60, 230), "green box": (40, 210, 60), "red disc": (220, 50, 40), "weiß, \"box\"": (240, 240, 240)}
OPTIONS = ["--input-size", "32", "--rex-width-mult", "0.35", "--batch-size", "8", "--workers", "0", "--threads", "1",
           "--device", "cpu", "--lr", "0.02", "--scale", "0.5", "1"]
failures = 0


def check(good, what):
    global failures
    failures += not good
    print(("ok      " if good else "FAILED  ") + what, flush=True)


def draw(folder, classes, count, rng):
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


def run(*arguments):
    """train.py here, its output kept; (exit code, output)"""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = train.main([str(a) for a in arguments])
    return code, out.getvalue()


def interrupted(*arguments):
    """train.py in a process of its own that is killed in its second epoch."""
    process = subprocess.Popen([sys.executable, str(TOOLS / "train.py"), *map(str, arguments)], stdout=subprocess.PIPE,
                               text=True, encoding="utf-8", env={**os.environ, "PYTHONUTF8": "1"})
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith("epoch   1/"):
            process.kill()
            break
    process.communicate()
    return seen


def differing(a, b):
    """Places at which two nests of dicts, lists, tensors and values differ, but for times and paths."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [f"{k}.{d}" for k in a.keys() | b.keys() if k not in ("seconds", "options")
                for d in (differing(a[k], b[k]) if k in a and k in b else ["(missing)"])]
    if isinstance(a, (list, tuple)) and len(a) == len(b):
        return [f"{i}.{d}" for i, (x, y) in enumerate(zip(a, b)) for d in differing(x, y)]
    same = torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
    return [] if same else ["differs"]


def check_resume(dir, pictures):
    """Two epochs with everything random in them, whole and interrupted."""
    common = [pictures, *OPTIONS, "--epochs", 2, "--drop-rate", 0.2, "--drop-path", 0.1, "--aa", "rand-m9-mstd0.5",
              "--reprob", 0.3, "--opt", "adamw", "--lr", 0.003, "--model-ema", "--model-ema-decay", 0.9]
    code, text = run(*common, "--output", dir / "whole")
    check(code == 0 and "rexnet pack" in text, "two epochs" + ("" if code == 0 else ": " + text))
    lines = interrupted(*common, "--output", dir / "cut")
    at = torch.load(dir / "cut" / "last.pth", weights_only=True)["epoch"]
    check(at == 1, f"killed after epoch {at} of 2" + ("" if at == 1 else f": {lines}"))
    code, text = run("--resume", dir / "cut" / "last.pth")
    check(code == 0 and "1 of 2 epochs are done" in text, "resumed" + ("" if code == 0 else ": " + text))
    for name in ("last.pth", "best.pth"):
        whole, cut = (torch.load(dir / r / name, weights_only=True) for r in ("whole", "cut"))
        found = differing(whole, cut)
        check(not found, f"{name} of the resumed run is the uninterrupted run's" + "".join(f" {f}" for f in found[:5]))
    code, text = run(*common, "--output", dir / "whole")
    check(code == 1 and "holds a run" in text, "a run is not overwritten by accident")


def check_answers(rexnet, run_dir, pictures, what):
    """Packs as train.py said, and compares every picture's top-1."""
    o = json.loads((run_dir / "options.json").read_text(encoding="utf-8"))
    command = train.record.pack_command(run_dir, train.argparse.Namespace(**o))
    subprocess.run([rexnet, *command[1:]], check=True)
    result = compare.compare(run_dir, str(pictures), rexnet, run_dir / "best.rexnet")
    check(result.equal == result.n > 0 and result.difference < 1e-4, f"{what}: {result}")
    inspect = subprocess.run([rexnet, "inspect", str(run_dir / "best.rexnet"), "--json"], check=True, capture_output=True)
    labels = json.loads(inspect.stdout)["labels"]
    check(labels == sorted(COLOURS)[:len(labels)], f"{what}: labels {labels}")
    return result


def check_fixture(folder):
    """Lite, which is this project's own module, against the official code's answers."""
    try:
        import numpy
    except ImportError:
        numpy = None
    name = "official_lite_0.5x_10c_zip"
    if numpy is None or not folder or not (folder / f"{name}.pth").exists():
        print("skipped: lite against the official code's answers (no fixtures, or no numpy)")
        return
    model = models.create_model("rexnetv1_lite", 0.5, 10).eval()
    load_initial(model, str(folder / f"{name}.pth"))
    for case in ("1x224x224", "1x97x131"):
        answers = numpy.load(folder / f"{name}.{case}.npz")
        with torch.inference_mode():
            logits = model(torch.from_numpy(answers["input_nchw"])).numpy()
        worst, largest = abs(logits - answers["logits_f64"]).max(), abs(answers["logits_f64"]).max()
        check(worst < 1e-5 * largest, f"lite {case}: logits within {worst:.1e} of the official code's, largest {largest:.2f}")


def main():
    rexnet, start = sys.argv[1], time.process_time()
    check_fixture(Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    with tempfile.TemporaryDirectory() as temporary:
        dir, rng = Path(temporary) / "prüfung", random.Random(1)
        for part, count in (("train", 6), ("val", 4)):
            draw(dir / "three" / part, sorted(COLOURS)[:3], count, rng)
        draw(dir / "four", sorted(COLOURS), 24, rng)
        check_resume(dir, dir / "three")
        check_answers(rexnet, dir / "whole", dir / "three" / "val", "v1, two epochs")
        code, text = run(dir / "four", "--val-fraction", 0.5, *OPTIONS, "--epochs", 16, "--output", dir / "tuned",
                         "--initial-checkpoint", dir / "whole" / "last.pth")
        check(code == 0 and "classifier re-initialised: 3 classes in last.pth, 4 here" in text,
              "three classes' weights begin with four" + ("" if code == 0 else ": " + text))
        result = check_answers(rexnet, dir / "tuned", dir / "tuned" / "val.csv", "fine-tuned")
        check(result.right_rexnet > 0.6 * result.n, "it has learned: equal answers are no accident of a constant one")
        code, text = run(dir / "four", "--val-fraction", 0.5, *OPTIONS, "--epochs", 12, "--output", dir / "lite",
                         "--model", "rexnetv1_lite", "--amp")
        check(code == 0, "lite, bfloat16" + ("" if code == 0 else ": " + text))
        result = check_answers(rexnet, dir / "lite", dir / "lite" / "val.csv", "lite")
        check(result.right_rexnet > 0.6 * result.n, "lite has learned")
        code, text = run(dir / "three", *OPTIONS, "--output", dir / "no", "--initial-checkpoint", dir / "lite" / "best.pth")
        check(code == 1 and "weights of ReXNet lite, this network is v1" in text, "another family is refused by name")
    print(f"torch {torch.__version__}, timm {timm.__version__}: {failures} failures, {time.process_time() - start:.0f} s "
          "of CPU time without the interrupted run")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
