"""Who may see and do what with an assignment and a submission; what is not theirs does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from labkit.errors import Conflict, NotFound, NotWritable
from labkit_hub.service.context import Identity
from labkit_hub.service.courses.office import Smell, hidden
from labkit_hub.service.courses.tables import AssignmentRow, SubmissionRow
from labkit_hub.service.people.courses import require_course
from labkit_hub.service.tables import Base, CourseRow

__all__ = ["Seat", "lock_assignment", "lock_course", "make_once", "seat_at", "seat_in", "submission_for"]

_LOCKS = "labkit_locked_assignments"
_Row = TypeVar("_Row", bound=Base)


@dataclass(frozen=True, slots=True)
class Seat:
    """Where somebody sits in a course: what `who` is there."""

    who: Identity
    course: CourseRow
    role: str | None

    @property
    def name(self) -> str:
        """The person."""
        return self.who.name

    @property
    def is_professor(self) -> bool:
        """Whether they decide: professors and admins."""
        return self.role == "professor" or self.who.is_admin

    @property
    def is_staff(self) -> bool:
        """Whether they see everything of the course: assistants, too."""
        return self.role in ("professor", "assistant") or self.who.is_admin

    def require_professor(self, *, changes: bool = True) -> None:
        """Return if this is a professor or an admin.

        Raises
        ------
        NotFound
            A student asks: there is no such thing for them.
        NotWritable
            An assistant asks.
        Conflict
            The course is archived.
        """
        self.require_staff(changes=changes)
        if not self.is_professor:
            raise NotWritable("Only the professors of a course do this.", hint="Ask one of them.")

    def require_staff(self, *, changes: bool = True) -> None:
        """Return if this is somebody of the staff; raises as `require_professor`."""
        if not self.is_staff:
            raise hidden("page", Smell("course.peek", self.course.id, self.course.id))
        if changes:
            self.require_open()

    def require_open(self) -> None:
        """Return if the course is not archived.

        Raises
        ------
        Conflict
            It is.
        """
        if self.course.archived is not None:
            raise Conflict("This course is archived: it can be read, and nothing more.", hint="Its professors can open it again.")


def seat_in(session: Session, course_id: str, who: Identity) -> Seat:
    """Return where `who` sits in a course.

    Raises
    ------
    NotFound
        There is none of theirs.
    """
    course, role = require_course(session, course_id, who)
    return Seat(who, course, role)


def seat_at(session: Session, assignment_id: str, who: Identity) -> tuple[AssignmentRow, Seat]:
    """Return an assignment, and where `who` sits in its course.

    Raises
    ------
    NotFound
        There is none that `who` may know of: of another course, or a draft to a student.
    """
    row = session.get(AssignmentRow, assignment_id)
    if row is None:
        raise hidden("assignment")
    try:
        seat = seat_in(session, row.course_id, who)
    except NotFound as error:
        raise hidden("assignment", Smell("assignment.peek", row.id, row.course_id)) from error
    if row.state == "draft" and not seat.is_staff:
        raise hidden("assignment", Smell("assignment.peek", row.id, row.course_id))
    return row, seat


def lock_assignment(session: Session, assignment_id: str) -> AssignmentRow:
    """Return an assignment that nobody else changes, hands in or grades until this transaction ends.

    What was read before is read again: on PostgreSQL others may have changed it while the lock was waited for, and what is set to the
    value that was read then would not be written.
    """
    locked = select(AssignmentRow).where(AssignmentRow.id == assignment_id).with_for_update().execution_options(populate_existing=True)
    row = session.scalar(locked)
    if row is None:
        raise hidden("assignment")
    locks: set[str] = session.info.setdefault(_LOCKS, set())
    if assignment_id not in locks:
        locks.add(assignment_id)
        session.flush()
        session.expire_all()
    return row


def lock_course(session: Session, course_id: str) -> CourseRow:
    """Return a course whose settings, and the names of its assignments, nobody else changes until this transaction ends.

    To be asked for before `lock_assignment`: everybody takes the two in this order.
    """
    locked = select(CourseRow).where(CourseRow.id == course_id).with_for_update(key_share=True)
    return session.scalars(locked.execution_options(populate_existing=True)).one()


def make_once(session: Session, table: type[_Row], key: Mapping[str, str], **values: object) -> _Row:
    """Return the row with this key; made with these values if there is none, also if somebody else makes it at the same moment."""
    row = session.get(table, tuple(key.values()))
    if row is None:
        try:
            with session.begin_nested():
                row = table(**key, **values)
                session.add(row)
        except IntegrityError:
            row = session.get_one(table, tuple(key.values()))
    return row


def submission_for(session: Session, submission_id: str, who: Identity) -> tuple[SubmissionRow, AssignmentRow, Seat]:
    """Return a submission that `who` handed in, alone or with a group, or any to the staff of its course.

    Raises
    ------
    NotFound
        There is none that `who` may know of.
    """
    row = session.get(SubmissionRow, submission_id)
    if row is None:
        raise hidden("submission")
    smell = Smell("submission.peek", row.id, None)
    try:
        assignment, seat = seat_at(session, row.assignment_id, who)
    except NotFound as error:
        raise hidden("submission", smell) from error
    if not (seat.is_staff or who.name in row.members):
        raise hidden("submission", Smell("submission.peek", row.id, assignment.course_id))
    return row, assignment, seat
