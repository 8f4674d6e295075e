# SPDX-License-Identifier: MIT
"""One epoch of training, for classifiers and detectors, and a classifier's validation. Optimizer, schedule, loss of
classifiers, scaler and EMA are timm's."""

from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from timm.loss import LabelSmoothingCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from timm.scheduler.scheduler import Scheduler
from timm.utils import ModelEmaV3, NativeScaler
from timm.utils.clip_grad import dispatch_clip_grad
from torch import nn
from torch.utils.data import DataLoader

from errors import TrainError


Loss = Callable[[nn.Module, tuple, torch.device], torch.Tensor]  # of the model for one batch of the loader


@dataclass
class Trainer:
    """What training changes, and how it does so."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: Scheduler
    loss: Loss
    ema: ModelEmaV3 | None
    scaler: NativeScaler | None  # CUDA's float16 only
    device: torch.device
    amp: bool
    accumulate: int
    clip_grad: float | None
    steps: int = 0  # of the optimizer, since the run began

    def judged(self) -> nn.Module:
        """What is validated and saved: the moving average where there is one."""
        return self.model if self.ema is None else self.ema.module

    def autocast(self) -> contextlib.AbstractContextManager:
        """Mixed precision, or none."""
        if not self.amp:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.float16 if self.device.type == "cuda" else torch.bfloat16)


def classification_loss(smoothing: float) -> Loss:
    """Cross entropy with smoothed labels, of batches (pictures, class indices)."""
    cross_entropy = LabelSmoothingCrossEntropy(smoothing)

    def of_batch(model: nn.Module, batch: tuple, device: torch.device) -> torch.Tensor:
        images, targets = (part.to(device, non_blocking=True) for part in batch)
        return cross_entropy(model(images).float(), targets)

    return of_batch


def make_trainer(
    model: nn.Module, o: argparse.Namespace, device: torch.device, batches: int, loss: Loss
) -> Trainer:
    """A trainer at the beginning of a run of `batches` batches an epoch."""
    if o.amp and device.type not in ("cuda", "cpu"):
        raise TrainError(f"--amp on {device.type}: only CUDA and CPUs")
    try:
        optimizer = create_optimizer_v2(model, opt=o.opt, lr=o.lr, weight_decay=o.weight_decay, momentum=o.momentum)
    except (ValueError, AssertionError) as e:
        raise TrainError(f"--opt {o.opt}: {e}") from e
    scheduler, _ = create_scheduler_v2(
        optimizer,
        sched=o.sched,
        num_epochs=o.epochs,
        warmup_epochs=o.warmup_epochs,
        warmup_lr=o.warmup_lr,
        min_lr=o.min_lr,
        step_on_epochs=False,
        updates_per_epoch=math.ceil(batches / o.grad_accum_steps),
    )
    scheduler.step_update(0)
    ema = ModelEmaV3(model, decay=o.model_ema_decay, use_warmup=o.model_ema_warmup) if o.model_ema else None
    return Trainer(
        model,
        optimizer,
        scheduler,
        loss,
        ema,
        NativeScaler(device.type) if o.amp and device.type == "cuda" else None,
        device,
        o.amp,
        o.grad_accum_steps,
        o.clip_grad,
    )


def take_step(t: Trainer) -> None:
    """What follows the optimizer's step."""
    t.optimizer.zero_grad()
    t.steps += 1
    if t.ema is not None:
        t.ema.update(t.model, step=t.steps)
    t.scheduler.step_update(t.steps)


def backward(t: Trainer, loss: torch.Tensor, step: bool) -> None:
    """Adds the loss's gradients and, with `step`, moves the weights."""
    if t.scaler is not None:
        t.scaler(loss, t.optimizer, clip_grad=t.clip_grad, parameters=t.model.parameters(), need_update=step)
        return
    loss.backward()
    if step:
        if t.clip_grad is not None:
            dispatch_clip_grad(t.model.parameters(), t.clip_grad)
        t.optimizer.step()


def train_epoch(t: Trainer, loader: DataLoader) -> float:
    """One pass over the loader; the mean loss. TrainError when the loss is no number any more."""
    t.model.train()
    t.optimizer.zero_grad()
    total = 0.0
    for index, batch in enumerate(loader):
        last = index + 1 == len(loader)
        # The epoch's last step may have fewer batches than --grad-accum-steps: their mean all the same.
        first = index - index % t.accumulate
        group = min(t.accumulate, len(loader) - first)
        with t.autocast():
            loss = t.loss(t.model, batch, t.device)
        if not math.isfinite(loss.item()):
            raise TrainError(
                f"the loss is {loss.item()} after {t.steps} steps: a smaller --lr, or --clip-grad, may help"
            )
        total += loss.item()
        step = last or (index + 1) % t.accumulate == 0
        backward(t, loss / group, step)
        if step:
            take_step(t)
    return total / len(loader)


@dataclass
class Answers:
    """Of a validation: the mean cross entropy, top-1 and top-5 in percent."""

    loss: float
    top1: float
    top5: float


@torch.inference_mode()
def logits_of(model: nn.Module, loader: DataLoader, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """([n, classes] logits, [n] targets) of all samples, in float32 whatever the training's precision: as `rexnet`."""
    model.eval()
    logits, targets = [], []
    for images, batch_targets in loader:
        logits.append(model(images.to(device)).float().cpu())
        targets.append(batch_targets)
    return torch.cat(logits), torch.cat(targets)


def validate(model: nn.Module, loader: DataLoader, device: torch.device) -> Answers:
    """How well the model does on the loader."""
    logits, targets = logits_of(model, loader, device)
    best = logits.topk(min(5, logits.shape[1]), dim=1).indices == targets[:, None]
    return Answers(
        nn.functional.cross_entropy(logits, targets).item(),
        100 * best[:, 0].float().mean().item(),
        100 * best.any(dim=1).float().mean().item(),
    )
