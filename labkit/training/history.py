"""The curve of a training: a record per epoch, which of them was best, and whether it is time to stop."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from labkit.storage import Record
from labkit.training.config import TrainPlan

__all__ = ["EpochRecord", "TrainResult", "best_epoch", "history_array", "history_csv", "is_out_of_patience"]


class EpochRecord(Record):
    """One line of ``history.csv``.

    Attributes
    ----------
    epoch, step : int
        Counted from 1; the step is the last of the epoch.
    learning_rate : float
        Of that step.
    train_loss : float
        Mean over the steps of the epoch.
    score : float or None
        Mean Dice of the classes on the validation part; None without one.
    seconds : float
        What the epoch took, also where it was interrupted.
    val_loss : float or None
        Mean over the known pixels of the validation part.
    dice, iou : tuple of float or None
        On the validation part, background first; None for a class that is not there.
    """

    epoch: int
    step: int
    learning_rate: float
    train_loss: float
    score: float | None
    seconds: float
    val_loss: float | None = None
    dice: tuple[float | None, ...] = ()
    iou: tuple[float | None, ...] = ()


class TrainResult(Record):
    """What the loop leaves: the curve, which epoch's weights were kept, and why it ended."""

    history: tuple[EpochRecord, ...]
    best_epoch: int
    best_score: float | None
    seconds: float
    stopped: Literal["finished", "patience"] = "finished"


def best_epoch(history: Sequence[EpochRecord]) -> EpochRecord:
    """Return the first epoch with the best score; the last epoch where nothing was validated."""
    scored = [e for e in history if e.score is not None]
    return max(scored, key=lambda e: (e.score or 0.0, -e.epoch)) if scored else history[-1]


def is_out_of_patience(history: Sequence[EpochRecord], patience: int | None) -> bool:
    """Return whether `patience` epochs have gone by since the best one. Where nothing is scored, never."""
    return patience is not None and bool(history) and history[-1].epoch - best_epoch(history).epoch >= patience


def history_csv(history: Sequence[EpochRecord], plan: TrainPlan) -> str:
    """Return the history as CSV, the scores of each class in columns of their own."""
    names = ["background", *(c.name for c in plan.classes)]
    rows = []
    for epoch in history:
        row: dict[str, Any] = epoch.model_dump(exclude={"dice", "iou"})
        for kind, values in (("dice", epoch.dice), ("iou", epoch.iou)):
            row |= {f"{kind}:{name}": value for name, value in zip(names, values, strict=False)}
        rows.append(row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def history_array(history: tuple[EpochRecord, ...], field: str) -> NDArray[np.float64]:
    """Return one column of the history; NaN where there is no value."""
    return np.array([np.nan if getattr(e, field) is None else getattr(e, field) for e in history], np.float64)
