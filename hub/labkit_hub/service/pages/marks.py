"""Points and comments as they are typed: what was changed, what may be saved, and what somebody else changed meanwhile.

A form carries, for each item, a stamp of what it showed when it was loaded. What differs from it was typed; where what is there now
differs from it, somebody else was faster, and nothing is put in place of theirs unless it is saved once more.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from labkit.client.course_wire import HandScore, ScoreChange
from labkit.courses.records import RubricButton
from labkit_hub.service.courses.reading_answers import CellText
from labkit_hub.service.courses.reading_marks import Standing
from labkit_hub.service.pages.pictures import Shown
from labkit_hub.service.pages.timewords import points as as_points

__all__ = ["Entry", "Outcome", "Row", "adjust", "decide", "read_entries", "stamp_of", "wish_of"]

Outcome = Literal["same", "saved", "unsaved", "conflict", "fault"]
_MOST = 1_000_000.0
_LONGEST = 20_000
_TOO_LONG = f"The comment has more than {_LONGEST} characters."
_NO_NUMBER = "Points are a number from 0 on, such as 2 or 1.5; empty takes them back."


@dataclass(frozen=True, slots=True)
class Entry:
    """What a form says of one item."""

    number: int
    submission: str
    key: str
    points: str
    comment: str
    reason: str
    stamp: str


@dataclass(frozen=True, slots=True)
class Row:
    """One item of one submission on a page, with what was typed there if it is not saved."""

    number: int
    standing: Standing
    rubric: tuple[RubricButton, ...] = ()
    typed: Entry | None = None
    outcome: Outcome = "same"
    person: str = ""
    late_s: float = 0.0
    answer: CellText | None = None
    picture: Shown | None = None

    @property
    def submission(self) -> str:
        """Whose it is."""
        return self.standing.submission

    @property
    def item(self) -> str:
        """The item's key."""
        return self.standing.key

    @property
    def title(self) -> str:
        """What people read."""
        return (self.standing.item.title or self.standing.item.id) if self.standing.item else "the whole"

    @property
    def notebook(self) -> str:
        """Where the item is; empty for a check."""
        return self.standing.item.notebook if self.standing.item else ""

    @property
    def how(self) -> str:
        """How it is scored."""
        return self.standing.item.how if self.standing.item else ""

    @property
    def max_points(self) -> float:
        """What it can earn."""
        return self.standing.item.max_points if self.standing.item else 0.0

    @property
    def has_points(self) -> bool:
        """Whether there are points to give: the whole has a comment only."""
        return self.standing.item is not None

    @property
    def is_open(self) -> bool:
        """Whether it waits for a hand."""
        return self.has_points and self.standing.points is None

    @property
    def points(self) -> str:
        """What stands in the field."""
        return self.typed.points if self.typed else shown_of(self.standing)[0]

    @property
    def comment(self) -> str:
        """What stands in the field."""
        return self.typed.comment if self.typed else shown_of(self.standing)[1]

    @property
    def reason(self) -> str:
        """What stands in the field."""
        return self.typed.reason if self.typed else ""

    @property
    def stamp(self) -> str:
        """What the page showed: of a conflict, which the page tells, what is there now; else what was there when it was typed."""
        return self.typed.stamp if self.typed and self.outcome != "conflict" else stamp_of(self.standing)

    @property
    def lines(self) -> int:
        """How high the field of the comment is."""
        least = 2 if self.how in ("hand", "") else 1
        return min(12, max(least, sum(1 + len(line) // 60 for line in self.comment.split("\n"))))

    @property
    def conflict(self) -> str:
        """Who was faster; empty if nobody was."""
        if self.outcome != "conflict":
            return ""
        return f"{self.standing.by or 'Grading'} changed this meanwhile."

    @property
    def now_points(self) -> str:
        """What is there now."""
        return shown_of(self.standing)[0]

    @property
    def now_comment(self) -> str:
        """What is there now."""
        return shown_of(self.standing)[1]

    @property
    def fault(self) -> str:
        """What is wrong with what was typed."""
        if self.outcome != "fault":
            return ""
        return _TOO_LONG if len(self.comment) > _LONGEST else _NO_NUMBER

    @property
    def is_saved(self) -> bool:
        """Whether it was saved just now."""
        return self.outcome == "saved"

    @property
    def is_unsaved(self) -> bool:
        """Whether something is typed that is not saved."""
        return self.outcome in ("unsaved", "conflict", "fault")

    @property
    def is_above(self) -> bool:
        """Whether it has more points than it can earn."""
        return self.standing.points is not None and self.standing.points > self.max_points

    @property
    def decided(self) -> bool:
        """Whether the points are a person's."""
        return self.standing.is_decided

    @property
    def by(self) -> str:
        """Who said the last of it."""
        return self.standing.by

    @property
    def found(self) -> float | None:
        """What the run found."""
        return self.standing.found

    @property
    def note(self) -> str:
        """What the run said."""
        return self.standing.note

    @property
    def history(self) -> tuple[ScoreChange, ...]:
        """How the points came about; that of the whole is told by itself."""
        return self.standing.history if self.has_points else ()


def read_entries(fields: Mapping[str, str]) -> list[Entry]:
    """Return what a form says, item by item."""
    count = fields.get("count", "0")
    numbers = range(min(int(count), 2000) if count.isdecimal() and len(count) < 6 else 0)
    return [
        Entry(
            number=number,
            submission=fields.get(f"of-{number}", ""),
            key=fields.get(f"key-{number}", ""),
            points=fields.get(f"points-{number}", "").strip(),
            comment=_lines(fields.get(f"comment-{number}", "")),
            reason=fields.get(f"reason-{number}", "").strip()[:300],
            stamp=fields.get(f"was-{number}", ""),
        )
        for number in numbers
    ]


def shown_of(standing: Standing) -> tuple[str, str]:
    """Return points and comment as fields show them."""
    return ("" if standing.points is None else as_points(standing.points), _lines(standing.comment))


def stamp_of(standing: Standing) -> str:
    """Return a stamp of what fields show."""
    return _stamp(*shown_of(standing))


def decide(standing: Standing, entry: Entry, *, is_asked: bool) -> Outcome:
    """Return what becomes of what was typed; ``saved`` means that it has to be."""
    typed, there = _stamp(entry.points, entry.comment), stamp_of(standing)
    if typed in (entry.stamp, there):
        return "same"
    if not is_asked:
        return "unsaved"
    if entry.stamp != there:
        return "conflict"
    if len(entry.comment) > _LONGEST or (entry.points != shown_of(standing)[0] and _is_wrong(entry.points)):
        return "fault"
    return "saved"


def wish_of(standing: Standing, entry: Entry) -> HandScore:
    """Return what is asked for: of points and comment only what was changed."""
    wish: dict[str, object] = {"item": entry.key, "reason": entry.reason}
    points, comment = shown_of(standing)
    if entry.points != points:
        wish["points"] = _number(entry.points)
    if entry.comment != comment:
        wish["comment"] = entry.comment
    return HandScore.model_validate(wish)


def adjust(entry: Entry, standing: Standing, *, give: str = "", button: RubricButton | None = None) -> Entry:
    """Return what a click makes of what was typed: all points, none, or those of a rubric's button with its sentence.

    What has no points yet begins at none; at all of them where a button takes some away.
    """
    if standing.item is None:
        return entry
    most = standing.item.max_points
    if button is None:
        return replace(entry, points=as_points(most if give == "full" else 0.0))
    typed = _number(entry.points) if entry.points and not _is_wrong(entry.points) else None
    begun = typed if typed is not None else 0.0 if button.points >= 0 else most
    comment = entry.comment if button.text in entry.comment.split("\n") else f"{entry.comment}\n{button.text}".strip("\n")
    return replace(entry, points=as_points(max(0.0, begun + button.points)), comment=comment)


def _stamp(points: str, comment: str) -> str:
    return hashlib.sha256(f"{points}\0{comment}".encode()).hexdigest()[:16]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _number(text: str) -> float | None:
    return float(text.replace(",", ".")) if text else None


def _is_wrong(text: str) -> bool:
    if not text:
        return False
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return True
    return not (math.isfinite(value) and 0 <= value <= _MOST)
