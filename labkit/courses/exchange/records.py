"""What a course made with nbgrader knows beside its files: people, submissions, scores, comments. Saved as ``course.json``."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from labkit.courses.records import Item
from labkit.storage import Record

__all__ = ["RECORDS_FILE", "AssignmentRecord", "CellGrade", "CourseRecords", "StudentRecord", "SubmissionRecord"]

RECORDS_FILE = "course.json"
Score = Annotated[float, Field(allow_inf_nan=False)]


class StudentRecord(Record):
    """A student, as nbgrader's gradebook has them."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""


class AssignmentRecord(Record):
    """An assignment: its name there, the folder that it has become, when it was due, what earns points."""

    name: str
    folder: str = ""
    due: AwareDatetime | None = None
    items: tuple[Item, ...] = ()

    @property
    def max_points(self) -> float:
        """The points of all items together."""
        return sum(item.max_points for item in self.items)


class CellGrade(Record):
    """What one cell of one submission earned.

    Attributes
    ----------
    item : str
        `Item.key`, ``notebook/id``.
    auto, manual, extra : float or None
        By the tests, by a person (which goes before), and on top of either.
    waits : bool
        A person has still to look at it.
    comment, auto_comment : str
        By a person, and by nbgrader ("No response.").
    """

    item: str
    auto: Score | None = None
    manual: Score | None = None
    extra: Score | None = None
    waits: bool = False
    comment: str = ""
    auto_comment: str = ""

    @property
    def points(self) -> float | None:
        """What counts; None where nobody has scored it yet."""
        base = self.manual if self.manual is not None else self.auto
        return None if base is None else base + (self.extra or 0.0)


class SubmissionRecord(Record):
    """What one student handed in for one assignment; nbgrader keeps the last.

    Attributes
    ----------
    files, feedback, graded : str
        Folders with what was handed in, the feedback pages, and the notebooks as nbgrader ran them; empty for none.
    extension_s : float
        Seconds that the student had more.
    penalty : float
        Points taken off for being late.
    csv_points : float or None
        What a CSV of ``nbgrader export`` says, where there is no gradebook.
    """

    assignment: str
    student: str
    submitted: AwareDatetime | None = None
    extension_s: float = 0.0
    penalty: Score = 0.0
    grades: tuple[CellGrade, ...] = ()
    comments: dict[str, str] = {}
    """On cells that earn nothing themselves, by ``notebook/id``."""
    files: str = ""
    feedback: str = ""
    graded: str = ""
    csv_points: Score | None = None

    @property
    def points(self) -> float | None:
        """The points of all cells; what the CSV says where no cell is known."""
        if not self.grades:
            return self.csv_points
        return sum(grade.points or 0.0 for grade in self.grades)


class CourseRecords(Record):
    """A whole course, beside its files.

    Attributes
    ----------
    course : str
        nbgrader's ``course_id``.
    notes : tuple of str
        What could not be taken, in words.
    """

    course: str = ""
    students: tuple[StudentRecord, ...] = ()
    assignments: tuple[AssignmentRecord, ...] = ()
    submissions: tuple[SubmissionRecord, ...] = ()
    notes: tuple[str, ...] = ()
