"""Small sums about a class."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labkit.client.course_wire import AssignmentItem
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import views
from labkit_hub.service.tables import MemberRow

__all__ = ["AssignmentLine", "assignment_lines", "count_students"]


@dataclass(frozen=True, slots=True)
class AssignmentLine:
    """An assignment in the list of a course.

    Attributes
    ----------
    by_hand, returned : int
        For staff: submissions that wait for a hand, and those whose feedback is out.
    """

    item: AssignmentItem
    by_hand: int = 0
    returned: int = 0


def assignment_lines(session: Session, course_id: str, who: Identity, *, is_staff: bool) -> list[AssignmentLine]:
    """Return the assignments of a course as `who` sees them.

    Raises
    ------
    NotFound
    """
    found = views.with_ledgers(session, course_id, who)
    if not is_staff:
        return [AssignmentLine(item) for item, _ in found]
    lines = []
    for item, ledger in found:
        counting = ledger.all_counting()
        by_hand = sum(ledger.worth(row).needs_hand > 0 for row in counting)
        lines.append(AssignmentLine(item, by_hand, sum(row.feedback is not None for row in counting)))
    return lines


def count_students(session: Session, course_id: str) -> int:
    """Return how many students are on the roster of a course."""
    query = select(func.count()).select_from(MemberRow).where(MemberRow.course_id == course_id, MemberRow.role == "student")
    return session.scalar(query) or 0
