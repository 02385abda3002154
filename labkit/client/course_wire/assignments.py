"""Assignments: made, changed, and as the caller sees them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from labkit.client.wire import Answer, Ask

__all__ = ["AssignmentChange", "AssignmentItem", "AssignmentList", "AssignmentState", "LateRule", "NewAssignment"]

AssignmentState = Literal["draft", "released", "closed"]


class LateRule(Ask):
    """What a late submission costs: it is refused after the grace, or loses `percent_per_day` of the points for each begun day.

    Never more than down to `floor_percent` of them.
    """

    accept: bool = False
    percent_per_day: Annotated[float, Field(ge=0, le=100)] = 0.0
    floor_percent: Annotated[float, Field(ge=0, le=100)] = 0.0


class NewAssignment(Ask):
    """``POST courses/{c}/assignments``: professors; the name is free but for what no file name can have, and is kept in NFC.

    ``DELETE assignments/{a}`` removes a draft again for which nobody has handed in.
    """

    name: Annotated[str, Field(min_length=1, max_length=150)]


class AssignmentChange(Ask):
    """``PATCH assignments/{a}``: professors; what is not named stays.

    ``due`` is a local time of the course without an offset, ``2026-10-25T23:59``, read in the course's time zone; a time that a change of
    the clocks skips is refused, of one that comes twice the later counts. ``closes`` likewise: after it nothing is accepted at all. An
    empty text takes either away.
    """

    name: Annotated[str, Field(min_length=1, max_length=150)] | None = None
    due: str | None = None
    closes: str | None = None
    grace_min: Annotated[int, Field(ge=0, le=7 * 24 * 60)] | None = None
    late: LateRule | None = None
    attempts: Annotated[int, Field(ge=1, le=1000)] | None = None
    unlimited_attempts: bool | None = None
    counts: Literal["best", "last"] | None = None
    state: AssignmentState | None = None
    group_size: Annotated[int, Field(ge=1, le=50)] | None = None


class AssignmentItem(Answer):
    """An assignment as the caller sees it; drafts are seen by staff only.

    Attributes
    ----------
    due, closes : datetime or None
        For the caller, extension included.
    time_zone : str
        Of the course, such as ``Europe/Berlin``.
    attempts, attempts_used : int or None
        None without a limit.
    release : int
        The version of the last release; 0 without one.
    fetched : int
        The version that the caller fetched last; 0 for none.
    feedback : bool
        Whether feedback has been released for the caller's submission that counts.
    points : float or None
        Of the submission that counts, late rule applied; only when feedback is released.
    expected : tuple of str
        Notebooks and files that a submission must have.
    """

    id: str
    course: str
    name: str
    title: str = ""
    state: AssignmentState
    due: AwareDatetime | None = None
    closes: AwareDatetime | None = None
    time_zone: str = "UTC"
    grace_min: int = 0
    late: LateRule = LateRule()
    attempts: int | None = None
    attempts_used: int = 0
    counts: Literal["best", "last"] = "last"
    group_size: int = 1
    group: tuple[str, ...] = ()
    release: int = 0
    fetched: int = 0
    max_points: float = 0.0
    expected: tuple[str, ...] = ()
    upload_mb: float = 20.0
    extended: bool = False
    submitted: AwareDatetime | None = None
    feedback: bool = False
    points: float | None = None
    waiting: int = 0
    """For staff: submissions that count and are not graded yet."""
    submissions: int = 0
    """For staff: students of the course, or groups with one, that have submitted."""
    own: bool = False
    """For staff: whether the caller made it."""


class AssignmentList(Answer):
    """``GET courses/{c}/assignments``: by due time, those without one last."""

    assignments: tuple[AssignmentItem, ...] = ()
