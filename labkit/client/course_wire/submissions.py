"""Files that are sent, submissions, and the receipt of one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from labkit.client.wire import Answer, Ask
from labkit.courses.records import FileEntry, Manifest, Note, Sha256

__all__ = ["FilesAsk", "FilesMissing", "NewSubmission", "Receipt", "SubmissionItem", "SubmissionList"]


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
