"""What stands in a model's card."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import datetime
from importlib import metadata
from typing import Literal

import torch

from labkit import __version__
from labkit.datasets import Confusion, Part, PartBox, PartSummary, SetImage, TrainingSet
from labkit.storage import Record
from labkit.training.config import TrainPlan
from labkit.training.encoders import Encoder
from labkit.training.history import TrainResult

__all__ = ["DataSummary", "ModelCard", "ModelLimits", "PartScores", "software_versions", "summary_of"]


class PartScores(Record):
    """Scores on one part of the training set, background first; None for a class that is not there.

    `confusion` counts pixels, a row per true class, a column per predicted one; it is empty in cards of earlier versions.
    """

    pixels: int
    iou: tuple[float | None, ...]
    dice: tuple[float | None, ...]
    confusion: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, confusion: Confusion) -> PartScores:
        """Return the scores of counted pixels."""
        counts = tuple(tuple(int(v) for v in row) for row in confusion.counts)
        return cls(pixels=confusion.pixels, iou=confusion.iou(), dice=confusion.dice(), confusion=counts)


class DataSummary(Record):
    """What the model has seen: the set, the pictures it was cut from, and how they were split."""

    key: str
    data_sha256: str
    images: tuple[SetImage, ...]
    split: tuple[PartBox, ...]
    parts: dict[Part, PartSummary]
    chip_px: int
    dtype: str
    pixel_size_um: tuple[float, float] | None


class ModelLimits(Record):
    """What the model cannot do.

    Attributes
    ----------
    tile_invariant : bool
        Whether a large picture, predicted in tiles, gets the answer of the whole.
    warnings : tuple of str
        One line each, for people.
    """

    tile_invariant: bool = True
    warnings: tuple[str, ...] = ()


class ModelCard(Record):
    """``card.json``: where a model comes from, how it was made and how good it is; written once, never changed.

    Attributes
    ----------
    run : str or None
        The run that made it.
    plan, result : TrainPlan, TrainResult
        Every setting with its resolved value, and the course of the training.
    scores : dict of PartScores
        Of the parts that were measured.
    weights_sha256 : str
        Of the file of weights.
    software, versions : str, dict
        What it was made with: versions of Python, torch, numpy, LabKit, and the processor's instructions.
    licence : str
        Under which others may use it; "" if its maker did not say.
    encoder : Encoder or None
        Weights that it began with, their hash, licence and source.
    data : DataSummary or None
        None in cards of earlier versions, and where the set was gone already.
    threads : int or None
        CPU threads that torch computed with: with another number sums round otherwise.
    """

    format: Literal[1] = 1
    name: str
    version: int
    run: str | None
    plan: TrainPlan
    result: TrainResult
    scores: dict[Literal["val", "test"], PartScores]
    weights_sha256: str
    software: str
    created: datetime
    licence: str = ""
    encoder: Encoder | None = None
    data: DataSummary | None = None
    versions: dict[str, str] = {}
    threads: int | None = None
    limits: ModelLimits = ModelLimits()

    @property
    def key(self) -> str:
        """``name/version``."""
        return f"{self.name}/{self.version}"


def summary_of(data: TrainingSet) -> DataSummary:
    """Return what a card says of a training set."""
    record = data.record
    return DataSummary(
        key=data.key,
        data_sha256=record.data_sha256,
        images=record.images,
        split=record.split,
        parts=record.parts,
        chip_px=record.chip_px,
        dtype=record.dtype,
        pixel_size_um=record.pixel_size_um,
    )


def software_versions(extra: Sequence[str] = ()) -> dict[str, str]:
    """Return versions by name: of Python, LabKit, and the packages that numbers depend on; and what the processor can do.

    Parameters
    ----------
    extra : sequence of str
        Further packages, by their names in an index.
    """
    found = {"python": platform.python_version(), "labkit": __version__, "torch": torch.__version__}
    for name in ("numpy", "scipy", "zarr", *extra):
        found[name] = metadata.version(name)
    return found | {"platform": platform.platform(terse=True), "cpu": torch.backends.cpu.get_cpu_capability()}
