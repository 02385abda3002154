"""Seeing the class: who fetched, started, annotated, got stuck, handed in, and what they computed; for its staff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labkit.client.course_wire import ClassCell, ClassRow, ClassView
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import views
from labkit_hub.service.courses.access import seat_in
from labkit_hub.service.courses.annotated import documents_of
from labkit_hub.service.courses.counting import Ledger
from labkit_hub.service.courses.store import FileStore
from labkit_hub.service.courses.tables import ActivityRow, FetchRow, ReleaseRow
from labkit_hub.service.tables import LeaseRow, MemberRow, RunRow, UsageRow

__all__ = ["class_view"]

_TRAINING = "train"


def class_view(session: Session, course_id: str, who: Identity, now: datetime, store: FileStore) -> ClassView:
    """Return how far everybody is.

    Parameters
    ----------
    store : FileStore
        Where the lists of pictures to annotate lie.

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
    columns = [_Column(session, ledger, store) for _, ledger in found]
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

    def __init__(self, session: Session, ledger: Ledger, store: FileStore) -> None:
        self._row = row = ledger.assignment
        self._ledger = ledger
        self._pictures = len(documents_of(store, session.get(ReleaseRow, (row.id, row.version))))
        self._fetches = {one.username: one for one in session.scalars(select(FetchRow).where(FetchRow.assignment_id == row.id))}
        self._activity = {one.username: one for one in session.scalars(select(ActivityRow).where(ActivityRow.assignment_id == row.id))}

    def cell(self, name: str) -> ClassCell:
        """Return how far somebody is."""
        fetch, activity, counting = self._fetches.get(name), self._activity.get(name), self._ledger.counting(name)
        worth = self._ledger.worth(counting) if counting is not None else None
        is_stuck = activity is not None and bool(activity.error)
        drawn = activity if self._pictures else None
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
            pictures_asked=self._pictures,
            pictures=drawn.pictures if drawn else None,
            objects=drawn.objects if drawn else None,
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
