"""Curves of a training that stay small however long it lasts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

__all__ = ["Curve", "CurvePoint"]

_MOST = 1000


class CurvePoint(NamedTuple):
    """One value of a curve: the epoch (from 1), the step (from 1), and the value."""

    epoch: int
    step: int
    value: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in order, of which every `stride`-th was kept, and the newest.

    A curve that has grown to a thousand points drops every second one, and from then on takes in half as many.
    """

    kept: tuple[CurvePoint, ...] = ()
    newest: CurvePoint | None = None
    stride: int = 1
    count: int = 0

    @property
    def points(self) -> tuple[CurvePoint, ...]:
        """At most about a thousand points, the newest last."""
        if self.newest is None or (self.kept and self.kept[-1] is self.newest):
            return self.kept
        return (*self.kept, self.newest)

    def extended(self, points: list[CurvePoint]) -> Curve:
        """Return the curve with further points."""
        kept, stride, count = list(self.kept), self.stride, self.count
        for point in points:
            if count % stride == 0:
                kept.append(point)
            count += 1
            if len(kept) > _MOST:
                kept, stride = kept[::2], stride * 2
        return Curve(tuple(kept), points[-1] if points else self.newest, stride, count)

    def before(self, step: int) -> Curve:
        """Return the part of the curve before a step: what a resumed run has from the one before it."""
        kept = tuple(point for point in self.kept if point.step < step)
        newest = self.newest if self.newest is not None and self.newest.step < step else None
        return replace(self, kept=kept, newest=newest or (kept[-1] if kept else None))

    def __iter__(self) -> Iterator[CurvePoint]:
        return iter(self.points)
