"""The rate of a training's steps, against the very same step on one batch that stays in memory, taking turns."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from bench.loader import retina_chips
from labkit.datasets import TrainingSet
from labkit.testing.learning import store_chips
from labkit.training import TrainConfig, TrainPlan, learning_rate, resolve
from labkit.training.batches import BatchSource
from labkit.training.checkpoints import Training, start_training
from labkit.training.loading import open_batches
from labkit.training.loop import train_step

__all__ = ["measure"]

_EPOCHS = 1000  # the loader must not come to an end


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return steps per second of both, as medians over spells that take turns."""
    spells, steps = (2, 4) if quick else (9, 60)  # so long that the batches made ready meanwhile count little
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory() as folder:
        data = store_chips(Path(folder) / "set", {"train": retina_chips(192 if quick else 1024)})
        plan = _plan(data, device)
        training = start_training(plan)
        training.module.train()
        with open_batches(BatchSource(plan, data), first_step=0, device=plan.device) as batches:
            fixed = next(batches)
            _steps_per_s(training, plan, batches, 5)  # the libraries choose their ways
            ours, dummy = [], []
            for _ in range(spells):
                ours.append(_steps_per_s(training, plan, batches, steps))
                dummy.append(_steps_per_s(training, plan, _again(fixed), steps))
    return {
        "architecture": plan.architecture,
        "device": plan.device,
        "batch_size": plan.batch_size,
        "crop_px": plan.crop_px,
        "spells": spells,
        "steps_per_s": round(statistics.median(ours), 3),
        "dummy_steps_per_s": round(statistics.median(dummy), 3),
        "ratio_dummy": round(statistics.median(ours) / statistics.median(dummy), 3),
    }


def _plan(data: TrainingSet, device: str) -> TrainPlan:
    config = TrainConfig(project="none", training_set=data.key, epochs=_EPOCHS, device=device)
    return resolve(config, data, cuda_available=device != "cpu")


def _again(batch: tuple[Tensor, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield batch


def _steps_per_s(training: Training, plan: TrainPlan, batches: Iterator[tuple[Tensor, Tensor]], steps: int) -> float:
    weights = torch.tensor(plan.class_weights, device=plan.device)
    started = time.perf_counter()
    for _ in range(steps):
        pixels, targets = next(batches)
        train_step(training, plan, pixels, targets, weights, learning_rate(training.step, plan))
        training.step += 1
    return steps / (time.perf_counter() - started)
