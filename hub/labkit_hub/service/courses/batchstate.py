"""Which submissions a grading run has still to work on, whether another run goes on where one has ended, and which result holds."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from labkit.client.wire import HUB_END_STATES
from labkit_hub.service.audit import SERVICE
from labkit_hub.service.courses.tables import BatchRow, BatchTaskRow, ResultRow
from labkit_hub.service.tables import RunRow

__all__ = ["GOES_ON_FOR", "goes_on", "is_superseded", "queued_submissions", "waiting_submissions"]

GOES_ON_FOR = timedelta(days=1)
"""A batch whose run ended longer ago is not taken up again by itself: nobody waits for it any more."""
_MOST_RUNS = 24


def queued_submissions(session: Session, assignment_id: str) -> frozenset[str]:
    """Return the submissions that wait in a batch whose run has not ended: what a lost run leaves is free to be asked for again."""
    query = (
        select(BatchTaskRow.submission_id)
        .join(BatchRow, BatchRow.id == BatchTaskRow.batch_id)
        .join(RunRow, RunRow.id == BatchRow.run_id)
        .where(BatchRow.assignment_id == assignment_id, BatchTaskRow.state == "waiting", RunRow.state.not_in(sorted(HUB_END_STATES)))
    )
    return frozenset(session.scalars(query))


def is_superseded() -> ColumnElement[bool]:
    """Whether another result of the same submission holds: of those that graded it, else of all, that of the newest batch."""
    other = aliased(ResultRow)
    better = or_(other.state > ResultRow.state, and_(other.state == ResultRow.state, other.number > ResultRow.number))  # graded > failed
    return exists().where(other.submission_id == ResultRow.submission_id, better)


def waiting_submissions(session: Session, batch: BatchRow) -> frozenset[str]:
    """Return the submissions of a batch that have no result."""
    query = select(BatchTaskRow.submission_id).where(BatchTaskRow.batch_id == batch.id, BatchTaskRow.state == "waiting")
    return frozenset(session.scalars(query))


def goes_on(session: Session, batch: BatchRow, run: RunRow, now: datetime) -> bool:
    """Whether another run grades what a batch's last one has left: it brought a result, and no person has ended it or asked anew."""
    if run.state not in HUB_END_STATES - {"done"} or run.asked_to_stop_by not in (None, SERVICE):
        return False
    if run.ended is None or run.ended < now - GOES_ON_FOR:
        return False
    waiting = waiting_submissions(session, batch)
    return (
        bool(waiting)
        and _brought_any(session, batch, run)
        and not _asked_anew(session, batch, waiting)
        and _runs_of(session, run) < _MOST_RUNS
    )


def _brought_any(session: Session, batch: BatchRow, run: RunRow) -> bool:
    brought = select(func.count()).select_from(ResultRow).where(ResultRow.batch_id == batch.id, ResultRow.received > run.submitted)
    return bool(session.scalar(brought))


def _asked_anew(session: Session, batch: BatchRow, waiting: frozenset[str]) -> bool:
    newer = (
        select(BatchTaskRow.submission_id)
        .join(BatchRow, BatchRow.id == BatchTaskRow.batch_id)
        .where(BatchRow.assignment_id == batch.assignment_id, BatchRow.number > batch.number)
    )
    return not waiting.isdisjoint(session.scalars(newer))


def _runs_of(session: Session, last: RunRow) -> int:
    """Return how many runs a batch has had: each but the first goes on from the one before."""
    count, run = 1, last
    while run.resumes and count < _MOST_RUNS and (before := session.get(RunRow, run.resumes)) is not None:
        count, run = count + 1, before
    return count
