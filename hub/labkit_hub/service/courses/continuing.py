"""Grading batches that are longer than a run may be, or whose run broke: what is left is graded by another run, without anybody's deed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.wire import HUB_END_STATES
from labkit_hub.profiles import Profile
from labkit_hub.service.audit import SERVICE, note
from labkit_hub.service.courses.access import lock_assignment
from labkit_hub.service.courses.batches import grading_profile, grading_run
from labkit_hub.service.courses.batchstate import GOES_ON_FOR, goes_on, waiting_submissions
from labkit_hub.service.courses.tables import BatchRow, BatchTaskRow
from labkit_hub.service.database import Database
from labkit_hub.service.tables import RunRow

__all__ = ["continue_batches"]


def continue_batches(database: Database, *, grader: str, profiles: Sequence[Profile], now: datetime) -> list[str]:
    """Put a run into the line for each batch that goes on, and return these runs."""
    profile = grading_profile(profiles)
    with database.reading() as session:
        found = [] if profile is None else _ended(session, now)
    runs = []
    for batch_id in found:
        with database.transaction() as session:
            run = _continue(session, batch_id, grader, profile, now) if profile is not None else None
        runs += [run] if run else []
    return runs


def _ended(session: Session, now: datetime) -> list[str]:
    """Return the batches that go on by what is known before they are locked."""
    ended = (
        select(BatchRow, RunRow)
        .join(RunRow, RunRow.id == BatchRow.run_id)
        .where(RunRow.state.in_(sorted(HUB_END_STATES - {"done"})), RunRow.ended >= now - GOES_ON_FOR)
        .where(select(BatchTaskRow).where(BatchTaskRow.batch_id == BatchRow.id, BatchTaskRow.state == "waiting").exists())
    )
    return [batch.id for batch, run in session.execute(ended).all() if goes_on(session, batch, run, now)]


def _continue(session: Session, batch_id: str, grader: str, profile: Profile, now: datetime) -> str | None:
    """Give a batch its next run; None where somebody else was faster."""
    batch = session.get(BatchRow, batch_id)
    if batch is None:
        return None
    assignment = lock_assignment(session, batch.assignment_id)
    last = session.get(RunRow, batch.run_id, with_for_update=True)  # who cancels what it has left holds it, too
    if last is None or not goes_on(session, batch, last, now):
        return None
    left = len(waiting_submissions(session, batch))
    run = grading_run(assignment, grader, profile, left, now, resumes=last.id)
    session.add(run)
    batch.run_id = run.id
    note(
        session,
        SERVICE,
        "batch.continue",
        batch.id,
        course_id=assignment.course_id,
        assignment=assignment.id,
        run=run.id,
        after=last.id,
        submissions=left,
    )
    return run.id
