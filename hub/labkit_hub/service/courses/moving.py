"""A course that moves to another time zone takes its due times with it: the clocks there show what they showed before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit_hub.service.courses.deadlines import read_moment
from labkit_hub.service.courses.history import noting_finals
from labkit_hub.service.courses.tables import AssignmentRow, ExtensionRow
from labkit_hub.service.tables import CourseRow

__all__ = ["move_course"]


def move_course(session: Session, course: CourseRow, by: str, now: datetime) -> None:
    """Read all due times of a course again, in its new time zone.

    Raises
    ------
    InvalidInput
        One of them does not exist there.
    """
    for row in session.scalars(select(AssignmentRow).where(AssignmentRow.course_id == course.id)):
        with noting_finals(session, row, by, f"The course moved to the time zone {course.time_zone}.", now):
            row.due, row.closes = _read(row.due_local, course), _read(row.closes_local, course)
            for extension in session.scalars(select(ExtensionRow).where(ExtensionRow.assignment_id == row.id)):
                extension.due = _read(extension.due_local, course)


def _read(local: str, course: CourseRow) -> datetime | None:
    return read_moment(local, course.time_zone) if local else None
