"""Due times as people of a course say them: in its time zone, with the weekday, and how far away."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from labkit_hub.service.pages.words import duration

__all__ = ["clock", "day", "from_now", "late_by", "points"]


def day(when: datetime | None, time_zone: str) -> str:
    """Return a moment as a wall clock of the course shows it, with the weekday.

    Examples
    --------
    >>> day(datetime(2026, 10, 25, 22, 59, tzinfo=UTC), "Europe/Berlin")
    'Sun 25 Oct 2026, 23:59'
    """
    if when is None:
        return ""
    local = when.astimezone(ZoneInfo(time_zone))
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


def clock(when: datetime | None, time_zone: str) -> str:
    """Return a moment of these months, shorter: without weekday and year.

    Examples
    --------
    >>> clock(datetime(2026, 10, 25, 22, 59, tzinfo=UTC), "Europe/Berlin")
    '25 Oct 23:59'
    """
    if when is None:
        return ""
    local = when.astimezone(ZoneInfo(time_zone))
    return f"{local.day} {local:%b %H:%M}"


def from_now(when: datetime | None, now: datetime | None = None) -> str:
    """Return how far away a moment is, in its largest unit.

    Examples
    --------
    >>> now = datetime(2026, 10, 22, 12, tzinfo=UTC)
    >>> from_now(datetime(2026, 10, 25, 22, 59, tzinfo=UTC), now), from_now(datetime(2026, 10, 22, 11, tzinfo=UTC), now)
    ('in 3 days', '1 hour ago')
    """
    if when is None:
        return ""
    seconds = (when - (now or datetime.now(UTC))).total_seconds()
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = int(abs(seconds) // size)
        if count:
            told = f"{count} {unit}{'s' if count != 1 else ''}"
            return f"in {told}" if seconds > 0 else f"{told} ago"
    return "now"


def late_by(seconds: float) -> str:
    """Return how late something came; empty in time.

    Examples
    --------
    >>> late_by(0.0), late_by(7500)
    ('', '2 h 5 min late')
    """
    return f"{duration(seconds)} late" if seconds > 0 else ""


def points(value: float | None) -> str:
    """Return points as people write them, to two places; a dash where there are none yet.

    Examples
    --------
    >>> points(None), points(3.0), points(10 / 3), points(1234.5)
    ('–', '3', '3.33', '1234.5')
    """
    return "–" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
