"""What people do to objects that are there, as edits: nothing here writes."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from labkit.annotations.document import Document
from labkit.annotations.edits import Change, Edit, put, removed
from labkit.annotations.journal import object_from_record, object_record
from labkit.annotations.objects import KINDS, AnnotationObject, ObjectKind
from labkit.errors import InvalidInput, LabKitError
from labkit.geometry import Mask, Region, Shape, covering_box, mask_of, moved
from labkit.geometry.combining import difference, overlap, separated, split, union
from labkit.storage import utc_now

__all__ = [
    "accept",
    "add_shape",
    "bring_to_front",
    "copied",
    "delete",
    "merge",
    "move",
    "pasted",
    "reject",
    "reshaped",
    "send_to_back",
    "separate",
    "set_attributes",
    "set_class",
    "set_task",
    "split_objects",
    "subtract_shape",
]

_LONGEST_NAME = 100  # characters of an attribute's name
_LONGEST_VALUE = 10_000


def delete(document: Document, ids: Iterable[str]) -> Edit:
    """Remove objects; it can be undone, so nobody is asked."""
    return removed(item.id for item in _chosen(document, ids))


def move(document: Document, ids: Iterable[str], dy: float, dx: float) -> Edit:
    """Shift objects by (dy, dx) pixels; painted ones by whole pixels."""
    return put(*(replace(item, shape=moved(item.shape, dy, dx)) for item in _chosen(document, ids)))


def set_class(document: Document, ids: Iterable[str], class_id: int | None, *, class_ids: Sequence[int] | None = None) -> Edit:
    """Give objects a class; annotated areas have none and are left out.

    Parameters
    ----------
    class_ids : sequence of int, optional
        The classes that there are.

    Raises
    ------
    InvalidInput
        The class is none of them.
    """
    if class_id is not None and class_ids is not None and class_id not in class_ids:
        raise InvalidInput(f"The project has no class {class_id!r}.", hint="Look at its classes again: somebody may have changed them.")
    return put(*(replace(item, class_id=class_id) for item in _chosen(document, ids) if item.kind != "area"))


def set_attributes(document: Document, ids: Iterable[str], changes: Mapping[str, Any]) -> Edit:
    """Change single attributes of objects; those that are not named stay as they are.

    Parameters
    ----------
    changes : mapping
        Text, a number or a truth value for each name; None takes the attribute away.

    Raises
    ------
    InvalidInput
        A name is empty, too long or reserved, or a value is of another kind.
    """
    for name, value in changes.items():
        if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST_NAME:
            raise InvalidInput(f"An attribute cannot be called {name!r}.", hint=f"Give it a name of 1 to {_LONGEST_NAME} characters.")
        if not isinstance(value, str | int | float | None) or (isinstance(value, float) and not math.isfinite(value)):
            raise InvalidInput(f"The attribute {name!r} cannot be a {type(value).__name__}.", hint="Give text or a number.")
        if isinstance(value, str) and len(value) > _LONGEST_VALUE:
            raise InvalidInput(f"The attribute {name!r} is longer than {_LONGEST_VALUE} characters.", hint="Write it shorter.")
    gone = {name for name, value in changes.items() if value is None}
    after = [
        replace(item, attributes={name: value for name, value in {**item.attributes, **changes}.items() if name not in gone})
        for item in _chosen(document, ids)
    ]
    return put(*(item for item in after if item.attributes != document.object_named(item.id).attributes))


def set_task(document: Document, task: str, *, completed: bool = True) -> Edit:
    """Set a mark of completion, or take it away."""
    after = document.with_task(task, completed=completed).completed_tasks
    return Edit() if after == document.completed_tasks else Edit(tasks=after)


def accept(document: Document, ids: Iterable[str]) -> Edit:
    """Make proposals count; their source stays."""
    return put(*(replace(item, status="accepted") for item in _chosen(document, ids) if item.status != "accepted"))


def reject(document: Document, ids: Iterable[str]) -> Edit:
    """Turn proposals down; they are remembered, so that the same model does not propose them again."""
    return put(*(replace(item, status="rejected") for item in _chosen(document, ids) if item.status == "proposed"))


def bring_to_front(document: Document, ids: Iterable[str]) -> Edit:
    """Draw objects above all others."""
    chosen = _chosen(document, ids)
    first = len(document.objects) - len(chosen)
    return Edit(tuple(Change(item.id, item, first + k) for k, item in enumerate(chosen)))


def send_to_back(document: Document, ids: Iterable[str]) -> Edit:
    """Draw objects below all others."""
    return Edit(tuple(Change(item.id, item, k) for k, item in enumerate(_chosen(document, ids))))


def copied(document: Document, ids: Iterable[str]) -> str:
    """Return objects as text for a clipboard."""
    return json.dumps({"labkit": "objects", "objects": [object_record(item) for item in _chosen(document, ids)]})


def pasted(text: str, *, author: str, dy: float = 0.0, dx: float = 0.0, class_ids: Sequence[int] | None = None) -> Edit:
    """Add the objects that `copied` wrote as new ones, shifted by (dy, dx) pixels.

    Parameters
    ----------
    class_ids : sequence of int, optional
        The classes that there are; an object of another one comes without a class.

    Raises
    ------
    InvalidInput
        The text is no copy of objects.
    """
    try:
        record = json.loads(text)
        if record["labkit"] != "objects":
            raise ValueError(record["labkit"])
        items = [object_from_record(one) for one in record["objects"]]
    except (ValueError, KeyError, TypeError, AttributeError, LabKitError) as error:
        raise InvalidInput("The clipboard holds no objects.", hint="Copy objects first.") from error
    known = None if class_ids is None else set(class_ids)
    return put(
        *(
            replace(
                item,
                id=str(uuid.uuid4()),
                shape=moved(item.shape, dy, dx),
                author=author,
                created=utc_now(),
                class_id=item.class_id if known is None or item.class_id in known else None,
            )
            for item in items
        )
    )


def add_shape(document: Document, object_id: str, shape: Shape) -> Edit:
    """Add an area to an object."""
    item = document.object_named(object_id)
    return put(reshaped(item, union((item.shape, shape))))


def subtract_shape(document: Document, ids: Iterable[str], shape: Shape) -> Edit:
    """Take an area away from objects; one of which nothing is left is removed."""
    changes = []
    for item in _with_area(document, ids):
        if overlap(item.shape, shape):  # one that is missed keeps its kind, and stays a proposal
            rest = difference(item.shape, shape)
            changes.append(Change(item.id, None if rest is None else reshaped(item, rest)))
    return Edit(tuple(changes))


def merge(document: Document, ids: Iterable[str]) -> Edit:
    """Make one object of several: it is the first of them, and covers what any of them covers.

    Raises
    ------
    InvalidInput
        Fewer than two of them have an area.
    """
    items = _with_area(document, ids)
    if len(items) < 2:
        raise InvalidInput("It takes two objects to merge.", hint="Choose two or more that have an area.")
    whole = reshaped(items[0], union([item.shape for item in items]))
    return Edit((Change(whole.id, whole), *(Change(item.id, None) for item in items[1:])))


def split_objects(document: Document, ids: Iterable[str], path: Sequence[tuple[float, float]], *, author: str) -> Edit:
    """Cut objects along a line of (y, x); the largest piece keeps the identity of the object.

    Raises
    ------
    InvalidInput
        The line has fewer than two places.
    """
    if len(path) < 2:
        raise InvalidInput("A cut needs a line.", hint="Draw across the object.")
    return _in_pieces(_with_area(document, ids), lambda shape: split(shape, path), author)


def separate(document: Document, ids: Iterable[str], *, author: str) -> Edit:
    """Make an object of each part of objects that have several; the largest part keeps the identity."""
    return _in_pieces(_with_area(document, ids), separated, author)


def _in_pieces(items: Iterable[AnnotationObject], cut: Callable[[Shape], list[Region]], author: str) -> Edit:
    changes = []
    for item in items:
        pieces = cut(item.shape)
        if len(pieces) > 1:
            shapes = [shape for piece in pieces if (shape := _like(item.shape, piece)) is not None]
            changes += [Change(item.id, reshaped(item, shape)) for shape in shapes[:1]]
            fresh = [replace(reshaped(item, shape), id=str(uuid.uuid4()), author=author, created=utc_now()) for shape in shapes[1:]]
            changes += [Change(one.id, one) for one in fresh]
    return Edit(tuple(changes))


def _like(shape: Shape, piece: Region) -> Region | Mask | None:
    """Return a piece as the kind of area that the whole was; None for a sliver of a mask that holds no pixel's centre."""
    return mask_of(piece, covering_box(piece)) if isinstance(shape, Mask) else piece


def reshaped(item: AnnotationObject, shape: Shape) -> AnnotationObject:
    """Return the object with another outline, of the kind that fits it; a proposal that somebody corrects is accepted, its source stays."""
    kind: ObjectKind = item.kind
    if not isinstance(shape, KINDS[kind]):
        kind = next(name for name, shapes in KINDS.items() if isinstance(shape, shapes))
    return replace(item, shape=shape, kind=kind, status="accepted" if item.status == "proposed" else item.status)


def _chosen(document: Document, ids: Iterable[str]) -> list[AnnotationObject]:
    """Return the objects of these ids that are there, in the order of drawing."""
    wanted = set(ids)
    return [item for item in document.objects if item.id in wanted]


def _with_area(document: Document, ids: Iterable[str]) -> list[AnnotationObject]:
    return [item for item in _chosen(document, ids) if item.kind != "point"]
