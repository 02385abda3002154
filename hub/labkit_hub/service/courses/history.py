"""What points were, who changed them and when: rows that are only ever added."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.course_wire import ScoreChange
from labkit_hub.service.courses.counting import Ledger, open_ledger
from labkit_hub.service.courses.tables import AssignmentRow, ScoreChangeRow

__all__ = ["add_change", "history_of", "noting_finals"]


def add_change(session: Session, submission_id: str, item: str, points: float | None, by: str, at: datetime, comment: str = "") -> None:
    """Add a row; with an empty item it is about the whole."""
    session.add(ScoreChangeRow(submission_id=submission_id, item=item, points=points, by=by, at=at, comment=comment))


def history_of(session: Session, submission_id: str) -> tuple[ScoreChange, ...]:
    """Return all changes, the oldest first."""
    rows = session.scalars(select(ScoreChangeRow).where(ScoreChangeRow.submission_id == submission_id).order_by(ScoreChangeRow.id))
    return tuple(ScoreChange(item=row.item, points=row.points, by=row.by, at=row.at, comment=row.comment) for row in rows)


@contextmanager
def noting_finals(
    session: Session, assignment: AssignmentRow, by: str, why: str, now: datetime, *, only: str | None = None
) -> Iterator[None]:
    """Note, for each submission that is graded (or for one), if what is done here changes what it is worth: both values are kept."""
    before = _finals(open_ledger(session, assignment, only=only))
    yield
    session.flush()
    after = _finals(open_ledger(session, assignment, only=only))
    for submission_id, (points, said) in after.items():
        if before.get(submission_id, (None, ""))[0] != points:
            add_change(session, submission_id, "", points, by, now, f"{why} {said}".strip())


def _finals(ledger: Ledger) -> dict[str, tuple[float | None, str]]:
    finals: dict[str, tuple[float | None, str]] = {}
    for row in ledger.rows:
        worth = ledger.worth(row)
        if worth.points is not None:
            late = f"It is late: {100 * (1 - worth.kept):g} % are taken off." if worth.kept < 1 else ""
            finals[row.id] = (worth.points, late)
    return finals
