"""One author's annotations of one image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.annotations.objects import AnnotationObject
from labkit.errors import InvalidInput, NotFound
from labkit.geometry import Box, covering_box

__all__ = ["FINISHED", "Document"]

FINISHED = "finished"


@dataclass(frozen=True)
class Document:
    """All objects that one author marked in one image; a change is a new document.

    Attributes
    ----------
    image_id, author : str
        Whose annotations of what.
    revision : int
        Number of times that it was saved; 0 is new.
    completed_tasks : tuple of str
        Marks of completion; ``finished`` means that every pixel without an object is background.
    objects : tuple of AnnotationObject
        In order of drawing: later ones lie on top.
    metadata : dict
        What a foreign file said of the whole, as JSON, by the name of its format, so that it can go out again. Do not change it in place.

    Raises
    ------
    InvalidInput
        Two objects have the same id.
    """

    image_id: str
    author: str
    revision: int = 0
    completed_tasks: tuple[str, ...] = ()
    objects: tuple[AnnotationObject, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if len(self._index) < len(self.objects):
            ids = [item.id for item in self.objects]
            twice = next(i for i in ids if ids.count(i) > 1)
            raise InvalidInput(f"The object id {twice} stands twice in one document.", hint="Give each object an id of its own.", id=twice)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {item.id: k for k, item in enumerate(self.objects)}

    @property
    def finished(self) -> bool:
        """Whether every pixel without an object is background."""
        return FINISHED in self.completed_tasks

    def object_named(self, object_id: str) -> AnnotationObject:
        """Return the object of this id.

        Raises
        ------
        NotFound
            There is none.
        """
        try:
            return self.objects[self._index[object_id]]
        except KeyError as error:
            raise NotFound(f"There is no object {object_id}.", hint="Load the document again.", id=object_id) from error

    def with_object(self, item: AnnotationObject) -> Document:
        """Return the document with `item` on top, or in the place of the object that has its id."""
        return self.with_objects((item,))

    def with_objects(self, items: Iterable[AnnotationObject]) -> Document:
        """Return the document with `items` on top, in order; those whose ids are known take the place of the old ones."""
        merged = {item.id: item for item in self.objects} | {item.id: item for item in items}
        return replace(self, objects=tuple(merged.values()))

    def without(self, *object_ids: str) -> Document:
        """Return the document without these objects; ids that it does not have are fine."""
        gone = set(object_ids)
        return replace(self, objects=tuple(item for item in self.objects if item.id not in gone))

    def with_task(self, task: str = FINISHED, *, completed: bool = True) -> Document:
        """Return the document with a mark of completion set, or removed."""
        if completed and task in self.completed_tasks:
            return self
        others = tuple(name for name in self.completed_tasks if name != task)
        return replace(self, completed_tasks=(*others, task) if completed else others)

    @cached_property
    def boxes(self) -> NDArray[np.int64]:
        """Rows (y0, x0, y1, x1) of pixels that each object may cover; do not change it in place."""
        return np.array([covering_box(item.shape).as_tuple() for item in self.objects], dtype=np.int64).reshape(-1, 4)

    def numbers_within(self, box: Box) -> list[int]:
        """Return the positions in ``objects`` of those that may cover a pixel of `box`, in order."""
        y0, x0, y1, x1 = self.boxes.T
        near = (y0 < box.y1) & (y1 > box.y0) & (x0 < box.x1) & (x1 > box.x0) & (y0 < y1) & (x0 < x1)
        return [int(k) for k in near.nonzero()[0]]
