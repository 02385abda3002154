"""Documents as GeoJSON: the snapshot in a project, and the file that people send one another."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, get_args

from labkit.annotations.document import Document
from labkit.annotations.objects import KINDS, AnnotationObject, ObjectKind, ObjectStatus
from labkit.errors import InvalidInput
from labkit.formats.geojson import Collection, Feature, read_geojson, write_geojson
from labkit.geometry import Shape
from labkit.project import ClassRecord
from labkit.storage import utc_now

__all__ = ["derived_id", "document_bytes", "document_from_bytes", "document_sha256", "feature_of", "is_uuid", "object_from_feature"]

_FORMAT = 1
_NAMES = uuid.UUID("9a2c3f0e-6f0b-5d53-9d7a-2f6f1b6c4a10")  # ids of foreign objects are derived below this one


def document_bytes(document: Document, classes: Sequence[ClassRecord]) -> bytes:
    """Return the document as GeoJSON; the same bytes for the same document."""
    known = {item.id: item for item in classes}
    facts = {
        "format": _FORMAT,
        "image": document.image_id,
        "author": document.author,
        "revision": document.revision,
        "completed_tasks": list(document.completed_tasks),
        **({"metadata": dict(document.metadata)} if document.metadata else {}),
    }
    return write_geojson(Collection(tuple(feature_of(item, known) for item in document.objects), facts))


def document_sha256(document: Document) -> str:
    """Return the hash of what is annotated, as 64 hex digits; how often it was saved does not matter."""
    return hashlib.sha256(document_bytes(replace(document, revision=0), ())).hexdigest()


def document_from_bytes(data: bytes, *, name: str) -> Document:
    """Return the document that `document_bytes` wrote.

    Raises
    ------
    InvalidInput
        The file is no such document, or of a newer format.
    """
    collection = read_geojson(data, name=name)
    facts = collection.labkit
    if facts.get("format") != _FORMAT:
        raise InvalidInput(f"{name} is no document of format {_FORMAT}.", hint="Import it, or update LabKit.")
    try:
        return Document(
            image_id=str(facts["image"]),
            author=str(facts["author"]),
            revision=int(facts["revision"]),
            completed_tasks=tuple(str(task) for task in facts["completed_tasks"]),
            objects=tuple(object_from_feature(feature) for feature in collection.features),
            metadata=dict(facts.get("metadata") or {}),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"{name} lacks facts of the document: {error}.", hint="Restore it from a backup.") from error


def feature_of(item: AnnotationObject, classes: Mapping[int, ClassRecord]) -> Feature:
    """Return an object as a feature of a file; `classes` gives names and colours."""
    known = None if item.class_id is None else classes.get(item.class_id)
    own = {
        "kind": item.kind,
        "class_id": item.class_id,
        "source": item.source,
        "author": item.author,
        "created": item.created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        **({} if item.z is None else {"z": item.z}),
        **({} if item.status == "accepted" else {"status": item.status}),
    }
    return Feature(
        shape=item.shape,
        id=item.id,
        class_name=known.name if known else None,
        class_colour=known.colour if known else None,
        labkit=own,
        properties=item.attributes,
    )


def object_from_feature(
    feature: Feature,
    *,
    class_id: int | None = None,
    foreign: bool = False,
    namespace: str = "",
    number: int = 0,
    author: str = "",
    source: str = "import:geojson",
) -> AnnotationObject:
    """Return the object that a feature describes.

    Parameters
    ----------
    feature : Feature
        Of our own snapshot, or of a foreign file.
    class_id : int, optional
        Class in this project; used where `foreign`, else the snapshot's own holds.
    foreign : bool
        The file comes from elsewhere: ids of classes mean nothing here, and an id that is no UUID becomes one, derived from
        `namespace` and the id (or the feature's `number`), so that the same file imported twice gives the same objects.
    author : str
        Who made it, if the feature does not say.
    source : str
        Where it comes from, if the feature does not say.

    Raises
    ------
    InvalidInput
        Its facts contradict one another.
    """
    own = feature.labkit
    attributes = dict(feature.properties)
    object_id = feature.id or ""
    if foreign and not is_uuid(object_id):
        if object_id:
            attributes["source_id"] = int(object_id) if object_id.isascii() and object_id.isdecimal() else object_id
        object_id = derived_id(namespace, object_id or f"#{number}")
    return AnnotationObject(
        id=object_id,
        kind=_kind(own.get("kind"), feature.shape),
        shape=feature.shape,
        class_id=class_id if foreign else own.get("class_id"),
        source=_text(own.get("source"), source),
        author=_text(own.get("author"), author),
        created=_time(own.get("created")),
        z=own["z"] if type(own.get("z")) is int else None,
        status=own["status"] if own.get("status") in get_args(ObjectStatus) else "accepted",
        attributes=attributes,
    )


def derived_id(namespace: str, foreign_id: str) -> str:
    """Return the UUID that stands for an id of a foreign file."""
    return str(uuid.uuid5(_NAMES, f"{namespace}/{foreign_id}"))


def _kind(wanted: Any, shape: Shape) -> ObjectKind:
    """Return the kind that the file says if the shape still fits it, else the first that fits."""
    fitting = [name for name, shapes in KINDS.items() if isinstance(shape, shapes)]
    return next((name for name in fitting if name == wanted), fitting[0])


def is_uuid(text: str) -> bool:
    """Return whether an id of a foreign file can be the id of an object."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return len(text) >= 32


def _text(value: Any, default: str) -> str:
    return value if isinstance(value, str) and value else default


def _time(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return utc_now()
