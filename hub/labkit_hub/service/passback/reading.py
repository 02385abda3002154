"""How the scores of an assignment stand with the platform, and asking for them to be sent again. For staff; that they look is noted."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses.access import seat_at
from labkit_hub.service.passback.outbox import ask_again
from labkit_hub.service.passback.tables import LinkRow, SendRow
from labkit_hub.service.passback.wire import PassbackItem, PassbackState, PlatformCourse, SendAsk
from labkit_hub.service.tables import AuditRow

__all__ = ["is_noted", "note_reading", "send_again", "state_of"]

_ORDER = {"failed": 0, "waiting": 1, "sent": 2}
_ACTION = "passback.read"
_NOTED_FOR = timedelta(days=1)


def state_of(session: Session, assignment_id: str, who: Identity, *, configured: bool) -> PassbackState:
    """Return how the scores stand, those that failed first.

    Raises
    ------
    NotFound
    """
    row, seat = seat_at(session, assignment_id, who)
    seat.require_staff(changes=False)
    link = session.get(LinkRow, row.course_id)
    rows = list(session.scalars(select(SendRow).where(SendRow.assignment_id == row.id)))
    rows.sort(key=lambda one: (_ORDER.get(one.state, 9), one.username))
    return PassbackState(
        configured=configured,
        linked=None if link is None else PlatformCourse(context=link.context, title=link.title),
        items=tuple(_item(one) for one in rows),
    )


def send_again(session: Session, assignment_id: str, ask: SendAsk, who: Identity) -> int:
    """Let what failed be tried again, or everything be sent anew, and return how many scores that are.

    Raises
    ------
    NotFound, NotWritable, Conflict
    """
    row, seat = seat_at(session, assignment_id, who)
    seat.require_professor()
    count = ask_again(session, row.id, everything=ask.everything)
    note(session, who.name, "grade.send", row.id, course_id=row.course_id, scores=count, everything=ask.everything)
    return count


def is_noted(session: Session, assignment_id: str, who: Identity, now: datetime) -> bool:
    """Whether it stands in the audit already that `who` has read these points today."""
    query = select(AuditRow.id).where(
        AuditRow.action == _ACTION, AuditRow.subject == assignment_id, AuditRow.actor == who.name, AuditRow.time > now - _NOTED_FOR
    )
    return session.scalar(query.limit(1)) is not None


def note_reading(session: Session, assignment_id: str, who: Identity, people: int) -> None:
    """Write down that somebody read the points of so many people."""
    row, _ = seat_at(session, assignment_id, who)
    note(session, who.name, _ACTION, row.id, course_id=row.course_id, people=people)


def _item(row: SendRow) -> PassbackItem:
    return PassbackItem(
        person=row.username,
        state=row.state,
        points=row.points,
        max_points=row.max_points,
        sent_points=row.sent_points,
        sent=row.sent,
        attempts=row.attempts,
        next_try=row.not_before,
        message=row.message,
    )
