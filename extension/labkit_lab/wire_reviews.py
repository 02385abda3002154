"""Messages of a document's review, of who is at work on which image, and of how far everybody has come."""

from __future__ import annotations

from datetime import datetime

from pydantic import FiniteFloat

from labkit.annotations import ReviewState
from labkit_lab.wire import WireModel

__all__ = [
    "REVIEWS_REPLIES",
    "REVIEWS_REQUESTS",
    "AuthorQuery",
    "ClaimItem",
    "CommentItem",
    "NewComment",
    "NewState",
    "NextImage",
    "ProgressItem",
    "ProgressList",
    "ProgressSums",
    "ReviewItem",
    "TimeItem",
]


class AuthorQuery(WireModel):
    """Whose document is meant, in an address; yours if it is left out."""

    author: str | None = None


class NewState(WireModel):
    """The state that an author's document is to come into."""

    author: str
    state: ReviewState


class NewComment(WireModel):
    """Words on an author's document: on a place (full-resolution pixels), on an object, or on all of it."""

    author: str
    text: str
    y: FiniteFloat | None = None
    x: FiniteFloat | None = None
    object_id: str | None = None


class ClaimItem(WireModel):
    """Who annotates an image, and until when nobody else should."""

    author: str
    until: datetime


class CommentItem(WireModel):
    """A comment on a document; ``resolved_by`` is set when it is done with."""

    id: str
    text: str
    author: str
    time: datetime
    y: float | None
    x: float | None
    object_id: str | None
    resolved_by: str | None


class TimeItem(WireModel):
    """How long a person worked on a document."""

    author: str
    seconds: float


class ReviewItem(WireModel):
    """The review of one author's document.

    ``me`` is who asks, ``next`` are the states that can follow; ``claim`` says who holds the image.
    """

    image_id: str
    image: str
    author: str
    me: str
    state: ReviewState
    next: tuple[ReviewState, ...]
    comments: tuple[CommentItem, ...]
    time_spent: tuple[TimeItem, ...]
    claim: ClaimItem | None


class NextImage(WireModel):
    """The image that was claimed for you; null when none is free."""

    image_id: str | None
    image: str | None
    claim: ClaimItem | None


class ProgressItem(WireModel):
    """How far one author has come in one image; ``author`` is null where nobody has begun, ``problem`` says what cannot be read."""

    image_id: str
    image: str
    author: str | None
    state: ReviewState
    finished: bool
    objects: dict[str, int]
    unclassified: int
    areas: int
    seconds: float
    changed: datetime | None
    claimed_until: datetime | None
    open_comments: int
    problem: str | None


class ProgressSums(WireModel):
    """Sums over the documents of people; a consensus is left out."""

    images: int
    annotated_images: int
    documents: int
    finished: int
    states: dict[str, int]
    objects: dict[str, int]
    unclassified: int
    areas: int
    seconds: float
    claimed: int
    open_comments: int
    problems: int


class ProgressList(WireModel):
    """The progress of a project; ``me`` is who asks."""

    title: str
    me: str
    classes: tuple[str, ...]
    rows: tuple[ProgressItem, ...]
    totals: ProgressSums


REVIEWS_REQUESTS: tuple[type[WireModel], ...] = (AuthorQuery, NewState, NewComment)
REVIEWS_REPLIES: tuple[type[WireModel], ...] = (ReviewItem, NextImage, ProgressList)
