"""Messages of who writes assignments: folders, what is wrong, what students would get, tests, releases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from labkit_lab.wire import WireModel
from labkit_lab.wire_sending import SavedDocument, SendFile

__all__ = [
    "AUTHORING_REPLIES",
    "AUTHORING_REQUESTS",
    "AuthorAsk",
    "AuthorFolderItem",
    "AuthorFolderList",
    "AuthorProblem",
    "CheckedReport",
    "FolderAsk",
    "MadeItem",
    "NewAssignmentAsk",
    "PreviewItem",
    "ReleaseAsk",
    "ReleasePlan",
    "ReleasedReport",
    "TestedReport",
    "TestedRow",
]

Percent = Annotated[float, Field(ge=0, le=100)]


# What the browser says


class NewAssignmentAsk(WireModel):
    """A new assignment: of a ``folder`` that exists, or of a ``sample`` that is made there. The folder is a path of the file browser."""

    folder: Annotated[str, Field(max_length=4000)]
    sample: bool = False


class FolderAsk(WireModel):
    """In which folder an assignment is written: a path of the file browser."""

    folder: Annotated[str, Field(max_length=4000)]


class AuthorAsk(WireModel):
    """Look at the folder of an assignment; ``documents`` are those of it that are open, as they were just saved."""

    documents: tuple[SavedDocument, ...] = ()


class ReleaseAsk(WireModel):
    """Release what was confirmed, with what holds from then on.

    ``seen`` is the hash of what students get. ``due`` and ``closes`` are local times of the course, ``2026-10-25T23:59``, empty for none;
    ``attempts`` is None for as many as one likes.
    """

    documents: tuple[SavedDocument, ...] = ()
    seen: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    message: Annotated[str, Field(max_length=300)] = ""
    due: Annotated[str, Field(max_length=40)]
    closes: Annotated[str, Field(max_length=40)]
    grace_min: Annotated[int, Field(ge=0, le=7 * 24 * 60)]
    accepts_late: bool
    percent_per_day: Percent
    floor_percent: Percent
    attempts: Annotated[int, Field(ge=1, le=1000)] | None
    counts: Literal["best", "last"]


# What the server says


class AuthorFolderItem(WireModel):
    """A folder of an assignment: as the file browser names it, for people, and the assignment of the course that it is of, if any."""

    folder: str
    place: str
    name: str
    assignment: str


class AuthorFolderList(WireModel):
    """The folders of assignments in this home."""

    folders: tuple[AuthorFolderItem, ...]


class MadeItem(WireModel):
    """The assignment of a folder; ``made`` is False where the course had one of that name. ``open`` is its first notebook, if any."""

    id: str
    name: str
    made: bool
    place: str
    open: str | None


class AuthorProblem(WireModel):
    """Something that is wrong; an error keeps it from being released.

    ``path`` is its file as the file browser names it, None where there is none that it shows; ``index`` is the place of the cell from 0.
    """

    severity: Literal["error", "warning"]
    where: str
    text: str
    hint: str
    path: str | None
    index: int | None
    grade_id: str


class CheckedReport(WireModel):
    """What was found in the folder of an assignment; ``by_hand`` are those of its points that a person gives."""

    errors: int
    items: int
    max_points: float
    by_hand: float
    problems: tuple[AuthorProblem, ...]


class PreviewItem(WireModel):
    """What students get, written into a folder beside that of the assignment; ``folder`` and ``open`` are paths of the file browser."""

    folder: str | None
    place: str
    files: tuple[str, ...]
    open: str | None


class TestedRow(WireModel):
    """What the solution earned for one item (None: a person gives it); ``path`` and ``grade_id`` lead to its cell."""

    title: str
    how: Literal["cell", "hand", "assertion", "metric"]
    points: float | None
    max_points: float
    note: str
    path: str | None
    grade_id: str


class TestedReport(WireModel):
    """What the own solution earned; ``full`` says that all but what a person gives was earned, ``failed`` that it could not be graded."""

    full: bool
    failed: bool
    points: float
    max_points: float
    seconds: float
    rows: tuple[TestedRow, ...]
    notes: tuple[str, ...]


class ReleasePlan(WireModel):
    """What students would get, and what holds for it now.

    ``sha256`` names what they get; it is empty, as ``files`` are, while there are errors. ``hidden`` counts the files that stay with the
    hub. ``due``, ``closes`` and ``now`` are as in `ReleaseAsk`: the browser's clock and its zone are not the course's.
    """

    checked: CheckedReport
    sha256: str
    files: tuple[SendFile, ...]
    hidden: int
    release: int
    draft: bool
    submissions: int
    now: str
    time_zone: str
    due: str
    closes: str
    grace_min: int
    accepts_late: bool
    percent_per_day: float
    floor_percent: float
    attempts: int | None
    counts: Literal["best", "last"]


class ReleasedReport(WireModel):
    """A release: its number, how many files students get, its points; ``unchanged`` where it was there before.

    ``notes`` are warnings of what could not be made for it.
    """

    release: int
    files: int
    max_points: float
    unchanged: bool
    notes: tuple[str, ...]


AUTHORING_REQUESTS: tuple[type[WireModel], ...] = (NewAssignmentAsk, FolderAsk, AuthorAsk, ReleaseAsk)
AUTHORING_REPLIES: tuple[type[WireModel], ...] = (
    AuthorFolderList,
    AuthorFolderItem,
    MadeItem,
    CheckedReport,
    AuthorProblem,
    PreviewItem,
    TestedReport,
    TestedRow,
    ReleasePlan,
    ReleasedReport,
)
