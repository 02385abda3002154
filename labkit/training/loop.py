"""The training loop: read it from top to bottom."""

from __future__ import annotations

import csv
import io
import math
import time
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from labkit.datasets import Chips, Confusion, TrainingSet, mean_score
from labkit.events import Artefact, CancelToken, EventSink, Metric, Progress, ignore_events
from labkit.formats.checkpoint import load_resume_state, load_weights, save_resume_state, save_weights
from labkit.storage import CheckpointLayout, Record, write_text
from labkit.training.architectures import architecture_named
from labkit.training.batches import BatchSource, class_indices, make_targets, normalise
from labkit.training.config import TrainPlan
from labkit.training.losses import segmentation_loss
from labkit.training.network import Network

__all__ = ["EpochRecord", "TrainResult", "evaluate", "history_array", "learning_rate", "train"]


class EpochRecord(Record):
    """One line of ``history.csv``. `score` is the mean Dice of the classes on the validation part, None without one."""

    epoch: int
    step: int
    learning_rate: float
    train_loss: float
    score: float | None
    seconds: float


class TrainResult(Record):
    """What the loop leaves: the curve, and which epoch's weights were kept."""

    history: tuple[EpochRecord, ...]
    best_epoch: int
    best_score: float | None
    seconds: float
    stopped: Literal["finished", "patience"] = "finished"


def learning_rate(step: int, plan: TrainPlan) -> float:
    """Return the rate of a step: a linear warm-up, then half a cosine down to 1 % (Loshchilov & Hutter, 2017)."""
    peak = plan.config.learning_rate
    if step < plan.warmup_steps:
        return peak * (step + 1) / plan.warmup_steps
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
        Files of a training that was broken off: it goes on after its last finished epoch, on the CPU to the bit.
    on_event : callable
        Gets the loss and rate of each step, the score of each epoch, and progress.
    cancel : CancelToken, optional
        Looked at before each step; the last finished epoch stays on disk.

    Raises
    ------
    Cancelled
        The token was set.
    """
    cancel = cancel or CancelToken()
    torch.manual_seed(plan.config.seed)
    module = architecture_named(plan.architecture).build(plan.channels, len(plan.outputs)).to(plan.device)
    optimizer = torch.optim.AdamW(module.parameters(), lr=plan.config.learning_rate, weight_decay=plan.config.weight_decay)
    history: list[EpochRecord] = []
    if resume_from is not None:
        history = _restore(resume_from, folder, module, optimizer)

    chips = data.chips("train")
    source = BatchSource(
        normalise(chips.pixels, plan.normalisation),
        make_targets(chips, plan.classes, plan.border_index),
        plan.batch_size,
        plan.crop_px,
        plan.config.seed,
    )
    validation = data.chips("val")
    weights = torch.tensor(plan.class_weights, device=plan.device)
    started, earlier = time.monotonic(), sum(e.seconds for e in history)
    for epoch in range(len(history), plan.config.epochs):
        epoch_started = time.monotonic()
        losses = []
        module.train()
        for step in range(epoch * plan.steps_per_epoch, (epoch + 1) * plan.steps_per_epoch):
            cancel.raise_if_cancelled()
            rate = learning_rate(step, plan)
            for group in optimizer.param_groups:
                group["lr"] = rate
            pixels, targets = (torch.from_numpy(part).to(plan.device) for part in source.batch(step))
            loss = segmentation_loss(module(pixels), targets.long(), weights)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            on_event(Metric(epoch + 1, step + 1, "loss", losses[-1]))
            on_event(Progress(step + 1, plan.total_steps, "steps", "training"))
        score = _score(module, plan, validation)
        history.append(
            EpochRecord(
                epoch=epoch + 1,
                step=(epoch + 1) * plan.steps_per_epoch,
                learning_rate=rate,
                train_loss=float(np.mean(losses)),
                score=score,
                seconds=round(time.monotonic() - epoch_started, 3),
            )
        )
        on_event(Metric(epoch + 1, history[-1].step, "train_loss", history[-1].train_loss))
        on_event(Metric(epoch + 1, history[-1].step, "learning_rate", rate))
        if score is not None:
            on_event(Metric(epoch + 1, history[-1].step, "val_dice", score))
        _keep(folder, module, optimizer, history, on_event)
    best = _best(history)
    return TrainResult(
        history=tuple(history), best_epoch=best.epoch, best_score=best.score, seconds=round(earlier + time.monotonic() - started, 3)
    )


def evaluate(network: Network, plan: TrainPlan, chips: Chips) -> Confusion:
    """Count true and predicted classes over chips; rows and columns are background and the plan's classes."""
    confusion = Confusion(len(plan.classes) + 1)
    truth = class_indices(plan.classes)[chips.masks]
    for pixels, mask in zip(chips.pixels, truth, strict=True):
        confusion.add(mask, network.split(network.probabilities(pixels))[0])
    return confusion


def _score(module: torch.nn.Module, plan: TrainPlan, chips: Chips) -> float | None:
    if not len(chips):
        return None
    network = Network(
        module,
        normalisation=plan.normalisation,
        stride_px=plan.stride_px,
        halo_px=plan.halo_px,
        border_index=plan.border_index,
        device=plan.device,
    )
    return mean_score(evaluate(network, plan, chips).dice())


def _best(history: list[EpochRecord]) -> EpochRecord:
    """Return the first epoch with the best score; the last epoch where nothing was validated."""
    scored = [e for e in history if e.score is not None]
    return max(scored, key=lambda e: (e.score or 0.0, -e.epoch)) if scored else history[-1]


def _keep(
    folder: CheckpointLayout, module: torch.nn.Module, optimizer: torch.optim.Optimizer, history: list[EpochRecord], on_event: EventSink
) -> None:
    """Write best weights first, then the state to go on from: a kill in between repeats one epoch and loses none."""
    if _best(history) is history[-1]:
        save_weights(folder.best_weights, module.state_dict())
        on_event(Artefact("best weights", folder.best_weights.name))
    state: dict[str, Any] = {
        "module": module.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": [e.model_dump() for e in history],
    }
    save_resume_state(folder.resume_state, state)
    write_text(folder.history, _as_csv(history))


def _restore(
    earlier: CheckpointLayout, folder: CheckpointLayout, module: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> list[EpochRecord]:
    state = load_resume_state(earlier.resume_state)
    module.load_state_dict(state["module"])
    optimizer.load_state_dict(state["optimizer"])
    if earlier != folder:
        save_weights(folder.best_weights, load_weights(earlier.best_weights))
    return [EpochRecord(**e) for e in state["history"]]


def _as_csv(history: list[EpochRecord]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, EpochRecord.model_fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(e.model_dump() for e in history)
    return text.getvalue()


def history_array(history: tuple[EpochRecord, ...], field: str) -> NDArray[np.float64]:
    """Return one column of the history; NaN where there is no value."""
    return np.array([np.nan if getattr(e, field) is None else getattr(e, field) for e in history], np.float64)
