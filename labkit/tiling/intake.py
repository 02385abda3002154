"""The source of an import: a file of this machine, or fetched to it; what it was at the beginning, and the hash of its content."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import Cancelled, Conflict, NotFound, UnreadableImage
from labkit.events import CancelToken, EventSink
from labkit.formats.ome_zarr_source import ZARR_FILES, is_zarr
from labkit.project import Project
from labkit.storage import content_hash, explain_os_errors, fetch_object, is_remote, remove_tree
from labkit.tiling.incoming import room_for_imports
from labkit.tiling.probing import file_bytes

__all__ = ["FileFacts", "Hashing", "hashing_of", "local_source"]


@contextmanager
def local_source(project: Project, path: Path | str, on_event: EventSink, cancel: CancelToken) -> Iterator[tuple[Path, str]]:
    """Give a source as a file (or the folder of a store) of this machine, and the name by which people know it."""
    if not is_remote(path):
        local = Path(path).expanduser()
        yield local, local.name
        return
    address = str(path)
    shown = address.rstrip("/").rsplit("/", 1)[-1]
    target = project.layout.incoming_source(content_hash(address, 24))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fetch_object(address, target, room_bytes=room_for_imports(project), on_event=on_event, cancel=cancel, stores=ZARR_FILES)
        yield target, shown
    finally:
        remove_tree(target)
        target.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What tells that a file is still the same without reading it."""

    path: str
    bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> FileFacts:
        """Look at a file, or at all files of a folder."""
        with explain_os_errors(path):
            files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
            return cls(str(path.absolute()), file_bytes(path), max((f.stat().st_mtime_ns for f in files), default=0))

    def key(self) -> dict[str, Any]:
        """Return what an unfinished import is known by."""
        return {"path": self.path, "bytes": self.bytes, "modified_ns": self.modified_ns}


class Hashing:
    """The SHA-256 of a file (of all files in a folder, with their names), taken beside the decoding."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.facts = FileFacts.of(path)
        self.known: str | None = None
        self._error: OSError | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="labkit-hash", daemon=True)
        self._thread.start()

    def digest(self, cancel: CancelToken) -> str:
        """Wait for the hash and return it as 64 hex digits."""
        while self._thread.is_alive():
            self._thread.join(0.1)
            cancel.raise_if_cancelled()
        if self._error is not None:
            raise self._error
        if self.known is None:
            raise Cancelled("Cancelled.")
        return self.known

    def check_unchanged(self) -> None:
        """Raise when the file is not what it was at the beginning."""
        if FileFacts.of(self._path) != self.facts:
            raise Conflict(f"{self._path.name} changed while it was imported.", hint="Import it again when it is finished.")

    def stop(self) -> None:
        """Give up."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        digest, buffer = hashlib.sha256(), memoryview(bytearray(2**18))
        try:
            for file in self._files():
                if file != self._path:
                    digest.update(f"{file.relative_to(self._path).as_posix()}\0{file.stat().st_size}\0".encode())
                with open(file, "rb", buffering=0) as opened:
                    while (length := opened.readinto(buffer)) and not self._stopped.is_set():
                        digest.update(buffer[:length])
        except OSError as error:
            self._error = error
            return
        if not self._stopped.is_set():
            self.known = digest.hexdigest()

    def _files(self) -> list[Path]:
        return sorted(f for f in self._path.rglob("*") if f.is_file()) if self._path.is_dir() else [self._path]


@contextmanager
def hashing_of(path: Path) -> Iterator[Hashing]:
    """Begin to hash a file, and stop at the end if it is not finished."""
    if not path.exists():
        raise NotFound(f"{path} does not exist.", hint="Check the path.", path=str(path))
    if not (path.is_file() or is_zarr(path)):  # a pipe would be waited for for ever, a folder of everything read through
        raise UnreadableImage(f"{path} is a folder or a device, not a picture.", hint="Name one picture file.", path=str(path))
    hashing = Hashing(path)
    try:
        yield hashing
    finally:
        hashing.stop()
