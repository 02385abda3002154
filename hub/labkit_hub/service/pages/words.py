"""How times, sizes and names are written on pages."""

from __future__ import annotations

from datetime import UTC, datetime

from labkit.client.wire import HubRunItem
from labkit_hub.service.context import Identity

__all__ = ["ago", "duration", "may_see", "moment", "size"]


def moment(when: datetime | None) -> str:
    """Return a time as people read it, in UTC.

    Examples
    --------
    >>> moment(datetime(2026, 3, 1, 14, 5, tzinfo=UTC))
    '1 Mar 14:05'
    """
    return f"{when.astimezone(UTC):%d %b %H:%M}".removeprefix("0") if when else ""


def duration(seconds: float) -> str:
    """Return a span of time in its two largest units.

    Examples
    --------
    >>> duration(42), duration(150), duration(7500), duration(200_000)
    ('42 s', '2 min', '2 h 5 min', '2 d 7 h')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if hours == 0:
        return f"{minutes} min"
    if days == 0:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def ago(when: datetime | None, now: datetime | None = None) -> str:
    """Return how long ago something was."""
    return duration(((now or datetime.now(UTC)) - when).total_seconds()) if when else ""


def size(count: float) -> str:
    """Return a number of bytes in a unit that fits.

    Examples
    --------
    >>> size(0), size(1536), size(2_500_000_000)
    ('0 B', '1.5 kB', '2.5 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def may_see(run: HubRunItem, who: Identity) -> bool:
    """Whether `who` may know whose run it is."""
    return who.is_admin or run.owner == who.name or (run.course is not None and run.course in who.is_staff_of)
