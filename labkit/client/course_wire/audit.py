"""Who did what in a course."""

from __future__ import annotations

from pydantic import AwareDatetime, JsonValue

from labkit.client.wire import Answer

__all__ = ["CourseAudit", "CourseAuditItem"]


class CourseAuditItem(Answer):
    """Who did what in a course, and when."""

    time: AwareDatetime
    actor: str
    action: str
    subject: str
    detail: dict[str, JsonValue] = {}


class CourseAudit(Answer):
    """``GET courses/{c}/audit``: professors; the last first. ``?before=`` with the ``next`` of one answer gives the one after it."""

    rows: tuple[CourseAuditItem, ...] = ()
    next: int | None = None
