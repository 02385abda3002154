"""Boxes and grids of full-resolution pixels, always in (y, x) order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from labkit.errors import InvalidInput

__all__ = ["Box", "iter_blocks"]


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """The pixels with ``y0 <= i < y1`` and ``x0 <= j < x1``; half-open, so that neighbours share nothing."""

    y0: int
    x0: int
    y1: int
    x1: int

    def __post_init__(self) -> None:
        if self.y1 < self.y0 or self.x1 < self.x0:
            raise InvalidInput(f"The box {self.as_tuple()} ends before it begins.", hint="Give y0 <= y1 and x0 <= x1.")

    @classmethod
    def of_shape(cls, height_px: int, width_px: int) -> Box:
        """Return the box of a whole picture."""
        return cls(0, 0, height_px, width_px)

    @property
    def height_px(self) -> int:
        """Rows."""
        return self.y1 - self.y0

    @property
    def width_px(self) -> int:
        """Columns."""
        return self.x1 - self.x0

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height_px, self.width_px

    @property
    def area_px(self) -> int:
        """Number of pixels."""
        return self.height_px * self.width_px

    @property
    def slices(self) -> tuple[slice, slice]:
        """Slices (y, x) that cut this box out of an array."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def as_tuple(self) -> tuple[int, int, int, int]:
        """Return (y0, x0, y1, x1)."""
        return self.y0, self.x0, self.y1, self.x1

    def intersect(self, other: Box) -> Box:
        """Return the common part; an empty box (area 0) if there is none."""
        y0, x0 = max(self.y0, other.y0), max(self.x0, other.x0)
        return Box(y0, x0, max(y0, min(self.y1, other.y1)), max(x0, min(self.x1, other.x1)))

    def grow(self, margin_px: int) -> Box:
        """Return the box widened by `margin_px` on each side (it may leave the picture)."""
        return Box(self.y0 - margin_px, self.x0 - margin_px, self.y1 + margin_px, self.x1 + margin_px)

    def shift(self, dy: int, dx: int) -> Box:
        """Return the box moved by whole pixels."""
        return Box(self.y0 + dy, self.x0 + dx, self.y1 + dy, self.x1 + dx)

    def contains(self, other: Box) -> bool:
        """Return whether every pixel of `other` is a pixel of this box."""
        return self.intersect(other) == other


def iter_blocks(box: Box, height_px: int, width_px: int) -> Iterator[Box]:
    """Yield the blocks of at most `height_px` x `width_px` that cover `box` once, row by row."""
    for y in range(box.y0, box.y1, height_px):
        for x in range(box.x0, box.x1, width_px):
            yield Box(y, x, min(y + height_px, box.y1), min(x + width_px, box.x1))
