"""How a class did: numbers of the submissions that count and are graded."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from sqlalchemy.orm import Session

from labkit.client.course_wire import Statistics
from labkit.courses.records import GradeResult
from labkit.errors import NotFound
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import scores
from labkit_hub.service.courses.access import seat_at
from labkit_hub.service.courses.counting import open_ledger
from labkit_hub.service.courses.tables import SubmissionRow

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
    counting = ledger.all_counting()
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
            "by_item": _by_item(session, [one for one, _, _ in graded]),
        }
    )


def histogram(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Return how many (points of most points) are in each tenth; the last has 100 % and more."""
    counts = [0] * _BINS
    for earned, most in points:
        share = earned / most if most else 1.0
        counts[min(_BINS - 1, max(0, int(share * _BINS + 1e-9)))] += 1
    return tuple(counts)


def _by_item(session: Session, rows: Sequence[SubmissionRow]) -> dict[str, float]:
    """Return the mean points of each item, of those who have points there."""
    found: dict[str, list[float]] = {}
    for row in rows:
        last = scores.last_result(session, row.id)
        result = GradeResult.model_validate(last.result) if last is not None else None
        for score in scores.scores_of(scores.items_of(session, row), result, scores.marks_of(session, row.id)):
            if score.points is not None:
                found.setdefault(score.item.key, []).append(score.points)
    return {key: statistics.fmean(points) for key, points in found.items()}
