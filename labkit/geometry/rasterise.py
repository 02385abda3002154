"""Exact rasterising by the centre rule.

A pixel is inside a ring when its centre is; a centre exactly on a left or top edge is inside, on a right or bottom edge
outside. Rings combine even-odd. So shapes that share an edge share no pixel and leave none out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from labkit.geometry.boxes import Box
from labkit.geometry.masks import Mask
from labkit.geometry.shapes import Ellipse, FloatArray, Point, Region, Shape, bounds

__all__ = ["covering_box", "rasterise"]

_MAX_CROSSINGS = 2_000_000  # of edges with rows at once: bounds the memory of a ring that zigzags over the whole picture


def covering_box(shape: Shape) -> Box:
    """Return the smallest box outside of which `shape` surely covers no pixel; it may leave the picture."""
    y0, x0, y1, x1 = bounds(shape)
    if isinstance(shape, Point):
        return Box(math.floor(y0), math.floor(x0), math.floor(y0) + 1, math.floor(x0) + 1)
    return Box(_first_centre(y0), _first_centre(x0), _first_centre(y1), _first_centre(x1))


def rasterise(shape: Shape, box: Box) -> NDArray[np.bool_]:
    """Return which pixels of `box` are inside `shape`.

    Parameters
    ----------
    shape : Region, Rectangle, Ellipse, Point or Mask
        What to rasterise; parts outside the box are clipped, its vertices are never moved. A point covers the one pixel
        that it lies in.
    box : Box
        The pixels to look at, in full-resolution coordinates.

    Returns
    -------
    ndarray of bool, shape (box.height_px, box.width_px)
    """
    mask = np.zeros(box.shape, dtype=np.bool_)
    part = covering_box(shape).intersect(box)
    if part.area_px:
        inner = part.shift(-box.y0, -box.x0)
        match shape:
            case Region():
                mask[inner.slices] = _region_mask(shape, part)
            case Ellipse():
                mask[inner.slices] = _ellipse_mask(shape, part)
            case Mask():
                mask[inner.slices] = shape.read(part)
            case _:
                mask[inner.slices] = True
    return mask


def _ellipse_mask(ellipse: Ellipse, box: Box) -> NDArray[np.bool_]:
    """Fill each row of `box` between the two places where its line of centres crosses the ellipse."""
    cos, sin = math.cos(ellipse.angle_rad), math.sin(ellipse.angle_rad)
    narrow, wide = 1 / ellipse.radius1**2, 1 / ellipse.radius2**2
    # The ellipse is a dx^2 + 2 b dx dy + c dy^2 = 1.
    a, b, c = cos * cos * narrow + sin * sin * wide, cos * sin * (narrow - wide), sin * sin * narrow + cos * cos * wide
    dy = np.arange(box.y0, box.y1) + 0.5 - ellipse.y
    square = (b * dy) ** 2 - a * (c * dy**2 - 1)
    root = np.sqrt(np.maximum(square, 0))
    middle = ellipse.x - b * dy / a
    columns = np.arange(box.x0, box.x1) + 0.5
    left, right = (middle - root / a)[:, None], (middle + root / a)[:, None]
    return np.asarray((square > 0)[:, None] & (columns >= left) & (columns < right))


def _first_centre(coordinate: float) -> int:
    """Return the first pixel whose centre is at or after `coordinate`."""
    index = math.floor(coordinate)
    return index if index + 0.5 >= coordinate else index + 1


def _region_mask(region: Region, box: Box) -> NDArray[np.bool_]:
    """Scan the rows of `box`: each edge toggles, in each row that it crosses, all pixels from its crossing to the right."""
    toggles = np.zeros((box.height_px, box.width_px + 1), dtype=np.bool_)
    for _, rows, columns in iter_crossings(_edges(region), box):
        flat = rows * (box.width_px + 1) + columns
        np.logical_xor.at(toggles.reshape(-1), flat, True)
    inside: NDArray[np.bool_] = np.logical_xor.accumulate(toggles[:, :-1], axis=1)
    return inside


def _edges(region: Region) -> FloatArray:
    """Return all edges that are not horizontal as rows (y_low, x_low, y_high, x_high).

    An edge is always looked at from its lower to its higher y, so that the two shapes on its sides compute the same crossings.
    """
    pieces = [np.hstack((ring, np.roll(ring, -1, axis=0))) for ring in region.rings]
    return directed(np.concatenate(pieces) if len(pieces) > 1 else pieces[0])


def directed(edges: FloatArray) -> FloatArray:
    """Return edges (y, x, y, x) from their lower to their higher y, without those that are horizontal."""
    edges = edges[edges[:, 0] != edges[:, 2]]
    downward = edges[:, 0] > edges[:, 2]
    edges[downward] = edges[downward][:, [2, 3, 0, 1]]
    return edges


def iter_crossings(edges: FloatArray, box: Box) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Yield (edges, rows, columns) within `box`: from this column on, the pixel centres of this row lie right of this edge, or on it."""
    first = np.clip(np.ceil(edges[:, 0] - 0.5), box.y0, box.y1).astype(np.int64)
    last = np.clip(np.ceil(edges[:, 2] - 0.5), box.y0, box.y1).astype(np.int64)
    used = (last > first).nonzero()[0]
    edges, first, counts = edges[used], first[used], (last - first)[used]
    ends = np.cumsum(counts)
    start = 0
    while start < len(edges):
        done = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, done + _MAX_CROSSINGS, side="right")), start + 1)
        numbers, rows, columns = _crossings(edges[start:stop], first[start:stop], counts[start:stop], box)
        yield used[start + numbers], rows, columns
        start = stop


def _crossings(
    edges: FloatArray, first: NDArray[np.int64], counts: NDArray[np.int64], box: Box
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.repeat(first, counts) + within
    numbers = np.repeat(np.arange(len(edges)), counts)
    y_low, x_low, y_high, x_high = edges[numbers].T
    height, width, rise = y_high - y_low, x_high - x_low, (rows + 0.5) - y_low
    columns = np.ceil(x_low + rise * (width / height) - 0.5)
    # The quotient is rounded; the cross product is exact for coordinates on any usual grid and decides which side a centre is on.
    side = rise * width
    columns -= (columns - 0.5 - x_low) * height >= side
    columns += (columns + 0.5 - x_low) * height < side
    keep = columns < box.x1
    return numbers[keep], rows[keep] - box.y0, np.maximum(columns[keep], box.x0).astype(np.int64) - box.x0
