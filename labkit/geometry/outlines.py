"""One shape made from another: outlines, painted masks, and shapes that are moved."""

from __future__ import annotations

import numpy as np

from labkit.errors import InvalidInput
from labkit.geometry.boxes import Box, iter_blocks
from labkit.geometry.masks import MASK_TILE_PX, Mask
from labkit.geometry.rasterise import covering_box, rasterise
from labkit.geometry.shapes import Ellipse, Point, Rectangle, Region, Shape
from labkit.geometry.vectorise import vectorise

__all__ = ["mask_of", "moved", "outline_of"]


def outline_of(shape: Shape) -> Region:
    """Return the rings around `shape`: exact for all but an ellipse, which becomes a polygon of 64 vertices.

    Raises
    ------
    InvalidInput
        A point has no outline.
    """
    match shape:
        case Region():
            return shape
        case Rectangle():
            return Region((shape.ring,))
        case Ellipse():
            return Region((shape.ring(),))
        case Mask():
            return vectorise(shape.read(shape.box).view(np.uint8), (shape.box.y0, shape.box.x0))[1]
        case Point():
            raise InvalidInput("A point has no outline.", hint="Draw a polygon around it.")


def mask_of(shape: Shape, within: Box) -> Mask | None:
    """Return the pixels of `within` that `shape` covers; None where it covers none."""
    if isinstance(shape, Mask) and shape.box.intersect(within) == shape.box:
        return shape
    part = covering_box(shape).intersect(within)
    tiles: dict[tuple[int, int], bytes] = {}
    first = part.y0 // MASK_TILE_PX * MASK_TILE_PX
    for band in iter_blocks(Box(first, part.x0, part.y1, part.x1), MASK_TILE_PX, max(part.width_px, 1)):  # a row of tiles at a time
        inside = rasterise(shape, band.intersect(part))
        if inside.any():
            tiles |= Mask.from_array(inside, band.intersect(part).y0, part.x0).tiles
    return Mask(tiles) if tiles else None


def moved(shape: Shape, dy: float, dx: float) -> Shape:
    """Return `shape` shifted by (dy, dx) pixels; a mask moves by whole ones."""
    match shape:
        case Region():
            return Region(tuple(ring + np.array((dy, dx)) for ring in shape.rings))
        case Rectangle():
            return Rectangle(shape.y0 + dy, shape.x0 + dx, shape.y1 + dy, shape.x1 + dx)
        case Ellipse():
            return Ellipse(shape.y + dy, shape.x + dx, shape.radius1, shape.radius2, shape.angle_rad)
        case Point():
            return Point(shape.y + dy, shape.x + dx)
        case Mask():
            return shape.moved(round(dy), round(dx))
