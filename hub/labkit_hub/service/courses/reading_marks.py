"""How each item of a submission stands: what the run found, what a person made of it, and how that came about. For staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.course_wire import ScoreChange
from labkit.courses.records import CellScore, GradeResult, Item
from labkit_hub.service.courses import scores
from labkit_hub.service.courses.history import history_of
from labkit_hub.service.courses.tables import MarkRow, SubmissionRow

__all__ = ["Standing", "scored", "standings"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One item of one submission; without an item it is the whole, which has a comment only.

    Attributes
    ----------
    points : float or None
        What holds: a person's points if there are any, else those of the run.
    found : float or None
        What the run found.
    is_decided : bool
        Whether the points are a person's.
    by, at : str, datetime or None
        Who said the last of points and comment, and when.
    is_trusted : bool
        Whether the points are out of reach of the student's own kernel.
    """

    submission: str
    item: Item | None
    points: float | None = None
    found: float | None = None
    comment: str = ""
    is_decided: bool = False
    is_trusted: bool = False
    note: str = ""
    by: str = ""
    at: datetime | None = None
    history: tuple[ScoreChange, ...] = ()

    @property
    def key(self) -> str:
        """The item's key; empty for the whole."""
        return self.item.key if self.item else ""


def standings(session: Session, row: SubmissionRow) -> tuple[Standing, ...]:
    """Return how the items of a submission stand, in the order of the release, and the whole at the end."""
    last, marks = scores.last_result(session, row.id), scores.marks_of(session, row.id)
    result = GradeResult.model_validate(last.result) if last is not None else None
    items = scores.items_of(session, row)
    found = {score.item.key: score for score in scores.scores_of(items, result, {})}
    past: dict[str, list[ScoreChange]] = {}
    for change in history_of(session, row.id):
        past.setdefault(change.item, []).append(change)
    each = tuple(_item(row.id, item, found[item.key], marks.get(item.key), tuple(past.get(item.key, ()))) for item in items)
    whole = marks.get("")
    return (
        *each,
        Standing(
            submission=row.id,
            item=None,
            comment=whole.comment if whole else "",
            by=whole.by if whole else "",
            at=whole.at if whole else None,
            history=tuple(past.get("", ())),
        ),
    )


def scored(session: Session, assignment_id: str, key: str) -> frozenset[str]:
    """Return the submissions of an assignment in which an item has points already: two queries, however many there are."""
    by_hand = select(MarkRow.submission_id).join(SubmissionRow, SubmissionRow.id == MarkRow.submission_id)
    by_hand = by_hand.where(SubmissionRow.assignment_id == assignment_id, MarkRow.item == key, MarkRow.points.is_not(None))
    last = scores.last_results(session, assignment_id)
    return frozenset((*session.scalars(by_hand), *(name for name, one in last.items() if scores.run_points(one).get(key) is not None)))


def _item(submission: str, item: Item, found: CellScore, mark: MarkRow | None, history: tuple[ScoreChange, ...]) -> Standing:
    is_decided = mark is not None and mark.points is not None
    return Standing(
        submission=submission,
        item=item,
        points=mark.points if mark is not None and is_decided else found.points,
        found=found.points,
        comment=mark.comment if mark else "",
        is_decided=is_decided,
        is_trusted=is_decided or found.trusted,
        note=found.note,
        by=mark.by if mark else "",
        at=mark.at if mark else None,
        history=history,
    )
