"""The training loop: read it from top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch

from labkit.datasets import TrainingSet
from labkit.errors import Diverged, StorageFull
from labkit.events import CancelToken, EventSink, Log, ignore_events
from labkit.storage import CheckpointLayout
from labkit.training.batches import BatchSource
from labkit.training.checkpoints import Keeper, Training, resume_training, start_training
from labkit.training.config import TrainPlan
from labkit.training.history import EpochRecord, TrainResult, best_epoch, is_out_of_patience
from labkit.training.loading import open_batches
from labkit.training.losses import segmentation_loss
from labkit.training.memory import explain_out_of_memory
from labkit.training.precision import autocast
from labkit.training.reporting import Reporter
from labkit.training.samples import SampleStrip
from labkit.training.validation import validate

__all__ = ["learning_rate", "train", "train_step"]

_LARGEST_GRADIENT = 1.0


def learning_rate(step: int, plan: TrainPlan) -> float:
    """Return the rate of a step: a linear warm-up, then half a cosine down to 1 % (Loshchilov & Hutter, 2017)."""
    peak = plan.config.learning_rate
    if step < plan.warmup_steps:
        return peak * ((step + 1) / plan.warmup_steps)
    share = (step - plan.warmup_steps) / max(1, plan.total_steps - plan.warmup_steps)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))


def train(
    plan: TrainPlan,
    data: TrainingSet,
    folder: CheckpointLayout,
    *,
    resume_from: CheckpointLayout | None = None,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
    on_checkpoint: Callable[[], None] = lambda: None,
) -> TrainResult:
    """Train, and leave the best weights, the state to go on from and the history in `folder`.

    Parameters
    ----------
    plan : TrainPlan
        Every number of the training.
    data : TrainingSet
        Its train part is learned from, its val part chooses the checkpoint, its test part is not looked at.
    folder : CheckpointLayout
        Where the files go; made if missing.
    resume_from : CheckpointLayout, optional
        Files of a training that was broken off: it goes on after the last step that was kept, on the CPU to the bit.
    on_event : callable
        Gets losses and progress a few times a second, the numbers of each epoch, and what was written.
    cancel : CancelToken, optional
        Looked at before each step; the steps done are kept.
    on_checkpoint : callable
        Called after each checkpoint: a place to copy it elsewhere.

    Raises
    ------
    Cancelled
        The token was set.
    Diverged
        The loss or a gradient is no number any more; the last checkpoint is whole.
    OutOfMemory
        A step needs more memory than there is; the error names a smaller batch.
    StorageFull
        A checkpoint could not be written; the one before is whole.
    """
    cancel = cancel or CancelToken()
    started = time.monotonic()
    training = start_training(plan) if resume_from is None else resume_training(plan, resume_from)
    keeper = Keeper(folder, plan, on_event, on_checkpoint)
    if resume_from is not None:
        keeper.keep(training)
    earlier = sum(epoch.seconds for epoch in training.history) + training.epoch_s
    reporter = Reporter(plan, on_event, training.step)
    strip = SampleStrip(plan, data, folder, on_event)
    weights = torch.tensor(plan.class_weights, device=plan.device)

    with explain_out_of_memory(plan), open_batches(BatchSource(plan, data), first_step=training.step, device=plan.device) as batches:
        while training.step < plan.total_steps and not is_out_of_patience(training.history, plan.config.patience):
            epoch, epoch_started = len(training.history) + 1, time.monotonic() - training.epoch_s
            training.module.train()
            while training.step < epoch * plan.steps_per_epoch:
                if cancel.cancelled or keeper.is_due():
                    training.epoch_s = time.monotonic() - epoch_started
                    _keep_within_epoch(training, keeper, cancel, on_event)
                pixels, targets = next(batches)
                rate = learning_rate(training.step, plan)
                training.losses.append(train_step(training, plan, pixels, targets, weights, rate))
                training.step += 1
                reporter.step(training.step, training.losses[-1])
            training_s = time.monotonic() - epoch_started
            seen = validate(training.module, plan, data)
            record = EpochRecord(
                epoch=epoch,
                step=training.step,
                learning_rate=rate,
                train_loss=float(np.mean(training.losses)),
                score=seen.score,
                seconds=round(time.monotonic() - epoch_started, 3),
                val_loss=seen.loss,
                dice=seen.confusion.dice() if seen.loss is not None else (),
                iou=seen.confusion.iou() if seen.loss is not None else (),
            )
            training.end_epoch(record)
            reporter.epoch(record, training_s)
            keeper.keep(training)
            strip.draw(training.module, at_once=epoch in (1, plan.config.epochs))

    best = best_epoch(training.history)
    return TrainResult(
        history=tuple(training.history),
        best_epoch=best.epoch,
        best_score=best.score,
        seconds=round(earlier + time.monotonic() - started, 3),
        stopped="finished" if training.step == plan.total_steps else "patience",
    )


def train_step(
    training: Training, plan: TrainPlan, pixels: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, rate: float
) -> float:
    """Move the weights once, and return the loss before.

    Raises
    ------
    Diverged
        The loss or its gradient is no number; the weights are as they were.
    """
    for group in training.optimizer.param_groups:
        group["lr"] = rate
    with autocast(plan):
        logits = training.module(pixels)
    loss = segmentation_loss(logits, targets.long(), weights, plan.config.loss_dice)
    training.optimizer.zero_grad()
    training.scaler.scale(loss).backward()
    training.scaler.unscale_(training.optimizer)
    length = torch.nn.utils.clip_grad_norm_(training.module.parameters(), _LARGEST_GRADIENT)
    value = loss.item()
    if not math.isfinite(value) or not (training.scaler.is_enabled() or math.isfinite(length.item())):
        raise Diverged(
            f"The training came apart at step {training.step + 1}: its loss is {value}.",
            hint=f"Start it again with a lower learning rate, such as {plan.config.learning_rate / 10:g}; look for broken pixels too.",
            step=training.step + 1,
        )
    training.scaler.step(training.optimizer)
    training.scaler.update()
    return value


def _keep_within_epoch(training: Training, keeper: Keeper, cancel: CancelToken, on_event: EventSink) -> None:
    """Write a checkpoint, and then, if somebody asked for it, stop; a full disk does not keep anybody from stopping."""
    try:
        keeper.keep(training)
    except StorageFull as error:
        if not cancel.cancelled:
            raise
        on_event(Log(f"{error.message} The checkpoint before is kept.", "warning"))
    cancel.raise_if_cancelled()
