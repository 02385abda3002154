"""Assignments, submissions and their grading."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from labkit_hub.settings.kinds import Folder

__all__ = ["CourseSettings"]


def _time_zone(name: str) -> str:
    if name != "UTC" and name not in available_timezones():  # a machine without the table of time zones has UTC all the same
        raise ValueError("is no time zone; they are called like Europe/Berlin")
    return name


class CourseSettings(BaseModel):
    """Assignments, what is handed in, and its grading (``LABKIT_COURSES__*``).

    Attributes
    ----------
    files : Path or None
        Where the files of releases and submissions lie; None means a folder in `var`.
    file_mb : float
        The largest file that is taken.
    unused_mb : float
        So much may one person send without handing it in.
    keep_free_mb : float
        No file is taken that would leave less room on the disk.
    submissions : int
        How often one person may hand in one assignment, where the assignment itself sets no bound.
    time_zone : str
        Of new courses, such as ``Europe/Berlin``.
    grader : str
        The account that grading runs belong to; nobody can log in under this name.
    batches_at_once : int
        Grading runs that go on at the same time.
    workers : int
        Submissions that one grading run works on at the same time.
    view_s : float
        For how long the address of a student's page is valid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: Folder | None = None
    file_mb: Annotated[float, Field(gt=0, le=100_000)] = 100.0
    unused_mb: Annotated[float, Field(gt=0)] = 2000.0
    keep_free_mb: Annotated[float, Field(ge=0)] = 500.0
    submissions: Annotated[int, Field(ge=1, le=100_000)] = 200
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    grader: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")] = "labkit-grader"
    batches_at_once: Annotated[int, Field(ge=1, le=1000)] = 2
    workers: Annotated[int, Field(ge=1, le=256)] = 2
    view_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
