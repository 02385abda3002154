"""Gathers a whole course of the hub - sources, what counts, scores, comments - for the exchange with nbgrader."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from labkit.client.course_wire import AssignmentItem, GradeItem, SubmissionItem
from labkit.client.courses import CourseClient
from labkit.courses.assignment import Assignment
from labkit.courses.exchange import CourseRecords
from labkit.courses.exchange.records import AssignmentRecord, CellGrade, StudentRecord, SubmissionRecord
from labkit.courses.folder import load_assignment
from labkit.courses.records import CellScore, Item
from labkit.events import CancelToken, EventSink, Progress, ignore_events
from labkit.storage import plain_file_name

__all__ = ["GatheredCourse", "gather_course"]

_TITLES = ("assignment", "student", "item", "title", "how", "points", "max_points", "comment")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(slots=True)
class GatheredCourse:
    """A course as it lies in a folder.

    Attributes
    ----------
    assignments : list of Assignment
        The newest release of each, hidden part included.
    records : CourseRecords
        Files of submissions are relative to the folder.
    further : list of tuple
        Scores and comments that belong to no cell, which nbgrader has no place for; the columns of `table`.
    notes : list of str
        What could not be taken along, in words.
    """

    assignments: list[Assignment] = field(default_factory=list)
    records: CourseRecords = field(default_factory=CourseRecords)
    further: list[tuple[str | float | None, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def table(self) -> str:
        """`further` as CSV, in which no text is taken for a formula."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(_TITLES)
        writer.writerows([_harmless(value) for value in row] for row in self.further)
        return text.getvalue()


def _harmless(value: str | float | None) -> str | float | None:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def gather_course(
    client: CourseClient, course: str, folder: Path, *, on_event: EventSink = ignore_events, cancel: CancelToken | None = None
) -> GatheredCourse:
    """Fetch a course into `folder`: of each assignment the newest source, of each student what counts; for its staff.

    Raises
    ------
    NotFound
        There is no such course of the caller's.
    Cancelled
        `cancel` was set.
    """
    gathering = _Gathering(client, folder, cancel or CancelToken())
    students = {row.person: _student(row.person, row.full_name) for row in client.class_view(course).students}
    released = []
    for item in client.assignments(course):
        if item.release:
            released.append(item)
        else:
            gathering.course.notes.append(f"{item.name}: it has not been released, and was left out.")
    for number, item in enumerate(released):
        gathering.take(item, students)
        on_event(Progress(done=number + 1, total=len(released), unit="assignments", stage="fetching"))
    made = gathering.course
    made.records = CourseRecords(
        course=course,
        students=tuple(students[name] for name in sorted(students)),
        assignments=tuple(gathering.assignments),
        submissions=tuple(gathering.submissions),
    )
    return made


def _student(name: str, full_name: str) -> StudentRecord:
    first, _, last = full_name.strip().rpartition(" ")
    return StudentRecord(id=name, first_name=first, last_name=last)


class _Gathering:
    """One course on its way."""

    def __init__(self, client: CourseClient, folder: Path, cancel: CancelToken) -> None:
        self._client, self._folder, self._cancel = client, folder, cancel
        self.course = GatheredCourse()
        self.assignments: list[AssignmentRecord] = []
        self.submissions: list[SubmissionRecord] = []

    def take(self, item: AssignmentItem, students: dict[str, StudentRecord]) -> None:
        """Fetch one assignment with all that counts."""
        assignment = self._source(item)
        self.course.assignments.append(assignment)
        below = f"assignments/{item.name}"
        self.assignments.append(AssignmentRecord(name=item.name, folder=below, due=item.due, items=assignment.items))
        cells = {one.key for one in assignment.items if one.notebook}
        extended = {one.person: one.due for one in self._client.extensions(item.id) if one.due is not None}
        fetched: dict[str, tuple[GradeItem | None, dict[str, str]]] = {}
        before = len(self.course.further)
        for person, one in _counting(item, self._client.submissions(item.id)).items():
            self._cancel.raise_if_cancelled()
            students.setdefault(person, _student(person, one.full_name if person == one.person else ""))
            if one.id not in fetched:
                fetched[one.id] = self._submission(item, one)
            grade, files = fetched[one.id]
            due = extended.get(person)
            record = SubmissionRecord(
                assignment=item.name,
                student=person,
                submitted=one.submitted,
                extension_s=max(0.0, (due - item.due).total_seconds()) if due and item.due else 0.0,
                penalty=one.penalty,
                grades=tuple(self._grades(item, person, grade, cells)) if grade else (),
                comments=self._cell_comments(item, person, grade) if grade else {},
                **files,
            )
            self.submissions.append(record)
        if (number := len(self.course.further) - before) > 0:
            self.course.notes.append(f"{item.name}: {number} score(s) and comment(s) belong to no cell of nbgrader's.")

    def _source(self, item: AssignmentItem) -> Assignment:
        root = self._folder / "assignments" / item.name
        for file in self._client.source(item.id, item.release).source.files:
            self._client.fetch_release_file(item.id, item.release, file, root / file.path)
        return load_assignment(root)

    def _submission(self, item: AssignmentItem, one: SubmissionItem) -> tuple[GradeItem | None, dict[str, str]]:
        """Fetch what was handed in and what grading made of it; return the grade, and the folders of both."""
        place = f"{plain_file_name(item.name)}/{one.id}"
        for file in self._client.receipt(one.id).files:
            self._client.fetch_submission_file(one.id, file, self._folder / "submissions" / place / file.path)
        folders = {"files": f"submissions/{place}"}
        grade = self._client.grade(one.id)
        for outcome in grade.notebooks:
            for stage, ending, sha256 in (
                ("graded", "ipynb", outcome.executed),
                ("feedback", "html", outcome.for_student.html),
            ):
                if sha256 is not None:
                    folders[stage] = f"{stage}/{place}"
                    target = self._folder / stage / place / f"{outcome.notebook}.{ending}"
                    self._client.fetch_result_file(one.id, sha256, target)
        return grade, folders

    def _grades(self, item: AssignmentItem, person: str, grade: GradeItem, cells: set[str]) -> Iterator[CellGrade]:
        """Yield the scores of cells; those of anything else are put aside."""
        for score in grade.scores:
            comment = grade.comments.get(score.item.key, "")
            if score.item.key not in cells:
                said = [comment, *(pin.text for pin in grade.pins.get(score.item.key, ()))]
                self._put_aside(item, person, score.item, score.points, "\n".join(text for text in said if text))
                continue
            if comment and score.item.how == "cell":  # nbgrader has comments on answers only
                self._put_aside(item, person, score.item, score.points, comment)
            yield _cell_grade(score, comment)

    def _cell_comments(self, item: AssignmentItem, person: str, grade: GradeItem) -> dict[str, str]:
        """Return comments on cells that earn nothing; the one on the whole is put aside."""
        if whole := grade.comments.get("", ""):
            self.course.further.append((item.name, person, "", "", "", None, None, whole))
        scored = {score.item.key for score in grade.scores}
        return {key: text for key, text in grade.comments.items() if key and key not in scored}

    def _put_aside(self, item: AssignmentItem, person: str, one: Item, points: float | None, comment: str) -> None:
        self.course.further.append((item.name, person, one.key, one.title, one.how, points, one.max_points, comment))


def _cell_grade(score: CellScore, comment: str) -> CellGrade:
    """Return a cell's score: of cells only what a person says is to be trusted, so that tells the two apart."""
    said = {"manual": score.points} if score.trusted else {"auto": score.points}
    return CellGrade(item=score.item.key, waits=score.points is None, comment=comment, **said)


def _counting(item: AssignmentItem, submissions: tuple[SubmissionItem, ...]) -> dict[str, SubmissionItem]:
    """Return what counts for each person: nbgrader has no groups, so that each of a group has it.

    Somebody who was in two groups has the newest of theirs, or the best one where that counts.
    """
    found: dict[str, SubmissionItem] = {}
    rank: Callable[[SubmissionItem], tuple[float, float]] = lambda one: (  # noqa: E731
        (one.points if one.points is not None else -1.0) if item.counts == "best" else 0.0,
        one.submitted.timestamp(),
    )
    for one in sorted((one for one in submissions if one.counts), key=rank):
        for person in one.group or (one.person,):
            found[person] = one
    return {person: found[person] for person in sorted(found)}
