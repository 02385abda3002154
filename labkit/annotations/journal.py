"""The journal of a document: every edit as one line, on the disk before it is acknowledged.

A line holds the edit and its inverse, so that the document and the history of undo and redo come back after any crash. Lines are
numbered without gaps from the snapshot's revision on; the number of the last one is the revision of the document.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from labkit.annotations.edits import Change, Edit
from labkit.annotations.objects import AnnotationObject
from labkit.errors import CorruptStore, InvalidInput, LabKitError
from labkit.geometry import Ellipse, Mask, Point, Rectangle, Region, Shape
from labkit.storage import explain_os_errors, fsync_folder, utc_now, write_bytes

__all__ = ["Entry", "Journal", "JournalContent", "object_from_record", "object_record", "read_journal", "write_journal"]

EntryKind = Literal["edit", "undo", "redo"]
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: what was done, by which client under which of its numbers, and how it is undone."""

    revision: int
    kind: EntryKind
    client: str
    number: int
    edit: Edit
    inverse: Edit
    time: datetime = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True)
class JournalContent:
    """All entries of a file, the highest number of each client, and how many bytes of whole lines there are."""

    entries: tuple[Entry, ...]
    clients: Mapping[str, int]
    length: int


def read_journal(path: Path, start: int = 0) -> JournalContent:
    """Return what stands in a journal from the byte `start` on; an unfinished last line is ignored, a missing file is empty.

    Raises
    ------
    CorruptStore
        A whole line cannot be read.
    """
    with explain_os_errors(path):
        try:
            with open(path, "rb") as file:
                file.seek(start)
                text = file.read()
        except FileNotFoundError:
            return JournalContent((), {}, 0)
    whole = text[: text.rfind(b"\n") + 1]
    entries: list[Entry] = []
    clients: dict[str, int] = {}
    for line in whole.splitlines():
        try:
            record = json.loads(line)
            if "clients" in record:
                clients |= {str(name): int(number) for name, number in record["clients"].items()}
                continue
            entries.append(_entry(record))
        except (ValueError, KeyError, TypeError, AttributeError, zlib.error, LabKitError) as error:
            raise CorruptStore(
                f"The journal {path} holds a line that cannot be read.", hint="Restore the file from a backup.", path=str(path)
            ) from error
    for entry in entries:
        clients[entry.client] = max(entry.number, clients.get(entry.client, 0))
    return JournalContent(tuple(entries), clients, start + len(whole))


def write_journal(path: Path, entries: Sequence[Entry], clients: Mapping[str, int]) -> int:
    """Replace a journal by these entries, whole or not at all, and return its length in bytes."""
    head = json.dumps({"format": _FORMAT, "clients": dict(clients)}).encode() + b"\n"
    data = head + b"".join(map(_line, entries))
    write_bytes(path, data)
    return len(data)


class Journal:
    """An open journal that lines are appended to; whoever appends holds the document's lock.

    Parameters
    ----------
    path : Path
        The file; made with the first line.
    length : int
        How many bytes of it are whole lines; what follows is the unfinished line of a writer that died, and is cut off.
    """

    def __init__(self, path: Path, length: int) -> None:
        self.path = path
        self.length = length
        self._descriptor: int | None = None
        if path.exists():
            self._open()

    def _open(self) -> int:
        with explain_os_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = not self.path.exists()
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            if fresh:
                fsync_folder(self.path.parent)
            if os.fstat(descriptor).st_size > self.length:
                os.ftruncate(descriptor, self.length)
        self._descriptor = descriptor
        return descriptor

    @property
    def is_current(self) -> bool:
        """Whether the file is still the one that was opened, and nobody else has written to it."""
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return self._descriptor is None
        if self._descriptor is None:
            return False
        ours = os.fstat(self._descriptor)
        return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev) and there.st_size == self.length

    def append(self, *entries: Entry) -> None:
        """Write lines, and return when they are on the disk; after an error none of them is there."""
        descriptor = self._open() if self._descriptor is None else self._descriptor
        view = memoryview(b"".join(map(_line, entries)))
        length = self.length + len(view)
        with explain_os_errors(self.path):
            try:
                while view:
                    view = view[os.write(descriptor, view) :]
                os.fdatasync(descriptor)
            except OSError:
                os.ftruncate(descriptor, self.length)  # half a line must not stand before the next one
                raise
        self.length = length

    def close(self) -> None:
        """Give the file back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _line(entry: Entry) -> bytes:
    record = {
        "revision": entry.revision,
        "kind": entry.kind,
        "client": entry.client,
        "number": entry.number,
        "time": entry.time.isoformat(),
        "edit": _edit_record(entry.edit),
        "inverse": _edit_record(entry.inverse),
    }
    try:
        return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:  # of an attribute; UnicodeEncodeError is a ValueError
        raise InvalidInput(f"An attribute cannot be written as JSON: {error}.", hint="Use text, finite numbers and lists.") from error


def _entry(record: Mapping[str, Any]) -> Entry:
    kind = record["kind"]
    if kind not in ("edit", "undo", "redo"):
        raise ValueError(f"unknown kind {kind!r}")
    return Entry(
        revision=int(record["revision"]),
        kind=kind,
        client=str(record["client"]),
        number=int(record["number"]),
        time=datetime.fromisoformat(record["time"]),
        edit=_edit_from_record(record["edit"]),
        inverse=_edit_from_record(record["inverse"]),
    )


def _edit_record(edit: Edit) -> dict[str, Any]:
    record: dict[str, Any] = {"changes": [_change_record(change) for change in edit.changes]}
    return record if edit.tasks is None else record | {"tasks": list(edit.tasks)}


def _change_record(change: Change) -> dict[str, Any]:
    place = {} if change.place is None else {"place": change.place}
    return {"id": change.id, **place} if change.item is None else {"id": change.id, **place, "object": object_record(change.item)}


def _edit_from_record(record: Mapping[str, Any]) -> Edit:
    changes = tuple(
        Change(change["id"], object_from_record(change["object"]) if "object" in change else None, change.get("place"))
        for change in record["changes"]
    )
    return Edit(changes, tuple(record["tasks"]) if "tasks" in record else None)


def object_record(item: AnnotationObject) -> dict[str, Any]:
    """Return an object as JSON, exactly; `object_from_record` undoes it."""
    return {
        "id": item.id,
        "kind": item.kind,
        "shape": _shape_record(item.shape),
        "class_id": item.class_id,
        "source": item.source,
        "author": item.author,
        "created": item.created.isoformat(),
        "z": item.z,
        "status": item.status,
        "attributes": dict(item.attributes),
    }


def object_from_record(record: Mapping[str, Any]) -> AnnotationObject:
    """Return the object that `object_record` wrote.

    Raises
    ------
    InvalidInput, KeyError, TypeError, ValueError
        It is none.
    """
    return AnnotationObject(
        **{**record, "shape": _shape_from_record(record["shape"]), "created": datetime.fromisoformat(record["created"])}
    )


def _shape_record(shape: Shape) -> dict[str, Any]:
    match shape:
        case Region():
            return {"rings": [ring.reshape(-1).tolist() for ring in shape.rings]}
        case Rectangle():
            return {"rectangle": [shape.y0, shape.x0, shape.y1, shape.x1]}
        case Ellipse():
            return {"ellipse": [shape.y, shape.x, shape.radius1, shape.radius2, shape.angle_rad]}
        case Point():
            return {"point": [shape.y, shape.x]}
        case Mask():
            return {"tiles": [[*at, base64.b64encode(zlib.compress(bits, 1)).decode()] for at, bits in shape.tiles.items()]}


def _shape_from_record(record: Mapping[str, Any]) -> Shape:
    ((kind, value),) = record.items()
    match kind:
        case "rings":
            return Region(tuple(_pairs(ring) for ring in value))
        case "rectangle":
            return Rectangle(*value)
        case "ellipse":
            return Ellipse(*value)
        case "point":
            return Point(*value)
        case "tiles":
            return Mask({(int(y), int(x)): zlib.decompress(base64.b64decode(bits)) for y, x, bits in value})
        case _:
            raise ValueError(f"unknown shape {kind!r}")


def _pairs(flat: Iterable[float]) -> Any:
    numbers = list(flat)
    return list(zip(numbers[0::2], numbers[1::2], strict=True))
