"""Messages of the Course panel: what there is to do, what was fetched, and where somebody is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from labkit_lab.wire import WireModel

__all__ = [
    "COURSES_REPLIES",
    "COURSES_REQUESTS",
    "ActivityNote",
    "AssignmentEntry",
    "AuthoredEntry",
    "BesideItem",
    "CourseEntry",
    "CourseWork",
    "FetchReport",
    "NotedItem",
]


WorkState = Literal["to-fetch", "working", "submitted", "feedback"]


class ActivityNote(WireModel):
    """A cell of an assignment's notebook was executed: its id (nbgrader's, else its place), and the error if it stopped.

    Without ``ran`` none was: only what is annotated may have changed, which the server looks for itself.
    """

    ran: bool = True
    cell: Annotated[str, Field(max_length=200)] = ""
    error: Annotated[str, Field(max_length=300)] = ""


class AuthoredEntry(WireModel):
    """Where an assignment is written: ``folder`` as the file browser names it, None where it cannot show it, ``place`` for people."""

    folder: str | None
    place: str


class AssignmentEntry(WireModel):
    """One assignment.

    ``due`` and ``closes`` are the caller's own, extension included; ``time_zone`` is the course's. ``folder`` is a path of the file
    browser, None before it is fetched or where the file browser cannot show it; ``place`` is its path on the disk, empty before.
    ``fetched`` is the release in the folder (0: none), ``release`` the latest. ``notebooks`` are paths relative to the folder.
    ``points`` is None until feedback is released. ``closed`` says that nothing is accepted any more.
    ``page`` is the address of its page at the hub, for staff; empty for students. ``annotates`` is whether the release in the folder
    asks for annotations of pictures. ``authored`` is where it is written, for staff in whose home that is.
    """

    id: str
    course: str
    name: str
    title: str
    annotates: bool
    state: WorkState
    page: str
    draft: bool
    closed: bool
    due: datetime | None
    closes: datetime | None
    time_zone: str
    grace_min: int
    accepts_late: bool
    percent_per_day: float
    floor_percent: float
    attempts: int | None
    attempts_used: int
    counts: Literal["best", "last"]
    group: tuple[str, ...]
    extended: bool
    release: int
    fetched: int
    folder: str | None
    place: str
    notebooks: tuple[str, ...]
    submitted: datetime | None
    points: float | None
    max_points: float
    waiting: int
    submissions: int
    authored: AuthoredEntry | None


class CourseEntry(WireModel):
    """A course and its assignments; ``problem`` says why they are not known. ``page`` as in `AssignmentEntry`."""

    id: str
    title: str
    role: Literal["professor", "assistant", "student"]
    page: str
    problem: str
    assignments: tuple[AssignmentEntry, ...]


class CourseWork(WireModel):
    """All courses of a person; ``hub`` is False where there is none. ``now`` is the server's clock, ``folder`` where the work lies."""

    hub: bool
    problem: str
    hint: str
    now: datetime
    folder: str
    courses: tuple[CourseEntry, ...]


class BesideItem(WireModel):
    """A file that the person has changed, and where the newer one was laid."""

    path: str
    beside: str


class FetchReport(WireModel):
    """What a fetch did; ``folder`` is None where the file browser cannot show it."""

    release: int
    folder: str | None
    place: str
    new: tuple[str, ...]
    renewed: tuple[str, ...]
    kept: tuple[str, ...]
    beside: tuple[BesideItem, ...]
    open: str | None


class NotedItem(WireModel):
    """Whether the hub was told."""

    told: bool


COURSES_REQUESTS: tuple[type[WireModel], ...] = (ActivityNote,)
COURSES_REPLIES: tuple[type[WireModel], ...] = (CourseWork, CourseEntry, AssignmentEntry, AuthoredEntry, FetchReport, BesideItem, NotedItem)
