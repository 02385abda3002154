"""Numbers and times in the sentences that people read."""

from __future__ import annotations

__all__ = ["many", "number", "span"]

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def number(count: int) -> str:
    """Return a number as a word, up to twelve."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else str(count)


def many(count: int, thing: str) -> str:
    """Return ``1 device``, ``2 devices``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def span(seconds: float) -> str:
    """Return a time span in the unit in which a person would say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.3g} h"
