"""Course work in words: when something is due, how long is left, what late work costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from labkit.client.course_wire import AssignmentItem

__all__ = ["assignment_words", "late_words", "left_words", "local_text", "local_words"]


def local_words(moment: datetime, time_zone: str) -> str:
    """Return a moment as the clocks of the course show it, with the zone."""
    try:
        shown = moment.astimezone(ZoneInfo(time_zone))
    except (ZoneInfoNotFoundError, ValueError):
        shown, time_zone = moment.astimezone(UTC), "UTC"
    return f"{shown:%a %d %b %Y, %H:%M} ({time_zone})"


def local_text(moment: datetime | None, time_zone: str) -> str:
    """Return a moment as it is asked for: the local time of the course to the minute, ``2026-10-25T23:59``; empty for none."""
    if moment is None:
        return ""
    try:
        return f"{moment.astimezone(ZoneInfo(time_zone)):%Y-%m-%dT%H:%M}"
    except (ZoneInfoNotFoundError, ValueError):
        return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}"


def left_words(moment: datetime, now: datetime | None = None) -> str:
    """Return how long it is until a moment, or since."""
    left = moment - (datetime.now(UTC) if now is None else now)
    span = _span(abs(left))
    return f"{span} left" if left >= timedelta(0) else f"{span} ago"


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def late_words(item: AssignmentItem) -> str:
    """Return what becomes of late work."""
    grace = f" after {item.grace_min} min of grace" if item.grace_min else ""
    if not item.late.accept:
        return f"late work is refused{grace}"
    if not item.late.percent_per_day:
        return "late work is accepted"
    floor = f", down to {item.late.floor_percent:g} %" if item.late.floor_percent else ""
    return f"late work loses {item.late.percent_per_day:g} % for each begun day{grace}{floor}"


def assignment_words(item: AssignmentItem) -> list[str]:
    """Return an assignment in a few lines."""
    lines = [f"{item.name}{f' - {item.title}' if item.title and item.title != item.name else ''}  [{_state(item)}]  {item.id}"]
    if item.due is not None:
        extended = ", extended for you" if item.extended else ""
        lines.append(f"  due {local_words(item.due, item.time_zone)}, {left_words(item.due)}{extended}; {late_words(item)}")
    else:
        lines.append("  no due time")
    if item.attempts is not None:
        lines.append(f"  {max(0, item.attempts - item.attempts_used)} of {item.attempts} attempts left; the {item.counts} one counts")
    if item.group:
        lines.append(f"  handed in together by {', '.join(item.group)}")
    if item.points is not None:
        lines.append(f"  {item.points:g} of {item.max_points:g} points")
    if item.submissions or item.waiting:
        lines.append(f"  {item.submissions} handed in, {item.waiting} to be graded")
    return lines


def _state(item: AssignmentItem) -> str:
    if item.state != "released":
        return item.state
    if item.feedback:
        return "feedback"
    if item.submitted is not None:
        return "submitted"
    if item.release == 0:
        return "not released yet"
    return "fetched" if item.fetched else "to fetch"
