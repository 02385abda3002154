"""Drawing tools: state machines that are fed with pointer events and answer with previews and edits.

They know no widget: places are pixels of the full picture, and `reach_px` says how far a hand may miss at the zoom at hand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from labkit.annotations.commands import add_shape, move, reshaped, split_objects, subtract_shape
from labkit.annotations.edits import put
from labkit.annotations.grips import Grip, grip_of, without_vertex
from labkit.annotations.objects import ObjectKind, new_object
from labkit.annotations.scene import NOTHING, Outcome, PointerEvent, Scene, are_near, objects_at, objects_within
from labkit.errors import InvalidInput
from labkit.geometry import Ellipse, Mask, Point, Rectangle, Region, Shape, bounds, mask_of
from labkit.geometry.combining import buffered_path, simplified

__all__ = ["TOOLS", "Tool", "drawn", "tool_named"]

_MOST_STEPS = 1000  # of one straight line
_FREEHAND_SIMPLIFIED = 0.1  # of the reach: what a hand cannot aim at needs no vertex


class Tool:
    """A state machine; `feed` takes one event after the other. A tool that is put away is `reset`."""

    name = ""

    def feed(self, event: PointerEvent, scene: Scene) -> Outcome:
        """Take an event and say what becomes of it."""
        if event.kind == "cancel" or (event.kind == "key" and event.key == "Escape"):
            self.reset()
            return NOTHING
        return self.take(event, scene)

    def take(self, event: PointerEvent, scene: Scene) -> Outcome:
        """Take an event that does not give up."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget a gesture that is not finished."""


class PolygonTool(Tool):
    """Clicks set vertices and a held button draws freehand, mixed as one likes; closed by a double click, Enter, or the first vertex."""

    name = "polygon"

    def __init__(self) -> None:
        self._path: list[tuple[float, float]] = []
        self._held_from: int | None = None  # number of vertices when the button went down
        self._only_freehand = False

    def reset(self) -> None:
        self._path, self._held_from, self._only_freehand = [], None, False

    def take(self, event: PointerEvent, scene: Scene) -> Outcome:
        here = event.y, event.x
        match event.kind:
            case "down":
                if len(self._path) >= 3 and are_near(here, self._path[0], event.reach_px):
                    return self._closed(event, scene)
                self._held_from = len(self._path)
                self._only_freehand = not self._path
                self._path.append(here)
            case "move" if self._held_from is not None:
                if not are_near(here, self._path[-1], event.reach_px / 4):
                    self._path.append(here)
            case "move":
                return Outcome(preview=(*self._path, here) if self._path else ())
            case "up" if self._held_from is not None:
                drawn = len(self._path) - self._held_from > 3
                self._held_from = None
                if drawn and self._only_freehand:
                    return self._closed(event, scene)
            case "double":
                return self._closed(event, scene)
            case "key" if event.key == "Enter":
                return self._closed(event, scene)
            case "key" if event.key == "Backspace" and self._path:
                self._path.pop()
        return Outcome(preview=tuple(self._path))

    def _closed(self, event: PointerEvent, scene: Scene) -> Outcome:
        path, freehand = self._path, self._only_freehand
        self.reset()
        ring = [place for k, place in enumerate(path) if k == 0 or place != path[k - 1]]
        if len(ring) > 1 and ring[0] == ring[-1]:
            ring.pop()
        if len(ring) < 3:
            return NOTHING
        region = Region((np.array(ring),))
        return drawn(scene, simplified(region, event.reach_px * _FREEHAND_SIMPLIFIED) if freehand and len(ring) > 16 else region)


class _DragTool(Tool):
    """A shape between where the button went down and where it goes up; shift makes it regular, alt grows it from its centre."""

    def __init__(self) -> None:
        self._start: tuple[float, float] | None = None

    def reset(self) -> None:
        self._start = None

    def take(self, event: PointerEvent, scene: Scene) -> Outcome:
        if event.kind == "down":
            self._start = event.y, event.x
            return NOTHING
        if self._start is None or event.kind not in ("move", "up"):
            return NOTHING
        rectangle = _rectangle(self._start, event)
        if event.kind == "move":
            return Outcome(preview=_outline(rectangle))
        self.reset()
        if rectangle.y1 == rectangle.y0 or rectangle.x1 == rectangle.x0:
            return NOTHING
        return drawn(scene, self.shape(rectangle))

    def shape(self, rectangle: Rectangle) -> Shape:
        """Return the shape that fills the rectangle."""
        raise NotImplementedError


class BoxTool(_DragTool):
    """Draws rectangles."""

    name = "box"

    def shape(self, rectangle: Rectangle) -> Shape:
        return rectangle


class EllipseTool(_DragTool):
    """Draws ellipses within a rectangle."""

    name = "ellipse"

    def shape(self, rectangle: Rectangle) -> Shape:
        height, width = rectangle.y1 - rectangle.y0, rectangle.x1 - rectangle.x0
        return Ellipse((rectangle.y0 + rectangle.y1) / 2, (rectangle.x0 + rectangle.x1) / 2, width / 2, height / 2)


class PointTool(Tool):
    """Marks places."""

    name = "point"

    def take(self, event: PointerEvent, scene: Scene) -> Outcome:
        return drawn(scene, Point(event.y, event.x)) if event.kind == "down" else NOTHING


class _PathTool(Tool):
    """Follows the pointer from where the button went down to where it goes up."""

    def __init__(self) -> None:
        self._path: list[tuple[float, float]] = []

    def reset(self) -> None:
        self._path = []

    def take(self, event: PointerEvent, scene: Scene) -> Outcome:
        here = event.y, event.x
        if event.kind == "down":
            self._path = [here]
        elif event.kind == "move" and self._path:
            self._path.append(here)
        elif event.kind == "up" and self._path:
            path = [*self._path, here]
            self.reset()
            return self.follow(path, event, scene)
        return Outcome(preview=tuple(self._path))

    def follow(self, path: Sequence[tuple[float, float]], event: PointerEvent, scene: Scene) -> Outcome:
        """Return what a finished path of (y, x) does; `event` is its end."""
        raise NotImplementedError


class BrushTool(_PathTool):
    """Paints pixels: onto the one chosen object if the stroke touches it or the mode is "add", else a new one."""

    name = "brush"

    def follow(self, path: Sequence[tuple[float, float]], event: PointerEvent, scene: Scene) -> Outcome:
        stroke = mask_of(buffered_path(path, scene.radius_px), scene.frame)
        return NOTHING if stroke is None else self.stroke(stroke, path[0], scene)

    def stroke(self, stroke: Mask, start: tuple[float, float], scene: Scene) -> Outcome:
        """Return what the pixels of a stroke do that began at `start`."""
        areas = [item for item in scene.chosen if item.kind != "point"]
        if scene.mode == "subtract":
            return Outcome(subtract_shape(scene.document, scene.selection, stroke))
        if len(areas) == 1 and (scene.mode == "add" or _meet(areas[0].shape, stroke)):
            return Outcome(add_shape(scene.document, areas[0].id, stroke))
        return drawn(replace(scene, mode="new"), stroke)


def _meet(shape: Shape, stroke: Mask) -> bool:
    covered = mask_of(shape, stroke.box)
    return covered is not None and covered.intersection(stroke) is not None


class EraserTool(BrushTool):
    """Takes pixels away: from the chosen objects, or from the topmost one under the stroke's beginning."""

    name = "eraser"

    def stroke(self, stroke: Mask, start: tuple[float, float], scene: Scene) -> Outcome:
        ids = scene.selection or tuple(item.id for item in objects_at(scene, *start)[:1])
        return Outcome(subtract_shape(scene.document, ids, stroke))


class SelectTool(Tool):
    """Chooses by a click or a frame (shift adds and takes away), and moves what is chosen by dragging it."""

    name = "select"

    def __init__(self) -> None:
        self._start: PointerEvent | None = None
        self._moves = False

    def reset(self) -> None:
        self._start, self._moves = None, False

    def take(self, event: PointerEvent, scene: Scene) -> Outcome:
        match event.kind:
            case "down":
                return self._down(event, scene)
            case "move" if self._start is not None:
                return self._dragged(event, scene, self._start)
            case "up" if self._start is not None:
                start, moves = self._start, self._moves
                self.reset()
                return self._up(event, scene, start, moves)
            case _:
                return NOTHING

    def _down(self, event: PointerEvent, scene: Scene) -> Outcome:
        self._start = event
        hit = next(iter(objects_at(scene, event.y, event.x, event.reach_px)), None)
        if hit is None:
            return Outcome() if "shift" in event.keys else Outcome(selection=())
        if "shift" in event.keys:
            others = tuple(i for i in scene.selection if i != hit.id)
            return Outcome(selection=others if hit.id in scene.selection else (*scene.selection, hit.id))
        self._moves = True
        return NOTHING if hit.id in scene.selection else Outcome(selection=(hit.id,))

    def _dragged(self, event: PointerEvent, scene: Scene, start: PointerEvent) -> Outcome:
        if not self._moves:
            return Outcome(preview=_outline(_between(start, event)))
        dy, dx = event.y - start.y, event.x - start.x
        boxes = [bounds(item.shape) for item in scene.chosen]
        return Outcome(preview=tuple(p for b in boxes for p in _outline(Rectangle(b[0] + dy, b[1] + dx, b[2] + dy, b[3] + dx))))

    def _up(self, event: PointerEvent, scene: Scene, start: PointerEvent, moves: bool) -> Outcome:
        if are_near((event.y, event.x), (start.y, start.x), event.reach_px / 2):
            return NOTHING  # a click, which chose when it went down
        if moves:
            return Outcome(move(scene.document, scene.selection, event.y - start.y, event.x - start.x))
        found = tuple(item.id for item in objects_within(scene, _between(start, event)))
        kept = scene.selection if "shift" in event.keys else ()
        return Outcome(selection=(*kept, *(i for i in found if i not in kept)))


class EditTool(Tool):
    """Moves the vertices of the one chosen object; an edge gives a new vertex, alt takes one away."""

    name = "edit"

    def __init__(self) -> None:
        self._grip: Grip | None = None
        self._id = ""

    def reset(self) -> None:
        self._grip, self._id = None, ""

    def take(self, event: PointerEvent, scene: Scene) -> Outcome:
        if event.kind == "down":
            return self._down(event, scene)
        if self._grip is None or event.kind not in ("move", "up"):
            return NOTHING
        try:
            shape = self._grip(event.y, event.x)
        except InvalidInput:  # dragged so far that nothing is left of it
            return NOTHING
        if event.kind == "move":
            return Outcome(preview=_outline(shape))
        object_id = self._id
        self.reset()
        item = scene.document.object_named(object_id)
        return NOTHING if item.shape == shape else Outcome(put(reshaped(item, shape)))

    def _down(self, event: PointerEvent, scene: Scene) -> Outcome:
        chosen = scene.chosen
        if len(chosen) != 1 or not isinstance(chosen[0].shape, Region | Rectangle | Ellipse | Point):
            hit = next(iter(objects_at(scene, event.y, event.x, event.reach_px)), None)
            return NOTHING if hit is None else Outcome(selection=(hit.id,))
        item = chosen[0]
        if isinstance(item.shape, Region) and "alt" in event.keys:
            shape = without_vertex(item.shape, event)
            return NOTHING if shape is None else Outcome(put(reshaped(item, shape)))
        self._id, self._grip = item.id, grip_of(item.shape, event)
        if self._grip is None:
            hit = next(iter(objects_at(scene, event.y, event.x, event.reach_px)), None)
            return Outcome(selection=() if hit is None else (hit.id,))
        return NOTHING


class SplitTool(_PathTool):
    """Cuts the chosen objects, or all under the line, along it."""

    name = "split"

    def follow(self, path: Sequence[tuple[float, float]], event: PointerEvent, scene: Scene) -> Outcome:
        if are_near(path[0], path[-1], event.reach_px):
            return NOTHING
        crossed = tuple(dict.fromkeys(item.id for place in _walked(path, event.reach_px) for item in objects_at(scene, *place)))
        return Outcome(split_objects(scene.document, scene.selection or crossed, path, author=scene.author))


TOOLS: Mapping[str, type[Tool]] = {
    tool.name: tool for tool in (PolygonTool, BoxTool, EllipseTool, PointTool, BrushTool, EraserTool, SelectTool, EditTool, SplitTool)
}


def tool_named(name: str) -> Tool:
    """Return a new tool.

    Raises
    ------
    InvalidInput
        There is no such tool.
    """
    if name not in TOOLS:
        raise InvalidInput(f"There is no tool {name!r}.", hint=f"Tools: {', '.join(TOOLS)}.")
    return TOOLS[name]()


def drawn(scene: Scene, shape: Shape, *, source: str = "manual") -> Outcome:
    """Return what a finished shape does by the mode at hand; `source` is that of a new object."""
    areas = tuple(item.id for item in scene.chosen if item.kind != "point")
    if scene.mode == "subtract" and not isinstance(shape, Point):
        return Outcome(subtract_shape(scene.document, areas, shape))
    if scene.mode == "add" and areas and not isinstance(shape, Point):
        return Outcome(add_shape(scene.document, areas[0], shape))
    kind: ObjectKind | None = "area" if scene.kind == "area" and not isinstance(shape, Point) else None
    class_id = None if kind == "area" else scene.class_id
    item = new_object(shape, class_id=class_id, kind=kind, source=source, author=scene.author, z=scene.z)
    return Outcome(put(item), selection=(item.id,))


def _walked(path: Sequence[tuple[float, float]], step_px: float) -> list[tuple[float, float]]:
    """Return places on a line, at most a step from one another."""
    places = [path[0]]
    for (y0, x0), (y1, x1) in pairwise(path):
        count = min(math.ceil(math.hypot(y1 - y0, x1 - x0) / step_px), _MOST_STEPS)
        places += [(y0 + (y1 - y0) * k / count, x0 + (x1 - x0) * k / count) for k in range(1, count + 1)]
    return places


def _between(start: PointerEvent, end: PointerEvent) -> Rectangle:
    return Rectangle(min(start.y, end.y), min(start.x, end.x), max(start.y, end.y), max(start.x, end.x))


def _rectangle(start: tuple[float, float], event: PointerEvent) -> Rectangle:
    dy, dx = event.y - start[0], event.x - start[1]
    if "shift" in event.keys:
        side = max(abs(dy), abs(dx))
        dy, dx = math.copysign(side, dy), math.copysign(side, dx)
    y, x = (start[0] - dy, start[1] - dx) if "alt" in event.keys else start
    ends = (y, start[0] + dy), (x, start[1] + dx)
    return Rectangle(min(ends[0]), min(ends[1]), max(ends[0]), max(ends[1]))


def _outline(shape: Shape) -> tuple[tuple[float, float], ...]:
    """Return a closed line to show."""
    match shape:
        case Region():
            ring = shape.rings[0].tolist()
        case Rectangle():
            ring = shape.ring.tolist()
        case Ellipse():
            ring = shape.ring().tolist()
        case Point():
            ring = [(shape.y, shape.x)]
        case Mask():
            return ()
    return tuple((float(y), float(x)) for y, x in (*ring, ring[0]))
