"""What tools are fed with and answer: what the hand does, what it works on, what became of it; and what lies under a place."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from labkit.annotations.document import Document
from labkit.annotations.edits import Edit
from labkit.annotations.objects import AnnotationObject
from labkit.errors import InvalidInput
from labkit.geometry import Box, Rectangle, bounds
from labkit.geometry.hits import contains

__all__ = ["NOTHING", "EventKind", "Mode", "Outcome", "PointerEvent", "Scene", "are_near", "objects_at", "objects_within"]

EventKind = Literal["down", "move", "up", "double", "key", "cancel"]
Mode = Literal["new", "add", "subtract"]


@dataclass(frozen=True, slots=True)
class PointerEvent:
    """What the hand did.

    Attributes
    ----------
    kind : {"down", "move", "up", "double", "key", "cancel"}
        The main button goes down or up, the pointer moves (held or not), a double click, a key, or the gesture is given up.
    y, x : float
        Place in pixels of the full picture.
    keys : frozenset of str
        Of "shift", "ctrl" and "alt", those held.
    key : str
        Which key, for "key": "Enter", "Escape", "Backspace", ...
    reach_px : float
        How far a hand may miss, in pixels of the picture: a few pixels of the screen.
    """

    kind: EventKind
    y: float = 0.0
    x: float = 0.0
    keys: frozenset[str] = frozenset()
    key: str = ""
    reach_px: float = 4.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.y, self.x, self.reach_px)) or self.reach_px <= 0:
            raise InvalidInput("A pointer event has no place.", hint="Give finite pixels, and a reach above 0.")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a tool works on.

    Attributes
    ----------
    document : Document
        As it is now.
    frame : Box
        The picture.
    selection : tuple of str
        Ids of the chosen objects.
    class_id, author, z
        Of what is drawn.
    plane : int or None
        Which plane of a stack is seen: what lies in another one is out of reach; None is all of them.
    radius_px : float
        Of brush and eraser.
    mode : {"new", "add", "subtract"}
        Whether a drawn area becomes an object, or joins or leaves the chosen ones.
    kind : {"object", "area"}
        "area" draws annotated areas.
    """

    document: Document
    frame: Box
    selection: tuple[str, ...] = ()
    class_id: int | None = None
    author: str = ""
    z: int | None = None
    radius_px: float = 10.0
    mode: Mode = "new"
    kind: Literal["object", "area"] = "object"
    plane: int | None = None

    @property
    def chosen(self) -> tuple[AnnotationObject, ...]:
        """The chosen objects that are there."""
        wanted = set(self.selection)
        return tuple(item for item in self.document.objects if item.id in wanted)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an event: an edit to carry out, another selection, and what to show meanwhile (lines of (y, x))."""

    edit: Edit = field(default_factory=Edit)
    selection: tuple[str, ...] | None = None
    preview: tuple[tuple[float, float], ...] = ()


NOTHING = Outcome()


def objects_at(scene: Scene, y: float, x: float, reach_px: float = 0.0) -> list[AnnotationObject]:
    """Return the objects at a place, the topmost first; annotated areas below all others, rejected ones not at all."""
    reach = math.ceil(reach_px) + 1
    here = Box(math.floor(y) - reach, math.floor(x) - reach, math.floor(y) + reach + 1, math.floor(x) + reach + 1)
    near = [scene.document.objects[k] for k in reversed(scene.document.numbers_within(here))]
    found = [item for item in near if _is_shown(item, scene) and contains(item.shape, y, x, reach_px)]
    return sorted(found, key=lambda item: item.kind == "area")


def objects_within(scene: Scene, frame: Rectangle) -> list[AnnotationObject]:
    """Return the objects that lie wholly within a frame, in the order of drawing."""
    found = []
    for item in scene.document.objects:
        y0, x0, y1, x1 = bounds(item.shape)
        if frame.y0 <= y0 and frame.x0 <= x0 and y1 <= frame.y1 and x1 <= frame.x1 and _is_shown(item, scene):
            found.append(item)
    return found


def _is_shown(item: AnnotationObject, scene: Scene) -> bool:
    seen = scene.z if scene.plane is None else scene.plane
    return item.status != "rejected" and (item.z is None or seen is None or item.z == seen)


def are_near(a: tuple[float, float], b: tuple[float, float], reach_px: float) -> bool:
    """Return whether two places (y, x) are at most `reach_px` apart."""
    return math.hypot(a[0] - b[0], a[1] - b[1]) <= reach_px
