"""Messages of handing in: what would be sent, what was, and the receipt."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from labkit_lab.wire import WireModel

__all__ = [
    "SENDING_REPLIES",
    "SENDING_REQUESTS",
    "AskedAnnotations",
    "HistoryList",
    "HistoryRow",
    "LeftOutItem",
    "ReceiptFile",
    "ReceiptItem",
    "SavedDocument",
    "SendAsk",
    "SendFile",
    "SendPlan",
    "SendProblem",
]


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


SENDING_REQUESTS: tuple[type[WireModel], ...] = (SavedDocument, SendAsk)
SENDING_REPLIES: tuple[type[WireModel], ...] = (
    SendPlan,
    AskedAnnotations,
    SendFile,
    LeftOutItem,
    SendProblem,
    ReceiptItem,
    ReceiptFile,
    HistoryList,
    HistoryRow,
)
