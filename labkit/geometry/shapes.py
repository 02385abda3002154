"""Shapes of objects: regions, rectangles, ellipses, points, and painted masks.

All coordinates are full-resolution pixels in (y, x) order, y down and x right, with the origin at the outer corner of the
first pixel: pixel (i, j) covers [i, i+1) x [j, j+1). A shape may leave the picture; it is clipped where it is rasterised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labkit.errors import InvalidInput
from labkit.geometry.masks import Mask

__all__ = ["Bounds", "Ellipse", "FloatArray", "Point", "Rectangle", "Region", "Shape", "bounds"]

FloatArray = NDArray[np.float64]
Bounds = tuple[float, float, float, float]

_LIMIT_PX = 1e9  # far beyond any picture; keeps every product of two differences exact enough and finite


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """An area bounded by rings that combine even-odd: holes, islands and separate parts are all plain rings.

    Parameters
    ----------
    rings : sequence of array_like, each of shape (n, 2)
        Vertices (y, x) of each ring, n >= 3, not closed (the first vertex is not repeated). Winding carries no meaning.

    Raises
    ------
    InvalidInput
        There is no ring, a ring has fewer than three vertices, or a coordinate is not finite or beyond 1e9.
    """

    rings: tuple[FloatArray, ...]
    _bounds: Bounds = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rings = tuple(_as_ring(ring) for ring in self.rings)
        if not rings:
            raise InvalidInput("A region needs at least one ring.", hint="Give the outline of the object.")
        low = np.minimum.reduce([ring.min(axis=0) for ring in rings])
        high = np.maximum.reduce([ring.max(axis=0) for ring in rings])
        _check_range(low, high)
        object.__setattr__(self, "rings", rings)
        object.__setattr__(self, "_bounds", (float(low[0]), float(low[1]), float(high[0]), float(high[1])))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Region):
            return NotImplemented
        return len(self.rings) == len(other.rings) and all(map(np.array_equal, self.rings, other.rings))

    def __hash__(self) -> int:
        return hash((len(self.rings), self._bounds))


@dataclass(frozen=True, slots=True)
class Rectangle:
    """The area ``y0 <= y < y1``, ``x0 <= x < x1``, in fractions of pixels."""

    y0: float
    x0: float
    y1: float
    x1: float

    def __post_init__(self) -> None:
        for name in ("y0", "x0", "y1", "x1"):
            object.__setattr__(self, name, float(getattr(self, name)))
        _check_range(np.array((self.y0, self.x0)), np.array((self.y1, self.x1)))
        if self.y1 < self.y0 or self.x1 < self.x0:
            raise InvalidInput("A rectangle ends before it begins.", hint="Give y0 <= y1 and x0 <= x1.")

    @property
    def ring(self) -> FloatArray:
        """The four corners (y, x), float64 of shape (4, 2), clockwise on the screen from the top left."""
        return np.array([(self.y0, self.x0), (self.y0, self.x1), (self.y1, self.x1), (self.y1, self.x0)])


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse of any direction.

    Attributes
    ----------
    y, x : float
        Its centre.
    radius1, radius2 : float
        Half its length along its axis, and across; both above 0.
    angle_rad : float
        Direction of the axis, clockwise on the screen from +x.

    Raises
    ------
    InvalidInput
        A radius is not above 0, or a number is not finite or beyond 1e9.
    """

    y: float
    x: float
    radius1: float
    radius2: float
    angle_rad: float = 0.0

    def __post_init__(self) -> None:
        for name in ("y", "x", "radius1", "radius2", "angle_rad"):
            object.__setattr__(self, name, float(getattr(self, name)))
        if not (self.radius1 > 0 and self.radius2 > 0):
            raise InvalidInput("An ellipse has no size.", hint="Give two radii above 0.")
        _check_range(np.array((self.y, self.x, self.angle_rad)), np.array((self.radius1, self.radius2, 0.0)))

    def ring(self, vertices: int = 64) -> FloatArray:
        """Return vertices (y, x) on the ellipse, float64 of shape (vertices, 2), for formats that know polygons only."""
        turn = np.arange(vertices) * (2 * math.pi / vertices)
        along, across = self.radius1 * np.cos(turn), self.radius2 * np.sin(turn)
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        return np.stack((self.y + along * sin + across * cos, self.x + along * cos - across * sin), axis=1)


@dataclass(frozen=True, slots=True)
class Point:
    """A place; rasterised it covers the pixel that it lies in."""

    y: float
    x: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "y", float(self.y))
        object.__setattr__(self, "x", float(self.x))
        _check_range(np.array((self.y, self.x)), np.array((self.y, self.x)))


Shape = Region | Rectangle | Ellipse | Point | Mask


def bounds(shape: Shape) -> Bounds:
    """Return the extent (y0, x0, y1, x1) of `shape` in pixels; that of a point has no height and no width."""
    match shape:
        case Region():
            return shape._bounds
        case Rectangle():
            return shape.y0, shape.x0, shape.y1, shape.x1
        case Ellipse():
            cos, sin = math.cos(shape.angle_rad), math.sin(shape.angle_rad)
            half_y = math.hypot(shape.radius1 * sin, shape.radius2 * cos)
            half_x = math.hypot(shape.radius1 * cos, shape.radius2 * sin)
            return shape.y - half_y, shape.x - half_x, shape.y + half_y, shape.x + half_x
        case Point():
            return shape.y, shape.x, shape.y, shape.x
        case Mask():
            y0, x0, y1, x1 = shape.box.as_tuple()
            return float(y0), float(x0), float(y1), float(x1)


def _as_ring(vertices: ArrayLike) -> FloatArray:
    if isinstance(vertices, np.ndarray) and vertices.dtype == np.float64 and not vertices.flags.writeable:
        ring = vertices
    else:
        try:
            ring = np.array(vertices, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInput("A ring is not a list of pairs of numbers.", hint="Give an (n, 2) array of (y, x).") from error
        ring.setflags(write=False)  # a frozen shape must not change under its cached bounds
    if ring.ndim != 2 or ring.shape[1] != 2:
        raise InvalidInput(f"A ring must be a list of (y, x) pairs, not an array of shape {ring.shape}.", hint="Give an (n, 2) array.")
    if len(ring) < 3:
        raise InvalidInput(f"A ring of {len(ring)} vertices encloses nothing.", hint="Give at least three vertices.")
    return ring


def _check_range(low: FloatArray, high: FloatArray) -> None:
    # min and max of coordinates hand on a NaN, so this looks at every coordinate
    if not all(math.isfinite(v) and abs(v) <= _LIMIT_PX for v in (*low.tolist(), *high.tolist())):
        raise InvalidInput("A coordinate is not a number, or is beyond 1,000,000,000 pixels.", hint="Give pixels of the picture.")
