"""The review of a document: its state, comments pinned to it, and the time that went into it.

The record lies beside the document and is no part of it: saving objects changes no review, and a review changes no object.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Literal, get_args

from pydantic import Field, FiniteFloat

from labkit.annotations.store import check_image
from labkit.errors import Conflict, InvalidInput, NotFound
from labkit.project import Project
from labkit.storage import Record, hold_lock, load_record, new_id, save_record, utc_now

__all__ = [
    "IDLE_S",
    "REVIEW_STATES",
    "Comment",
    "Review",
    "ReviewState",
    "StateChange",
    "TimeSpent",
    "active_seconds",
    "add_comment",
    "add_time",
    "change_state",
    "load_review",
    "resolve_comment",
]

ReviewState = Literal["to-annotate", "in-review", "returned", "accepted"]
REVIEW_STATES: tuple[ReviewState, ...] = get_args(ReviewState)
IDLE_S = 60.0
_MAX_TEXT = 4000

# From -> to -> who may: "anyone", or a "reviewer", which is anyone but the author of the document.
TRANSITIONS: Mapping[ReviewState, Mapping[ReviewState, Literal["anyone", "reviewer"]]] = MappingProxyType(
    {
        "to-annotate": {"in-review": "anyone"},
        "in-review": {"returned": "anyone", "accepted": "anyone"},
        "returned": {"in-review": "anyone"},
        "accepted": {"returned": "reviewer"},
    }
)


class StateChange(Record):
    """Who brought a document into a state, and when (UTC)."""

    state: ReviewState
    by: str
    time: datetime


class Comment(Record):
    """Words on a document, at a place (y, x) in full-resolution pixels, on an object, or (neither given) on all of it."""

    id: str
    text: Annotated[str, Field(min_length=1, max_length=_MAX_TEXT)]
    author: str
    time: datetime
    y: FiniteFloat | None = None
    x: FiniteFloat | None = None
    object_id: str | None = None
    resolved_by: str | None = None
    resolved: datetime | None = None


class TimeSpent(Record):
    """How long a person worked on a document, in seconds without idle gaps, counted up to the moment ``until`` (UTC)."""

    author: str
    seconds: float
    until: datetime


class Review(Record):
    """``review.json``: state and history of one author's document of one image, comments, and time spent by each person."""

    format: Literal[1] = 1
    image_id: str
    author: str
    state: ReviewState = "to-annotate"
    history: tuple[StateChange, ...] = ()
    comments: tuple[Comment, ...] = ()
    time_spent: tuple[TimeSpent, ...] = ()

    @property
    def open_comments(self) -> tuple[Comment, ...]:
        """Comments that nobody has resolved."""
        return tuple(comment for comment in self.comments if comment.resolved is None)

    @property
    def seconds(self) -> float:
        """Time that all persons together worked on the document, in seconds."""
        return math.fsum(item.seconds for item in self.time_spent)


def load_review(project: Project, image_id: str, author: str) -> Review:
    """Return the review of an author's document; a new one, ``to-annotate``, if there is none.

    Raises
    ------
    NotFound
        The project has no such image.
    CorruptStore
        The record is not as it was written.
    """
    check_image(project, image_id)
    try:
        found = load_record(project.layout.annotation(image_id, author).review, Review)
    except NotFound:
        return Review(image_id=image_id, author=author)
    return found.model_copy(update={"image_id": image_id, "author": author})  # the folder says whose it is, as with documents


def change_state(project: Project, image_id: str, author: str, state: str, *, by: str) -> Review:
    """Bring an author's document into another state.

    Parameters
    ----------
    project, image_id, author
        Whose document of what.
    state : {"to-annotate", "in-review", "returned", "accepted"}
        The state to come.
    by : str
        Who does it; kept in the history.

    Raises
    ------
    InvalidInput
        There is no such state.
    Conflict
        It cannot follow the present state, or `by` may not do it.
    """
    wanted = _known_state(state)

    def moved(review: Review) -> Review:
        _check_transition(review, wanted, by)
        change = StateChange(state=wanted, by=by, time=utc_now())
        return review.model_copy(update={"state": wanted, "history": (*review.history, change)})

    return _update(project, image_id, author, moved)


def add_comment(
    project: Project,
    image_id: str,
    author: str,
    text: str,
    *,
    by: str,
    place: tuple[float, float] | None = None,
    object_id: str | None = None,
) -> Review:
    """Pin a comment to an author's document.

    Parameters
    ----------
    project, image_id, author
        Whose document of what.
    text : str
        1-4000 characters.
    by : str
        Who says it.
    place : (float, float), optional
        (y, x) in full-resolution pixels.
    object_id : str, optional
        The object that is meant, instead of a place. It may have gone since.

    Raises
    ------
    InvalidInput
        The text is empty or too long, the place is no place, or both place and object are given.
    """
    text = text.strip()
    if not 1 <= len(text) <= _MAX_TEXT:
        raise InvalidInput(f"The comment has {len(text)} characters.", hint=f"Write 1 to {_MAX_TEXT}.")
    if place is not None and object_id is not None:
        raise InvalidInput("A comment is pinned to a place or to an object, not to both.", hint="Give one of them.")
    if place is not None and not all(map(math.isfinite, place)):
        raise InvalidInput("The place of the comment is not a number.", hint="Give (y, x) in pixels of the picture.")
    y, x = place if place is not None else (None, None)
    comment = Comment(id=new_id(), text=text, author=by, time=utc_now(), y=y, x=x, object_id=object_id)
    return _update(project, image_id, author, lambda review: review.model_copy(update={"comments": (*review.comments, comment)}))


def resolve_comment(project: Project, image_id: str, author: str, comment_id: str, *, by: str) -> Review:
    """Mark a comment as resolved; it stays in the record, and who resolved it first stays too.

    Raises
    ------
    NotFound
        There is no such comment.
    """

    def resolved(review: Review) -> Review:
        if comment_id not in {comment.id for comment in review.comments}:
            raise NotFound(f"There is no comment {comment_id!r}.", hint="Look the comments up in the review.", id=comment_id)
        done = {"resolved_by": by, "resolved": utc_now()}
        comments = (c.model_copy(update=done) if c.id == comment_id and c.resolved is None else c for c in review.comments)
        return review.model_copy(update={"comments": tuple(comments)})

    return _update(project, image_id, author, resolved)


def active_seconds(times: Iterable[float], idle_s: float = IDLE_S) -> float:
    """Return how long somebody worked who did something at each of `times`: longer gaps than `idle_s` do not count at all.

    Parameters
    ----------
    times : iterable of float
        Moments in seconds since any fixed one, in any order.
    idle_s : float
        Longest gap that still counts as work, in seconds.
    """
    moments = sorted(times)
    gaps = (after - before for before, after in itertools.pairwise(moments))
    return math.fsum(gap for gap in gaps if gap <= idle_s)


def add_time(project: Project, image_id: str, author: str, times: Iterable[datetime], *, by: str) -> Review:
    """Count the time that a person worked on an author's document.

    What is counted already is not counted again: moments up to the last counted one add nothing, so that a batch may be sent
    twice, and two windows of one person add no double time. A batch joins the one before it if the gap is short. Moments to come (of
    a clock that is wrong) are left out: else nothing would count until then.

    Parameters
    ----------
    project, image_id, author
        Whose document of what.
    times : iterable of datetime
        When the person did something, with their time zone.
    by : str
        The person.

    Raises
    ------
    InvalidInput
        A time has no zone.
    """
    latest = utc_now().timestamp() + IDLE_S
    moments = sorted(moment for moment in map(_seconds_of, times) if moment <= latest)

    def counted(review: Review) -> Review:
        known = {item.author: item for item in review.time_spent}
        before = known.get(by)
        start = [before.until.timestamp()] if before else []
        fresh = [moment for moment in moments if not start or moment > start[0]]
        if not fresh:
            return review
        seconds = (before.seconds if before else 0.0) + active_seconds([*start, *fresh])
        known[by] = TimeSpent(author=by, seconds=round(seconds, 3), until=datetime.fromtimestamp(fresh[-1], UTC))
        return review.model_copy(update={"time_spent": tuple(known.values())})

    return _update(project, image_id, author, counted)


def _seconds_of(time: datetime) -> float:
    if time.tzinfo is None:
        raise InvalidInput(f"The time {time} has no time zone.", hint="Give times in UTC.")
    return time.timestamp()


def _known_state(state: str) -> ReviewState:
    for known in REVIEW_STATES:
        if known == state:
            return known
    raise InvalidInput(f"There is no state {state!r}.", hint=f"Known states: {', '.join(REVIEW_STATES)}.", state=state)


def _check_transition(review: Review, wanted: ReviewState, by: str) -> None:
    allowed = TRANSITIONS[review.state]
    if wanted not in allowed:
        raise Conflict(
            f"What is {review.state} cannot become {wanted}.",
            hint=f"It can become: {', '.join(allowed)}.",
            state=review.state,
            wanted=wanted,
        )
    if allowed[wanted] == "reviewer" and by == review.author:
        raise Conflict(
            f"{by} cannot take back what was {review.state}: these are {by}'s own annotations.",
            hint="Ask a reviewer to return them.",
            state=review.state,
            wanted=wanted,
        )


def _update(project: Project, image_id: str, author: str, change: Callable[[Review], Review]) -> Review:
    check_image(project, image_id)
    layout = project.layout.annotation(image_id, author)
    with hold_lock(layout.lock, what="these annotations"):
        before = load_review(project, image_id, author)
        after = change(before)
        if after != before:
            save_record(layout.review, after)
    return after
