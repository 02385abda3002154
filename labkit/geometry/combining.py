"""Shapes put together and cut apart: exact on pixels for masks, by GEOS (through shapely) for outlines.

Not part of `labkit.geometry` itself, so that rooms that only rasterise load no further package.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from labkit.errors import InvalidInput
from labkit.geometry.masks import Mask
from labkit.geometry.outlines import mask_of, outline_of
from labkit.geometry.rasterise import covering_box
from labkit.geometry.shapes import Point, Region, Shape

__all__ = ["buffered_path", "difference", "overlap", "separated", "simplified", "split", "union"]

_SMALLEST_AREA_PX = 1e-6  # what numbers leave over when two edges nearly coincide is no part


def union(shapes: Sequence[Shape]) -> Region | Mask:
    """Return the area that any of `shapes` covers: a mask if one of them is painted, else an outline.

    Raises
    ------
    InvalidInput
        There is none, or one is a point.
    """
    if not shapes:
        raise InvalidInput("There is nothing to put together.", hint="Choose two objects.")
    if any(isinstance(shape, Mask) for shape in shapes):
        masks = [mask for shape in shapes if (mask := _whole_mask(shape)) is not None]
        return reduce(Mask.union, masks)
    return _required(_region(shapely.union_all([_geometry(shape) for shape in shapes])))


def difference(shape: Shape, other: Shape) -> Region | Mask | None:
    """Return what `other` leaves of `shape`; None where nothing is left."""
    if isinstance(shape, Mask) or isinstance(other, Mask):
        mine, theirs = _whole_mask(shape), _whole_mask(other)
        return mine if mine is None or theirs is None else mine.difference(theirs)
    return _region(shapely.difference(_geometry(shape), _geometry(other)))


def overlap(shape: Shape, other: Shape) -> bool:
    """Return whether two areas share more than a border."""
    if isinstance(shape, Mask) or isinstance(other, Mask):
        mine, theirs = _whole_mask(shape), _whole_mask(other)
        return mine is not None and theirs is not None and mine.difference(theirs) != mine
    return bool(shapely.intersection(_geometry(shape), _geometry(other)).area > 0)


def split(shape: Shape, path: ArrayLike) -> list[Region]:
    """Cut `shape` along a line.

    Parameters
    ----------
    shape : Region, Rectangle, Ellipse or Mask
        What to cut.
    path : array_like, shape (n, 2)
        Vertices (y, x) of the line; its ends are prolonged over the shape's border where they lie inside.

    Returns
    -------
    list of Region
        The pieces, the largest first; one where the line does not cut it in two.
    """
    whole = _geometry(shape)
    line = shapely.LineString(_prolonged(np.asarray(path, dtype=np.float64), whole))
    edges = shapely.union_all([whole.boundary, line])
    pieces = [piece for piece in shapely.get_parts(shapely.polygonize([edges])) if whole.contains(piece.representative_point())]
    found = [region for piece in sorted(pieces, key=lambda one: -one.area) if (region := _region(piece)) is not None]
    return found if len(found) > 1 else [outline_of(shape)]


def _prolonged(path: NDArray[np.float64], whole: BaseGeometry) -> NDArray[np.float64]:
    """Return a line whose ends lie outside of `whole`."""
    y0, x0, y1, x1 = whole.bounds
    reach = 2 * float(np.hypot(y1 - y0, x1 - x0)) + 1
    ends = []
    for end, before in ((path[0], path[1]), (path[-1], path[-2])):
        direction = end - before
        length = float(np.hypot(*direction))
        inside = length > 0 and whole.contains(shapely.Point(end))
        ends.append(end + direction * (reach / length) if inside else end)
    return np.vstack((ends[0], path[1:-1], ends[1]))


def separated(shape: Shape) -> list[Region]:
    """Return each part of `shape` (with its holes) as a region of its own, the largest first."""
    parts = sorted(shapely.get_parts(_geometry(shape)), key=lambda one: -one.area)
    return [region for part in parts if (region := _region(part)) is not None]


def simplified(region: Region, tolerance_px: float) -> Region:
    """Return the outline with fewer vertices, none of the old ones further than `tolerance_px` from it (Douglas and Peucker)."""
    found = _region(shapely.simplify(_geometry(region), tolerance_px, preserve_topology=True))
    return region if found is None else found


def buffered_path(path: ArrayLike, radius_px: float) -> Region:
    """Return the area within `radius_px` of a line (n, 2) of (y, x), or of a single place: what a round brush touches."""
    vertices = np.asarray(path, dtype=np.float64).reshape(-1, 2)
    line = shapely.Point(vertices[0]) if len(vertices) == 1 else shapely.LineString(vertices)
    return _required(_region(shapely.buffer(line, radius_px, quad_segs=16)))


def _whole_mask(shape: Shape) -> Mask | None:
    return mask_of(shape, covering_box(shape))


def _geometry(shape: Shape) -> BaseGeometry:
    """Return an area by the even-odd rule; coordinates are (y, x), which no operation here minds."""
    if isinstance(shape, Point):
        raise InvalidInput("A point has no area.", hint="Choose an object that covers one.")
    rings = [shapely.make_valid(shapely.Polygon(ring)) for ring in outline_of(shape).rings]
    area: BaseGeometry = reduce(shapely.symmetric_difference, rings)  # not symmetric_difference_all, which is wrong (shapely 2.1)
    return area


def _region(geometry: Any) -> Region | None:
    """Return the area of a geometry as even-odd rings; None where it has none."""
    rings: list[NDArray[np.float64]] = []
    for polygon in _polygons(geometry):
        rings += [np.asarray(ring.coords, dtype=np.float64)[:-1, :2] for ring in (polygon.exterior, *polygon.interiors)]
    return Region(tuple(ring for ring in rings if len(ring) >= 3)) if rings else None


def _polygons(geometry: Any) -> Iterable[Any]:
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type in ("Polygon", "MultiPolygon", "GeometryCollection")]
    for part in parts:
        if part.geom_type == "Polygon":
            if part.area > _SMALLEST_AREA_PX:
                yield part
        else:
            yield from _polygons(part)


def _required(region: Region | None) -> Region:
    if region is None:
        raise InvalidInput("The shapes cover no area.", hint="Choose objects that cover one.")
    return region
