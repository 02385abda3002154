"""Points and comments, those that people give included."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from labkit.client.course_wire.kinds import LongText, ShortText
from labkit.client.course_wire.submissions import SubmissionItem
from labkit.client.wire import Answer, Ask
from labkit.courses.records import CellScore, Note, NotebookOutcome, PinnedComment, RubricButton

__all__ = ["GradeItem", "HandScore", "ScoreChange"]


class ScoreChange(Answer):
    """One change of an item's score, as history tells it; with an empty ``item`` the points of the whole, late rule applied."""

    item: str
    points: float | None
    by: str
    at: AwareDatetime
    comment: str = ""


class HandScore(Ask):
    """``PUT submissions/{s}/scores``: staff; the points of one item, or None to go back to what the run found; a comment students read.

    ``item`` is `Item.key`; empty, it is the whole, which has a comment only. What is not named stays.
    """

    item: str
    points: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    comment: LongText = ""
    reason: ShortText = ""
    pins: Annotated[tuple[PinnedComment, ...], Field(max_length=200)] = ()
    """Comments at places of an annotated picture, in place of those of the caller before; what others said stays."""


class GradeItem(Answer):
    """``GET submissions/{s}/grade``: scores, comments and outcome; for students after the release of feedback, without notes for staff."""

    submission: SubmissionItem
    scores: tuple[CellScore, ...] = ()
    comments: dict[str, str] = {}
    """By `Item.key`; the empty key is about the whole."""
    pins: dict[str, tuple[PinnedComment, ...]] = {}
    """By `Item.key` of an annotation task: what the run found at which place, then what staff say."""
    notebooks: tuple[NotebookOutcome, ...] = ()
    notes: tuple[Note, ...] = ()
    history: tuple[ScoreChange, ...] = ()
    rubric: tuple[RubricButton, ...] = ()
    seconds: float = 0.0
    isolation: str = ""
