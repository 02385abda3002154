"""What is saved of a training set."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from labkit.datasets.split import Part, PartBox
from labkit.project import ClassRecord
from labkit.storage import Record

__all__ = ["Normalisation", "PartSummary", "SetImage", "TrainingSetRecord"]


class Normalisation(Record):
    """Per channel: the value that becomes 0 and the value that becomes 1, from the training chips alone."""

    low: tuple[float, ...]
    high: tuple[float, ...]


class SetImage(Record):
    """An image of the set, and the state of its annotations when the set was built."""

    id: str
    name: str
    sha256: str
    author: str
    revision: int
    annotations: str


class PartSummary(Record):
    """How many chips a part has, how many pixels of each class (by id; 0 background), and how many to ignore."""

    chips: int
    pixels: dict[int, int]
    ignored_pixels: int
    objects: int


class TrainingSetRecord(Record):
    """``manifest.json``. The hash leaves out name, time and version."""

    format: Literal[1] = 1
    name: str
    hash: str
    classes: tuple[ClassRecord, ...]
    images: tuple[SetImage, ...]
    split: tuple[PartBox, ...]
    chip_px: int
    channels: int
    dtype: str
    pixel_size_um: tuple[float, float] | None
    parts: dict[Part, PartSummary]
    dropped_chips: int
    normalisation: Normalisation
    data_sha256: str
    software: str
    created: datetime

    @property
    def key(self) -> str:
        """``name@hash``: what a run names."""
        return f"{self.name}@{self.hash}"
