"""The class: where everybody is, and how an assignment went."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from labkit.client.course_wire.assignments import AssignmentItem
from labkit.client.wire import Answer, Ask

__all__ = ["ActivityAsk", "ClassCell", "ClassRow", "ClassView", "Statistics"]


class Statistics(Answer):
    """``GET assignments/{a}/statistics``: of the submissions that count and are graded; for students once feedback is released.

    ``histogram`` holds ten counts, from 0-10 % to 90-100 % of the points.
    """

    submitted: int = 0
    graded: int = 0
    mean: float | None = None
    median: float | None = None
    deviation: float | None = None
    best: float | None = None
    worst: float | None = None
    max_points: float = 0.0
    histogram: tuple[int, ...] = ()
    by_item: dict[str, float] = {}


class ActivityAsk(Ask):
    """``POST assignments/{a}/activity``: the Lab extension says where its person is; only the last word is kept.

    Attributes
    ----------
    started : bool
        Something of the assignment has been run, of which ``cell`` and ``error`` tell; else what was told of them before holds.
    cell : str
        The cell run last, as people find it: notebook and ``grade_id``, or its number.
    error : str
        Name and first line of what it raised; empty if it went well.
    passed : int or None
        How many of the test cells that students can run pass.
    pictures, objects : int or None
        In how many of the pictures that are to be annotated there is something, and how many objects there are in all of them; None
        where that was not looked at.
    """

    started: bool = True
    cell: Annotated[str, Field(max_length=200)] = ""
    error: Annotated[str, Field(max_length=300)] = ""
    passed: Annotated[int, Field(ge=0, le=100_000)] | None = None
    pictures: Annotated[int, Field(ge=0, le=100_000)] | None = None
    objects: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None


class ClassCell(Answer):
    """How far one person is with one assignment.

    Attributes
    ----------
    fetched : int
        The version that was fetched last; 0 for none.
    state : {"", "submitted", "queued", "graded", "failed"}
        Of the submission that counts; empty without one.
    stuck_cell, stuck_error : str
        The cell whose error was the last word of this person; empty if it went well.
    stuck_since : datetime or None
        Since when it has been failing, and ``stuck_times`` how often.
    pictures_asked : int
        How many pictures the assignment asks to annotate; 0 where it asks for none.
    pictures, objects : int or None
        How many of them have something, and how many objects there are: by the last word of the person's JupyterLab, or of what was
        handed in. None before anything is known.
    """

    assignment: str
    fetched: int = 0
    started: AwareDatetime | None = None
    seen: AwareDatetime | None = None
    submitted: AwareDatetime | None = None
    attempts: int = 0
    state: Literal["", "submitted", "queued", "graded", "failed"] = ""
    points: float | None = None
    passed: int | None = None
    pictures_asked: int = 0
    pictures: int | None = None
    objects: int | None = None
    stuck_cell: str = ""
    stuck_error: str = ""
    stuck_since: AwareDatetime | None = None
    stuck_times: int = 0


class ClassRow(Answer):
    """One student: what was done in each assignment, and what was computed in this course.

    Attributes
    ----------
    trainings : int
        Trainings in the hub's line, of all times.
    device_hours : float
        Hours on devices, of all times.
    """

    person: str
    full_name: str = ""
    last_seen: AwareDatetime | None = None
    trainings: int = 0
    device_hours: float = 0.0
    cells: tuple[ClassCell, ...] = ()


class ClassView(Answer):
    """``GET courses/{c}/class``: staff; students by name, with a cell for each assignment that has been released."""

    assignments: tuple[AssignmentItem, ...] = ()
    students: tuple[ClassRow, ...] = ()
