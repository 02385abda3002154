"""Where shapes can be gripped, and what dragging does to them then."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from labkit.annotations.scene import PointerEvent, are_near
from labkit.geometry import Ellipse, Point, Rectangle, Region, Shape
from labkit.geometry.hits import nearest_edge, nearest_vertex

__all__ = ["Grip", "grip_of", "without_vertex"]

Grip = Callable[[float, float], Shape]
"""Takes the place (y, x) that something was dragged to, and returns the shape that this makes."""


def grip_of(shape: Shape, event: PointerEvent) -> Grip | None:
    """Return what dragging makes of a shape that is gripped at a vertex or an edge; None where there is neither."""
    match shape:
        case Region():
            return _region_grip(shape, event)
        case Rectangle():
            return _rectangle_grip(shape, event)
        case Ellipse():
            return _ellipse_grip(shape, event)
        case Point() if are_near((shape.y, shape.x), (event.y, event.x), event.reach_px):
            return Point
        case _:
            return None


def _region_grip(region: Region, event: PointerEvent) -> Grip | None:
    vertex = nearest_vertex(region, event.y, event.x)
    if vertex.distance_px <= event.reach_px:
        ring, number, inserts = vertex.ring, vertex.number, False
    else:
        edge = nearest_edge(region, event.y, event.x)
        if edge.distance_px > event.reach_px:
            return None
        ring, number, inserts = edge.ring, edge.number, True

    def dragged(y: float, x: float) -> Shape:
        old = region.rings[ring]
        moved_ring = np.insert(old, number + 1, (y, x), axis=0) if inserts else old.copy()
        if not inserts:
            moved_ring[number] = y, x
        return Region((*region.rings[:ring], moved_ring, *region.rings[ring + 1 :]))

    return dragged


def _rectangle_grip(rectangle: Rectangle, event: PointerEvent) -> Grip | None:
    """Return what dragging a corner (both its sides) or a side does."""
    rows = [k for k, v in enumerate((rectangle.y0, rectangle.y1)) if abs(v - event.y) <= event.reach_px]
    columns = [k for k, v in enumerate((rectangle.x0, rectangle.x1)) if abs(v - event.x) <= event.reach_px]
    within_y = rectangle.y0 - event.reach_px <= event.y <= rectangle.y1 + event.reach_px
    within_x = rectangle.x0 - event.reach_px <= event.x <= rectangle.x1 + event.reach_px
    if not (within_y and within_x) or not (rows or columns):
        return None

    def dragged(y: float, x: float) -> Shape:
        ys, xs = [rectangle.y0, rectangle.y1], [rectangle.x0, rectangle.x1]
        if rows:
            ys[rows[0]] = y
        if columns:
            xs[columns[0]] = x
        return Rectangle(min(ys), min(xs), max(ys), max(xs))

    return dragged


def _ellipse_grip(ellipse: Ellipse, event: PointerEvent) -> Grip | None:
    """Return what dragging an end of the axis (turns and stretches), an end across (stretches) or the centre (moves) does."""
    cos, sin = math.cos(ellipse.angle_rad), math.sin(ellipse.angle_rad)
    here = event.y, event.x
    for sign in (1, -1):
        if are_near(here, (ellipse.y + sign * ellipse.radius1 * sin, ellipse.x + sign * ellipse.radius1 * cos), event.reach_px):
            return lambda y, x: Ellipse(
                ellipse.y,
                ellipse.x,
                math.hypot(y - ellipse.y, x - ellipse.x),
                ellipse.radius2,
                math.atan2((y - ellipse.y) * sign, (x - ellipse.x) * sign),
            )
        if are_near(here, (ellipse.y + sign * ellipse.radius2 * cos, ellipse.x - sign * ellipse.radius2 * sin), event.reach_px):
            return lambda y, x: replace(ellipse, radius2=abs((y - ellipse.y) * cos - (x - ellipse.x) * sin))
    if are_near(here, (ellipse.y, ellipse.x), event.reach_px):
        return lambda y, x: replace(ellipse, y=y, x=x)
    return None


def without_vertex(region: Region, event: PointerEvent) -> Region | None:
    """Return the region without the vertex that is hit; a ring of three goes as a whole, unless it is the only one."""
    hit = nearest_vertex(region, event.y, event.x)
    if hit.distance_px > event.reach_px:
        return None
    ring = np.delete(region.rings[hit.ring], hit.number, axis=0)
    rest = (*region.rings[: hit.ring], *((ring,) if len(ring) >= 3 else ()), *region.rings[hit.ring + 1 :])
    return Region(rest) if rest else None
