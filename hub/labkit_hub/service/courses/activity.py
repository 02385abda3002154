"""Where students are with an assignment: the last word of their JupyterLab, and what they hand in says the same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.course_wire import ActivityAsk
from labkit_hub.service.context import Identity
from labkit_hub.service.courses.access import make_once, seat_at
from labkit_hub.service.courses.tables import ActivityRow, AssignmentRow
from labkit_hub.service.tables import MemberRow

__all__ = ["note_activity", "note_handed_in"]

_NOTED_AGAIN = timedelta(seconds=10)


def note_activity(session: Session, assignment_id: str, ask: ActivityAsk, who: Identity, now: datetime) -> None:
    """Keep the last word on where somebody is; of staff nothing is kept.

    Raises
    ------
    NotFound
    """
    row, seat = seat_at(session, assignment_id, who)
    if seat.role != "student":
        return
    known = session.get(ActivityRow, (row.id, who.name))
    is_first = known is None
    if known is None:
        known = _first(session, row.id, who.name, now)
    if ask.objects is not None:
        _note_annotations(known, ask.pictures or 0, ask.objects, now)
    if ask.started:
        _note_cell(known, ask, now, is_first=is_first)


def note_handed_in(
    session: Session, assignment: AssignmentRow, by: str, people: Iterable[str], drawn: Iterable[int], now: datetime
) -> None:
    """Keep how much is annotated in what was handed in.

    That of a group counts for those of its members of whom nothing else is known: each of them may draw on their own.

    Parameters
    ----------
    drawn : iterable of int
        The objects of each document that the assignment asks for.
    """
    counts = list(drawn)
    people = list(people)
    query = select(MemberRow.username).where(
        MemberRow.course_id == assignment.course_id, MemberRow.username.in_(people), MemberRow.role == "student"
    )
    for name in session.scalars(query).all():
        known = session.get(ActivityRow, (assignment.id, name)) or _first(session, assignment.id, name, now)
        if name == by or known.objects is None:
            _note_annotations(known, sum(count > 0 for count in counts), sum(counts), now)


def _first(session: Session, assignment_id: str, name: str, now: datetime) -> ActivityRow:
    """Make somebody's row, or return that which was made at the same moment.

    On PostgreSQL a new row locks its assignment, as its reference asks for, after it is there: whoever hands in has that locked and would
    wait for the row, each for the other. So the assignment is locked first.
    """
    session.execute(select(AssignmentRow.id).where(AssignmentRow.id == assignment_id).with_for_update(read=True, key_share=True))
    key = {"assignment_id": assignment_id, "username": name}
    return make_once(session, ActivityRow, key, times=0, cell="", error="", seen=now)


def _note_annotations(known: ActivityRow, pictures: int, objects: int, now: datetime) -> None:
    if (known.pictures, known.objects) == (pictures, objects):
        return
    if objects:
        known.started = known.started or now
    known.pictures, known.objects, known.seen = pictures, objects, now


def _note_cell(known: ActivityRow, ask: ActivityAsk, now: datetime, *, is_first: bool) -> None:
    is_news = (ask.cell, ask.error) != (known.cell, known.error) or ask.passed not in (None, known.passed)
    if not (is_first or is_news or ask.error) and now - known.seen < _NOTED_AGAIN:
        return  # somebody who runs cells all the time is no reason to write all the time
    if not ask.error:
        known.since, known.times = None, 0
    elif known.error and known.cell == ask.cell:
        known.times += 1
    else:
        known.since, known.times = now, 1
    known.cell, known.error, known.seen = ask.cell, ask.error, now
    known.started = known.started or now
    known.passed = ask.passed if ask.passed is not None else known.passed
