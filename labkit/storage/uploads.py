"""Files on their way into a project: appended piece by piece, gone on with after any interruption.

An upload is found again by what the sender says of the file (project, path, size, time of the last change, use), so who has
lost everything but the file itself asks the same thing again and is told where to go on. Bytes that were acknowledged are
on the disk; what a crash left behind them is cut off before the next piece.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from labkit.errors import AlreadyExists, Conflict, InvalidInput, LabKitError, Locked, NotFound, StorageFull, UnreadableImage
from labkit.storage.atomic import explain_os_errors, fsync_folder, new_folder, remove_tree, write_text
from labkit.storage.layout import ProjectLayout, UploadLayout
from labkit.storage.locks import hold_lock
from labkit.storage.records import Record, content_hash, load_record, save_record, utc_now
from labkit.storage.room import room_bytes

__all__ = ["Upload", "UploadRecord", "begin_upload", "list_uploads"]

_ABANDONED_S = 7 * 24 * 3600.0
_LONGEST_NAME = 1000
_ID_LENGTH = 24


class UploadRecord(Record):
    """What the sender says of a file; `last_modified_ms` since 1970, `relative_path` inside a dropped folder."""

    id: str
    name: str
    relative_path: str
    bytes: int
    last_modified_ms: int
    role: Literal["image", "labels"]
    created: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload: where it lies and what was said of it."""

    layout: UploadLayout
    record: UploadRecord

    @classmethod
    def open(cls, layout: UploadLayout) -> Upload:
        """Read an upload.

        Raises
        ------
        NotFound
            It is not there (any more).
        CorruptStore
            Its record is broken.
        """
        return cls(layout, load_record(layout.record, UploadRecord))

    @property
    def id(self) -> str:
        """Its id, which follows from what was said of the file."""
        return self.record.id

    @property
    def content(self) -> Path:
        """Where the bytes lie."""
        return self.layout.content(self.record.name)

    @property
    def received(self) -> int:
        """Number of acknowledged bytes: they are on the disk."""
        try:
            return min(int(self.layout.received.read_text()), self.content.stat().st_size)
        except (FileNotFoundError, ValueError):
            return 0

    @property
    def is_complete(self) -> bool:
        """Whether every byte has been acknowledged."""
        return self.received == self.record.bytes

    def append(self, offset: int, piece: bytes) -> int:
        """Write `piece` at `offset` and return how many bytes are acknowledged now.

        Parameters
        ----------
        offset : int
            Must be what is acknowledged so far.
        piece : bytes
            May not go beyond the declared size.

        Raises
        ------
        Conflict
            `offset` is another; the error's ``offset`` is the true one.
        InvalidInput
            The piece is empty or goes beyond the declared size.
        NotFound
            The upload was cancelled meanwhile.
        Locked
            Another request is writing it.
        StorageFull
            The disk is full; what was acknowledged stays.
        """
        with explain_os_errors(self.layout.root), hold_lock(self.layout.lock, what=f"the upload of {self.record.name}"):
            self._check_piece(offset, piece)
            self.content.parent.mkdir(exist_ok=True)
            descriptor = os.open(self.content, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                os.ftruncate(descriptor, offset)
                _write_all(descriptor, piece, offset)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if offset == 0:
                fsync_folder(self.content.parent)
            write_text(self.layout.received, str(offset + len(piece)))
        return offset + len(piece)

    def _check_piece(self, offset: int, piece: bytes) -> None:
        if not self.layout.record.is_file():
            self.layout.lock.unlink(missing_ok=True)
            raise NotFound("This upload is not there (any more).", hint="Drop the file again.", upload_id=self.id)
        if offset != (received := self.received):
            raise Conflict(f"The upload goes on at byte {received}, not at {offset}.", hint="Go on there.", offset=received)
        if not piece or offset + len(piece) > self.record.bytes:
            raise InvalidInput(
                f"{self.record.name} was said to have {self.record.bytes} bytes, and {offset + len(piece)} came.",
                hint="Drop the file again.",
            )

    def drop_content(self) -> None:
        """Remove the bytes; what was said of the file stays."""
        remove_tree(self.content.parent)

    def remove(self) -> None:
        """Remove all of it.

        Raises
        ------
        Locked
            A piece is being written, or the file is being imported.
        """
        with hold_lock(self.layout.lock, what=f"the upload of {self.record.name}"):
            remove_tree(self.layout.root)
            self.layout.lock.unlink(missing_ok=True)  # while it is held, so that nobody holds a lock that has no name


def begin_upload(
    project: ProjectLayout,
    project_id: str,
    *,
    name: str,
    relative_path: str,
    size_bytes: int,
    last_modified_ms: int,
    role: Literal["image", "labels"] = "image",
) -> Upload:
    """Return the upload of this file, a new one or one that was begun before.

    Parameters
    ----------
    project : ProjectLayout
        Where the file is to go.
    project_id : str
        The project's id; the same file may go into two projects.
    name : str
        The file's name, any text.
    relative_path : str
        Its path inside the folder that was dropped; it only tells files apart.
    size_bytes, last_modified_ms : int
        As the sender's system has them.
    role : {"image", "labels"}
        What the picture is to be used as.

    Raises
    ------
    UnreadableImage
        The file is empty.
    InvalidInput
        The name is empty or too long.
    StorageFull
        The disk or the quota has no room for `size_bytes`; nothing was begun.
    """
    if size_bytes <= 0:
        raise UnreadableImage(f"{name} is empty.", hint="Copy the file again from where it came from.")
    if not name.strip() or len(name) > _LONGEST_NAME or len(relative_path) > 4 * _LONGEST_NAME:
        raise InvalidInput("The file's name is empty or too long.", hint=f"Give it a name of 1 to {_LONGEST_NAME} characters.")
    said = {"name": name, "relative_path": relative_path, "bytes": size_bytes, "last_modified_ms": last_modified_ms, "role": role}
    layout = project.upload(content_hash({"project": project_id, **said}, _ID_LENGTH))
    _remove_abandoned(project)
    with suppress(NotFound):
        return Upload.open(layout)
    _check_room(project, name, size_bytes)
    record = UploadRecord(id=layout.root.name, **said, created=utc_now())
    with suppress(AlreadyExists), new_folder(layout.root) as folder:  # two windows may begin the same upload at once
        save_record(UploadLayout(folder).record, record)
    return Upload.open(layout)


def list_uploads(project: ProjectLayout) -> tuple[Upload, ...]:
    """Return the uploads of a project, the first begun first; broken ones are left out."""
    found = []
    for folder in _folders(project):
        with suppress(LabKitError):
            found.append(Upload.open(UploadLayout(folder)))
    return tuple(sorted(found, key=lambda upload: (upload.record.created, upload.id)))


def _remove_abandoned(project: ProjectLayout) -> None:
    """Remove uploads that nobody has gone on with for a week."""
    for folder in _folders(project):
        layout = UploadLayout(folder)
        files = [f for f in (layout.received, layout.state, layout.record, folder) if f.exists()]
        with suppress(FileNotFoundError, Locked):
            if time.time() - max((f.stat().st_mtime for f in files), default=time.time()) > _ABANDONED_S:
                with hold_lock(layout.lock, timeout_s=0):
                    remove_tree(folder)
                    layout.lock.unlink(missing_ok=True)


def _folders(project: ProjectLayout) -> Iterator[Path]:
    with explain_os_errors(project.uploads):
        yield from (f for f in sorted(project.uploads.iterdir()) if f.is_dir()) if project.uploads.is_dir() else ()


def _write_all(descriptor: int, piece: bytes, offset: int) -> None:
    rest = memoryview(piece)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written


def _check_room(project: ProjectLayout, name: str, size_bytes: int) -> None:
    """Refuse by the declared size, before the first byte; what other uploads still expect is taken already."""
    with explain_os_errors(project.root):
        expected = sum(u.record.bytes - u.received for u in list_uploads(project) if not u.layout.state.is_file())
    room = room_bytes(project.root, project.images, project.uploads) - expected
    if size_bytes > room:
        raise StorageFull(
            f"{name} has {size_bytes / 1e9:.2f} GB, and there is room for {max(room, 0) / 1e9:.2f} GB.",
            hint="Free some disk, raise LABKIT_QUOTA_GB, or import a smaller part of the picture.",
            needed_bytes=size_bytes,
            room_bytes=room,
        )
