"""Which course of the platform a course here belongs to: its professors say so, and only of courses that they teach there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from labkit.errors import Conflict, InvalidInput
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses.access import seat_in
from labkit_hub.service.courses.tables import AssignmentRow
from labkit_hub.service.internal import Launch
from labkit_hub.service.passback.outbox import wait
from labkit_hub.service.passback.tables import LaunchRow, LineItemRow, LinkRow, SendRow
from labkit_hub.service.passback.wire import CourseLink, PlatformCourse

__all__ = ["course_link", "keep_launch", "link_course"]


def keep_launch(session: Session, launch: Launch, now: datetime) -> None:
    """Keep where somebody came from; the last time holds, also of the addresses that a linked course uses."""
    row = session.get(LaunchRow, (launch.user, launch.context)) or LaunchRow(username=launch.user, context=launch.context)
    row.title, row.subject, row.client_id = launch.title, launch.subject, launch.client_id
    row.lineitems, row.teaches, row.seen = launch.lineitems, launch.teaches, now
    session.add(row)
    link = session.scalar(select(LinkRow).where(LinkRow.context == launch.context))
    if link is not None:
        link.title, link.client_id, link.lineitems = launch.title, launch.client_id, launch.lineitems
        _send_what_waited(session, link.course_id, launch.user)


def _send_what_waited(session: Session, course_id: str, name: str) -> None:
    """Try again what could not be sent while nobody knew what the platform calls the person."""
    mine = select(AssignmentRow.id).where(AssignmentRow.course_id == course_id)
    query = select(SendRow).where(SendRow.username == name, SendRow.state == "failed", SendRow.assignment_id.in_(mine))
    for row in session.scalars(query):
        wait(row)


def course_link(session: Session, course_id: str, who: Identity, *, configured: bool) -> CourseLink:
    """Return which course of the platform gets the points, to staff.

    Raises
    ------
    NotFound
    """
    seat = seat_in(session, course_id, who)
    seat.require_staff(changes=False)
    link = session.get(LinkRow, course_id)
    query = select(LaunchRow).where(LaunchRow.username == who.name, LaunchRow.teaches).order_by(LaunchRow.seen.desc())
    choices = tuple(PlatformCourse(context=row.context, title=row.title) for row in session.scalars(query)) if seat.is_professor else ()
    return CourseLink(configured=configured, linked=_course_of(link), choices=choices)


def _course_of(link: LinkRow | None) -> PlatformCourse | None:
    return None if link is None else PlatformCourse(context=link.context, title=link.title)


def link_course(session: Session, course_id: str, context: str | None, who: Identity, now: datetime) -> None:
    """Say which course of the platform gets the points; what was sent to another one is forgotten here, not there.

    Raises
    ------
    NotFound, NotWritable
    InvalidInput
        The caller does not teach such a course there, or never came from it.
    Conflict
        It belongs to another course here, or somebody else links one of them at the same moment.
    """
    seat_in(session, course_id, who).require_professor()
    link = session.get(LinkRow, course_id)
    if (None if link is None else link.context) == context:
        return
    mine = select(AssignmentRow.id).where(AssignmentRow.course_id == course_id)
    for table in (LineItemRow, SendRow):
        session.execute(delete(table).where(table.assignment_id.in_(mine)))
    if link is not None:
        session.delete(link)
        session.flush()
    note(session, who.name, "course.link", course_id, course_id=course_id, context=context)
    if context is None:
        return
    launch = session.get(LaunchRow, (who.name, context))
    if launch is None or not launch.teaches:
        hint = "Open LabKit once from that course of the learning platform, as one of its teachers."
        raise InvalidInput("You have not come here from a course of the platform that is called so.", hint=hint)
    if session.scalar(select(LinkRow.course_id).where(LinkRow.context == context)) is not None:
        raise Conflict("That course of the platform gets the points of another course already.", hint="Unlink the other one first.")
    session.add(
        LinkRow(
            course_id=course_id,
            context=context,
            title=launch.title,
            client_id=launch.client_id,
            lineitems=launch.lineitems,
            linked=now,
            linked_by=who.name,
        )
    )
    try:
        session.flush()
    except IntegrityError as error:  # on PostgreSQL two may come to this place at once
        raise Conflict("Somebody else linked one of the two courses at the same moment.", hint="Reload, and see which.") from error
