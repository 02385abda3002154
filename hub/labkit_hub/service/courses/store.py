"""The files of releases, submissions and results: each lies once, under the hash of what it holds.

Who may read which is nothing that this module knows.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from labkit.courses.records import SHA256_PATTERN
from labkit.errors import CorruptStore, InvalidInput, NotFound, StorageFull
from labkit.storage import explain_os_errors, fsync_folder

__all__ = ["FileStore", "Incoming", "Kept"]

_HASH = re.compile(SHA256_PATTERN)
_LOOK_EVERY = 16_000_000
_FOLDERS = 256
_TRUSTED, _DOUBTED = 0o600, 0o400


class Incoming:
    """A file that is just being sent; `add` its pieces, then `FileStore.keep` it. Closing it throws away what was not kept."""

    def __init__(self, folder: Path, most_bytes: int, has_room: Callable[[], None]) -> None:
        self._most = most_bytes
        self._has_room = has_room
        self._hash = hashlib.sha256()
        self._looked = 0
        self.size = 0
        with explain_os_errors(folder):
            descriptor, name = tempfile.mkstemp(dir=folder)
        self.path = Path(name)
        self._file = os.fdopen(descriptor, "wb")

    def add(self, piece: bytes) -> None:
        """Append a piece.

        Raises
        ------
        InvalidInput
            The file is larger than any that is taken.
        StorageFull
            There is no room for it.
        """
        self.size += len(piece)
        if self.size > self._most:
            raise InvalidInput(f"The file is larger than {self._most / 1e6:g} MB.", hint="Make it smaller, or ask an admin for more.")
        if self.size - self._looked >= _LOOK_EVERY:
            self._has_room()
            self._looked = self.size
        self._hash.update(piece)
        with explain_os_errors("the folder of the courses' files"):
            self._file.write(piece)

    def finish(self) -> str:
        """Bring all of it onto the disk, and return its hash."""
        with explain_os_errors("the folder of the courses' files"):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        """Remove it, if it was not kept."""
        with suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it lies on the disk.

    Attributes
    ----------
    age_s : float
        Since it was written, or doubted.
    doubted : bool
        Whether it was looked at before, and nobody knew it.
    """

    name: str
    age_s: float
    doubted: bool


class FileStore:
    """A folder of files by their hash.

    Parameters
    ----------
    root : Path
        The folder; made when it is opened.
    most_bytes : int
        The largest file.
    keep_free_bytes : int
        So much of the disk stays free.
    """

    def __init__(self, root: Path, *, most_bytes: int, keep_free_bytes: int = 0) -> None:
        self.root = root
        self.most_bytes = most_bytes
        self._keep_free = keep_free_bytes
        self.turn = threading.RLock()
        """Held where a file's place and the rows about it are changed together."""

    def open(self) -> None:
        """Make the folder, and remove what was half sent when the service ended."""
        with explain_os_errors(self.root):
            self._incoming.mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o700)
        for half in self._incoming.iterdir():
            half.unlink(missing_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder on the same disk, which is removed afterwards, and after a kill when the store is opened next."""
        with explain_os_errors(self.root):
            self._scratch.mkdir(exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=self._scratch))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """Give a file to write into.

        Raises
        ------
        StorageFull
            The disk is nearly full.
        """
        self._require_room()
        file = Incoming(self._incoming, self.most_bytes, self._require_room)
        try:
            yield file
        finally:
            file.close()

    def keep(self, file: Incoming, sha256: str) -> None:
        """Put a file that was sent into its place.

        Raises
        ------
        InvalidInput
            It holds something else than its hash says.
        """
        if file.finish() != sha256:
            raise InvalidInput("What arrived is not what its hash says.", hint="Send the file again.")
        place = self._place(sha256)
        with explain_os_errors(self.root):
            place.parent.mkdir(exist_ok=True)
            os.replace(file.path, place)
            fsync_folder(place.parent)

    def path(self, sha256: str) -> Path:
        """Return where a file lies.

        Raises
        ------
        NotFound
            It is not there.
        """
        place = self._place(sha256)
        if not place.is_file():
            raise NotFound("There is no such file.", hint="Send it again.")
        return place

    def holds(self, sha256: str, size: int) -> bool:
        """Whether a file lies there in its size: a disk that was restored, or is full, may have lost it."""
        try:
            return self._place(sha256).stat().st_size == size
        except OSError:
            return False

    def read(self, sha256: str, most_bytes: int) -> bytes:
        """Return what a file holds.

        Raises
        ------
        NotFound, CorruptStore
            It is not there, or not what was written.
        """
        with open(self.path(sha256), "rb") as file:
            data = file.read(most_bytes + 1)
        if len(data) <= most_bytes and hashlib.sha256(data).hexdigest() != sha256:
            raise CorruptStore(f"The file {sha256[:12]} has changed on the disk.", hint="Restore it from a backup, or send it again.")
        return data

    def remove(self, names: Iterable[str], older_than_s: float = 60.0) -> int:
        """Remove files, and return how many; those that were written a moment ago stay."""
        removed = 0
        for name in names:
            place = self._place(name)
            with suppress(FileNotFoundError):
                if time.time() - place.stat().st_mtime >= older_than_s:
                    place.unlink()
                    removed += 1
        return removed

    def files_in(self, part: int, parts: int) -> Iterator[list[Kept]]:
        """Yield the files of one of so many parts of the folder, a few at a time."""
        for number in range(part, _FOLDERS, parts):
            with suppress(FileNotFoundError):
                yield [kept for path in (self.root / f"{number:02x}").iterdir() if (kept := _kept(path)) is not None]

    def doubt(self, name: str) -> None:
        """Mark a file that nobody knows: it cannot be written any more, and its age begins anew."""
        place = self._place(name)
        with suppress(FileNotFoundError):
            os.utime(place)
            place.chmod(_DOUBTED)

    def trust(self, name: str) -> None:
        """Take the mark away."""
        with suppress(FileNotFoundError):
            self._place(name).chmod(_TRUSTED)

    def sweep(self, older_than_s: float) -> None:
        """Remove what nobody goes on sending."""
        for half in self._incoming.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - half.stat().st_mtime >= older_than_s:
                    half.unlink()

    @property
    def _incoming(self) -> Path:
        return self.root / "incoming"

    @property
    def _scratch(self) -> Path:
        return self.root / "scratch"

    def _place(self, sha256: str) -> Path:
        if not _HASH.fullmatch(sha256):
            raise NotFound("There is no such file.", hint="A file is named by its SHA-256, in 64 hexadecimal digits.")
        return self.root / sha256[:2] / sha256

    def _require_room(self) -> None:
        free = shutil.disk_usage(self.root).free
        if free < self._keep_free:
            raise StorageFull(
                f"Only {free / 1e6:.0f} MB are free where the courses' files lie; no more are taken.",
                hint="Tell an admin: what was handed in before is safe.",
            )


def _kept(path: Path) -> Kept | None:
    """Return a file of ours; None for what is none."""
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return None
    if not (stat.S_ISREG(facts.st_mode) and _HASH.fullmatch(path.name)):
        return None
    return Kept(path.name, time.time() - facts.st_mtime, doubted=stat.S_IMODE(facts.st_mode) == _DOUBTED)
