"""One annotated object."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from labkit.errors import InvalidInput
from labkit.formats.geojson import RESERVED_PROPERTIES
from labkit.geometry import Ellipse, Mask, Point, Rectangle, Region, Shape
from labkit.storage import utc_now

__all__ = ["KINDS", "AnnotationObject", "ObjectKind", "ObjectStatus", "new_object"]

ObjectKind = Literal["polygon", "box", "ellipse", "point", "mask", "area"]
ObjectStatus = Literal["accepted", "proposed", "rejected"]
KINDS: Mapping[ObjectKind, tuple[type, ...]] = {
    "polygon": (Region,),
    "box": (Rectangle,),
    "ellipse": (Ellipse,),
    "point": (Point,),
    "mask": (Mask,),
    "area": (Region, Rectangle, Ellipse, Mask),
}


@dataclass(frozen=True, slots=True)
class AnnotationObject:
    """An object that somebody (or a model) marked in an image.

    Attributes
    ----------
    id : str
        A UUID; the same object has it in every copy of the project.
    kind : {"polygon", "box", "ellipse", "point", "mask", "area"}
        A "mask" is painted. An "area" is an *annotated area*: it has no class, and a pixel inside it without an object is
        background.
    shape : Region, Rectangle, Ellipse, Point or Mask
        Full-resolution pixels, (y, x), as drawn: what leaves the picture is kept.
    class_id : int or None
        1-254; None is not classified yet.
    source : str
        ``manual``, ``import:<format>``, ``model:<name>`` or ``assistant:<name>``.
    author : str
        Who made it.
    created : datetime
        UTC.
    z : int or None
        Plane of a stack that it lies in; None is all of them.
    status : {"accepted", "proposed", "rejected"}
        A model's proposal counts nowhere until a person accepts it; one that was rejected is remembered, so that it does not come again.
    attributes : dict
        Anything else, as JSON; ``source_id`` is the id that the object had in a foreign file. Do not change it in place.

    Raises
    ------
    InvalidInput
        The id is no UUID, the class id is out of range, the shape does not fit the kind, or an attribute has a reserved name.
    """

    id: str
    kind: ObjectKind
    shape: Shape
    class_id: int | None = None
    source: str = "manual"
    author: str = ""
    created: datetime = field(default_factory=utc_now)
    z: int | None = None
    status: ObjectStatus = "accepted"
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "id", str(uuid.UUID(self.id)))
        except (ValueError, AttributeError, TypeError) as error:
            raise InvalidInput(f"The object id {self.id!r} is no UUID.", hint="Make objects with new_object().") from error
        if self.kind not in KINDS:
            raise InvalidInput(f"An object cannot be a {self.kind!r}.", hint=f"Known kinds: {', '.join(KINDS)}.", id=self.id)
        if not isinstance(self.shape, KINDS[self.kind]):
            raise InvalidInput(f"A {self.kind} cannot have the shape of a {type(self.shape).__name__}.", hint="Choose the other kind.")
        if self.class_id is not None and not 1 <= self.class_id <= 254:
            raise InvalidInput(f"The class id {self.class_id} is not within 1-254.", hint="Use an id of the project's classes.")
        if self.status not in get_args(ObjectStatus):
            known = ", ".join(get_args(ObjectStatus))
            raise InvalidInput(f"An object cannot be {self.status!r}.", hint=f"It is one of: {known}.", id=self.id)
        if taken := RESERVED_PROPERTIES & self.attributes.keys():
            raise InvalidInput(f"An attribute cannot be called {min(taken)!r}.", hint="Use another name.", id=self.id)
        object.__setattr__(self, "attributes", dict(self.attributes))
        object.__setattr__(self, "created", self.created.astimezone(UTC))


def new_object(
    shape: Shape,
    *,
    class_id: int | None = None,
    kind: ObjectKind | None = None,
    source: str = "manual",
    author: str = "",
    z: int | None = None,
    status: ObjectStatus = "accepted",
    attributes: Mapping[str, Any] | None = None,
) -> AnnotationObject:
    """Return a new object with a new id; `kind` follows from the shape unless it is "area"."""
    default = next(name for name, shapes in KINDS.items() if isinstance(shape, shapes))
    return AnnotationObject(
        id=str(uuid.uuid4()),
        kind=kind or default,
        shape=shape,
        class_id=class_id,
        source=source,
        author=author,
        z=z,
        status=status,
        attributes=attributes or {},
    )
