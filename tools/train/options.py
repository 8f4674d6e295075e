# SPDX-License-Identifier: MIT
"""The command line of train.py, and what detect.py's shares with it. Names and meanings are timm's train.py's, where it has the option."""

from __future__ import annotations

import argparse
import os

from errors import TrainError

PATHS = ("data_dir", "train_dir", "val_dir", "initial_checkpoint")  # stored as absolute: a run resumes from anywhere
OF_ONE_START = ("resume", "stop_after", "output", "overwrite")  # not stored with a run


def fraction(text: str) -> float:
    """A number in [0, 1)."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not in [0, 1)")
    return value


def positive(text: str) -> int:
    """A whole number above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def add_data(p: argparse.ArgumentParser) -> None:
    """Where the pictures are, and how validation prepares them."""
    g = p.add_argument_group("pictures")
    g.add_argument(
        "data_dir", metavar="DATA_DIR", nargs="?", help="folder with train/ and val/, each with one folder per class"
    )
    g.add_argument("--train", dest="train_dir", metavar="DIR", help="training folder, in place of DATA_DIR")
    g.add_argument("--val", dest="val_dir", metavar="DIR", help="validation folder, in place of DATA_DIR")
    g.add_argument("--val-fraction", type=fraction, help="DATA_DIR has class folders itself: this part validates")
    g.add_argument("--split-seed", type=int, default=0, help="of --val-fraction's choice (default: %(default)s)")
    g.add_argument("--input-size", type=positive, help="side of the network's input (default: the model's, mostly 224)")
    g.add_argument(
        "--crop-pct",
        type=float,
        help="part of the short side that validation's crop keeps (default: the model's, mostly 0.875)",
    )
    g.add_argument(
        "--interpolation", choices=("bicubic", "bilinear"), help="of validation (default: the model's, bicubic)"
    )


def add_model(p: argparse.ArgumentParser) -> None:
    """The network and its first weights."""
    g = p.add_argument_group("network")
    g.add_argument(
        "--model",
        default="rexnetv1",
        help="rexnetv1, rexnetv1_lite, or timm's rexnet_* and rexnetr_* (default: %(default)s)",
    )
    g.add_argument("--rex-width-mult", type=float, help="width of rexnetv1 and rexnetv1_lite (default: 1.0)")
    g.add_argument(
        "--initial-checkpoint",
        metavar="FILE",
        help=".pth or .safetensors to start from, official or timm's names; another class count is fine",
    )
    g.add_argument(
        "--reset-classifier",
        action="store_true",
        help="start with a fresh classifier even if the class count is the same",
    )
    g.add_argument(
        "--pretrained", action="store_true", help="start from timm's published weights of --model (downloads)"
    )
    g.add_argument(
        "--drop-rate", type=fraction, default=0.0, help="dropout before the classifier (default: %(default)s)"
    )
    g.add_argument(
        "--drop-path",
        type=fraction,
        default=0.0,
        help="stochastic depth of the last block, less before (default: %(default)s)",
    )
    g.add_argument("--smoothing", type=fraction, default=0.1, help="of the labels (default: %(default)s)")


def add_optimisation(p: argparse.ArgumentParser) -> None:
    """What moves the weights."""
    g = p.add_argument_group("optimisation")
    g.add_argument("--epochs", type=positive, default=30, help="with the warm-up (default: %(default)s)")
    g.add_argument("--batch-size", type=positive, default=32, help="(default: %(default)s)")
    g.add_argument(
        "--grad-accum-steps",
        type=positive,
        default=1,
        help="batches per step: 4 with --batch-size 128 stand for 4 GPUs (default: %(default)s)",
    )
    g.add_argument(
        "--opt", default="sgd", help="one of timm's optimizers: sgd (Nesterov), adamw, lamb, ... (default: %(default)s)"
    )
    g.add_argument(
        "--lr",
        type=float,
        default=0.05,
        help="highest learning rate, for the batch as it is: nothing is scaled (default: %(default)s)",
    )
    g.add_argument("--momentum", type=float, default=0.9, help="(default: %(default)s)")
    g.add_argument(
        "--weight-decay", type=float, default=1e-5, help="not of biases and BatchNorm (default: %(default)s)"
    )
    g.add_argument("--clip-grad", type=float, help="largest norm of the gradient")
    g.add_argument(
        "--sched",
        default="cosine",
        choices=("cosine", "poly", "constant"),
        help="after the warm-up, step by step (default: %(default)s)",
    )
    g.add_argument("--warmup-epochs", type=int, help="linear warm-up (default: a tenth of the epochs, at most 5)")
    g.add_argument("--warmup-lr", type=float, default=1e-5, help="where it begins (default: %(default)s)")
    g.add_argument("--min-lr", type=float, default=0.0, help="where the schedule ends (default: %(default)s)")
    g.add_argument(
        "--model-ema",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="keep a moving average of the weights; it is what is validated and saved",
    )
    g.add_argument(
        "--model-ema-decay",
        type=fraction,
        default=0.9998,
        help="(default: %(default)s, for runs of 10000 steps and more)",
    )
    g.add_argument(
        "--model-ema-warmup",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="begin with a smaller decay: for short runs",
    )
    g.add_argument(
        "--amp",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="mixed precision: float16 with loss scaling on CUDA, bfloat16 on CPUs",
    )


def add_augmentation(p: argparse.ArgumentParser) -> None:
    """What timm does to training pictures."""
    g = p.add_argument_group("augmentation, all of timm")
    g.add_argument(
        "--scale",
        type=float,
        nargs=2,
        default=[0.08, 1.0],
        metavar=("MIN", "MAX"),
        help="area of the random crop (default: %(default)s)",
    )
    g.add_argument(
        "--ratio", type=float, nargs=2, default=[3 / 4, 4 / 3], metavar=("MIN", "MAX"), help="sides of the random crop"
    )
    g.add_argument(
        "--hflip", type=float, default=0.5, help="probability (default: %(default)s); 0 for letters and digits"
    )
    g.add_argument("--color-jitter", type=float, default=0.4, help="off with --aa (default: %(default)s)")
    g.add_argument("--aa", help="RandAugment, AutoAugment, ...: rand-m9-mstd0.5")
    g.add_argument("--reprob", type=fraction, default=0.0, help="random erasing (default: %(default)s)")
    g.add_argument(
        "--remode", default="pixel", choices=("const", "rand", "pixel"), help="what erases (default: %(default)s)"
    )
    g.add_argument(
        "--train-interpolation",
        default="random",
        choices=("random", "bicubic", "bilinear"),
        help="(default: %(default)s of the two)",
    )


def add_run(p: argparse.ArgumentParser) -> None:
    """Files, resuming, the machine."""
    g = p.add_argument_group("run")
    g.add_argument("--output", metavar="RUN_DIR", help="for last.pth, best.pth, classes.txt, log.csv, curve.png")
    g.add_argument("--overwrite", action="store_true", help="RUN_DIR may hold another run, which is lost")
    g.add_argument(
        "--resume",
        metavar="RUN_DIR/last.pth",
        help="go on where a run stopped, with its options; --epochs, --lr, pictures and augmentation may be changed",
    )
    g.add_argument(
        "--stop-after", type=positive, metavar="EPOCHS", help="stop after this many epochs of the run, to be resumed"
    )
    g.add_argument("--seed", type=int, default=42, help="(default: %(default)s)")
    g.add_argument(
        "--workers",
        type=int,
        default=2,
        help="processes that read pictures; 0: none, runs repeat bit by bit on CPUs (default: %(default)s)",
    )
    g.add_argument("--threads", type=positive, help="of PyTorch on CPUs (default: its own)")
    g.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: cuda where there is one)")


def build_parser() -> argparse.ArgumentParser:
    """All options."""
    p = argparse.ArgumentParser(
        prog="train.py", description="Trains or fine-tunes a ReXNet on pictures in class folders, for `rexnet pack`."
    )
    for add in (add_data, add_model, add_optimisation, add_augmentation, add_run):
        add(p)
    return p


def stored(o: argparse.Namespace) -> dict:
    """The options that a resumed run takes over, as plain values."""
    return {k: v for k, v in vars(o).items() if k not in OF_ONE_START}


def check(o: argparse.Namespace) -> None:
    """TrainError for options that make no sense alone or together."""
    if o.crop_pct is not None and not 0.01 <= o.crop_pct <= 1:
        raise TrainError(f"--crop-pct {o.crop_pct}: not in [0.01, 1]")
    if o.initial_checkpoint and o.pretrained:
        raise TrainError("--initial-checkpoint and --pretrained both say where to start")
    if o.val_fraction == 0:
        raise TrainError("--val-fraction 0: nothing to validate with")


def check_run(o: argparse.Namespace) -> None:
    """TrainError for what makes no sense in any run. Fills in the warm-up."""
    if not o.output:
        raise TrainError("--output RUN_DIR is missing")
    if o.warmup_epochs is None:
        o.warmup_epochs = min(5, o.epochs // 10)
    if not 0 <= o.warmup_epochs < o.epochs:
        raise TrainError(f"--warmup-epochs {o.warmup_epochs}: not in [0, {o.epochs}), the epochs")


def parse_with(
    parser: argparse.ArgumentParser, argv: list[str] | None, run_options: dict | None, paths: tuple[str, ...]
) -> argparse.Namespace:
    """The command line; what it does not give comes from `run_options`, those of a run to be resumed. The options
    `paths`, each a path or a list of them, become absolute."""
    if run_options is not None:
        parser.set_defaults(**run_options)
    o = parser.parse_args(argv)
    if o.resume and not o.output:
        o.output = os.path.dirname(os.path.abspath(o.resume))
    for name in paths:
        given = getattr(o, name)
        if isinstance(given, list):
            setattr(o, name, [os.path.abspath(path) for path in given])
        elif given:
            setattr(o, name, os.path.abspath(given))
    check_run(o)
    return o


def parse(argv: list[str] | None, run_options: dict | None = None) -> argparse.Namespace:
    """train.py's command line, as parse_with()."""
    o = parse_with(build_parser(), argv, run_options, PATHS)
    check(o)
    return o


def resume_path(parser: argparse.ArgumentParser, argv: list[str] | None) -> str | None:
    """--resume alone, before the rest can be understood."""
    return parser.parse_known_args(argv)[0].resume
