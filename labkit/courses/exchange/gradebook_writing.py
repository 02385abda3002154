"""nbgrader's gradebook, written as its own version 0.9 would have it after ``generate_assignment`` and ``autograde``."""

from __future__ import annotations

import json
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from labkit.courses.cells import GradedCell, checksum, graded_cells
from labkit.courses.exchange.records import CellGrade, CourseRecords, SubmissionRecord
from labkit.courses.exchange.schema import ALEMBIC_VERSION, TABLES
from labkit.courses.notebook import Cell, Notebook, cell_text

__all__ = ["write_gradebook"]

Value = str | float | int | None
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPACE = uuid.UUID("5b6c2f0e-6f0c-4a53-9d5e-6c1d8f0a7b11")  # so that the same course is the same rows


def write_gradebook(path: Path, course: str, sources: dict[str, dict[str, Notebook]], records: CourseRecords) -> list[str]:
    """Write a new ``gradebook.db``.

    Parameters
    ----------
    path : Path
        A file that is not there yet.
    course : str
        nbgrader's ``course_id``.
    sources : dict of assignment to dict of name to notebook
        What tests hold hidden parts, answers are stubs: what nbgrader itself keeps of a source.
    records : CourseRecords
        People, due times, submissions and scores.

    Returns
    -------
    list of str
        What could not be written, in words.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN")
        for table, columns in TABLES.items():
            database.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
        writer = _Writer(database)
        writer.add("alembic_version", version_num=ALEMBIC_VERSION)
        writer.add("course", id=course)
        due = {record.name: record.due for record in records.assignments}
        for name, notebooks in sources.items():
            writer.assignment(course, name, due.get(name), notebooks)
        for student in records.students:
            writer.add("student", **{key: value or None for key, value in student.model_dump().items()})
        known = {student.id for student in records.students}
        for submission in records.submissions:
            if submission.student not in known:
                known.add(submission.student)
                writer.add("student", id=submission.student)
            writer.submission(submission)
        database.execute("COMMIT")
    return writer.complaints


def _id(*parts: str) -> str:
    return uuid.uuid5(_SPACE, "\0".join(parts)).hex


class _Writer:
    """Rows, and the ids that later rows refer to."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.complaints: list[str] = []
        self._notebooks: dict[str, dict[str, str]] = {}
        self._cells: dict[tuple[str, str], dict[str, str]] = {}

    def add(self, table: str, **values: Value) -> None:
        columns, marks = ", ".join(values), ", ".join("?" for _ in values)
        self._database.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values()))

    def assignment(self, course: str, name: str, due: datetime | None, notebooks: dict[str, Notebook]) -> None:
        key = _id(name)
        self.add("assignment", id=key, name=name, duedate=_time(due), course_id=course)
        self._notebooks[name] = {}
        for notebook_name, notebook in notebooks.items():
            notebook_id = self._notebooks[name][notebook_name] = _id(name, notebook_name)
            kernel = json.dumps(notebook["metadata"].get("kernelspec", {}))
            self.add("notebook", id=notebook_id, name=notebook_name, assignment_id=key, kernelspec=kernel)
            for _, cell, graded in graded_cells(notebook):
                self._cell(name, f"{notebook_name}/{graded.grade_id}", notebook_id, cell, graded)

    def _cell(self, assignment: str, key: str, notebook_id: str, cell: Cell, graded: GradedCell) -> None:
        kinds: dict[str, str] = self._cells.setdefault((assignment, key), {})
        wanted = {
            "test": ("GradeCell",),
            "hand": ("GradeCell", "SolutionCell"),
            "answer": ("SolutionCell",),
            "task": ("TaskCell",),
            "locked": (),
        }
        tables = {"GradeCell": "grade_cells", "SolutionCell": "solution_cells", "TaskCell": "task_cells"}
        for kind in wanted[graded.kind]:
            kinds[kind] = _id(assignment, key, kind)
            self.add("base_cell", id=kinds[kind], name=graded.grade_id, notebook_id=notebook_id, type=kind)
            points: dict[str, Value] = {"max_score": graded.points or 0.0, "cell_type": cell["cell_type"]} if kind != "SolutionCell" else {}
            self.add(tables[kind], id=kinds[kind], **points)
        self.add(
            "source_cell",
            id=_id(assignment, key, "source"),
            name=graded.grade_id,
            cell_type=cell["cell_type"],
            locked=int(graded.fixed),
            source=cell_text(cell),
            checksum=checksum(cell, graded),
            notebook_id=notebook_id,
        )

    def submission(self, submission: SubmissionRecord) -> None:
        notebooks = self._notebooks.get(submission.assignment)
        if notebooks is None:
            self.complaints.append(
                f"{submission.assignment}: it is not among what is exported; {submission.student}'s scores were left out."
            )
            return
        key = _id(submission.assignment, submission.student, "submission")
        extension = _EPOCH + timedelta(seconds=submission.extension_s) if submission.extension_s else None
        owner: dict[str, Value] = {"assignment_id": _id(submission.assignment), "student_id": submission.student}
        self.add("submitted_assignment", id=key, **owner, timestamp=_time(submission.submitted), extension=_time(extension))
        penalty = submission.penalty
        for name, notebook_id in notebooks.items():
            self.add(
                "submitted_notebook",
                id=_id(key, name),
                assignment_id=key,
                notebook_id=notebook_id,
                flagged=0,
                late_submission_penalty=penalty,
            )
            penalty = 0.0  # nbgrader keeps it by notebook, and adds up
        grades = {grade.item: grade for grade in submission.grades}
        for (assignment, cell), kinds in self._cells.items():
            if assignment == submission.assignment:
                self._scores(_id(key, cell.rpartition("/")[0]), kinds, grades.pop(cell, None), submission.comments.get(cell, ""))
        if lost := [item for item, grade in grades.items() if grade.points]:
            text = (
                f"{submission.assignment}, {submission.student}: {len(lost)} score(s), such as {lost[0]}, have no cell that nbgrader knows."
            )
            self.complaints.append(text)

    def _scores(self, notebook_id: str, kinds: dict[str, str], grade: CellGrade | None, comment: str) -> None:
        scored = kinds.get("GradeCell") or kinds.get("TaskCell")
        said = kinds.get("SolutionCell") or kinds.get("TaskCell")
        if scored:
            waits = int(grade.waits if grade else True)
            points = {"auto_score": grade.auto, "manual_score": grade.manual, "extra_credit": grade.extra} if grade else {}
            self.add("grade", id=_id(notebook_id, scored), notebook_id=notebook_id, cell_id=scored, needs_manual_grade=waits, **points)
        if said:
            texts = (grade.auto_comment, grade.comment) if grade else ("", comment)
            self.add(
                "comment",
                id=_id(notebook_id, said, "comment"),
                notebook_id=notebook_id,
                cell_id=said,
                auto_comment=texts[0] or None,
                manual_comment=texts[1] or None,
            )


def _time(time: datetime | None) -> str | None:
    """Return a time as SQLAlchemy keeps it in SQLite: UTC, with microseconds, without an offset."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") if time else None
