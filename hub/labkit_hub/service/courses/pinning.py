"""Comments at places of an annotated picture, one by one: what others have pinned stays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from labkit.courses.records import PinnedComment
from labkit.errors import InvalidInput
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses.access import lock_assignment, submission_for
from labkit_hub.service.courses.office import hidden
from labkit_hub.service.courses.scores import items_of
from labkit_hub.service.courses.tables import MarkRow

__all__ = ["MOST_PINS", "add_pin", "drop_pin", "stamp_of_pin"]

MOST_PINS = 200
_Pins = list[PinnedComment]


def stamp_of_pin(pin: PinnedComment) -> str:
    """Return what tells a pin from the others: all that it says."""
    return hashlib.sha256(pin.model_dump_json().encode()).hexdigest()[:16]


def add_pin(session: Session, submission_id: str, item: str, pin: PinnedComment, who: Identity, now: datetime) -> None:
    """Pin a comment of `who` to a place; the same one twice is one.

    Raises
    ------
    NotFound, NotWritable, Conflict
        There is no such submission or item; `who` is no staff; the course is archived.
    InvalidInput
        There are too many.
    """
    own = pin.model_copy(update={"by": who.name})

    def added(pins: _Pins) -> _Pins:
        if own in pins:
            return pins
        if len(pins) >= MOST_PINS:
            raise InvalidInput(f"There are {MOST_PINS} comments on this picture already.", hint="Remove one, or write the rest below it.")
        return [*pins, own]

    _change(session, submission_id, item, added, who, now)


def drop_pin(session: Session, submission_id: str, item: str, stamp: str, who: Identity, now: datetime) -> None:
    """Take a comment of staff away; nothing happens where it has gone already. Raises as `add_pin`."""
    _change(session, submission_id, item, lambda pins: [pin for pin in pins if stamp_of_pin(pin) != stamp], who, now)


def _change(session: Session, submission_id: str, item: str, change: Callable[[_Pins], _Pins], who: Identity, now: datetime) -> None:
    row, assignment, seat = submission_for(session, submission_id, who)
    seat.require_staff()
    lock_assignment(session, assignment.id)  # of two that pin at once, the second sees the first
    if item not in {one.key for one in items_of(session, row)}:
        raise hidden("item")
    mark = session.get(MarkRow, (row.id, item))
    before = [PinnedComment.model_validate(pin) for pin in (mark.pins or [] if mark else [])]
    after = change(before)
    if after == before:
        return
    if mark is None:
        mark = MarkRow(submission_id=row.id, item=item, points=None, comment="")
        session.add(mark)
    mark.pins = [pin.model_dump() for pin in after] or None
    if mark.points is None and not mark.comment:  # else they are of who said those
        mark.by, mark.at = who.name, now
    note(session, who.name, "score.change", row.id, course_id=assignment.course_id, item=item, commented=True, pins=len(after))
