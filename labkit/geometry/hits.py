"""What lies under a place: shapes that hold it, and the nearest vertex or edge of an outline."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from labkit.geometry.boxes import Box
from labkit.geometry.masks import Mask
from labkit.geometry.shapes import Ellipse, Point, Rectangle, Region, Shape

__all__ = ["EdgeHit", "VertexHit", "contains", "nearest_edge", "nearest_vertex"]


@dataclass(frozen=True, slots=True)
class VertexHit:
    """Vertex `number` of ring `ring`, and how far it is."""

    ring: int
    number: int
    distance_px: float


@dataclass(frozen=True, slots=True)
class EdgeHit:
    """The edge from vertex `number` of ring `ring` to the next one, the place (y, x) on it, and how far that is."""

    ring: int
    number: int
    y: float
    x: float
    distance_px: float


def contains(shape: Shape, y: float, x: float, reach_px: float = 0.0) -> bool:
    """Return whether `shape` holds the place (y, x); a point does within `reach_px`."""
    match shape:
        case Region():
            return sum(_crossings_right_of(ring, y, x) for ring in shape.rings) % 2 == 1
        case Rectangle():
            return shape.y0 <= y < shape.y1 and shape.x0 <= x < shape.x1
        case Ellipse():
            cos, sin = math.cos(shape.angle_rad), math.sin(shape.angle_rad)
            dy, dx = y - shape.y, x - shape.x
            return ((dx * cos + dy * sin) / shape.radius1) ** 2 + ((dy * cos - dx * sin) / shape.radius2) ** 2 < 1
        case Point():
            return math.hypot(y - shape.y, x - shape.x) <= max(reach_px, 0.5)
        case Mask():
            row, column = math.floor(y), math.floor(x)
            return bool(shape.read(Box(row, column, row + 1, column + 1))[0, 0])


def nearest_vertex(region: Region, y: float, x: float) -> VertexHit:
    """Return the vertex of any ring that is nearest to (y, x)."""
    found = VertexHit(0, 0, math.inf)
    for k, ring in enumerate(region.rings):
        distances = np.hypot(ring[:, 0] - y, ring[:, 1] - x)
        number = int(distances.argmin())
        if distances[number] < found.distance_px:
            found = VertexHit(k, number, float(distances[number]))
    return found


def nearest_edge(region: Region, y: float, x: float) -> EdgeHit:
    """Return the edge of any ring that is nearest to (y, x)."""
    found = EdgeHit(0, 0, y, x, math.inf)
    here = np.array((y, x))
    for k, ring in enumerate(region.rings):
        step = np.roll(ring, -1, axis=0) - ring
        length = np.maximum((step**2).sum(axis=1), 1e-300)
        along = np.clip(((here - ring) * step).sum(axis=1) / length, 0, 1)
        places = ring + along[:, None] * step
        distances = np.hypot(places[:, 0] - y, places[:, 1] - x)
        number = int(distances.argmin())
        if distances[number] < found.distance_px:
            found = EdgeHit(k, number, float(places[number, 0]), float(places[number, 1]), float(distances[number]))
    return found


def _crossings_right_of(ring: np.ndarray[tuple[int, ...], np.dtype[np.float64]], y: float, x: float) -> int:
    after = np.roll(ring, -1, axis=0)
    crossed = (ring[:, 0] <= y) != (after[:, 0] <= y)
    (y0, x0), (y1, x1) = ring[crossed].T, after[crossed].T
    return int((x0 + (y - y0) * (x1 - x0) / (y1 - y0) > x).sum())
