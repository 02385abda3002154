"""Scores: what the run found and what people say, apart; a person's word holds. Every change is in the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session, aliased

from labkit.client.course_wire import HandScore
from labkit.courses.records import CellScore, GradeResult, Item, PinnedComment
from labkit.errors import InvalidInput
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import releases
from labkit_hub.service.courses.access import lock_assignment, submission_for
from labkit_hub.service.courses.batchstate import is_superseded
from labkit_hub.service.courses.history import add_change, noting_finals
from labkit_hub.service.courses.tables import GradeRow, MarkRow, ResultRow, SubmissionRow

__all__ = [
    "drop_marks",
    "failures",
    "items_of",
    "last_result",
    "last_results",
    "marks_of",
    "pins_of",
    "put_score",
    "resum",
    "run_points",
    "scores_of",
]

_WHOLE = ""


def items_of(session: Session, row: SubmissionRow) -> tuple[Item, ...]:
    """Return what earns points in the release that was handed in."""
    return releases.asked_of(releases.release_of(session, row.assignment_id, row.release)).items


def last_result(session: Session, submission_id: str) -> ResultRow | None:
    """Return the result that holds: that of the newest batch, whenever it came; a failure only where there is nothing else."""
    order = (ResultRow.state.desc(), ResultRow.number.desc())  # "graded" comes after "failed"
    return session.scalar(select(ResultRow).where(ResultRow.submission_id == submission_id).order_by(*order).limit(1))


def last_results(session: Session, assignment_id: str) -> dict[str, dict[str, Any]]:
    """Return the result that holds of each submission of an assignment, as the JSON that it is kept as: one query.

    It is the one that `last_result` chooses.
    To make a `GradeResult` of each takes a second of a processor for a class of 300.
    """
    query = select(ResultRow.submission_id, ResultRow.result).join(SubmissionRow, SubmissionRow.id == ResultRow.submission_id)
    query = query.where(SubmissionRow.assignment_id == assignment_id, ~is_superseded())
    return {row.submission_id: row.result for row in session.execute(query)}


def failures(session: Session, assignment_id: str, *, only: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the newest result of each submission for which that is a failure, as the JSON that it is kept as; `only` of one.

    An older one may hold: then this says why it does.
    """
    newer = aliased(ResultRow)
    query = select(ResultRow.submission_id, ResultRow.result).join(SubmissionRow, SubmissionRow.id == ResultRow.submission_id)
    query = query.where(SubmissionRow.assignment_id == assignment_id, ResultRow.state == "failed")
    query = query.where(~exists().where(newer.submission_id == ResultRow.submission_id, newer.number > ResultRow.number))
    return {row.submission_id: row.result for row in session.execute(query if only is None else query.where(SubmissionRow.id == only))}


def run_points(result: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the points of a result, kept as JSON, by `Item.key`."""
    items = ((score["item"], score.get("points")) for score in result.get("scores", ()))
    return {f"{item.get('notebook', '')}/{item['id']}": points for item, points in items}


def marks_of(session: Session, submission_id: str) -> dict[str, MarkRow]:
    """Return what people say, by item."""
    return {row.item: row for row in session.scalars(select(MarkRow).where(MarkRow.submission_id == submission_id))}


def scores_of(items: Sequence[Item], result: GradeResult | None, marks: Mapping[str, MarkRow]) -> tuple[CellScore, ...]:
    """Return the score of each item: a person's if there is one, else the run's, else none."""
    found = {score.item.key: score for score in result.scores} if result is not None else {}
    return tuple(_score(item, found.get(item.key), marks.get(item.key)) for item in items)


def pins_of(items: Sequence[Item], result: GradeResult | None, marks: Mapping[str, MarkRow]) -> dict[str, tuple[PinnedComment, ...]]:
    """Return what is said at places of annotated pictures, by item: what the run found, then what people say."""
    found = {f"/{check.check}": check.comments for check in result.checks} if result is not None else {}
    by_hand = {mark.item: tuple(PinnedComment.model_validate(pin) for pin in mark.pins) for mark in marks.values() if mark.pins}
    every = {item.key: (*found.get(item.key, ()), *by_hand.get(item.key, ())) for item in items}
    return {key: pins for key, pins in every.items() if pins}


def put_score(session: Session, submission_id: str, ask: HandScore, who: Identity, now: datetime) -> None:
    """Give points and a comment, or take points back.

    Raises
    ------
    NotFound, NotWritable
    InvalidInput
        There is no such item; the whole has no points of its own.
    """
    row, assignment, seat = submission_for(session, submission_id, who)
    seat.require_staff()
    assignment = lock_assignment(session, assignment.id)
    keys = {item.key for item in items_of(session, row)}
    if ask.item != _WHOLE and ask.item not in keys:
        raise InvalidInput(
            f"There is no item {ask.item[:100]!r} in what was handed in.", hint=f"Its items are {', '.join(sorted(keys))[:300]}."
        )
    if ask.item == _WHOLE and ask.points is not None:
        raise InvalidInput("The whole has no points of its own.", hint="Give them to an item; the empty one takes a comment only.")
    mark = session.get(MarkRow, (row.id, ask.item)) or MarkRow(submission_id=row.id, item=ask.item, points=None, comment="")
    was = (mark.points, mark.comment, mark.pins)
    mark.points = ask.points if "points" in ask.model_fields_set else mark.points
    mark.comment = ask.comment if "comment" in ask.model_fields_set else mark.comment
    if "pins" in ask.model_fields_set:
        others = [pin for pin in mark.pins or [] if pin.get("by") != who.name]
        mark.pins = [*others, *(pin.model_copy(update={"by": who.name}).model_dump() for pin in ask.pins)] or None
    if was == (mark.points, mark.comment, mark.pins):
        return
    if was[:2] != (mark.points, mark.comment) or (mark.points is None and not mark.comment):  # else they stay of who said those
        mark.by, mark.at = who.name, now
    with noting_finals(session, assignment, who.name, "A score was changed by hand.", now, only=row.id):
        session.add(mark)
        if was[0] != mark.points:
            add_change(session, row.id, ask.item, mark.points, who.name, now, ask.reason)
        resum(session, row, now)
    note(
        session,
        who.name,
        "score.change",
        row.id,
        course_id=assignment.course_id,
        item=ask.item,
        was=was[0],
        points=mark.points,
        commented=was[1:] != (mark.comment, mark.pins),
        reason=ask.reason,
    )


def drop_marks(session: Session, rows: Sequence[SubmissionRow], by: str, now: datetime) -> None:
    """Forget the points that people gave, but not what they wrote: the run's hold again."""
    for row in rows:
        for mark in marks_of(session, row.id).values():
            if mark.points is not None:
                add_change(session, row.id, mark.item, None, by, now, "Points by hand were dropped for a new run.")
                mark.points, mark.by, mark.at = None, by, now
        session.execute(
            delete(MarkRow).where(MarkRow.submission_id == row.id, MarkRow.points.is_(None), MarkRow.comment == "", MarkRow.pins.is_(None))
        )
        resum(session, row, now)


def resum(session: Session, row: SubmissionRow, now: datetime) -> GradeRow:
    """Bring the sum of a submission up to date."""
    session.flush()
    found, marks = last_result(session, row.id), marks_of(session, row.id)
    result = GradeResult.model_validate(found.result) if found is not None else None
    scores = scores_of(items_of(session, row), result, marks)
    open_items = sum(score.points is None for score in scores)
    state = "graded" if not open_items else "submitted" if result is None else result.state
    grade = session.get(GradeRow, row.id) or GradeRow(submission_id=row.id)
    grade.state, grade.needs_hand, grade.changed = state, open_items, now
    grade.points = sum(score.points for score in scores if score.points is not None)
    grade.max_points = sum(score.item.max_points for score in scores)
    session.add(grade)
    session.flush()
    return grade


def _score(item: Item, found: CellScore | None, mark: MarkRow | None) -> CellScore:
    found = found.model_copy(update={"item": item}) if found else CellScore(item=item, points=None)
    if mark is not None and mark.points is not None:
        return found.model_copy(update={"points": mark.points, "trusted": True})
    return found
