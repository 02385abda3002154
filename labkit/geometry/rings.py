"""How the rings of a region lie in one another: polygons with their holes, and areas."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from labkit.geometry.masks import Mask
from labkit.geometry.shapes import Ellipse, FloatArray, Point, Rectangle, Shape

__all__ = ["polygons_of", "ring_area", "shape_area"]


def ring_area(ring: FloatArray) -> float:
    """Return the area enclosed by a ring in square pixels: positive if it runs clockwise on the screen (y down)."""
    y, x = (ring - ring[0]).T  # relative to a vertex, so that far from the origin no digits are lost
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def shape_area(shape: Shape) -> float:
    """Return the area of `shape` in square pixels, holes left out; a point has none.

    Exact for rings that cross neither themselves nor one another (they may touch).
    """
    if isinstance(shape, Point):
        return 0.0
    if isinstance(shape, Rectangle):
        return (shape.y1 - shape.y0) * (shape.x1 - shape.x0)
    if isinstance(shape, Ellipse):
        return math.pi * shape.radius1 * shape.radius2
    if isinstance(shape, Mask):
        return float(shape.area_px)
    depths, _ = _nesting(shape.rings)
    return sum(abs(ring_area(ring)) * (-1 if depth % 2 else 1) for ring, depth in zip(shape.rings, depths, strict=True))


def polygons_of(rings: Sequence[FloatArray]) -> tuple[tuple[FloatArray, ...], ...]:
    """Group even-odd rings to polygons: an outer ring, then its holes; an island in a lake is a polygon of its own.

    Parameters
    ----------
    rings : sequence of ndarray, each of shape (n, 2)
        Rings that do not cross; the order of outer rings, and of holes within them, is kept.
    """
    if len(rings) == 1:
        return ((rings[0],),)
    depths, parents = _nesting(rings)
    groups = {k: [ring] for k, ring in enumerate(rings) if depths[k] % 2 == 0}
    for k, ring in enumerate(rings):
        if depths[k] % 2:
            groups[parents[k]].append(ring)
    return tuple(tuple(group) for group in groups.values())


def _nesting(rings: Sequence[FloatArray]) -> tuple[list[int], list[int]]:
    """Return for each ring how many others it lies in, and the smallest of these (-1 if none)."""
    if len(rings) == 1:
        return [0], [-1]
    order = np.argsort([-abs(ring_area(ring)) for ring in rings], kind="stable")
    rank = np.empty(len(rings), dtype=np.int64)
    rank[order] = np.arange(len(rings))
    points = np.array([_inner_point(ring) for ring in rings])
    by_height = np.argsort(points[:, 0], kind="stable")
    heights = points[by_height, 0]
    parents = np.full(len(rings), -1)
    for outer in order:  # from the largest on: what is found last is the smallest around
        low, high = rings[outer].min(axis=0), rings[outer].max(axis=0)
        near = by_height[np.searchsorted(heights, low[0]) : np.searchsorted(heights, high[0])]
        near = near[(rank[near] > rank[outer]) & (points[near, 1] >= low[1]) & (points[near, 1] <= high[1])]
        if len(near):
            parents[near[_are_inside(points[near], rings[outer])]] = outer
    depths = [0] * len(rings)
    for k in order.tolist():
        if parents[k] >= 0:
            depths[k] = depths[parents[k]] + 1
    return depths, parents.tolist()


def _inner_point(ring: FloatArray) -> FloatArray:
    """Return a point (y, x) well inside `ring`: vertices will not do, since rings may touch."""
    heights = np.unique(ring[:, 0])
    if len(heights) < 2:
        return np.asarray(ring.mean(axis=0))
    widest = int(np.argmax(np.diff(heights)))
    y = (heights[widest] + heights[widest + 1]) / 2
    crossings = np.sort(_crossings_at(y, ring))
    left, right = crossings[0::2], crossings[1::2]
    span = int(np.argmax(right - left))
    return np.array((y, (left[span] + right[span]) / 2))


def _are_inside(points: FloatArray, ring: FloatArray) -> NDArray[np.bool_]:
    """Return which of `points`, sorted by y, are inside `ring`: each edge is looked at for the points at its height only."""
    after = np.roll(ring, -1, axis=0)
    low, high = np.where((ring[:, 0] <= after[:, 0])[:, None], ring, after), np.where((ring[:, 0] <= after[:, 0])[:, None], after, ring)
    first, last = np.searchsorted(points[:, 0], low[:, 0]), np.searchsorted(points[:, 0], high[:, 0])
    counts = last - first
    edge = np.repeat(np.arange(len(ring)), counts)
    point = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    slope = (high[edge, 1] - low[edge, 1]) / (high[edge, 0] - low[edge, 0])
    left = low[edge, 1] + (points[point, 0] - low[edge, 0]) * slope <= points[point, 1]
    return np.asarray(np.bincount(point[left], minlength=len(points)) % 2 == 1)


def _crossings_at(y: float, ring: FloatArray) -> FloatArray:
    after = np.roll(ring, -1, axis=0)
    crossed = (ring[:, 0] <= y) != (after[:, 0] <= y)
    (y0, x0), (y1, x1) = ring[crossed].T, after[crossed].T
    return np.asarray(x0 + (y - y0) * (x1 - x0) / (y1 - y0))
