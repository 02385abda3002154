"""What a training tells while it runs: a few events a second, whatever the rate of its steps."""

from __future__ import annotations

import time

from labkit.events import EventSink, Metric, Progress
from labkit.training.config import TrainPlan
from labkit.training.history import EpochRecord

__all__ = ["Reporter"]

_EVERY_S = 0.3


class Reporter:
    """Turns steps and epochs into events.

    Parameters
    ----------
    plan : TrainPlan
    on_event : callable
        Gets them.
    first_step : int
        Steps that were done before; the rate is that of the steps since.
    """

    def __init__(self, plan: TrainPlan, on_event: EventSink, first_step: int) -> None:
        self.plan, self.on_event = plan, on_event
        self._first, self._started = first_step, time.monotonic()
        self._told = -1e9

    def step(self, step: int, loss: float) -> None:
        """Tell of step `step` (counted from 1), if it is the last of an epoch or nothing was told for a moment."""
        now = time.monotonic()
        if now - self._told < _EVERY_S and step % self.plan.steps_per_epoch:
            return
        self._told = now
        remaining_s = (self.plan.total_steps - step) * (now - self._started) / max(1, step - self._first)
        self.on_event(Metric((step - 1) // self.plan.steps_per_epoch + 1, step, "loss", loss))
        self.on_event(Progress(step, self.plan.total_steps, "steps", "training", round(remaining_s, 1)))

    def epoch(self, record: EpochRecord, training_s: float) -> None:
        """Tell the numbers of an epoch whose steps took `training_s` seconds."""
        numbers = {
            "train_loss": record.train_loss,
            "learning_rate": record.learning_rate,
            "val_loss": record.val_loss,
            "val_dice": record.score,
            "steps_per_s": round(self.plan.steps_per_epoch / max(training_s, 1e-9), 3),
        }
        if len(self.plan.classes) > 1:
            names = ("background", *(c.name for c in self.plan.classes))
            for kind, values in (("val_dice", record.dice), ("val_iou", record.iou)):
                numbers |= {f"{kind}:{name}": value for name, value in zip(names, values, strict=False)}
        for name, value in numbers.items():
            if value is not None:
                self.on_event(Metric(record.epoch, record.step, name, value))
