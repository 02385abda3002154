"""Marks that a form sends: one is saved, or all that were changed; what is not saved comes back as it was typed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from labkit.client.course_wire import HandScore
from labkit.courses.records import RubricButton
from labkit.errors import InvalidInput
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import releases, scores
from labkit_hub.service.courses.access import lock_assignment
from labkit_hub.service.courses.office import hidden
from labkit_hub.service.courses.reading_marks import Standing, standings
from labkit_hub.service.courses.tables import SubmissionRow
from labkit_hub.service.pages.coursework import Opened
from labkit_hub.service.pages.marks import Entry, Row, adjust, decide, read_entries, shown_of, stamp_of, wish_of

__all__ = ["Asked", "Saving", "read_saving", "rubric_of", "save_marks"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form asks for.

    Attributes
    ----------
    number : int or None
        The item that is saved; None for all that were changed.
    give, button : str, int or None
        A click beside it: ``full``, ``none``, or a button of its rubric.
    is_back : bool
        Whether the run's points are to hold again.
    wants_next : bool
        Whether the next submission is shown afterwards.
    """

    entries: tuple[Entry, ...]
    number: int | None = None
    give: str = ""
    button: int | None = None
    is_back: bool = False
    wants_next: bool = False


@dataclass(frozen=True, slots=True)
class Saving:
    """What became of it: the rows as the page shows them."""

    rows: tuple[Row, ...]
    wants_next: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether nothing is typed that is not saved."""
        return not any(row.is_unsaved for row in self.rows)

    @property
    def has_conflict(self) -> bool:
        """Whether somebody else was faster."""
        return any(row.outcome == "conflict" for row in self.rows)

    @property
    def numbers(self) -> list[int]:
        """What was saved."""
        return [row.number for row in self.rows if row.is_saved]


def read_saving(fields: Mapping[str, str]) -> Asked:
    """Return what a form asks for, by the button that sent it.

    Raises
    ------
    InvalidInput
        It is none of this page's forms.
    """
    entries = tuple(read_entries(fields))
    if "give" in fields:
        number, _, give = fields["give"].partition(":")
        return Asked(entries, _number(number, entries), give="full" if give == "full" else "none")
    if "rubric" in fields:
        number, _, button = fields["rubric"].partition(":")
        return Asked(entries, _number(number, entries), button=int(button) if button.isdecimal() and len(button) < 6 else -1)
    if "back" in fields:
        return Asked(entries, _number(fields["back"], entries), is_back=True)
    save = fields.get("save", "*")
    if save.startswith("*"):
        return Asked(entries, wants_next=save == "*next")
    return Asked(entries, _number(save, entries))


def save_marks(session: Session, opened: Opened, asked: Asked, who: Identity, now: datetime, *, among: Collection[str]) -> Saving:
    """Save what is asked for, and return all rows of the form.

    Parameters
    ----------
    among : collection of str
        The submissions that the form may be about; others do not exist.

    Raises
    ------
    NotFound, Conflict
        Something is not there (any more), or the course is archived.
    """
    opened.seat.require_staff()
    lock_assignment(session, opened.row.id)
    if {entry.submission for entry in asked.entries} - set(among):
        raise hidden("submission")
    known = {key: _submission(session, opened, key) for key in dict.fromkeys(entry.submission for entry in asked.entries)}
    standing = {(row.id, one.key): one for row in known.values() for one in standings(session, row)}
    rubrics = {row.id: releases.asked_of(releases.release_of(session, opened.row.id, row.release)).rubric for row in known.values()}
    rows = []
    for entry in asked.entries:
        one = standing.get((entry.submission, entry.key))
        if one is None:
            raise hidden("item")
        rubric = rubric_of(rubrics[entry.submission], one)
        rows.append(_save(session, asked, entry, one, rubric, who, now))
    fresh = {(row.id, one.key): one for row in known.values() for one in standings(session, row)}
    shown = tuple(replace(row, standing=fresh[row.standing.submission, row.standing.key]) for row in rows)
    return Saving(shown, asked.wants_next)


def rubric_of(rubric: Iterable[RubricButton], standing: Standing) -> tuple[RubricButton, ...]:
    """Return the buttons of an item; a button names it by its key or by its id alone."""
    item = standing.item
    return tuple(one for one in rubric if item is not None and one.item in (item.key, item.id))


def _save(
    session: Session,
    asked: Asked,
    entry: Entry,
    one: Standing,
    rubric: tuple[RubricButton, ...],
    who: Identity,
    now: datetime,
) -> Row:
    is_asked = asked.number in (None, entry.number)
    if asked.number == entry.number:
        if asked.give:
            entry = adjust(entry, one, give=asked.give)
        elif asked.button is not None and 0 <= asked.button < len(rubric):
            entry = adjust(entry, one, button=rubric[asked.button])
    outcome = decide(one, entry, is_asked=is_asked and not asked.is_back)
    if asked.is_back and asked.number == entry.number and outcome in ("same", "unsaved") and one.is_decided:
        if entry.stamp != stamp_of(one):  # what is there now is not what the click was meant to take back
            return Row(entry.number, one, rubric, entry if outcome == "unsaved" else None, "conflict")
        if decide(one, replace(entry, points=""), is_asked=True) == "fault":
            return Row(entry.number, one, rubric, entry, "fault")
        typed = {"comment": entry.comment} if entry.comment != shown_of(one)[1] else {}
        scores.put_score(session, one.submission, HandScore(item=one.key, points=None, reason=entry.reason, **typed), who, now)
        return Row(entry.number, one, rubric, None, "saved")
    if outcome == "saved":
        scores.put_score(session, one.submission, wish_of(one, entry), who, now)
    return Row(entry.number, one, rubric, entry if outcome in ("unsaved", "conflict", "fault") else None, outcome)


def _submission(session: Session, opened: Opened, submission_id: str) -> SubmissionRow:
    row = session.get(SubmissionRow, submission_id)
    if row is None or row.assignment_id != opened.row.id:
        raise hidden("submission")
    return row


def _number(text: str, entries: Sequence[Entry]) -> int:
    number = int(text) if text.isdecimal() and len(text) < 6 else -1
    if not 0 <= number < len(entries):
        raise InvalidInput("This form is none of this page.", hint="Load the page again, then try once more.")
    return number
