"""A first look at an annotation document that is handed in, by nothing but its bytes; and the tasks as students get them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pydantic import TypeAdapter, ValidationError

from labkit.courses.records import AnnotationTask, FileEntry, Manifest, Problem
from labkit.errors import InvalidInput

__all__ = [
    "DOCUMENT",
    "MOST_OBJECTS",
    "MOST_VERTICES",
    "TASKS_FILE",
    "DocumentFacts",
    "check_annotations",
    "check_document",
    "read_tasks",
    "write_tasks",
]

TASKS_FILE = "annotations/tasks.json"
DOCUMENT = re.compile(r"^annotations/[A-Za-z0-9][A-Za-z0-9_-]{0,60}\.geojson$")
MOST_OBJECTS = 50_000
MOST_VERTICES = 1_000_000
_DEEPEST = 40
_FAR = math.inf
_HINT = "Export it again: 'labkit course annotations' writes it from your project."
_SIMPLER = "Simplify outlines, or paint fewer of them by hand."
_TASKS: TypeAdapter[tuple[AnnotationTask, ...]] = TypeAdapter(tuple[AnnotationTask, ...])


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What was seen of a document: objects by class (empty text is none), vertices, who drew it, whether it was marked as finished."""

    classes: dict[str, int]
    vertices: int
    author: str
    finished: bool

    @property
    def objects(self) -> int:
        """Objects of all classes together."""
        return sum(self.classes.values())


class _Odd(ValueError):
    """A feature is not what GeoJSON says it is."""


def check_document(data: bytes, name: str) -> DocumentFacts:
    """Return what a submitted document holds, if it is one.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        What to call it in a message, such as ``annotations/cells.geojson``.

    Raises
    ------
    InvalidInput
        It is empty, cut short, no JSON, nested too deeply, no GeoJSON, or has more objects or vertices than anybody draws.
    """
    if (brackets := data.count(b"[")) > 2 * MOST_VERTICES:  # before it is parsed: each position has one
        raise InvalidInput(
            f"{name} has more than {brackets // 2:,} vertices; at most {MOST_VERTICES:,} are taken.", hint=_SIMPLER, name=name
        )
    root = _parse(data, name)
    features = root.get("features") if root.get("type") == "FeatureCollection" else None
    if not isinstance(features, list):
        raise InvalidInput(f"{name} is JSON, but holds no FeatureCollection.", hint=_HINT, name=name)
    if len(features) > MOST_OBJECTS:
        raise InvalidInput(
            f"{name} has {len(features):,} objects; at most {MOST_OBJECTS:,} are taken.", hint="Remove what was drawn twice."
        )
    classes: dict[str, int] = {}
    vertices = 0
    for number, feature in enumerate(features, 1):
        try:
            class_name, count = _look_at(feature)
        except _Odd as error:
            raise InvalidInput(f"{name}: feature {number}: {error}.", hint=_HINT, name=name) from error
        vertices += count
        if class_name is not None:
            classes[class_name] = classes.get(class_name, 0) + 1
    if vertices > MOST_VERTICES:
        text = f"{name} has {vertices:,} vertices; at most {MOST_VERTICES:,} are taken."
        raise InvalidInput(text, hint=_SIMPLER, name=name)
    said = root.get("labkit")
    own: dict[str, Any] = said if isinstance(said, dict) else {}
    author, tasks = own.get("author"), own.get("completed_tasks")
    return DocumentFacts(classes, vertices, author if isinstance(author, str) else "", isinstance(tasks, list) and "finished" in tasks)


def _parse(data: bytes, name: str) -> dict[str, Any]:
    if not data.strip():
        raise InvalidInput(f"{name} is empty ({len(data)} bytes).", hint=_HINT, name=name)
    try:
        root = json.loads(data.decode("utf-8-sig"), parse_constant=lambda _: None)  # NaN is no number
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is no text in UTF-8 (byte {error.start}).", hint=_HINT, name=name) from error
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{name} is no JSON: {error.msg} (line {error.lineno}, column {error.colno}).", hint=_HINT, name=name) from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise InvalidInput(f"{name} is no JSON that can be read.", hint=_HINT, name=name) from error
    if not isinstance(root, dict):
        raise InvalidInput(f"{name} is JSON, but holds no FeatureCollection.", hint=_HINT, name=name)
    _check_depth(root, name)
    return root


def _check_depth(root: object, name: str) -> None:
    """Look at everything but coordinates, which are many, and are looked at by themselves."""
    layer: list[Any] = [root]
    for _ in range(_DEEPEST):
        holders = ([v for k, v in holder.items() if k != "coordinates"] if isinstance(holder, dict) else holder for holder in layer)
        layer = [item for holder in holders for item in holder if isinstance(item, dict | list)]
        if not layer:
            return
    raise InvalidInput(f"{name} is nested too deeply to be annotations.", hint=_HINT, name=name)


def _look_at(feature: object) -> tuple[str | None, int]:
    """Return class and number of vertices of a feature; the class is None for an annotated area, which is no object."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise _Odd("it is not a Feature")
    geometry, properties = feature.get("geometry"), feature.get("properties")
    if not isinstance(geometry, dict) or not isinstance(geometry.get("type"), str):
        raise _Odd("it has no geometry")
    facts = properties if isinstance(properties, dict) else {}
    own = facts.get("labkit")
    vertices = _count(geometry.get("coordinates"))
    if isinstance(own, dict) and own.get("kind") == "area":
        return None, vertices
    said = facts.get("classification")
    name = said.get("name") if isinstance(said, dict) else said
    return name if isinstance(name, str) else "", vertices


def _count(coordinates: object) -> int:
    """Return the number of positions; each is a list of two or three finite numbers, somewhere in lists of lists."""
    if not isinstance(coordinates, list):
        raise _Odd("it has no coordinates")
    layer, count = [[coordinates]], 0
    while layer:
        holder = layer.pop()
        if not all(map(list.__instancecheck__, holder)):
            raise _Odd("a coordinate is not a number")
        lengths = {len(item) for item in holder}
        if holder and all(item and not isinstance(item[0], list) for item in holder[:1]):
            if not (lengths <= {2, 3} and set(map(type, chain.from_iterable(holder))) <= {int, float}):
                raise _Odd("a coordinate is not a number")
            if not -_FAR < min(chain.from_iterable(holder)) <= max(chain.from_iterable(holder)) < _FAR:
                raise _Odd("a coordinate is not a number")
            count += len(holder)
        else:
            layer += holder
    return count


def check_annotations(
    tasks: Sequence[AnnotationTask], manifest: Manifest, read: Callable[[FileEntry], bytes]
) -> tuple[dict[str, int], list[Problem]]:
    """Return the number of objects in each document of a submission, and what keeps one from being accepted or should be said of it.

    Parameters
    ----------
    read : callable
        Returns the bytes of a file of the manifest.
    """
    objects: dict[str, int] = {}
    return objects, [problem for task in tasks for problem in _of_task(task, manifest, read, objects)]


def _of_task(task: AnnotationTask, manifest: Manifest, read: Callable[[FileEntry], bytes], objects: dict[str, int]) -> Iterator[Problem]:
    entry = manifest.entry(task.path)
    what = task.title or task.id
    if entry is None:
        hint = "Annotate the picture, then run 'labkit course annotations', which writes the file."
        yield Problem(severity="warning", where=task.path, text=f"{what}: no annotations of {task.image} are handed in.", hint=hint)
        return
    try:
        facts = check_document(read(entry), task.path)
    except InvalidInput as error:
        yield Problem(where=task.path, text=error.message, hint=error.hint)
        return
    objects[task.path] = facts.objects
    if not facts.objects:
        yield Problem(severity="warning", where=task.path, text=f"{what}: nothing is annotated in it.", hint=f"Open {task.image} and draw.")
    yield from _of_classes(task, facts, what)


def _of_classes(task: AnnotationTask, facts: DocumentFacts, what: str) -> Iterator[Problem]:
    if not task.classes:
        return
    known = {name.strip().casefold() for name in task.classes} | ({""} if len(task.classes) == 1 else set())
    others = {name: count for name, count in facts.classes.items() if name.strip().casefold() not in known}
    if others:
        text = f"{what}: {_counted(others)} will not count."
        yield Problem(severity="warning", where=task.path, text=text, hint=f"The classes of this task: {', '.join(task.classes)}.")


def _counted(classes: dict[str, int]) -> str:
    names = [f"{count} of the class {name[:60]!r}" if name else f"{count} without a class" for name, count in sorted(classes.items())[:5]]
    return f"objects of other classes ({', '.join(names)})"


def write_tasks(tasks: Iterable[AnnotationTask]) -> bytes:
    """Return `TASKS_FILE` of a release: the tasks without what is hidden; the same bytes for the same tasks."""
    return json.dumps([task.public.model_dump(mode="json") for task in tasks], ensure_ascii=False, indent=1).encode() + b"\n"


def read_tasks(data: bytes) -> tuple[AnnotationTask, ...]:
    """Return the tasks of a release.

    Raises
    ------
    InvalidInput
        The file is not as it was handed out.
    """
    try:
        return _TASKS.validate_json(data)
    except ValidationError as error:
        raise InvalidInput(f"{TASKS_FILE} is not as it was handed out.", hint="Fetch the assignment again.") from error
