"""Rings that cross themselves or one another, decided exactly.

Two edges cross where each passes from one side of the other to the other side. A ring that touches (at a vertex, or along an edge)
and stays on its side crosses nothing; what runs along an edge for a while counts as touching.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

__all__ = ["first_crossing"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MAX_PAIRS = 1_000_000  # of edges looked at at once; bounds the memory
# A cross product of rounded differences that is larger than this part of its terms has the right sign (Shewchuk 1997,
# "Adaptive precision floating-point arithmetic", ccwerrboundA); the others are computed again in whole fractions.
_ROUNDING = (3 + 16 * 2.0**-53) * 2.0**-53
_EXACT_UP_TO = 2.0**24  # products of differences of whole numbers up to here are exact in float64
_GRIDS = (1.0, 16.0, 256.0)  # whole numbers, and fractions that a screen makes


def first_crossing(rings: Sequence[FloatArray]) -> tuple[float, float] | None:
    """Return a place (y, x) where an edge of `rings` crosses another one; None if all only touch.

    Parameters
    ----------
    rings : sequence of ndarray, each of shape (n, 2)
        Vertices (y, x), not closed.
    """
    edges = _Edges.of(rings)
    for i, j in _iter_near(edges):
        found = _crossing_pair(edges, i, j)
        if found is not None:
            return _place(edges, *found)
    return None


@dataclass(frozen=True, slots=True)
class _Edges:
    """Edge k runs from ``start[k]`` to ``end[k]``; ``before[k]`` is the vertex before its start. All of shape (n, 2)."""

    before: FloatArray
    start: FloatArray
    end: FloatArray
    exact: bool

    @classmethod
    def of(cls, rings: Sequence[FloatArray]) -> _Edges:
        """Leave out vertices that repeat the one before: edges without length have no side."""
        kept = [ring[(ring != np.roll(ring, 1, axis=0)).any(axis=1)] for ring in rings]
        kept = [ring for ring in kept if len(ring) >= 3] or [np.empty((0, 2))]
        start = np.concatenate(kept)
        before, end = (np.concatenate([np.roll(ring, step, axis=0) for ring in kept]) for step in (1, -1))
        return cls(before, start, end, any(_on_grid(start * grid) for grid in _GRIDS))


def _on_grid(coordinates: FloatArray) -> bool:
    return bool((np.abs(coordinates) <= _EXACT_UP_TO).all() and (coordinates == np.rint(coordinates)).all())


def _iter_near(edges: _Edges) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield numbers (i, j) of edges whose boxes meet, each pair once: swept along the axis on which fewer overlap."""
    low, high = np.minimum(edges.start, edges.end), np.maximum(edges.start, edges.end)
    sweeps = [_sweep(low[:, axis], high[:, axis]) for axis in (0, 1)]
    axis = int(sweeps[1][1].sum() < sweeps[0][1].sum())
    order, counts = sweeps[axis]
    across = 1 - axis
    ends = np.cumsum(counts)
    first = 0
    while first < len(order):
        done = int(ends[first - 1]) if first else 0
        last = max(int(np.searchsorted(ends, done + _MAX_PAIRS, side="right")), first + 1)
        i, j = _pairs(first, counts[first:last])
        i, j = order[i], order[j]
        meets = (low[i, across] <= high[j, across]) & (low[j, across] <= high[i, across])
        yield i[meets], j[meets]
        first = last


def _sweep(low: FloatArray, high: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the order of edges by their low ends, and for each how many after it begin before it ends."""
    order = np.argsort(low, kind="stable")
    counts = np.searchsorted(low[order], high[order], side="right") - np.arange(1, len(order) + 1)
    return order, counts


def _pairs(first: int, counts: IntArray) -> tuple[IntArray, IntArray]:
    """Return positions: each from `first` on, with as many of those after it as `counts` says."""
    i = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(i)) - np.repeat(np.cumsum(counts) - counts, counts)
    return i + first, i + first + 1 + within


def _crossing_pair(edges: _Edges, i: IntArray, j: IntArray) -> tuple[int, int] | None:
    """Return the first pair of edges of which one passes through the other, in between or at a vertex of the other's."""
    a, b, c, d = edges.start[i], edges.end[i], edges.start[j], edges.end[j]
    c_side, d_side = _side(a, b, c, edges.exact), _side(a, b, d, edges.exact)
    a_side, b_side = _side(c, d, a, edges.exact), _side(c, d, b, edges.exact)
    found = (c_side * d_side < 0) & (a_side * b_side < 0)
    # The start of j lies within i (its own line parts the ends of i): the ring passes through if its vertices around lie on two sides.
    found |= _passes(edges, j, (c_side == 0) & (a_side * b_side < 0), a, b, d_side)
    found |= _passes(edges, i, (a_side == 0) & (c_side * d_side < 0), c, d, b_side)
    first = np.flatnonzero(found)
    return (int(i[first[0]]), int(j[first[0]])) if len(first) else None


def _passes(edges: _Edges, mine: IntArray, on: NDArray[np.bool_], a: FloatArray, b: FloatArray, after: IntArray) -> NDArray[np.bool_]:
    """Return where edge `mine` starts on the inside of a-b and the vertices before and after its start lie on two sides."""
    passes = np.zeros(len(on), dtype=np.bool_)
    at = np.flatnonzero(on)
    passes[at] = _side(a[at], b[at], edges.before[mine[at]], edges.exact) * after[at] < 0
    return passes


def _side(a: FloatArray, b: FloatArray, p: FloatArray, exact: bool) -> IntArray:
    """Return on which side of the line a-b each p lies: -1, 0 (on it) or 1, for rows (y, x)."""
    left = (b[:, 0] - a[:, 0]) * (p[:, 1] - a[:, 1])
    right = (b[:, 1] - a[:, 1]) * (p[:, 0] - a[:, 0])
    sides = np.sign(left - right).astype(np.int64)
    if not exact:
        doubtful = np.flatnonzero(np.abs(left - right) <= _ROUNDING * (np.abs(left) + np.abs(right)))
        for k in doubtful.tolist():
            sides[k] = _exact_side(a[k], b[k], p[k])
    return sides


def _exact_side(a: FloatArray, b: FloatArray, p: FloatArray) -> int:
    if (p == a).all() or (p == b).all():
        return 0
    (ay, ax), (by, bx), (py, px) = (map(Fraction, point.tolist()) for point in (a, b, p))
    difference = (by - ay) * (px - ax) - (bx - ax) * (py - ay)
    return (difference > 0) - (difference < 0)


def _place(edges: _Edges, i: int, j: int) -> tuple[float, float]:
    """Return where edges `i` and `j` meet; they are not parallel."""
    a, b, c, d = edges.start[i], edges.end[i], edges.start[j], edges.end[j]
    (uy, ux), (vy, vx), (wy, wx) = b - a, d - c, c - a
    part = (wy * vx - wx * vy) / ((uy * vx - ux * vy) or 1.0)  # underflow of a tiny pair: its start is near enough
    return float(a[0] + part * uy), float(a[1] + part * ux)
