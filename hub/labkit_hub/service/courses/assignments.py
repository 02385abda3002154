"""Assignments: make one, change it, delete a draft; professors do."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.course_wire import AssignmentChange, LateRule, NewAssignment
from labkit.courses.names import check_assignment_name
from labkit.errors import AlreadyExists, Conflict, InvalidInput
from labkit.storage import new_id
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses.access import lock_assignment, lock_course, seat_at, seat_in
from labkit_hub.service.courses.deadlines import plain_local, read_moment
from labkit_hub.service.courses.history import noting_finals
from labkit_hub.service.courses.tables import AssignmentRow, SubmissionRow

__all__ = ["change_assignment", "create_assignment", "delete_assignment", "has_submissions"]

_LATE = LateRule().model_dump(mode="json")


def create_assignment(session: Session, course_id: str, ask: NewAssignment, who: Identity, now: datetime) -> AssignmentRow:
    """Make a draft.

    Raises
    ------
    NotFound, NotWritable
    InvalidInput
        Nothing can be called so.
    AlreadyExists
        The course has an assignment of this name, or of one that differs in upper and lower case only.
    """
    seat = seat_in(session, course_id, who)
    seat.require_professor()
    lock_course(session, course_id)
    row = AssignmentRow(
        id=new_id(), course_id=course_id, created=now, created_by=who.name, late=_LATE, state="draft", version=0, group_size=1, grace_min=0
    )
    _rename(session, row, ask.name)
    session.add(row)
    session.flush()
    note(session, who.name, "assignment.create", row.id, course_id=course_id, assignment=row.name)
    return row


def change_assignment(session: Session, assignment_id: str, ask: AssignmentChange, who: Identity, now: datetime) -> AssignmentRow:
    """Change what is named in `ask`; what that does to points that were there before goes into the history.

    Raises
    ------
    NotFound, NotWritable, InvalidInput, AlreadyExists
    Conflict
        It cannot go into this state.
    """
    _, seat = seat_at(session, assignment_id, who)
    seat.require_professor()
    lock_course(session, seat.course.id)  # names are compared within it, and times read in its time zone
    row = lock_assignment(session, assignment_id)
    changed = {name: value for name in ask.model_fields_set if (value := getattr(ask, name)) is not None}
    with noting_finals(session, row, who.name, "The rules of the assignment were changed.", now):
        _change(session, row, changed, seat.course.time_zone)
        _check(row)
        session.flush()
    if changed:
        said = ask.model_dump(mode="json", include=set(changed))
        note(session, who.name, "assignment.change", row.id, course_id=row.course_id, assignment=row.name, change=said)
    return row


def delete_assignment(session: Session, assignment_id: str, who: Identity) -> None:
    """Remove a draft for which nobody has handed in, with its releases; the audit keeps that it was there.

    Raises
    ------
    NotFound, NotWritable
    Conflict
        It is no draft, or something was handed in.
    """
    _, seat = seat_at(session, assignment_id, who)
    seat.require_professor()
    row = lock_assignment(session, assignment_id)
    if has_submissions(session, row.id):
        raise Conflict("Something was handed in for this assignment: it stays.", hint="Close it, or make it a draft that staff only see.")
    if row.state != "draft":
        raise Conflict("Only a draft is deleted: students see this assignment.", hint="Make it a draft first.")
    note(session, who.name, "assignment.delete", row.id, course_id=row.course_id, assignment=row.name, releases=row.version)
    session.delete(row)


def has_submissions(session: Session, assignment_id: str) -> bool:
    """Whether anybody has handed in, staff who try it out included."""
    return session.scalar(select(SubmissionRow.id).where(SubmissionRow.assignment_id == assignment_id).limit(1)) is not None


def _change(session: Session, row: AssignmentRow, changed: dict[str, Any], time_zone: str) -> None:
    for name, value in changed.items():
        if name == "name":
            _rename(session, row, value)
        elif name in ("due", "closes"):
            text = value.strip()
            setattr(row, name, read_moment(text, time_zone) if text else None)
            setattr(row, f"{name}_local", plain_local(text) if text else "")
        elif name == "late":
            row.late = value.model_dump(mode="json")
        elif name == "unlimited_attempts":
            row.attempts = None if value else row.attempts
        elif name == "attempts":
            row.attempts = None if changed.get("unlimited_attempts") else value
        else:  # grace_min, counts, state, group_size: as they come
            setattr(row, name, value)


def _check(row: AssignmentRow) -> None:
    if row.due is not None and row.closes is not None and row.closes < row.due:
        raise InvalidInput("It would close before it is due.", hint="Let it close later, or take the closing time away.")
    if row.state != "draft" and row.version == 0:
        raise Conflict("Nothing has been released yet.", hint="Release the assignment first: that opens it to students.")


def _rename(session: Session, row: AssignmentRow, name: str) -> None:
    name = check_assignment_name(name)
    folded = unicodedata.normalize("NFC", name.casefold())
    with session.no_autoflush:
        other = session.scalar(
            select(AssignmentRow.name).where(
                AssignmentRow.course_id == row.course_id, AssignmentRow.folded == folded, AssignmentRow.id != row.id
            )
        )
    if other is not None:
        raise AlreadyExists(
            f"The course has an assignment {other!r} already.", hint="Choose another name; upper and lower case are the same."
        )
    row.name, row.folded = name, folded
