"""What is saved of a training set: the wish, and the manifest."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from labkit.datasets.parts import Part, PartBox, SplitSpec
from labkit.datasets.tiles import TileRule
from labkit.project import ClassRecord
from labkit.storage import Record, content_hash

__all__ = ["Normalisation", "PartSummary", "SetImage", "SetSpec", "TrainingSetRecord", "content_of"]


class SetSpec(Record):
    """All that somebody wishes of a training set.

    Attributes
    ----------
    name : str
        Name of the set.
    images : tuple of str
        Ids or names; empty: every image that `author` annotated.
    author : str or None
        Whose annotations; None: the person at the keyboard; "*": of each image those of the consensus, or the ones accepted in review,
        or the only ones.
    chip_px : int
        Side of a chip in pixels.
    split : SplitSpec
        How to split.
    tiles : TileRule
        Which tiles are taken.
    """

    name: str
    images: tuple[str, ...] = ()
    author: str | None = None
    chip_px: int = 128
    split: SplitSpec = SplitSpec()
    tiles: TileRule = TileRule()


class Normalisation(Record):
    """Per channel: the value that becomes 0 and the value that becomes 1, from the training chips alone."""

    low: tuple[float, ...]
    high: tuple[float, ...]


class SetImage(Record):
    """An image of the set, and the state of its annotations when the set was built; ``group`` is the one it was split by."""

    id: str
    name: str
    sha256: str
    author: str
    revision: int
    annotations: str
    group: str = ""


class PartSummary(Record):
    """How many chips a part has, how many pixels of each class (by id; 0 background), and how many to ignore."""

    chips: int
    pixels: dict[int, int]
    ignored_pixels: int
    objects: int


class TrainingSetRecord(Record):
    """``manifest.json``. The hash leaves out name, time, version and wish: it is that of the content.

    ``spec`` is what was wished (None in sets of older versions), ``version`` counts the sets of one name in a project.
    """

    format: Literal[1] = 1
    name: str
    hash: str
    version: int = 1
    spec: SetSpec | None = None
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


def content_of(record: TrainingSetRecord) -> str:
    """Return the hash of what a set holds: pixels, masks, classes and where they come from; not when, where or by which id it was built."""
    order = {image.id: k for k, image in enumerate(record.images)}
    content = {
        "data": record.data_sha256,
        "classes": [(c.id, c.name) for c in record.classes],
        "images": [i.sha256 for i in record.images],
        "split": [(order[b.image], b.part, b.box) for b in record.split],
        "chip_px": record.chip_px,
    }
    return content_hash(content)
