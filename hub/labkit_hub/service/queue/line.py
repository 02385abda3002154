"""Reads out of the database all that a decision rests on."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit_hub.profiles import Profile
from labkit_hub.service import notices
from labkit_hub.service.queue.policy import CourseLimits, FreeDevice, Held, Limits, Line, Spent, Waiting
from labkit_hub.service.tables import CourseRow, DeviceRow, LeaseRow, RunRow, UsageRow
from labkit_hub.settings import CourseSettings, QueueSettings

__all__ = ["ACTIVE_STATES", "BUDGET_SPAN", "UsageBook", "load_limits", "load_line", "load_spent"]

ACTIVE_STATES = ("starting", "running", "cancelling")
BUDGET_SPAN = timedelta(days=7)

_Span = tuple[str, str | None, datetime, datetime]  # who, for which course, from, to


class UsageBook:
    """Remembers the leases of the last seven days that are over, so that each question reads the new ones only; threads share it.

    It must not see what may still be rolled back: who has freed something in the same transaction reads without it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self._spans: deque[_Span] = deque()

    def spans(self, session: Session, since: datetime) -> tuple[_Span, ...]:
        """Return the leases that ended after a moment."""
        with self._lock:
            for row_id, *span in _over(session, since, self._last):
                self._last = row_id
                self._spans.append((span[0], span[1], span[2], span[3]))
            while self._spans and self._spans[0][3] <= since:
                self._spans.popleft()
            return tuple(self._spans)


def load_line(
    session: Session,
    settings: QueueSettings,
    profiles: Mapping[str, Profile],
    now: datetime,
    book: UsageBook | None = None,
    *,
    grading: CourseSettings,
) -> Line:
    """Return the line as it stands; runs whose profile is gone from the settings are left out."""
    leases = session.execute(select(LeaseRow.device_id, LeaseRow.username, LeaseRow.course_id)).all()
    leased = {lease.device_id for lease in leases}
    ready = session.execute(select(DeviceRow.id, DeviceRow.node).where(DeviceRow.state == "ready").order_by(DeviceRow.id)).all()
    pause = notices.pause(session)
    return Line(
        now=now,
        waiting=_waiting(session, profiles),
        held=(*(Held(lease.username, lease.course_id) for lease in leases), *_on_cpu(session, profiles)),
        free=tuple(FreeDevice(device.id, device.node) for device in ready if device.id not in leased),
        per_node=Counter(device.node for device in ready),
        spent=load_spent(session, now, book),
        limits=load_limits(session, settings, grading),
        pause=pause.reason if pause else "",
    )


def load_limits(session: Session, settings: QueueSettings, grading: CourseSettings) -> Limits:
    """Return what binds people and courses."""
    courses = {row.id: CourseLimits(row.max_running, row.hours_per_person, row.hours_total) for row in session.scalars(select(CourseRow))}
    return Limits(settings.per_person, settings.hours_per_person, courses, grader=grading.grader, grading_at_once=grading.batches_at_once)


def load_spent(session: Session, now: datetime, book: UsageBook | None = None) -> Spent:
    """Return the device-hours of the last seven days, of leases that are over and of those that go on."""
    since = now - BUDGET_SPAN
    over = (book or UsageBook()).spans(session, since)
    leases = select(LeaseRow.username, LeaseRow.course_id, LeaseRow.taken)
    going = [(row.username, row.course_id, row.taken, now) for row in session.execute(leases)]
    return _add_up((*over, *going), since)


def _over(session: Session, since: datetime, after: int) -> Iterable[Any]:
    columns = (UsageRow.id, UsageRow.username, UsageRow.course_id, UsageRow.taken, UsageRow.freed)
    return session.execute(select(*columns).where(UsageRow.freed > since, UsageRow.id > after).order_by(UsageRow.id)).all()


def _add_up(spans: Iterable[_Span], since: datetime) -> Spent:
    by_person: dict[str, float] = {}
    by_course: dict[str, float] = {}
    by_member: dict[tuple[str, str], float] = {}
    for person, course, taken, freed in spans:
        hours = max(0.0, (freed - max(taken, since)).total_seconds() / 3600)
        by_person[person] = by_person.get(person, 0.0) + hours
        if course is not None:
            by_course[course] = by_course.get(course, 0.0) + hours
            by_member[course, person] = by_member.get((course, person), 0.0) + hours
    return Spent(by_person, by_course, by_member)


def _waiting(session: Session, profiles: Mapping[str, Profile]) -> tuple[Waiting, ...]:
    columns = (
        RunRow.id,
        RunRow.owner,
        RunRow.course_id,
        RunRow.profile,
        RunRow.priority,
        RunRow.rank,
        RunRow.submitted,
        RunRow.not_before,
        RunRow.reason,
    )
    rows = session.execute(select(*columns).where(RunRow.state == "waiting")).all()
    return tuple(
        Waiting(
            r.id, r.owner, r.course_id, profiles[r.profile].gpus, r.priority, r.rank, r.submitted, not_before=r.not_before, trouble=r.reason
        )
        for r in rows
        if r.profile in profiles
    )


def _on_cpu(session: Session, profiles: Mapping[str, Profile]) -> Iterable[Held]:
    slugs = [profile.slug for profile in profiles.values() if profile.gpus == 0]
    active = select(RunRow.owner, RunRow.course_id).where(RunRow.state.in_(ACTIVE_STATES), RunRow.profile.in_(slugs))
    return [Held(run.owner, run.course_id, gpus=0) for run in session.execute(active)]
