"""A histogram as plain numbers for an inline SVG: pages have no inline styles and need no script for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Bar", "Histogram", "draw_histogram"]

_BAR, _GAP, _HIGH = 30, 4, 90


@dataclass(frozen=True, slots=True)
class Bar:
    """One column: where it stands, how high it is, what it says."""

    x: int
    y: float
    width: int
    height: float
    count: int
    label: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class Histogram:
    """All columns, and the size of the picture in its own units."""

    bars: tuple[Bar, ...]
    width: int
    height: int
    words: str


def draw_histogram(counts: Sequence[int], own_share: float | None = None) -> Histogram:
    """Return the picture of counts over equal parts of the points.

    Parameters
    ----------
    own_share : float, optional
        The part of the points, 0 to 1, whose column is one's own.
    """
    many, most = len(counts), max([*counts, 1])
    own = None if own_share is None or not many else min(many - 1, max(0, int(own_share * many + 1e-9)))
    bars = []
    for place, count in enumerate(counts):
        height = round(_HIGH * count / most, 1)
        label = f"{100 * place // many}–{100 * (place + 1) // many} %"
        bars.append(Bar(place * (_BAR + _GAP), round(_HIGH - height + 14, 1), _BAR, height, count, label, place == own))
    words = ", ".join(f"{bar.count} at {bar.label}" for bar in bars if bar.count) or "nobody yet"
    return Histogram(tuple(bars), max(1, many * (_BAR + _GAP) - _GAP), _HIGH + 32, f"Distribution of points: {words}.")
