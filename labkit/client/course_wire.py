"""Courses on the wire: assignments, releases, submissions, grades. `labkit.client.wire` says what holds for all models.

Paths are below ``/services/labkit/api/``. ``{c}`` is a course's id, ``{a}`` an assignment's, ``{s}`` a submission's. What a caller may
not know of is answered with 404.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue

from labkit.client.wire import Answer, Ask
from labkit.courses.records import (
    CellScore,
    FileEntry,
    GradeResult,
    Item,
    Limits,
    Manifest,
    Note,
    NotebookOutcome,
    PinnedComment,
    Preview,
    RubricButton,
    Sha256,
)
from labkit.runs.records import RunId

__all__ = [
    "ActivityAsk",
    "AssignmentChange",
    "AssignmentItem",
    "AssignmentList",
    "BatchItem",
    "BatchList",
    "ClassCell",
    "ClassRow",
    "ClassView",
    "CourseAudit",
    "CourseAuditItem",
    "Extension",
    "ExtensionAsk",
    "ExtensionList",
    "FeedbackAsk",
    "FeedbackOutcome",
    "FilesAsk",
    "FilesMissing",
    "GradeAsk",
    "GradeItem",
    "GradingJob",
    "GradingTask",
    "GroupAsk",
    "GroupItem",
    "GroupList",
    "HandScore",
    "LateRule",
    "NewAssignment",
    "NewRelease",
    "NewSubmission",
    "Receipt",
    "ReleaseItem",
    "ScoreChange",
    "Statistics",
    "SubmissionItem",
    "SubmissionList",
    "TaskResult",
    "ViewAddress",
    "ViewAsk",
]

ShortText = Annotated[str, Field(max_length=300)]
LongText = Annotated[str, Field(max_length=20_000)]
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


class ReleaseItem(Answer):
    """``GET assignments/{a}/releases/{n}``: one release, as students get it; it never changes."""

    assignment: str
    version: int
    released: AwareDatetime
    released_by: str
    message: str = ""
    manifest: Manifest
    items: tuple[Item, ...] = ()
    limits: Limits = Limits()


class NewRelease(Ask):
    """``POST assignments/{a}/releases``: professors. ``student`` is what students fetch, ``source`` the whole, hidden part included.

    ``previews`` are pictures that pages show in place of those to be annotated; they are in neither. All files were sent before
    (``PUT files/{sha256}``). ``key`` makes asking twice the same as asking once.
    """

    key: Annotated[str, Field(min_length=8, max_length=64)]
    student: Manifest
    source: Manifest
    items: tuple[Item, ...]
    limits: Limits = Limits()
    rubric: tuple[RubricButton, ...] = ()
    required: tuple[str, ...] = ()
    message: ShortText = ""
    title: ShortText = ""
    previews: Annotated[tuple[Preview, ...], Field(max_length=1000)] = ()


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


class FilesAsk(Ask):
    """``POST files/missing``: which of these the caller has still to send."""

    sha256: Annotated[tuple[Sha256, ...], Field(max_length=20_000)]


class FilesMissing(Answer):
    """What has to be sent. Another person's files count as not there."""

    sha256: tuple[str, ...] = ()


class NewSubmission(Ask):
    """``POST assignments/{a}/submissions``. All files were sent before. ``key`` makes asking twice the same as asking once."""

    key: Annotated[str, Field(min_length=8, max_length=64)]
    release: Annotated[int, Field(ge=1)]
    manifest: Manifest


class Receipt(Answer):
    """What was handed in, by whom and when, and what it hashes to. It never changes.

    Attributes
    ----------
    sha256 : str
        `Manifest.sha256` of what was handed in.
    cells : dict of notebook to number of cells
    objects : dict of annotation document to number of annotated objects
        One document for each picture that was annotated.
    late_s : float
        Seconds after the due time and its grace; 0 in time.
    """

    submission: str
    assignment: str
    assignment_name: str
    course: str
    person: str
    group: tuple[str, ...] = ()
    attempt: int
    submitted: AwareDatetime
    sha256: Sha256
    files: tuple[FileEntry, ...]
    cells: dict[str, int] = {}
    objects: dict[str, int] = {}
    late_s: float = 0.0
    notes: tuple[Note, ...] = ()


class SubmissionItem(Answer):
    """A submission; points only for staff, or after its feedback was released."""

    id: str
    assignment: str
    person: str
    full_name: str = ""
    group: tuple[str, ...] = ()
    attempt: int
    release: int
    submitted: AwareDatetime
    late_s: float = 0.0
    sha256: str
    size: int
    counts: bool
    state: Literal["submitted", "queued", "graded", "failed"]
    needs_hand: int = 0
    """Items that wait for a person."""
    points: float | None = None
    max_points: float | None = None
    penalty: float = 0.0
    feedback: bool = False
    notes: tuple[Note, ...] = ()


class SubmissionList(Answer):
    """``GET assignments/{a}/submissions``: the caller's own, or for staff all; the newest first."""

    submissions: tuple[SubmissionItem, ...] = ()


class ExtensionAsk(Ask):
    """``PUT assignments/{a}/extensions/{person}``: staff; another due time (as in `AssignmentChange`), or so many attempts, for one person.

    What is not named is as for everybody; ``DELETE`` takes the extension away.
    """

    due: str | None = None
    attempts: Annotated[int, Field(ge=1, le=1000)] | None = None
    reason: ShortText = ""


class Extension(Answer):
    """An extension that was given."""

    person: str
    due: AwareDatetime | None = None
    attempts: int | None = None
    reason: str = ""
    given_by: str
    given: AwareDatetime


class ExtensionList(Answer):
    """``GET assignments/{a}/extensions``: staff; by person."""

    extensions: tuple[Extension, ...] = ()


class GroupAsk(Ask):
    """``PUT assignments/{a}/groups/{name}``: staff; the people who hand in together. No members: the group is dissolved."""

    members: Annotated[tuple[str, ...], Field(max_length=50)]


class GroupItem(Answer):
    """A group of an assignment."""

    name: str
    members: tuple[str, ...]


class GroupList(Answer):
    """``GET assignments/{a}/groups``: all for staff, for a student the own one."""

    groups: tuple[GroupItem, ...] = ()


class GradeAsk(Ask):
    """``POST assignments/{a}/batches``: staff; grade what counts and is not graded yet, or all that counts again, or these submissions.

    Points and comments that people gave are kept, unless `drop_hand` asks for the points to be forgotten. With `newest`, what was handed in
    for an older release is graded by the newest one from now on, where it has all that this one expects: after a test was mended.
    """

    which: Literal["ungraded", "all", "these"] = "ungraded"
    submissions: Annotated[tuple[str, ...], Field(max_length=10_000)] = ()
    drop_hand: bool = False
    newest: bool = False


class BatchItem(Answer):
    """A grading batch: one run in the hub's line."""

    id: str
    run: RunId
    assignment: str
    asked_by: str
    asked: AwareDatetime
    state: Literal["waiting", "starting", "running", "cancelling", "done", "failed", "cancelled", "lost"]
    reason: str = ""
    progress: str = ""
    goes_on: bool = False
    """Whether a run of it waits, goes on or is to come, and so can be cancelled."""
    total: int
    graded: int
    failed: int


class BatchList(Answer):
    """``GET assignments/{a}/batches``: the newest first."""

    batches: tuple[BatchItem, ...] = ()


class GradingTask(Answer):
    """One submission of a batch."""

    submission: str
    manifest: Manifest
    release: int


class GradingJob(Answer):
    """``GET grading/{run}``: for the grading run itself and nobody else. What has a result already is not among the tasks.

    ``sources`` are the whole assignments by the version of their release, hidden part included.
    """

    run: RunId
    course: str
    assignment: str
    assignment_name: str
    sources: dict[int, Manifest]
    tasks: tuple[GradingTask, ...]
    workers: int = 2


class TaskResult(Ask):
    """``PUT grading/{run}/results/{s}``: the result of one submission; its files come before (``PUT grading/{run}/files/{sha256}``)."""

    result: GradeResult
    files: tuple[FileEntry, ...] = ()


class ScoreChange(Answer):
    """One change of an item's score, as history tells it; with an empty ``item`` the points of the whole, late rule applied."""

    item: str
    points: float | None
    by: str
    at: AwareDatetime
    comment: str = ""


class HandScore(Ask):
    """``PUT submissions/{s}/scores``: staff; the points of one item, or None to go back to what the run found; a comment students read.

    ``item`` is `Item.key`; empty, it is the whole, which has a comment only. What is not named stays.
    """

    item: str
    points: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    comment: LongText = ""
    reason: ShortText = ""
    pins: Annotated[tuple[PinnedComment, ...], Field(max_length=200)] = ()
    """Comments at places of an annotated picture, in place of those of the caller before; what others said stays."""


class GradeItem(Answer):
    """``GET submissions/{s}/grade``: scores, comments and outcome; for students after the release of feedback, without notes for staff."""

    submission: SubmissionItem
    scores: tuple[CellScore, ...] = ()
    comments: dict[str, str] = {}
    """By `Item.key`; the empty key is about the whole."""
    pins: dict[str, tuple[PinnedComment, ...]] = {}
    """By `Item.key` of an annotation task: what the run found at which place, then what staff say."""
    notebooks: tuple[NotebookOutcome, ...] = ()
    notes: tuple[Note, ...] = ()
    history: tuple[ScoreChange, ...] = ()
    rubric: tuple[RubricButton, ...] = ()
    seconds: float = 0.0
    isolation: str = ""


class FeedbackAsk(Ask):
    """``POST assignments/{a}/feedback``: professors; let everybody (or these) read what their submissions earned, or take it back."""

    release: bool = True
    submissions: Annotated[tuple[str, ...], Field(max_length=10_000)] = ()


class FeedbackOutcome(Answer):
    """What feedback was released or taken back, and how many submissions were left out since they are not graded."""

    submissions: tuple[str, ...] = ()
    not_graded: int = 0


class ViewAsk(Ask):
    """``POST submissions/{s}/view``: an address for the page of one notebook; staff, and who handed it in after the release of feedback."""

    notebook: Annotated[str, Field(min_length=1, max_length=300)]


class ViewAddress(Answer):
    """``GET view/{token}``: a path that shows one page for a while, to whoever knows it, and lets nothing in it run."""

    address: str
    until: AwareDatetime


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


class CourseAuditItem(Answer):
    """Who did what in a course, and when."""

    time: AwareDatetime
    actor: str
    action: str
    subject: str
    detail: dict[str, JsonValue] = {}


class CourseAudit(Answer):
    """``GET courses/{c}/audit``: professors; the last first. ``?before=`` with the ``next`` of one answer gives the one after it."""

    rows: tuple[CourseAuditItem, ...] = ()
    next: int | None = None
