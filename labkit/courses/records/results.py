"""What a grading run says of a submission."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from labkit.courses.records.items import Item
from labkit.courses.records.kinds import Points, Sha256, Told, plain
from labkit.courses.records.notes import Note
from labkit.storage import Record

__all__ = ["CellScore", "CheckResult", "GradeResult", "NotebookOutcome", "PinnedComment"]


class CellScore(Record):
    """What an item earned.

    ``points`` is None where nobody has scored it yet. ``trusted`` is False for what rests on the word of the student's own kernel.
    ``student_note`` is what students read in place of ``note``; None means the same.
    """

    item: Item
    points: Points | None
    trusted: bool = False
    note: Told = ""
    student_note: Told | None = None

    @property
    def for_student(self) -> CellScore:
        """The score as its student may read it."""
        return self if self.student_note is None else self.model_copy(update={"note": self.student_note, "student_note": None})


class NotebookOutcome(Record):
    """How the execution of one notebook went.

    Attributes
    ----------
    state : {"done", "partial", "failed", "missing"}
        All cells were executed; some were not or had errors of the kernel itself; it could not be executed; the submission lacks it.
    executed, html : str or None
        SHA-256 of the executed notebook and of the page made of it, among the files of the result.
    student_executed, student_html : str or None
        Those that the student may read: without hidden tests. None means the same.
    """

    notebook: str
    state: Literal["done", "partial", "failed", "missing"]
    seconds: Annotated[float, Field(ge=0)] = 0.0
    cells: Annotated[int, Field(ge=0)] = 0
    kernels: Annotated[int, Field(ge=0)] = 0
    executed: Sha256 | None = None
    html: Sha256 | None = None
    student_executed: Sha256 | None = None
    student_html: Sha256 | None = None

    @property
    def files(self) -> tuple[tuple[str, Sha256], ...]:
        """All files of it with their paths in the result; a student's have the same names, in ``student/``."""
        named = (
            (f"{self.notebook}.ipynb", self.executed),
            (f"{self.notebook}.html", self.html),
            (f"student/{self.notebook}.ipynb", self.student_executed),
            (f"student/{self.notebook}.html", self.student_html),
        )
        return tuple((path, sha256) for path, sha256 in named if sha256 is not None)

    @property
    def for_student(self) -> NotebookOutcome:
        """The outcome as its student may read it: with the student's files alone."""
        own = {"executed": self.student_executed or self.executed, "html": self.student_html or self.html}
        return self.model_copy(update=own | {"student_executed": None, "student_html": None})


class PinnedComment(Record):
    """Words at a place of an annotated picture, (y, x) in its full-resolution pixels; without a place they are about all of it."""

    text: Annotated[str, Field(min_length=1, max_length=4000), BeforeValidator(plain)]
    y: Annotated[float, Field(allow_inf_nan=False)] | None = None
    x: Annotated[float, Field(allow_inf_nan=False)] | None = None
    by: Annotated[str, Field(max_length=255)] = ""


class CheckResult(Record):
    """What one check of the sheet, or one annotation task, found: the points, the value of a metric, what to tell, and where.

    ``student_note`` is what students read in place of ``note``; None means the same.
    """

    check: str
    points: Points
    value: float | None = None
    note: Told = ""
    student_note: Told | None = None
    comments: Annotated[tuple[PinnedComment, ...], Field(max_length=200)] = ()


class GradeResult(Record):
    """What a grading run says of one submission."""

    submission: Annotated[str, Field(max_length=64)]
    state: Literal["graded", "failed"]
    scores: tuple[CellScore, ...] = ()
    notebooks: tuple[NotebookOutcome, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    notes: tuple[Note, ...] = ()
    seconds: Annotated[float, Field(ge=0)] = 0.0
    isolation: Literal["container", "process"]

    @property
    def points(self) -> float:
        """The points of all items that are scored."""
        return total(self.scores)


def total(scores: Iterable[CellScore]) -> float:
    """Return the sum of the points that are there."""
    return sum(score.points for score in scores if score.points is not None)
