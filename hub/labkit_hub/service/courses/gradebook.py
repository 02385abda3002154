"""Points as CSV: for people, for Canvas and for Moodle. No cell is taken for a formula by a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses.access import Seat, seat_at, seat_in
from labkit_hub.service.courses.counting import Ledger, open_ledger
from labkit_hub.service.courses.tables import AssignmentRow
from labkit_hub.service.tables import MemberRow

__all__ = ["GradebookFormat", "assignment_gradebook", "course_gradebook", "harmless", "plain_number"]

GradebookFormat = Literal["labkit", "canvas", "moodle"]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_Cell = str | float | int


def harmless(text: str) -> str:
    """Return a text that a spreadsheet shows instead of carrying it out."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain_number(value: float) -> str:
    """Return a number as all programs read it, to six places: no power of ten, however large it is."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def assignment_gradebook(session: Session, assignment_id: str, kind: GradebookFormat, who: Identity) -> str:
    """Return the points of one assignment, to staff.

    Raises
    ------
    NotFound
    """
    row, seat = seat_at(session, assignment_id, who)
    seat.require_staff(changes=False)
    note(session, who.name, "gradebook.export", row.id, course_id=row.course_id, format=kind)
    return _export(session, seat, [row], kind, is_one=True)


def course_gradebook(session: Session, course_id: str, kind: GradebookFormat, who: Identity) -> str:
    """Return the points of all assignments of a course that students see, to staff: a column for each, and their sum.

    Raises
    ------
    NotFound
    """
    seat = seat_in(session, course_id, who)
    seat.require_staff(changes=False)
    chosen = (AssignmentRow.course_id == course_id, AssignmentRow.version > 0, AssignmentRow.state != "draft")
    query = select(AssignmentRow).where(*chosen).order_by(AssignmentRow.created)
    note(session, who.name, "gradebook.export", course_id, course_id=course_id, format=kind)
    return _export(session, seat, list(session.scalars(query)), kind, is_one=False)


def _export(session: Session, seat: Seat, rows: list[AssignmentRow], kind: GradebookFormat, *, is_one: bool) -> str:
    query = select(MemberRow).where(MemberRow.course_id == seat.course.id, MemberRow.role == "student").order_by(MemberRow.username)
    students = session.scalars(query).all()
    ledgers = [open_ledger(session, row) for row in rows]
    if kind == "canvas":
        return _sheet(_canvas(students, ledgers, seat.course.id))
    if kind == "moodle":
        return _sheet(_moodle(students, ledgers))
    return _sheet(_one(students, ledgers[0]) if is_one else _all(students, ledgers))


def _sheet(lines: Sequence[Sequence[_Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([harmless(cell) if isinstance(cell, str) else plain_number(cell) for cell in line] for line in lines)
    return "\ufeff" + text.getvalue()


def _one(students: Sequence[MemberRow], ledger: Ledger) -> list[list[_Cell]]:
    lines: list[list[_Cell]] = [["username", "name", "group", "state", "attempt", "submitted", "late_s", "points", "penalty", "max_points"]]
    for student in students:
        row = ledger.counting(student.username)
        if row is None:
            lines.append([student.username, student.full_name, "", "", "", "", "", "", "", ledger.assignment.max_points])
            continue
        worth = ledger.worth(row)
        points: list[_Cell] = ["", ""] if worth.points is None else [worth.points, worth.penalty]
        most = worth.max_points if worth.max_points is not None else ledger.assignment.max_points
        when = row.submitted.isoformat(timespec="seconds")
        lines.append(
            [student.username, student.full_name, row.group_name, worth.state, row.attempt, when, int(worth.late_s), *points, most]
        )
    return lines


def _all(students: Sequence[MemberRow], ledgers: Sequence[Ledger]) -> list[list[_Cell]]:
    lines: list[list[_Cell]] = [["username", "name", *(ledger.assignment.name for ledger in ledgers), "total"]]
    for student in students:
        points = [_points(ledger, student.username) for ledger in ledgers]
        total = sum(one for one in points if isinstance(one, float))
        lines.append([student.username, student.full_name, *points, total])
    lines.append(["", "possible", *(ledger.assignment.max_points for ledger in ledgers), sum(x.assignment.max_points for x in ledgers)])
    return lines


def _canvas_column(name: str) -> str:
    """Return the name of a column. A number in round brackets at its end would be the id of some assignment at Canvas."""
    return re.sub(r"\((\d+)\)\s*$", r"[\1]", name)


def _canvas(students: Sequence[MemberRow], ledgers: Sequence[Ledger], section: str) -> list[list[_Cell]]:
    """Return what Canvas imports: the first five columns are its own, the second line has the points that are possible."""
    lines: list[list[_Cell]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *(_canvas_column(ledger.assignment.name) for ledger in ledgers)],
        ["    Points Possible", "", "", "", "", *(ledger.assignment.max_points for ledger in ledgers)],
    ]
    for student in students:
        points = [_points(ledger, student.username) for ledger in ledgers]
        lines.append([student.full_name or student.username, "", "", student.username, section, *points])
    return lines


def _moodle(students: Sequence[MemberRow], ledgers: Sequence[Ledger]) -> list[list[_Cell]]:
    """Return what Moodle imports: it is told what `Username` is there, and which column is which of its grade items.

    Somebody whom it does not know makes it refuse the whole file; so a line without any points is left out.
    """
    lines: list[list[_Cell]] = [["Username", "Full name", *(ledger.assignment.name for ledger in ledgers)]]
    for one in students:
        points = [_points(ledger, one.username) for ledger in ledgers]
        if any(cell != "" for cell in points):
            lines.append([one.username, one.full_name, *points])
    return lines


def _points(ledger: Ledger, name: str) -> _Cell:
    row = ledger.counting(name)
    points = ledger.worth(row).points if row is not None else None
    return "" if points is None else points
