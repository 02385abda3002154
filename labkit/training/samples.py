"""A strip of pictures that shows how far a training has come: some validation chips, their truth, the network's answer."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import nn

from labkit.datasets import IGNORE, Chips, TrainingSet
from labkit.events import Artefact, EventSink
from labkit.formats.row_shards import ShardedRows
from labkit.storage import CheckpointLayout, write_bytes
from labkit.training.config import TrainPlan
from labkit.training.targets import class_indices, normalise
from labkit.training.validation import chip_logits, class_answers

__all__ = ["SampleStrip"]

_SHOWN, _LOOKED_AT = 4, 32
_PANEL_PX, _GAP_PX = 160, 4
_EVERY_S = 5.0


class SampleStrip:
    """Draws up to four validation chips, the same ones each time: those in which most classes occur.

    Each is a row of three panels: the picture, the truth outlined, the answer outlined, each class in its colour.

    Parameters
    ----------
    plan : TrainPlan
    data : TrainingSet
    folder : CheckpointLayout
        Gets the picture.
    on_event : callable
        Gets an `Artefact` when there is a new one.
    """

    def __init__(self, plan: TrainPlan, data: TrainingSet, folder: CheckpointLayout, on_event: EventSink) -> None:
        self.plan, self.folder, self.on_event = plan, folder, on_event
        self._chips = _telling_chips(data, plan) if data.record.parts["val"].chips else None
        self._drawn = -1e9

    def draw(self, module: nn.Module, *, at_once: bool = False) -> None:
        """Draw the strip anew, unless the last one is younger than a few seconds."""
        if self._chips is None or (not at_once and time.monotonic() - self._drawn < _EVERY_S):
            return
        module.eval()
        with torch.inference_mode():
            answers = [
                class_answers(chip_logits(module, self.plan, self._chips, slice(k, k + 1)), self.plan)[0] for k in range(len(self._chips))
            ]
        write_bytes(self.folder.samples, _as_png(_strip(self._chips, answers, self.plan)))
        self.on_event(Artefact("samples", f"{self.folder.root.name}/{self.folder.samples.name}"))
        self._drawn = time.monotonic()


def _telling_chips(data: TrainingSet, plan: TrainPlan) -> Chips:
    """Return the chips with most classes and most of their pixels, of some that lie evenly in the part."""
    rows = {key: ShardedRows(data.layout.store / "val" / key) for key in ("chips", "masks", "objects", "positions")}
    count = len(rows["masks"])
    places = np.unique(np.linspace(0, count - 1, min(count, _LOOKED_AT)).astype(int))
    masks = class_indices(plan.classes)[np.concatenate([rows["masks"].read(k, k + 1) for k in places])]
    known = [mask[mask != IGNORE] for mask in masks]
    worth = [(len(np.unique(values)), int(np.count_nonzero(values))) for values in known]
    chosen = sorted(sorted(range(len(places)), key=lambda k: worth[k], reverse=True)[:_SHOWN])
    read = {key: np.concatenate([r.read(places[k], places[k] + 1) for k in chosen]) for key, r in rows.items()}
    return Chips(read["chips"], read["masks"], read["objects"], read["positions"])


def _strip(chips: Chips, answers: Sequence[NDArray[np.uint8]], plan: TrainPlan) -> NDArray[np.uint8]:
    """Return the picture (y, x, 3): a row per chip."""
    step = max(1, -(-chips.masks.shape[-1] // _PANEL_PX))
    truth = class_indices(plan.classes)[chips.masks]
    colours = np.array([[0, 0, 0], *(_rgb(c.colour) for c in plan.classes)], np.uint8)
    rows = []
    for pixels, true, answer in zip(chips.pixels, truth, answers, strict=True):
        picture = _as_rgb(normalise(pixels, plan.normalisation))[::step, ::step]
        unknown = true == IGNORE  # not annotated, or beyond the part: shown darker, and nothing is outlined there
        picture[unknown[::step, ::step]] //= 4
        outlined = [_outlined(picture, np.where(unknown, 0, ids)[::step, ::step], colours) for ids in (true, answer)]
        gap = np.full((picture.shape[0], _GAP_PX, 3), 255, np.uint8)
        rows += [np.concatenate([picture, gap, outlined[0], gap, outlined[1]], axis=1)]
        rows += [np.full((_GAP_PX, rows[-1].shape[1], 3), 255, np.uint8)]
    return np.concatenate(rows[:-1])


def _as_rgb(scaled: NDArray[np.float32]) -> NDArray[np.uint8]:
    planes = scaled[:3] if len(scaled) >= 3 else np.repeat(scaled[:1], 3, axis=0)
    return np.ascontiguousarray((np.clip(planes, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0))


def _outlined(picture: NDArray[np.uint8], classes: NDArray[Any], colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture with the pixels coloured that are of a class and have a neighbour of another, or of none."""
    around = np.pad(classes, 1, mode="edge")
    neighbours = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    edge = (classes > 0) & np.any([n != classes for n in neighbours], axis=0)
    drawn = picture.copy()
    drawn[edge] = colours[classes[edge]]
    return drawn


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _as_png(rgb: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()
