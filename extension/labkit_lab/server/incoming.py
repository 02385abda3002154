"""Files of annotations on their way in: sent in pieces into a folder of their own, which goes when they are in."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.errors import Conflict, InvalidInput, NotFound, StorageFull
from labkit.storage import explain_os_errors, new_id, plain_file_name
from labkit_lab.server.route import Route
from labkit_lab.wire import LARGEST_PIECE_BYTES, PieceQuery
from labkit_lab.wire_exchange import IncomingFile, IncomingItem, NewIncoming

__all__ = ["INCOMING_SETTING", "LARGEST_INCOMING_BYTES", "IncomingPieceRoute", "IncomingRoute", "IncomingSetRoute", "IncomingShelf"]

INCOMING_SETTING = "labkit_incoming"
LARGEST_INCOMING_BYTES = 1 << 30  # of all files of a set, and of what a zip holds: an import reads them into memory
_MOST_ENTRIES = 100_000
_MOST_SETS = 8
_ROOM_TO_SPARE_BYTES = 64 << 20


@dataclass
class _IncomingSet:
    """Files that belong together, and how much of each is here."""

    id: str
    folder: Path
    files: tuple[IncomingFile, ...]
    received: list[int]

    def item(self) -> IncomingItem:
        return IncomingItem(id=self.id, received=tuple(self.received))


class IncomingShelf:
    """The files on their way into one server; the oldest set makes room for the newest."""

    def __init__(self) -> None:
        self._sets: OrderedDict[str, _IncomingSet] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, asked: NewIncoming) -> IncomingItem:
        """Make room for files.

        Raises
        ------
        InvalidInput
            They are too large together, or two have one name.
        StorageFull
            The disk has no room for them.
        """
        names = [plain_file_name(file.name) for file in asked.files]
        total = sum(file.bytes for file in asked.files)
        if len({name.casefold() for name in names}) < len(names):
            raise InvalidInput("Two files have the same name.", hint="Import them one after the other.")
        if total > LARGEST_INCOMING_BYTES:
            raise InvalidInput(
                f"These files have {total / 2**20:.0f} MiB together; {LARGEST_INCOMING_BYTES >> 20} MiB can be imported at once.",
                hint="Import them one after the other, or a large one with 'labkit annotations import' in a terminal.",
            )
        folder = Path(tempfile.mkdtemp(prefix="labkit-incoming-"))
        if shutil.disk_usage(folder).free < total + _ROOM_TO_SPARE_BYTES:
            shutil.rmtree(folder, ignore_errors=True)
            raise StorageFull("The disk has no room for these files.", hint="Make room, then import them again.")
        made = _IncomingSet(new_id(), folder, asked.files, [0] * len(asked.files))
        for name in names:
            (folder / name).touch()
        with self._lock:
            self._sets[made.id] = made
            while len(self._sets) > _MOST_SETS:
                self._drop(next(iter(self._sets)))
        return made.item()

    def append(self, set_id: str, number: int, offset: int, piece: bytes) -> IncomingItem:
        """Add a piece to a file.

        Raises
        ------
        Conflict
            It does not follow what is there.
        InvalidInput
            The file becomes larger than it was said to be.
        """
        with self._lock:
            found = self._found(set_id)
            if not 0 <= number < len(found.files):
                raise NotFound("There is no such file on its way.", hint="Choose the files again.")
            if offset != found.received[number]:
                raise Conflict("A piece of the file does not follow the one before.", hint="Choose the files again.")
            if offset + len(piece) > found.files[number].bytes:
                raise InvalidInput("The file has changed while it was sent.", hint="Choose it again.")
            path = found.folder / plain_file_name(found.files[number].name)
            with explain_os_errors(path), path.open("ab") as file:
                file.write(piece)
            found.received[number] += len(piece)
            return found.item()

    def files(self, set_id: str) -> list[Path]:
        """Return the files of a set, all of which have come; a zip is unpacked.

        Raises
        ------
        Conflict
            A file is not whole.
        """
        with self._lock:
            found = self._found(set_id)
            if any(got < file.bytes for got, file in zip(found.received, found.files, strict=True)):
                raise Conflict("A file has not come as a whole.", hint="Choose the files again.")
            self._sets.move_to_end(set_id)
            for path in [path for path in found.folder.iterdir() if path.suffix.lower() == ".zip"]:
                _unpack(path, found.folder)
                path.unlink()
            return _things_in(found.folder)

    def end(self, set_id: str) -> None:
        """Forget a set."""
        with self._lock:
            self._drop(set_id)

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            for set_id in list(self._sets):
                self._drop(set_id)

    def _found(self, set_id: str) -> _IncomingSet:
        if set_id not in self._sets:
            raise NotFound("These files are not here (any more).", hint="Choose the files again.", id=set_id)
        return self._sets[set_id]

    def _drop(self, set_id: str) -> None:
        found = self._sets.pop(set_id, None)
        if found is not None:
            shutil.rmtree(found.folder, ignore_errors=True)


def _things_in(folder: Path) -> list[Path]:
    """Return files and OME-Zarr folders, in order of their names; what is hidden is left out."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__MACOSX")):
            continue
        is_store = path.is_dir() and any((path / name).is_file() for name in ("zarr.json", ".zattrs", ".zgroup"))
        found += [path] if path.is_file() or is_store else _things_in(path)
    return found


def _unpack(bundle: Path, folder: Path) -> None:
    """Unpack a zip into `folder`, unless it is too large or leads out of it."""
    try:
        with zipfile.ZipFile(bundle) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > LARGEST_INCOMING_BYTES or len(entries) > _MOST_ENTRIES:
                raise InvalidInput(
                    f"{bundle.name} holds too much.", hint=f"Import at most {LARGEST_INCOMING_BYTES >> 20} MiB at once, in parts."
                )
            for entry in entries:
                _check_place(bundle, entry.filename)
            opened.extractall(folder, members=entries)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise InvalidInput(f"{bundle.name} cannot be unpacked.", hint="Unpack it yourself, and choose the files.") from error


def _check_place(bundle: Path, name: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or ".." in parts or any(":" in part for part in parts[:1]):
        raise InvalidInput(
            f"{bundle.name} holds a file that would lie elsewhere: {name}.", hint="Unpack it yourself, and choose the files."
        )


class _ShelfRoute(Route):
    @property
    def shelf(self) -> IncomingShelf:
        """The server's files on their way in."""
        shelf: IncomingShelf = self.settings[INCOMING_SETTING]
        return shelf


class IncomingRoute(_ShelfRoute):
    """Files of annotations on their way in."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Begin a set of files."""
        self.reply(await asyncio.to_thread(self.shelf.begin, self.parsed_body(NewIncoming)), HTTPStatus.CREATED)


class IncomingSetRoute(_ShelfRoute):
    """One set of files."""

    @web.authenticated
    @authorized
    async def delete(self, set_id: str) -> None:
        """Forget it."""
        await asyncio.to_thread(self.shelf.end, set_id)
        self.reply(IncomingItem(id=set_id, received=()))


class IncomingPieceRoute(_ShelfRoute):
    """One file of a set."""

    @web.authenticated
    @authorized
    async def put(self, set_id: str, number: str) -> None:
        """Append the body."""
        at = self.parsed_query(PieceQuery)
        if len(self.request.body) > LARGEST_PIECE_BYTES:
            raise InvalidInput("The piece is too large.", hint=f"Send at most {LARGEST_PIECE_BYTES >> 20} MiB at once.")
        if not number.isdecimal():
            raise NotFound("There is no such file on its way.", hint="Choose the files again.")
        self.reply(await asyncio.to_thread(self.shelf.append, set_id, int(number), at.offset, self.request.body))
