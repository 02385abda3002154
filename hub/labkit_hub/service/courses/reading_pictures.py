"""Annotated pictures of a submission as plain numbers, for an inline SVG: nothing that a student wrote becomes markup.

A document was looked at when it was handed in; what is odd in it all the same is left out and never an error.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from labkit.client.course_wire import NewRelease
from labkit.courses.annotation_files import TASKS_FILE, read_tasks
from labkit.courses.picture_heads import PictureHead, head_of
from labkit.courses.records import AnnotationTask, Manifest
from labkit.errors import LabKitError
from labkit_hub.service.courses.store import FileStore

__all__ = ["Backdrop", "Drawing", "Outline", "draw_document", "draw_nothing", "picture_of", "tasks_of"]

MOST_BYTES = 8_000_000  # of a document that is drawn
MOST_OBJECTS = 3000
MOST_VERTICES = 60_000
_TASKS_BYTES = 1_000_000
_FAR = 10_000_000.0
_LARGEST = 1_000_000
_SHOWN_PX = 1200  # a picture is not shown wider: finer vertices would not be seen
_DEEPEST = 4
_CLASSES = 50


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What lies behind outlines: a picture that browsers show, stretched to the size of the one that was annotated.

    Attributes
    ----------
    sha256, media_type : str
        Of the file.
    size : (int, int) or None
        (height, width) in pixels of what was annotated, at full resolution; None where only its thumbnail is known.
    is_whole : bool
        Whether it is that picture itself.
    """

    sha256: str
    media_type: str
    size: tuple[int, int] | None
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """One object: path data of an SVG, made of numbers only; a point has a place instead."""

    path: str
    points: tuple[tuple[float, float], ...]
    class_number: int
    is_area: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn of one task.

    Attributes
    ----------
    width_px, height_px : int
        Size of the picture at full resolution: by its file where the hub has it, else as the document says, else what holds everything.
    outlines : tuple of Outline
    classes : tuple of str
        Names of the classes by number, as the student wrote them; empty text is none.
    objects : int
        How many the document has, without areas that were marked as looked at.
    not_drawn : int
        How many of these are too many to be drawn.
    note : str
        Why nothing is drawn; empty where something is.
    """

    width_px: int = 1000
    height_px: int = 1000
    outlines: tuple[Outline, ...] = ()
    classes: tuple[str, ...] = ()
    objects: int = 0
    not_drawn: int = 0
    note: str = ""


def tasks_of(store: FileStore, asked: NewRelease) -> tuple[AnnotationTask, ...]:
    """Return the pictures that a release asks to annotate; none for most."""
    entry = asked.student.entry(TASKS_FILE)
    if entry is None:
        return ()
    try:
        return read_tasks(store.read(entry.sha256, _TASKS_BYTES))
    except LabKitError:
        return ()


def picture_of(store: FileStore, asked: NewRelease, task: AnnotationTask) -> Backdrop | None:
    """Return what browsers show of the picture of a task: the preview that was made of it, else the file itself, else its thumbnail.

    Of 16 bits browsers show what may be black: there the thumbnail comes first, too.
    """
    whole, small = asked.student.entry(task.image), asked.student.entry(task.thumbnail)
    preview = next((one for one in asked.previews if one.task == task.id and whole is not None and one.of == whole.sha256), None)
    if preview is not None and (head := _head(store, preview.sha256)) is not None:
        return Backdrop(preview.sha256, head.media_type, (preview.height_px, preview.width_px), is_whole=False)
    head = _head(store, whole.sha256) if whole is not None else None
    size = (head.height_px, head.width_px) if head is not None else None
    if (head is None or head.is_deep) and small is not None and (shown := _head(store, small.sha256)) is not None:
        return Backdrop(small.sha256, shown.media_type, size, is_whole=False)
    return Backdrop(whole.sha256, head.media_type, size, is_whole=True) if whole is not None and head is not None else None


def _head(store: FileStore, sha256: str) -> PictureHead | None:
    try:
        return head_of(store.path(sha256))
    except (LabKitError, OSError):
        return None


def draw_document(
    store: FileStore, manifest: Manifest, task: AnnotationTask, size: tuple[int, int] | None, places: Iterable[tuple[float, float]] = ()
) -> Drawing:
    """Return what is drawn of the document of a task.

    Parameters
    ----------
    size : (int, int) or None
        (height, width) of the picture itself, where the hub knows it.
    places : iterable of (y, x)
        What must be on the picture, too: the places of comments.
    """
    entry = manifest.entry(task.path)
    if entry is None:
        return _empty(size, places, "No annotations of this picture were handed in.")
    if entry.size > MOST_BYTES:
        return _empty(size, places, f"The annotations are too large to be drawn here ({entry.size / 1e6:.0f} MB).")
    try:
        root = json.loads(store.read(entry.sha256, MOST_BYTES).decode("utf-8-sig"), parse_constant=lambda _: None)
        features = root["features"]
        said = root.get("labkit")
    except (LabKitError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _empty(size, places, "The annotations cannot be read.")
    size = size or _size_said(said)
    sketch = _Sketch(max(size or (_SHOWN_PX, _SHOWN_PX)) / _SHOWN_PX)
    for feature in features if isinstance(features, list) else ():
        sketch.add(feature)
    height, width = size or _around([*sketch.corners, *places])
    return Drawing(width, height, tuple(sketch.outlines), tuple(sketch.classes), sketch.objects, sketch.not_drawn)


def draw_nothing(size: tuple[int, int] | None, places: Iterable[tuple[float, float]], note: str) -> Drawing:
    """Return the picture with the places of comments, and why nothing else is drawn."""
    return _empty(size, places, note)


def _empty(size: tuple[int, int] | None, places: Iterable[tuple[float, float]], note: str) -> Drawing:
    height, width = size or _around(list(places))
    return Drawing(width, height, note=note)


def _around(places: list[tuple[float, float]]) -> tuple[int, int]:
    """Return (height, width) of a field that holds all places, with a margin; at least 100 pixels each way."""
    height, width = (max([100.0, *(place[axis] for place in places if 0 <= place[axis] <= _LARGEST)]) for axis in (0, 1))
    return math.ceil(1.05 * height), math.ceil(1.05 * width)


def _size_said(said: object) -> tuple[int, int] | None:
    shape = said.get("shape") if isinstance(said, dict) else None
    if not (isinstance(shape, list) and len(shape) == 2):
        return None
    height, width = shape
    return (height, width) if all(type(side) is int and 0 < side <= _LARGEST for side in (height, width)) else None


@dataclass(slots=True)
class _Sketch:
    """Outlines as they are gathered; `step_px` is how close two vertices may be to be one."""

    step_px: float
    outlines: list[Outline] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    corners: list[tuple[float, float]] = field(default_factory=list)
    objects: int = 0
    not_drawn: int = 0
    vertices: int = 0

    def add(self, feature: Any) -> None:
        """Draw a feature, if it is one and there is room."""
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        properties = feature.get("properties") if isinstance(feature, dict) else None
        facts: dict[str, Any] = properties if isinstance(properties, dict) else {}
        own = facts.get("labkit")
        if not isinstance(geometry, dict) or (isinstance(own, dict) and own.get("status", "accepted") != "accepted"):
            return
        is_area = isinstance(own, dict) and own.get("kind") == "area"
        self.objects += not is_area
        lines = [line for line in _lines_of(geometry.get("coordinates")) if line]
        is_point = geometry.get("type") in ("Point", "MultiPoint")
        is_closed = geometry.get("type") in ("Polygon", "MultiPolygon")
        lines = lines if is_point else [_thinned(line, self.step_px) for line in lines]
        vertices = sum(map(len, lines))
        if len(self.outlines) >= MOST_OBJECTS or self.vertices + vertices > MOST_VERTICES or not lines:
            self.not_drawn += not is_area
            return
        self.vertices += vertices
        xs, ys = ([place[axis] for line in lines for place in line] for axis in (0, 1))
        self.corners.append((max(ys), max(xs)))
        self.outlines.append(
            Outline(
                path="" if is_point else "".join(_path(line, is_closed=is_closed) for line in lines),
                points=tuple(place for line in lines for place in line) if is_point else (),
                class_number=self._class_number(facts.get("classification")),
                is_area=is_area,
            )
        )

    def _class_number(self, said: object) -> int:
        name = said.get("name") if isinstance(said, dict) else said
        text = "".join(c if c.isprintable() else "\ufffd" for c in name[:60]) if isinstance(name, str) else ""  # half a surrogate, say
        if text not in self.classes:
            if len(self.classes) >= _CLASSES:
                return _CLASSES - 1
            self.classes.append(text)
        return self.classes.index(text)


def _lines_of(coordinates: Any, depth: int = 0) -> Iterator[list[tuple[float, float]]]:
    """Yield each line of positions (x, y) within lists of lists; a position alone is a line of one."""
    if not isinstance(coordinates, list) or not coordinates or depth > _DEEPEST:
        return
    if not isinstance(coordinates[0], list):
        coordinates = [coordinates]
    if isinstance(coordinates[0], list) and coordinates[0] and not isinstance(coordinates[0][0], list):
        yield [place for position in coordinates if (place := _place(position)) is not None]
        return
    for part in coordinates:
        yield from _lines_of(part, depth + 1)


def _place(position: Any) -> tuple[float, float] | None:
    if not (isinstance(position, list) and len(position) >= 2):
        return None
    x, y = position[:2]
    if type(x) not in (int, float) or type(y) not in (int, float) or not (abs(x) <= _FAR and abs(y) <= _FAR):
        return None
    return float(x), float(y)


def _thinned(line: list[tuple[float, float]], step_px: float) -> list[tuple[float, float]]:
    """Return the line without what nobody could see; its first and last vertex stay."""
    kept = line[:1]
    for place in line[1:-1]:
        if math.dist(place, kept[-1]) >= step_px:
            kept.append(place)
    return [*kept, *line[-1:]] if len(line) > 1 else kept


def _path(line: list[tuple[float, float]], *, is_closed: bool) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line) + ("Z" if is_closed else "")
