"""What a grading run is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from labkit.courses.grading.shapes import ContainerShape, ProcessShape, Shape, SlotVolume
from labkit.runs.records import RunId
from labkit.storage import Record

__all__ = ["GradeConfig", "GradingSettings", "LocalJob", "LocalSubmission"]


class GradeConfig(Record):
    """What the notebook of a grading run gets.

    Attributes
    ----------
    job : Path, optional
        A file with a `LocalJob`: folders of this machine.
    run : str, optional
        The grading run at the hub whose job the service gives; its results go there.
    shape : ProcessShape or ContainerShape
    workers : int
        Submissions that are graded at a time.
    """

    job: Path | None = None
    run: RunId | None = None
    shape: Annotated[ProcessShape | ContainerShape, Field(discriminator="kind")] = ProcessShape()
    workers: Annotated[int, Field(ge=1, le=256)] = 2

    @model_validator(mode="after")
    def _one_job(self) -> GradeConfig:
        if (self.job is None) == (self.run is None):
            raise ValueError("either job or run says what is to be graded")
        return self


class LocalSubmission(Record):
    """A submission as a folder of this machine."""

    folder: Path
    version: int = 1


class LocalJob(Record):
    """Folders of this machine: the author's of each version, the submissions, and where results go."""

    sources: dict[int, Path]
    submissions: dict[str, LocalSubmission]
    out: Path


class GradingSettings(BaseSettings):
    """How grading runs of a hub execute student code: ``LABKIT_GRADING_SHAPE`` and so on.

    Attributes
    ----------
    shape : {"process", "container"}
    image, scorer_image : str
        Of the containers.
    slots : dict of name of a volume to its path here
        JSON, such as ``{"labkit-grade-slot-1": "/slots/1"}``; one more than workers.
    prefix : str
        Begins the names of containers.
    """

    model_config = SettingsConfigDict(env_prefix="LABKIT_GRADING_", extra="ignore", frozen=True)

    shape: Literal["process", "container"] = "process"
    image: str = ""
    scorer_image: str = ""
    slots: dict[str, Path] = {}
    prefix: str = "labkit-grade-"

    def resolve(self) -> Shape:
        """Return the shape."""
        if self.shape == "process":
            return ProcessShape()
        slots = tuple(SlotVolume(volume=volume, path=path) for volume, path in self.slots.items())
        return ContainerShape(image=self.image, scorer_image=self.scorer_image, slots=slots, prefix=self.prefix)
