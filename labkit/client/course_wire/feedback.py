"""Feedback that students may read, and the pages of notebooks."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from labkit.client.wire import Answer, Ask

__all__ = ["FeedbackAsk", "FeedbackOutcome", "ViewAddress", "ViewAsk"]


class FeedbackAsk(Ask):
    """``POST assignments/{a}/feedback``: professors; let everybody (or these) read what their submissions earned, or take it back."""

    release: bool = True
    submissions: Annotated[tuple[str, ...], Field(max_length=10_000)] = ()


class FeedbackOutcome(Answer):
    """What feedback was released or taken back, and how many submissions were left out since they are not graded."""

    submissions: tuple[str, ...] = ()
    not_graded: int = 0


class ViewAsk(Ask):
    """``POST submissions/{s}/view``: an address for the page of one notebook; staff, and who handed it in after the release of feedback."""

    notebook: Annotated[str, Field(min_length=1, max_length=300)]


class ViewAddress(Answer):
    """``GET view/{token}``: a path that shows one page for a while, to whoever knows it, and lets nothing in it run."""

    address: str
    until: AwareDatetime
