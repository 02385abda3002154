"""Which submissions a grading run has still to work on."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.wire import HUB_END_STATES
from labkit_hub.service.courses.tables import BatchRow, BatchTaskRow
from labkit_hub.service.tables import RunRow

__all__ = ["queued_submissions"]


def queued_submissions(session: Session, assignment_id: str) -> frozenset[str]:
    """Return the submissions that wait in a batch whose run has not ended: what a lost run leaves is free to be asked for again."""
    query = (
        select(BatchTaskRow.submission_id)
        .join(BatchRow, BatchRow.id == BatchTaskRow.batch_id)
        .join(RunRow, RunRow.id == BatchRow.run_id)
        .where(BatchRow.assignment_id == assignment_id, BatchTaskRow.state == "waiting", RunRow.state.not_in(sorted(HUB_END_STATES)))
    )
    return frozenset(session.scalars(query))
