"""Messages of the Course panel: what is to be done, what has been handed in, what came back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from labkit_lab.wire import WireModel

__all__ = [
    "COURSES_REPLIES",
    "COURSES_REQUESTS",
    "ActivityNote",
    "AskedAnnotations",
    "AssignmentEntry",
    "AuthoredEntry",
    "BesideItem",
    "CourseEntry",
    "CourseWork",
    "FeedbackItem",
    "FeedbackPage",
    "FeedbackQuery",
    "FeedbackRow",
    "FetchReport",
    "HistoryList",
    "HistoryRow",
    "LeftOutItem",
    "NotedItem",
    "ReceiptFile",
    "ReceiptItem",
    "SavedDocument",
    "SendAsk",
    "SendFile",
    "SendPlan",
    "SendProblem",
    "TrialAsk",
    "TrialReport",
    "TriedCell",
    "TriedNotebook",
    "TriedPicture",
]

WorkState = Literal["to-fetch", "working", "submitted", "feedback"]


# What the browser says


class SavedDocument(WireModel):
    """An open document as the browser has just saved it.

    ``path`` is relative to the folder of the assignment. ``sha256`` is that of what the person sees: of a notebook the cells as
    `labkit_lab.savedmarks` writes them down, of any other document its text with plain line ends.
    """

    path: str
    kind: Literal["notebook", "text"]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SendAsk(WireModel):
    """Hand in (or say what would be handed in); ``seen`` is the hash that was confirmed, empty before.

    ``unsaved`` names documents (project, image and author by ``/``) of which an annotator in this browser holds strokes that are not
    saved yet.
    """

    documents: tuple[SavedDocument, ...] = ()
    seen: str = ""
    unsaved: tuple[str, ...] = ()


class TrialAsk(WireModel):
    """Run the tests that can be seen, and look at the annotations; ``unsaved`` as in `SendAsk`."""

    unsaved: tuple[str, ...] = ()


class FeedbackQuery(WireModel):
    """Of which submission; empty for the one that counts."""

    submission: str = ""


class ActivityNote(WireModel):
    """A cell of an assignment's notebook was executed: its id (nbgrader's, else its place), and the error if it stopped.

    Without ``ran`` none was: only what is annotated may have changed, which the server looks for itself.
    """

    ran: bool = True
    cell: Annotated[str, Field(max_length=200)] = ""
    error: Annotated[str, Field(max_length=300)] = ""


# What the server says


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


class SendFile(WireModel):
    """A file that would be sent; ``cells`` is None for what is no notebook, ``objects`` for what is no annotated picture."""

    path: str
    size: int
    cells: int | None
    objects: int | None


class LeftOutItem(WireModel):
    """Something that would not be sent, and why."""

    path: str
    why: str


class SendProblem(WireModel):
    """Something that is wrong with it; an error keeps it from being handed in."""

    severity: Literal["error", "warning"]
    where: str
    text: str
    hint: str


class SendPlan(WireModel):
    """What would be handed in; ``sha256`` names the whole."""

    sha256: str
    size: int
    files: tuple[SendFile, ...]
    left_out: tuple[LeftOutItem, ...]
    problems: tuple[SendProblem, ...]
    release: int
    newer_release: bool


class AskedAnnotations(WireModel):
    """Which documents the assignment may mean, named as in `SendAsk`: only their strokes have to be waited for."""

    documents: tuple[str, ...]


class ReceiptFile(WireModel):
    """A file that was handed in; ``cells`` and ``objects`` as in `SendFile`."""

    path: str
    size: int
    sha256: str
    cells: int | None
    objects: int | None


class ReceiptItem(WireModel):
    """What was handed in, when, and what it hashes to. ``kept`` is where the receipt lies, empty where it could not be written.

    ``objects`` are those in ``pictures`` annotated pictures.
    """

    submission: str
    course: str
    assignment_name: str
    person: str
    group: tuple[str, ...]
    attempt: int
    submitted: datetime
    time_zone: str
    sha256: str
    cells: int
    pictures: int
    objects: int
    files: tuple[ReceiptFile, ...]
    late_s: float
    notes: tuple[str, ...]
    kept: str


class HistoryRow(WireModel):
    """One submission of the person or their group; points only after feedback was released."""

    id: str
    person: str
    attempt: int
    release: int
    submitted: datetime
    late_s: float
    sha256: str
    size: int
    counts: bool
    state: Literal["submitted", "queued", "graded", "failed"]
    points: float | None
    max_points: float | None
    penalty: float
    feedback: bool


class HistoryList(WireModel):
    """The submissions of an assignment, the newest first."""

    submissions: tuple[HistoryRow, ...]


class TriedCell(WireModel):
    """A test, or a cell that stopped; ``index`` is its place from 0."""

    index: int
    grade_id: str
    points: float | None
    state: Literal["passed", "failed", "stopped", "not-run"]
    message: str
    line: str


class TriedNotebook(WireModel):
    """One notebook; ``path`` is one of the file browser, or None."""

    notebook: str
    path: str | None
    problem: str
    cells: tuple[TriedCell, ...]


class TriedPicture(WireModel):
    """The annotations of a picture as they would be handed in."""

    path: str
    objects: int


class TrialReport(WireModel):
    """What a trial of all notebooks found; and the annotations that would be handed in, with what is to be said of them."""

    passed: bool
    notebooks: tuple[TriedNotebook, ...]
    pictures: tuple[TriedPicture, ...]
    problems: tuple[SendProblem, ...]


class FeedbackRow(WireModel):
    """One item: what it earned (None: not scored), and what was said of it. ``how`` is in whose word it rests.

    ``pins`` are the words that are pinned to places of an annotated picture, in the order of their numbers.
    """

    notebook: str
    title: str
    how: Literal["cell", "hand", "assertion", "metric"]
    points: float | None
    max_points: float
    note: str
    comment: str
    pins: tuple[str, ...]


class FeedbackPage(WireModel):
    """A notebook as it was executed: ``url`` is good for a short while only."""

    notebook: str
    url: str


class FeedbackItem(WireModel):
    """What a submission earned. ``histogram`` has ten counts of the class, from 0-10 % to 90-100 %; empty where it is not told."""

    submission: str
    attempt: int
    submitted: datetime
    time_zone: str
    points: float | None
    max_points: float
    penalty: float
    late_s: float
    comment: str
    rows: tuple[FeedbackRow, ...]
    pages: tuple[FeedbackPage, ...]
    mean: float | None
    median: float | None
    graded: int
    histogram: tuple[int, ...]


class NotedItem(WireModel):
    """Whether the hub was told."""

    told: bool


COURSES_REQUESTS: tuple[type[WireModel], ...] = (SavedDocument, SendAsk, TrialAsk, FeedbackQuery, ActivityNote)
COURSES_REPLIES: tuple[type[WireModel], ...] = (
    CourseWork,
    CourseEntry,
    AssignmentEntry,
    AuthoredEntry,
    FetchReport,
    BesideItem,
    SendPlan,
    AskedAnnotations,
    SendFile,
    LeftOutItem,
    SendProblem,
    ReceiptItem,
    ReceiptFile,
    HistoryList,
    HistoryRow,
    TrialReport,
    TriedNotebook,
    TriedCell,
    TriedPicture,
    FeedbackItem,
    FeedbackRow,
    FeedbackPage,
    NotedItem,
)
