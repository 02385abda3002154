"""What is said between a batch and the program that grades it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from labkit.courses.grading.shapes import ContainerShape, ProcessShape
from labkit.courses.records import GradeResult
from labkit.storage import Record

__all__ = ["AWAY", "FULL", "OUTCOME", "Order", "OrderTask", "Outcome"]

OUTCOME = "outcome.json"
AWAY = 75
"""Exit code of a worker, or a foreman, that lost Docker."""
FULL = 74
"""Exit code of a worker, or a foreman, that found no room on a disk."""


class OrderTask(Record):
    """One submission to grade."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    folder: Path
    version: int


class Order(Record):
    """By what and where a foreman is to grade; whoever gives it makes the folder `scratch`, and removes it however the foreman ended."""

    batch: str
    shape: Annotated[ProcessShape | ContainerShape, Field(discriminator="kind")]
    sources: dict[int, Path]
    out: Path
    scratch: Path
    workers: Annotated[int, Field(ge=1, le=256)] = 2
    steps: bool = False
    """Whether it is to be said how far the submission is, the only one."""


class Outcome(Record):
    """What a worker leaves: the result, and the most memory that it itself held."""

    result: GradeResult
    worker_mb: float
