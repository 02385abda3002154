"""Where the bytes of immutable things lie: a folder of this machine, or a prefix of an object store.

An object is whole or not there, and never changes. An object store has no rename, no append and no lock: whatever is made of
several objects writes its manifest last, and readers trust manifests only.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from labkit.storage.atomic import current_umask, explain_os_errors, fsync_folder, remove_tree, write_bytes
from labkit.storage.errors import ObjectMissing
from labkit.storage.layout import INCOMING_PREFIX
from labkit.storage.s3 import ObjectFacts, S3Objects, is_remote

__all__ = ["FolderObjects", "ObjectFacts", "Objects", "PendingObject", "open_objects"]


class PendingObject(Protocol):
    """An object that is being written, piece by piece; nobody sees it before it is committed."""

    def write(self, part: bytes) -> None:
        """Append some bytes."""

    def commit(self) -> None:
        """Make the object visible, whole and on the disk (or acknowledged by the store); may be called from another thread."""

    def discard(self) -> None:
        """Give up what was written."""


class Objects(Protocol):
    """Objects below one address, by key ("0/c/0/1/2")."""

    @property
    def url(self) -> str:
        """The address: an absolute path, or ``s3://bucket/prefix``."""

    def write(self, key: str, parts: Sequence[bytes | memoryview]) -> None:
        """Write the concatenation of `parts`: whole, and on the disk (or acknowledged by the store) on return."""

    def begin(self, key: str) -> PendingObject:
        """Begin an object that is written in pieces."""

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return the bytes of an object from `start`; a negative `start` counts from the end.

        Raises
        ------
        ObjectMissing
            There is no such object; whatever else goes wrong raises something else, never looks like this.
        """

    def size(self, key: str) -> int:
        """Return the length of an object in bytes; raises as `read`."""

    def keys(self) -> Iterator[str]:
        """Yield the keys of all objects, in any order."""

    def facts(self) -> Iterator[ObjectFacts]:
        """Yield what is known of all objects, in any order."""

    def remove(self) -> None:
        """Remove all objects."""

    def remove_key(self, key: str) -> None:
        """Remove one object; one that is not there is fine."""


class _PendingFile:
    """A temporary neighbour of the file that it will be."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with explain_os_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor, self._name = tempfile.mkstemp(dir=path.parent, prefix=INCOMING_PREFIX)

    def write(self, part: bytes) -> None:
        view = memoryview(part)
        with explain_os_errors(self._path):
            while view:
                view = view[os.write(self._descriptor, view) :]

    def commit(self) -> None:
        try:
            with explain_os_errors(self._path):
                os.fchmod(self._descriptor, 0o666 & ~current_umask())
                os.fsync(self._descriptor)
                os.replace(self._name, self._path)
                fsync_folder(self._path.parent)
        except BaseException:
            Path(self._name).unlink(missing_ok=True)
            raise
        finally:
            os.close(self._descriptor)

    def discard(self) -> None:
        os.close(self._descriptor)
        Path(self._name).unlink(missing_ok=True)


class FolderObjects:
    """Objects as files of a folder."""

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder).absolute()

    @property
    def url(self) -> str:
        """The folder's path."""
        return str(self._folder)

    def write(self, key: str, parts: Sequence[bytes | memoryview]) -> None:
        """Write one object; see `Objects`."""
        write_bytes(self._folder / key, b"".join(parts))

    def begin(self, key: str) -> PendingObject:
        """Begin an object that is written in pieces; see `Objects`."""
        return _PendingFile(self._folder / key)

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Read one object or a range of it; see `Objects`."""
        with explain_os_errors(self._folder / key), self._open(key) as file:
            file.seek(start, 2 if start < 0 else 0)
            return file.read() if length is None else file.read(length)

    def size(self, key: str) -> int:
        """Return the length of one object; see `Objects`."""
        with self._open(key) as file:
            return file.seek(0, 2)

    def keys(self) -> Iterator[str]:
        """Yield all keys; see `Objects`."""
        for file in self._folder.rglob("*"):
            if file.is_file() and not file.name.startswith(INCOMING_PREFIX):
                yield file.relative_to(self._folder).as_posix()

    def facts(self) -> Iterator[ObjectFacts]:
        """Yield key, size and time of all objects; see `Objects`."""
        for key in self.keys():
            with suppress(FileNotFoundError):
                found = (self._folder / key).stat()
                yield ObjectFacts(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def remove(self) -> None:
        """Remove the folder."""
        remove_tree(self._folder)

    def remove_key(self, key: str) -> None:
        """Remove one object; see `Objects`."""
        with explain_os_errors(self._folder / key):
            (self._folder / key).unlink(missing_ok=True)

    def _open(self, key: str) -> BinaryIO:
        try:
            return open(self._folder / key, "rb")
        except (FileNotFoundError, NotADirectoryError):
            raise ObjectMissing(
                f"{self._folder / key} is missing.", hint="Run 'labkit verify'; restore it from a backup or import again.", key=key
            ) from None


def open_objects(address: Path | str) -> Objects:
    """Return the objects below a path of this machine or an ``s3://`` address."""
    return S3Objects(str(address)) if is_remote(address) else FolderObjects(address)
