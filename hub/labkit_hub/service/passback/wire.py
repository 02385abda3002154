"""What the passback room asks and answers; `labkit.client.wire` says what holds for all models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from labkit.client.wire import Answer, Ask

__all__ = ["CourseLink", "LinkAsk", "PassbackItem", "PassbackState", "PlatformCourse", "SendAsk"]


class PlatformCourse(Answer):
    """A course of the learning platform, with the platform's own id of it."""

    context: str
    title: str = ""


class CourseLink(Answer):
    """``GET courses/{c}/passback``: staff; which course of the platform gets the points, and which ones the caller may choose.

    ``configured`` is whether the hub sends points at all.
    """

    configured: bool
    linked: PlatformCourse | None = None
    choices: tuple[PlatformCourse, ...] = ()


class LinkAsk(Ask):
    """``PUT courses/{c}/passback``: professors; a course of the platform that they teach and came from, or None for none."""

    context: Annotated[str, Field(min_length=1, max_length=255)] | None


class PassbackItem(Answer):
    """How one person's score stands.

    ``points`` is what the platform is to have, ``sent_points`` what it has. ``next_try`` says when a score that could not be sent is tried
    again.
    """

    person: str
    state: Literal["waiting", "sent", "failed"]
    points: float
    max_points: float = 0.0
    sent_points: float | None = None
    sent: AwareDatetime | None = None
    attempts: int = 0
    next_try: AwareDatetime | None = None
    message: str = ""


class PassbackState(Answer):
    """``GET assignments/{a}/passback``: staff; how the scores of an assignment stand with the platform, those that failed first."""

    configured: bool
    linked: PlatformCourse | None = None
    items: tuple[PassbackItem, ...] = ()


class SendAsk(Ask):
    """``POST assignments/{a}/passback``: professors; try again what failed, or send everything anew."""

    everything: bool = False
