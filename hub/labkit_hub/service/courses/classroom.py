"""Seeing the class: who fetched, started, got stuck, handed in, and what they computed; for its staff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labkit.client.course_wire import ActivityAsk, ClassCell, ClassRow, ClassView
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import views
from labkit_hub.service.courses.access import make_once, seat_at, seat_in
from labkit_hub.service.courses.counting import Ledger
from labkit_hub.service.courses.tables import ActivityRow, FetchRow
from labkit_hub.service.tables import LeaseRow, MemberRow, RunRow, UsageRow

__all__ = ["class_view", "note_activity"]

_TRAINING = "train"
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
        key = {"assignment_id": row.id, "username": who.name}
        known = make_once(session, ActivityRow, key, times=0, cell="", error="", seen=now)
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
    known.started = known.started or (now if ask.started else None)
    known.passed = ask.passed if ask.passed is not None else known.passed


def class_view(session: Session, course_id: str, who: Identity, now: datetime) -> ClassView:
    """Return how far everybody is.

    Raises
    ------
    NotFound
    """
    seat = seat_in(session, course_id, who)
    seat.require_staff(changes=False)
    query = select(MemberRow).where(MemberRow.course_id == course_id, MemberRow.role == "student")
    students = sorted(session.scalars(query), key=lambda row: (row.full_name.casefold() or row.username, row.username))
    found = [(item, ledger) for item, ledger in views.with_ledgers(session, course_id, who) if item.state != "draft"]
    shown = tuple(item for item, _ in found)
    columns = [_Column(session, ledger) for _, ledger in found]
    trainings, hours = _trainings(session, course_id), _device_hours(session, course_id, now)
    people = []
    for student in students:
        cells = tuple(column.cell(student.username) for column in columns)
        seen = [moment for cell in cells for moment in (cell.seen, cell.submitted) if moment is not None]
        people.append(
            ClassRow(
                person=student.username,
                full_name=student.full_name,
                last_seen=max(seen, default=None),
                trainings=trainings.get(student.username, 0),
                device_hours=round(hours.get(student.username, 0.0), 3),
                cells=cells,
            )
        )
    return ClassView(assignments=shown, students=tuple(people))


class _Column:
    """One assignment, with what is known of everybody."""

    def __init__(self, session: Session, ledger: Ledger) -> None:
        self._row = row = ledger.assignment
        self._ledger = ledger
        self._fetches = {one.username: one for one in session.scalars(select(FetchRow).where(FetchRow.assignment_id == row.id))}
        self._activity = {one.username: one for one in session.scalars(select(ActivityRow).where(ActivityRow.assignment_id == row.id))}

    def cell(self, name: str) -> ClassCell:
        """Return how far somebody is."""
        fetch, activity, counting = self._fetches.get(name), self._activity.get(name), self._ledger.counting(name)
        worth = self._ledger.worth(counting) if counting is not None else None
        is_stuck = activity is not None and bool(activity.error)
        return ClassCell(
            assignment=self._row.id,
            fetched=fetch.version if fetch else 0,
            started=activity.started if activity else None,
            seen=max((one for one in (fetch.last if fetch else None, activity.seen if activity else None) if one), default=None),
            submitted=counting.submitted if counting else None,
            attempts=len(self._ledger.of(name)),
            state=worth.state if worth else "",
            points=worth.points if worth else None,
            passed=activity.passed if activity else None,
            stuck_cell=activity.cell if activity and is_stuck else "",
            stuck_error=activity.error if activity and is_stuck else "",
            stuck_since=activity.since if activity and is_stuck else None,
            stuck_times=activity.times if activity and is_stuck else 0,
        )


def _trainings(session: Session, course_id: str) -> Mapping[str, int]:
    query = select(RunRow.owner, func.count()).where(RunRow.course_id == course_id, RunRow.kind == _TRAINING).group_by(RunRow.owner)
    return {row[0]: row[1] for row in session.execute(query)}


def _device_hours(session: Session, course_id: str, now: datetime) -> Mapping[str, float]:
    """Return the hours of leases that are over, and of those that go on."""
    over = session.execute(select(UsageRow.username, UsageRow.taken, UsageRow.freed).where(UsageRow.course_id == course_id))
    going = session.execute(select(LeaseRow.username, LeaseRow.taken).where(LeaseRow.course_id == course_id))
    spans: Iterable[tuple[str, datetime, datetime]] = [
        *((row.username, row.taken, row.freed) for row in over),
        *((row.username, row.taken, now) for row in going),
    ]
    hours: dict[str, float] = {}
    for name, taken, freed in spans:
        hours[name] = hours.get(name, 0.0) + max(0.0, (freed - taken).total_seconds() / 3600)
    return hours
