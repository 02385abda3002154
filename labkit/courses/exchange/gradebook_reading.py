"""nbgrader's gradebook, read: of version 0.5 to 0.9, whatever tables and columns there are."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.courses.exchange.records import AssignmentRecord, CellGrade, CourseRecords, StudentRecord, SubmissionRecord
from labkit.courses.records import Item
from labkit.errors import CorruptStore

__all__ = ["read_gradebook"]

Row = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_gradebook(path: Path) -> CourseRecords:
    """Return what is in a ``gradebook.db``.

    Raises
    ------
    CorruptStore
        It is no database of SQLite, or none of nbgrader's.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            tables = {name: [dict(row) for row in database.execute(f'SELECT * FROM "{name}"')] for name in names if '"' not in name}
    except sqlite3.Error as error:
        raise CorruptStore(f"{path} cannot be read as a database: {error}.", hint="Take it from a backup.", path=str(path)) from error
    if not {"assignment", "notebook", "student"} <= tables.keys():
        raise CorruptStore(f"{path} is no gradebook of nbgrader.", hint="Run 'nbgrader db upgrade' in its course.", path=str(path))
    try:
        return _Gradebook(tables).records()
    except (KeyError, TypeError, ValueError) as error:  # a column that is missing, a time or number that is none
        text = f"{path} holds what nbgrader would not write ({type(error).__name__})."
        raise CorruptStore(text, hint="Run 'nbgrader db upgrade' in its course.", path=str(path)) from error


class _Gradebook:
    """The tables, joined."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self.tables = tables
        self.assignments = self._by_id("assignment")
        self.notebooks = self._by_id("notebook")
        self.cells = self._cells()
        self.submissions = self._by_id("submitted_assignment")
        self.submitted = self._by_id("submitted_notebook")

    def _by_id(self, table: str) -> dict[Any, Row]:
        return {row["id"]: row for row in self.tables.get(table, [])}

    def _cells(self) -> dict[Any, Row]:
        """Return cells by id with their points; versions before 0.7 had no table for what cells have in common."""
        cells = {key: dict(row) for key, row in self._by_id("base_cell").items()}
        for table, kind in (
            ("grade_cells", "GradeCell"),
            ("task_cells", "TaskCell"),
            ("grade_cell", "GradeCell"),
            ("solution_cell", "SolutionCell"),
        ):
            for row in self.tables.get(table, []):
                cells.setdefault(row["id"], {"type": kind}).update(row)
        return {key: row for key, row in cells.items() if row.get("notebook_id") in self.notebooks}

    def records(self) -> CourseRecords:
        courses = [row["id"] for row in self.tables.get("course", [])]
        used = [row.get("course_id") for row in self.assignments.values()]
        return CourseRecords(
            course=str(max(set(used), key=used.count) if any(used) else next(iter(courses), "")),
            students=tuple(_student(row) for row in self.tables["student"]),
            assignments=tuple(self._assignment(row) for row in self.assignments.values()),
            submissions=tuple(self._submissions()),
        )

    def _key(self, cell: Row) -> str:
        return f"{self.notebooks[cell['notebook_id']]['name']}/{cell['name']}"

    def _assignment(self, row: Row) -> AssignmentRecord:
        graded = [cell for cell in self.cells.values() if cell.get("max_score") is not None]
        items = [_item(cell, self.notebooks[cell["notebook_id"]], self._by_hand(cell)) for cell in graded]
        mine = [item for item, cell in zip(items, graded, strict=True) if self.notebooks[cell["notebook_id"]]["assignment_id"] == row["id"]]
        return AssignmentRecord(name=row["name"], due=_time(row.get("duedate")), items=tuple(mine))

    def _by_hand(self, cell: Row) -> bool:
        """Return whether a cell is a task, or both graded and solution."""
        twins = [one for one in self.cells.values() if one["name"] == cell["name"] and one["notebook_id"] == cell["notebook_id"]]
        return any(one.get("type") in ("TaskCell", "SolutionCell") for one in twins)

    def _submissions(self) -> list[SubmissionRecord]:
        grades: dict[Any, dict[str, Row]] = defaultdict(dict)
        comments: dict[Any, dict[str, Row]] = defaultdict(dict)
        for table, kept in (("grade", grades), ("comment", comments)):
            for row in self.tables.get(table, []):
                cell, notebook = self.cells.get(row["cell_id"]), self.submitted.get(row["notebook_id"])
                if cell is not None and notebook is not None:
                    kept[notebook["assignment_id"]][self._key(cell)] = row
        found = []
        for key, row in self.submissions.items():
            if row["assignment_id"] not in self.assignments:
                continue
            notebooks = [one for one in self.submitted.values() if one["assignment_id"] == key]
            said = {cell: _comment(one) for cell, one in comments[key].items()}
            found.append(
                SubmissionRecord(
                    assignment=self.assignments[row["assignment_id"]]["name"],
                    student=row["student_id"],
                    submitted=_time(row.get("timestamp")),
                    extension_s=_span_s(row.get("extension")),
                    penalty=sum(one.get("late_submission_penalty") or 0.0 for one in notebooks),
                    grades=tuple(_grade(cell, one, said.get(cell, ("", ""))) for cell, one in grades[key].items()),
                    comments={cell: text or auto for cell, (text, auto) in said.items() if cell not in grades[key] and (text or auto)},
                )
            )
        return found


def _student(row: Row) -> StudentRecord:
    return StudentRecord(id=row["id"], **{key: row.get(key) or "" for key in ("first_name", "last_name", "email", "lms_user_id")})


def _item(cell: Row, notebook: Row, by_hand: bool) -> Item:
    return Item(
        id=cell["name"], notebook=notebook["name"], how="hand" if by_hand else "cell", max_points=cell["max_score"], title=cell["name"]
    )


def _grade(key: str, row: Row, comment: tuple[str, str]) -> CellGrade:
    return CellGrade(
        item=key,
        auto=row.get("auto_score"),
        manual=row.get("manual_score"),
        extra=row.get("extra_credit"),
        waits=bool(row.get("needs_manual_grade")),
        comment=comment[0],
        auto_comment=comment[1],
    )


def _comment(row: Row) -> tuple[str, str]:
    """Return what a person said, and what nbgrader said; before 0.5 there was one column."""
    return row.get("manual_comment") or row.get("comment") or "", row.get("auto_comment") or ""


def _time(text: str | None) -> datetime | None:
    """SQLAlchemy keeps UTC without saying so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _span_s(text: str | None) -> float:
    """SQLAlchemy keeps a span as a time after 1970."""
    time = _time(text)
    return (time - _EPOCH).total_seconds() if time else 0.0
