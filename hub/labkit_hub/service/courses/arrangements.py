"""Extensions for single people, and groups that hand in together."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from labkit.client.course_wire import Extension, ExtensionAsk, ExtensionList, GroupAsk, GroupItem, GroupList
from labkit.errors import Conflict, InvalidInput, NotFound
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses.access import lock_assignment, lock_course, seat_at
from labkit_hub.service.courses.deadlines import plain_local, read_moment
from labkit_hub.service.courses.history import noting_finals
from labkit_hub.service.courses.rules import group_of
from labkit_hub.service.courses.tables import AssignmentRow, ExtensionRow, GroupMemberRow
from labkit_hub.service.tables import MemberRow

__all__ = ["give_extension", "list_extensions", "list_groups", "put_group", "take_extension"]


def give_extension(session: Session, assignment_id: str, person: str, ask: ExtensionAsk, who: Identity, now: datetime) -> Extension:
    """Let somebody hand in later, or more often; points that were late before are worth more from now on.

    Raises
    ------
    NotFound, NotWritable, InvalidInput
    """
    _, seat = seat_at(session, assignment_id, who)
    seat.require_staff()
    lock_course(session, seat.course.id)  # the time is read in its time zone
    row = lock_assignment(session, assignment_id)
    _require_members(session, row, [person])
    text = (ask.due or "").strip()
    if not text and ask.attempts is None:
        raise InvalidInput("The extension gives nothing.", hint="Name another due time, or a number of attempts.")
    due = read_moment(text, seat.course.time_zone) if text else None
    if due is not None and row.due is not None and due <= row.due:
        raise InvalidInput("The other due time is not later than everybody's.", hint="Choose a later one.")
    with noting_finals(session, row, who.name, f"An extension was given{f': {ask.reason}' if ask.reason else ''}.", now):
        extension = session.get(ExtensionRow, (row.id, person)) or ExtensionRow(assignment_id=row.id, username=person)
        extension.due, extension.due_local, extension.attempts = due, plain_local(text) if text else "", ask.attempts
        extension.reason, extension.given, extension.given_by = ask.reason, now, who.name
        session.add(extension)
    _note(session, who, "extension.give", person, row, due=text, attempts=ask.attempts, reason=ask.reason)
    return _extension(extension)


def take_extension(session: Session, assignment_id: str, person: str, who: Identity, now: datetime) -> None:
    """Let what holds for everybody hold for somebody again.

    Raises
    ------
    NotFound, NotWritable
    """
    _, seat = seat_at(session, assignment_id, who)
    seat.require_staff()
    row = lock_assignment(session, assignment_id)
    extension = session.get(ExtensionRow, (row.id, person))
    if extension is None:
        raise NotFound(f"{person[:60]!r} has no extension here.", hint="The list of extensions has everybody who has one.")
    with noting_finals(session, row, who.name, "The extension was taken back.", now):
        session.delete(extension)
    _note(session, who, "extension.take", person, row)


def list_extensions(session: Session, assignment_id: str, who: Identity) -> ExtensionList:
    """Return all extensions, by person, to staff.

    Raises
    ------
    NotFound
    """
    row, seat = seat_at(session, assignment_id, who)
    seat.require_staff(changes=False)
    rows = session.scalars(select(ExtensionRow).where(ExtensionRow.assignment_id == row.id).order_by(ExtensionRow.username))
    return ExtensionList(extensions=tuple(_extension(one) for one in rows))


def put_group(session: Session, assignment_id: str, name: str, ask: GroupAsk, who: Identity) -> GroupItem:
    """Let these people hand in together from now on; what was handed in before stays whose it was.

    Raises
    ------
    NotFound, NotWritable, InvalidInput
    Conflict
        Somebody is in another group already, or they are too many.
    """
    _, seat = seat_at(session, assignment_id, who)
    seat.require_staff()
    row = lock_assignment(session, assignment_id)
    name = _group_name(name)
    members = tuple(sorted(set(ask.members)))
    if len(members) > row.group_size:
        raise Conflict(f"A group of this assignment has up to {row.group_size}.", hint="A professor can change how large groups are.")
    _require_members(session, row, members)
    taken = session.execute(
        select(GroupMemberRow.username, GroupMemberRow.group_name).where(
            GroupMemberRow.assignment_id == row.id, GroupMemberRow.username.in_(members), GroupMemberRow.group_name != name
        )
    ).first()
    if taken:
        raise Conflict(f"{taken.username} is in the group {taken.group_name} already.", hint="Take them out there first.")
    session.execute(delete(GroupMemberRow).where(GroupMemberRow.assignment_id == row.id, GroupMemberRow.group_name == name))
    session.add_all(GroupMemberRow(assignment_id=row.id, username=member, group_name=name) for member in members)
    _note(session, who, "group.set", name, row, members=list(members))
    return GroupItem(name=name, members=members)


def list_groups(session: Session, assignment_id: str, who: Identity) -> GroupList:
    """Return all groups to staff, to a student the own one.

    Raises
    ------
    NotFound
    """
    row, seat = seat_at(session, assignment_id, who)
    if not seat.is_staff:
        name, members = group_of(session, row, who.name)
        return GroupList(groups=(GroupItem(name=name, members=members),) if name else ())
    found: dict[str, list[str]] = {}
    query = (
        select(GroupMemberRow).where(GroupMemberRow.assignment_id == row.id).order_by(GroupMemberRow.group_name, GroupMemberRow.username)
    )
    for one in session.scalars(query):
        found.setdefault(one.group_name, []).append(one.username)
    return GroupList(groups=tuple(GroupItem(name=name, members=tuple(members)) for name, members in found.items()))


def _require_members(session: Session, row: AssignmentRow, names: tuple[str, ...] | list[str]) -> None:
    query = select(MemberRow.username).where(MemberRow.course_id == row.course_id, MemberRow.username.in_(names))
    if missing := sorted(set(names) - set(session.scalars(query))):
        raise NotFound(f"There is nobody called {missing[0][:60]!r} in this course.", hint="The roster lists everybody.")


def _group_name(name: str) -> str:
    name = unicodedata.normalize("NFC", name).strip()
    if not name or len(name) > 150 or not name.isprintable():
        raise InvalidInput("A group cannot be called so.", hint="Its name has 1 to 150 characters that can be seen.")
    return name


def _extension(row: ExtensionRow) -> Extension:
    return Extension(person=row.username, due=row.due, attempts=row.attempts, reason=row.reason, given_by=row.given_by, given=row.given)


def _note(session: Session, who: Identity, action: str, subject: str, row: AssignmentRow, **detail: object) -> None:
    note(session, who.name, action, subject, course_id=row.course_id, assignment=row.id, **detail)
