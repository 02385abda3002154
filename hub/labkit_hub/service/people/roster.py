"""Who is in a course: one by one, or as a list at once. The roster is the truth; the hub's groups follow it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labkit.client.wire import CourseRole
from labkit.errors import Conflict, InvalidInput, NotFound
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.people.courses import require_change, require_course
from labkit_hub.service.people.names import username
from labkit_hub.service.people.wire import MemberItem, NewMember, RosterOutcome
from labkit_hub.service.tables import MemberRow

__all__ = ["ROLES", "Entry", "import_roster", "list_members", "member", "put_member", "remove_member"]

ROLES: tuple[CourseRole, ...] = get_args(CourseRole)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a roster; without a role or a full name what is there stays (a new person is a student)."""

    username: str
    role: CourseRole | None = None
    full_name: str | None = None


def list_members(session: Session, course_id: str, who: Identity) -> list[MemberItem]:
    """Return the roster by role and name: all of it for staff, for a student the own entry.

    Raises
    ------
    NotFound
        There is no such course of `who`.
    """
    _, role = require_course(session, course_id, who)
    query = select(MemberRow).where(MemberRow.course_id == course_id)
    if role == "student" and not who.is_admin:
        query = query.where(MemberRow.username == who.name)
    rows = sorted(session.scalars(query), key=lambda row: (ROLES.index(_role(row.role)), row.username))
    return [_item(row, shows_who=role != "student") for row in rows]


def member(session: Session, course_id: str, name: str, who: Identity) -> MemberItem:
    """Return one entry.

    Raises
    ------
    NotFound
        It is not there, or not for `who` to know.
    """
    for item in list_members(session, course_id, who):
        if item.username == name:
            return item
    raise NotFound(f"There is nobody called {name[:60]!r} in this course.", hint="The roster lists everybody whom you may see.")


def put_member(session: Session, course_id: str, name: str, ask: NewMember, by: Identity, *, grader: str) -> MemberItem:
    """Put somebody into a course, or change the role there; people who have no account yet are taken, too.

    Parameters
    ----------
    grader : str
        The account of grading runs, which is nobody that could be in a course.

    Raises
    ------
    NotFound, NotWritable, InvalidInput
    Conflict
        The course would be left without a professor.
    """
    _, role = require_course(session, course_id, by)
    require_change(role, by)
    entry = Entry(username(name), ask.role, ask.full_name)
    _refuse_grader([entry], grader)
    row, _ = _put(session, course_id, entry, by)
    _require_professor(session, course_id, by)
    return _item(row)


def remove_member(session: Session, course_id: str, name: str, by: Identity) -> None:
    """Take somebody out of a course.

    Raises
    ------
    NotFound, NotWritable
    Conflict
        The course would be left without a professor.
    """
    _, role = require_course(session, course_id, by)
    require_change(role, by)
    row = session.get(MemberRow, (course_id, name))
    if row is None:
        raise NotFound(f"There is nobody called {name[:60]!r} in this course.", hint="The roster lists everybody.")
    session.delete(row)
    session.flush()
    _require_professor(session, course_id, by)
    note(session, by.name, "member.remove", name, course_id=course_id, role=row.role)


def import_roster(session: Session, course_id: str, entries: Sequence[Entry], by: Identity, *, grader: str) -> RosterOutcome:
    """Add and change people as a list says; nobody is removed.

    Parameters
    ----------
    grader : str
        As for `put_member`.

    Raises
    ------
    NotFound, NotWritable, InvalidInput
    Conflict
        The course would be left without a professor.
    """
    _, role = require_course(session, course_id, by)
    require_change(role, by)
    _refuse_grader(entries, grader)
    outcomes = [_put(session, course_id, entry, by) for entry in entries]
    _require_professor(session, course_id, by)
    added, changed = (tuple(row.username for row, what in outcomes if what == wanted) for wanted in ("added", "changed"))
    return RosterOutcome(added=added, changed=changed, unchanged=len(outcomes) - len(added) - len(changed))


def _refuse_grader(entries: Iterable[Entry], grader: str) -> None:
    """Keep the grader out of courses: with a seat in one it would be handed work, counted, and put into the hub's groups."""
    if any(entry.username == grader.lower() for entry in entries):
        hint = "Leave it out: grading runs need no place on a roster."
        raise InvalidInput(f"{grader} is the account of grading runs; it cannot be in a course.", hint=hint)


def _put(session: Session, course_id: str, entry: Entry, by: Identity) -> tuple[MemberRow, str]:
    row = session.get(MemberRow, (course_id, entry.username))
    if row is None:
        row = MemberRow(
            course_id=course_id,
            username=entry.username,
            role=entry.role or "student",
            full_name=entry.full_name or "",
            added=datetime.now(UTC),
            added_by=by.name,
        )
        session.add(row)
        note(session, by.name, "member.add", row.username, course_id=course_id, role=row.role)
        return row, "added"
    before = (row.role, row.full_name)
    row.role = entry.role or row.role
    row.full_name = row.full_name if entry.full_name is None else entry.full_name
    if before == (row.role, row.full_name):
        return row, "unchanged"
    note(session, by.name, "member.change", row.username, course_id=course_id, role=row.role, role_before=before[0])
    return row, "changed"


def _require_professor(session: Session, course_id: str, by: Identity) -> None:
    session.flush()
    query = select(func.count()).select_from(MemberRow).where(MemberRow.course_id == course_id, MemberRow.role == "professor")
    if not session.scalar(query) and not by.is_admin:
        raise Conflict("A course keeps at least one professor.", hint="Make somebody else professor first, or ask an admin.")


def _role(text: str) -> CourseRole:
    return next((role for role in ROLES if role == text), "student")


def _item(row: MemberRow, *, shows_who: bool = True) -> MemberItem:
    return MemberItem(
        username=row.username, role=_role(row.role), full_name=row.full_name, added=row.added, added_by=row.added_by if shows_who else ""
    )
