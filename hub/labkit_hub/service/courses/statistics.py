"""How a class did: numbers of the submissions that count for its students and are graded."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.course_wire import Statistics
from labkit.errors import NotFound
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import scores
from labkit_hub.service.courses.access import seat_at
from labkit_hub.service.courses.counting import open_ledger, students_of
from labkit_hub.service.courses.tables import MarkRow, SubmissionRow

__all__ = ["histogram", "of_assignment"]

_FEWEST = 3
"""Of fewer than these, numbers about all would be numbers about somebody."""
_BINS = 10


def of_assignment(session: Session, assignment_id: str, who: Identity) -> Statistics:
    """Return the numbers; to students once they have feedback themselves, and only if enough people are graded.

    Raises
    ------
    NotFound
        There is no such assignment, or no feedback for the caller yet.
    """
    row, seat = seat_at(session, assignment_id, who)
    ledger = open_ledger(session, row)
    if not seat.is_staff:
        own = ledger.counting(who.name)
        if own is None or own.feedback is None:
            raise NotFound("The feedback is not released yet.", hint="Your professor releases it for all at once.")
    counting = ledger.counting_for(students_of(session, row.course_id))  # not what staff try out, nor what somebody left behind
    worths = [(one, ledger.worth(one)) for one in counting]
    graded = [(one, worth.points, worth.max_points or 0.0) for one, worth in worths if worth.points is not None]
    shown = Statistics(submitted=len(counting), graded=len(graded), max_points=row.max_points)
    if not graded or (len(graded) < _FEWEST and not seat.is_staff):
        return shown
    points = [points for _, points, _ in graded]
    return shown.model_copy(
        update={
            "mean": statistics.fmean(points),
            "median": statistics.median(points),
            "deviation": statistics.pstdev(points),
            "best": max(points),
            "worst": min(points),
            "histogram": histogram([(points, most) for _, points, most in graded]),
            "by_item": _by_item(session, row.id, [one for one, _, _ in graded]),
        }
    )


def histogram(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Return how many (points of most points) are in each tenth; the last has 100 % and more."""
    counts = [0] * _BINS
    for earned, most in points:
        share = earned / most if most else 1.0
        counts[min(_BINS - 1, max(0, int(share * _BINS + 1e-9)))] += 1
    return tuple(counts)


def _by_item(session: Session, assignment_id: str, rows: Sequence[SubmissionRow]) -> dict[str, float]:
    """Return the mean points of each item, of those who have points there: two queries and one for each release."""
    results = scores.last_results(session, assignment_id)
    by_hand: dict[str, dict[str, float | None]] = {}
    marks = select(MarkRow.submission_id, MarkRow.item, MarkRow.points).join(SubmissionRow, SubmissionRow.id == MarkRow.submission_id)
    for name, item, points in session.execute(marks.where(SubmissionRow.assignment_id == assignment_id, MarkRow.points.is_not(None))):
        by_hand.setdefault(name, {})[item] = points
    keys = {row.release: [item.key for item in scores.items_of(session, row)] for row in {row.release: row for row in rows}.values()}
    found: dict[str, list[float]] = {}
    for row in rows:
        holds = scores.run_points(results.get(row.id, {})) | by_hand.get(row.id, {})
        for key in keys[row.release]:
            if (points := holds.get(key)) is not None:
                found.setdefault(key, []).append(points)
    return {key: statistics.fmean(points) for key, points in found.items()}
