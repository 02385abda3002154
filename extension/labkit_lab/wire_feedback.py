"""Messages of what came back."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from labkit_lab.wire import WireModel

__all__ = ["FEEDBACK_REPLIES", "FEEDBACK_REQUESTS", "FeedbackItem", "FeedbackPage", "FeedbackQuery", "FeedbackRow"]


class FeedbackQuery(WireModel):
    """Of which submission; empty for the one that counts."""

    submission: str = ""


class FeedbackRow(WireModel):
    """One item: what it earned (None: not scored), and what was said of it. ``how`` is in whose word it rests.

    ``pins`` are the words that are pinned to places of an annotated picture, in the order of their numbers.
    """

    notebook: str
    title: str
    how: Literal["cell", "hand", "assertion", "metric"]
    points: float | None
    max_points: float
    note: str
    comment: str
    pins: tuple[str, ...]


class FeedbackPage(WireModel):
    """A notebook as it was executed: ``url`` is good for a short while only."""

    notebook: str
    url: str


class FeedbackItem(WireModel):
    """What a submission earned. ``histogram`` has ten counts of the class, from 0-10 % to 90-100 %; empty where it is not told."""

    submission: str
    attempt: int
    submitted: datetime
    time_zone: str
    points: float | None
    max_points: float
    penalty: float
    late_s: float
    comment: str
    rows: tuple[FeedbackRow, ...]
    pages: tuple[FeedbackPage, ...]
    mean: float | None
    median: float | None
    graded: int
    histogram: tuple[int, ...]


FEEDBACK_REQUESTS: tuple[type[WireModel], ...] = (FeedbackQuery,)
FEEDBACK_REPLIES: tuple[type[WireModel], ...] = (FeedbackItem, FeedbackRow, FeedbackPage)
