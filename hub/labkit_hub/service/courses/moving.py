"""A course that moves to another time zone takes its due times with it: the clocks there show what they showed before."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit_hub.service.courses.deadlines import read_moment
from labkit_hub.service.courses.tables import AssignmentRow, ExtensionRow
from labkit_hub.service.tables import CourseRow

__all__ = ["move_course"]


def move_course(session: Session, course: CourseRow) -> None:
    """Read all due times of a course again, in its new time zone.

    Raises
    ------
    InvalidInput
        One of them does not exist there.
    """
    for row in session.scalars(select(AssignmentRow).where(AssignmentRow.course_id == course.id)):
        row.due = read_moment(row.due_local, course.time_zone) if row.due_local else None
        row.closes = read_moment(row.closes_local, course.time_zone) if row.closes_local else None
        for extension in session.scalars(select(ExtensionRow).where(ExtensionRow.assignment_id == row.id)):
            extension.due = read_moment(extension.due_local, course.time_zone) if extension.due_local else None
