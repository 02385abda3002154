"""Edits: what changes in a document, as data that can be undone, written down and carried out again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from labkit.annotations.document import Document
from labkit.annotations.objects import AnnotationObject
from labkit.errors import InvalidInput

__all__ = ["Change", "Edit", "apply_edit", "edit_between", "inverse_of", "put", "removed"]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one object.

    Attributes
    ----------
    id : str
        Its id.
    item : AnnotationObject or None
        As it is afterwards; None where it is removed.
    place : int or None
        Its place in the order of drawing of the finished document; None is where it was, and on top for a new one.
    """

    id: str
    item: AnnotationObject | None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Changes that happen together, and are undone together.

    Attributes
    ----------
    changes : tuple of Change
        One for each object concerned.
    tasks : tuple of str or None
        The marks of completion afterwards; None leaves them.

    Raises
    ------
    InvalidInput
        An object is named twice, or under another id than its own.
    """

    changes: tuple[Change, ...] = ()
    tasks: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if len({change.id for change in self.changes}) < len(self.changes):
            raise InvalidInput("An edit names an object twice.", hint="Give each object one change.")
        if any(change.item is not None and change.item.id != change.id for change in self.changes):
            raise InvalidInput("A change names another object than the one it holds.", hint="Give each change the id of its object.")

    def __bool__(self) -> bool:
        return bool(self.changes) or self.tasks is not None


def put(*items: AnnotationObject) -> Edit:
    """Return the edit that adds objects on top, or puts those of a known id in the place of the old ones."""
    return Edit(tuple(Change(item.id, item) for item in items))


def removed(ids: Iterable[str]) -> Edit:
    """Return the edit that removes objects."""
    return Edit(tuple(Change(object_id, None) for object_id in dict.fromkeys(ids)))


def apply_edit(document: Document, edit: Edit) -> Document:
    """Return the document after `edit`; an object to be removed that is not there is fine."""
    concerned = {change.id: change for change in edit.changes}
    objects: list[AnnotationObject] = []
    for item in document.objects:
        change = concerned.get(item.id)
        if change is None:
            objects.append(item)
        elif change.item is not None and change.place is None:
            objects.append(change.item)
    known = {item.id for item in document.objects}
    objects += [change.item for change in edit.changes if change.item is not None and change.place is None and change.id not in known]
    placed = [(change.place, change.item) for change in edit.changes if change.item is not None and change.place is not None]
    for place, item in sorted(placed, key=lambda one: one[0]):
        objects.insert(place, item)
    tasks = document.completed_tasks if edit.tasks is None else edit.tasks
    return replace(document, objects=tuple(objects), completed_tasks=tasks)


def inverse_of(document: Document, edit: Edit) -> Edit:
    """Return the edit that leads back to `document`, order of drawing included, after `edit` was applied to it."""
    places = {item.id: k for k, item in enumerate(document.objects)}
    changes = tuple(
        Change(change.id, document.objects[places[change.id]], places[change.id]) if change.id in places else Change(change.id, None)
        for change in edit.changes
    )
    return Edit(changes, None if edit.tasks is None else document.completed_tasks)


def edit_between(before: Document, after: Document) -> Edit:
    """Return the edit that makes `after` of `before`: of objects that differ, or lie elsewhere in the order of drawing."""
    old = {item.id: item for item in before.objects}
    new = {item.id: k for k, item in enumerate(after.objects)}
    gone = [Change(object_id, None) for object_id in old if object_id not in new]
    kept_before = [item.id for item in before.objects if item.id in new]
    kept_after = [item.id for item in after.objects if item.id in old]
    same_order = kept_before == kept_after
    changed = [
        Change(item.id, item, k) for k, item in enumerate(after.objects) if item.id not in old or old[item.id] != item or not same_order
    ]
    return Edit((*gone, *changed), after.completed_tasks if after.completed_tasks != before.completed_tasks else None)
