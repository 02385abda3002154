"""What a plan of a training set says: tiles, parts, size, and problems by name."""

from __future__ import annotations

from typing import Literal

from labkit.annotations import ReviewState
from labkit.datasets.parts import Part, PartBox
from labkit.datasets.records import PartSummary, SetSpec
from labkit.project import ClassRecord
from labkit.storage import Record

__all__ = ["PlannedImage", "SetPlan", "SetProblem"]


class SetProblem(Record):
    """Something that is wrong with a set that is to be built, and what to do about it; with an ``error`` it would be refused."""

    level: Literal["error", "warning"]
    code: str
    message: str
    hint: str


class PlannedImage(Record):
    """An image as it would go into a set.

    Tiles are listed row by row: ``coverage`` is how many percent of each are known, ``classes`` which class ids occur in it (0 is
    background), ``part`` the part that has most of its pixels ("" in a gap), ``chosen`` whether the rule takes it.
    """

    id: str
    name: str
    sha256: str
    author: str
    revision: int
    annotations: str
    state: ReviewState
    height_px: int
    width_px: int
    group: str
    rows: int
    columns: int
    coverage: tuple[int, ...]
    classes: tuple[tuple[int, ...], ...]
    part: tuple[Literal["train", "val", "test", ""], ...]
    chosen: tuple[bool, ...]


class SetPlan(Record):
    """What would be built; nothing is written.

    ``parts`` are as they would stand in the manifest, empty if it would be refused; ``size_bytes`` is what the set would take on disk,
    measured on a sample of its chips.
    """

    spec: SetSpec
    images: tuple[PlannedImage, ...]
    classes: tuple[ClassRecord, ...]
    parts: dict[Part, PartSummary]
    boxes: tuple[PartBox, ...]
    dropped_chips: int
    size_bytes: int
    problems: tuple[SetProblem, ...]

    @property
    def errors(self) -> tuple[SetProblem, ...]:
        """The problems for which the set would be refused."""
        return tuple(problem for problem in self.problems if problem.level == "error")
