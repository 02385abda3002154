"""The order in which staff go through submissions: by the names of people."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from sqlalchemy.orm import Session

from labkit_hub.service.courses import views
from labkit_hub.service.courses.counting import Ledger
from labkit_hub.service.courses.tables import SubmissionRow

__all__ = ["Place", "in_order", "place_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a submission stands among those that are gone through.

    Attributes
    ----------
    before, after : str or None
        The neighbours.
    place : int or None
        From 1 on; None if it is not among them (any more).
    """

    before: str | None
    after: str | None
    place: int | None
    total: int


def in_order(session: Session, ledger: Ledger, *, only_hand: bool = False) -> list[SubmissionRow]:
    """Return the submissions that count, by the names of their people; or only those in which something waits for a hand."""
    names = views.full_names(session, ledger.assignment.course_id)
    rows = [row for row in ledger.all_counting() if not only_hand or ledger.worth(row).needs_hand]
    return sorted(rows, key=lambda row: _key(row, names))


def place_of(session: Session, ledger: Ledger, row: SubmissionRow, *, only_hand: bool) -> Place:
    """Return the neighbours of a submission, also of one that is not among those that are gone through."""
    names = views.full_names(session, ledger.assignment.course_id)
    rows = in_order(session, ledger, only_hand=only_hand)
    keys = [_key(one, names) for one in rows]
    at = bisect_left(keys, _key(row, names))
    is_there = at < len(rows) and rows[at].id == row.id
    after = at + 1 if is_there else at
    return Place(
        before=rows[at - 1].id if at > 0 else None,
        after=rows[after].id if after < len(rows) else None,
        place=at + 1 if is_there else None,
        total=len(rows),
    )


def _key(row: SubmissionRow, names: dict[str, str]) -> tuple[str, str, int, str]:
    return ((names.get(row.person) or row.person).casefold(), row.person, row.attempt, row.id)
