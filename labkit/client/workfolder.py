"""Course work on disk: ``~/courses/<course>/<assignment>/``, with what was fetched noted in ``.labkit/``."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from labkit.client.course_wire import AssignmentItem, Receipt
from labkit.config import courses_dir
from labkit.courses.records import Manifest, Sha256
from labkit.errors import AlreadyExists, CorruptStore, LabKitError, NotFound, NotWritable, StorageFull
from labkit.storage import CourseWorkLayout, Record, explain_os_errors, load_record, new_id, plain_file_name, save_record

__all__ = ["PendingSubmission", "WorkFolder", "WorkRecord", "find_work", "list_work", "work_at", "work_for"]


class WorkRecord(Record):
    """``.labkit/assignment.json``: of which assignment a folder is, and what was fetched.

    Attributes
    ----------
    manifest : Manifest
        The files of the release, as they were fetched: what hashes otherwise now was changed by the person.
    beside : dict of path to sha256
        Newer files that were laid beside changed ones; they are not sent.
    """

    format: Literal["labkit-course-work/1"] = "labkit-course-work/1"
    assignment: str
    course: str
    name: str
    release: int
    fetched: datetime
    manifest: Manifest
    beside: dict[str, Sha256] = {}
    expected: tuple[str, ...] = ()
    upload_mb: float = 20.0
    cell_s: float = 60.0


class PendingSubmission(Record):
    """``.labkit/pending.json``: the key of a submission whose answer did not come; sending the same once more is the same submission."""

    key: str
    release: int
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The folder of one assignment."""

    root: Path

    @property
    def layout(self) -> CourseWorkLayout:
        """Where things lie in it."""
        return CourseWorkLayout(self.root)

    def record(self) -> WorkRecord:
        """Return what was fetched."""
        return load_record(self.layout.record, WorkRecord)

    def receipts(self) -> list[Receipt]:
        """Return what has been handed in from here, the newest first; a receipt that cannot be read is left out."""
        found = []
        for path in sorted(self.layout.receipts.glob("*.json"), reverse=True):
            try:
                found.append(load_record(path, Receipt))
            except (CorruptStore, NotFound):
                continue
        return found

    def notebook_files(self) -> tuple[str, ...]:
        """Return the notebooks of the assignment that are there, as the file system calls them.

        Raises
        ------
        NotFound
            There is none.
        """
        places = [self.on_disk(f"{name}.ipynb") for name in self.record().manifest.notebooks]
        if found := tuple(place.name for place in places if place.is_file()):
            return found
        raise NotFound("There is no notebook of this assignment in its folder.", hint="Fetch the assignment again.")

    def key_for(self, release: int, sha256: str) -> str:
        """Return the key under which this is handed in: that of the last try, where it was of the same and was not answered.

        Where it cannot be noted (the disk is full, say) it holds for this try only: work is not kept from being handed in by that.
        """
        try:
            pending = load_record(self.layout.pending, PendingSubmission)
            if (pending.release, pending.sha256) == (release, sha256):
                return pending.key
        except (NotFound, CorruptStore):
            pass  # there was none, or it cannot be told any more what it was
        pending = PendingSubmission(key=new_id() + new_id(), release=release, sha256=sha256)
        with contextlib.suppress(StorageFull, NotWritable):
            save_record(self.layout.pending, pending)
        return pending.key

    def keep_receipt(self, receipt: Receipt) -> None:
        """Note that a submission was answered; where that cannot be written the hub has the receipt all the same."""
        with contextlib.suppress(StorageFull, NotWritable):
            save_record(self.layout.receipt(receipt.attempt, receipt.submission), receipt)
            self.layout.pending.unlink(missing_ok=True)

    def kept_receipt(self, receipt: Receipt) -> Path | None:
        """Return where a receipt is kept, None where it could not be written."""
        path = self.layout.receipt(receipt.attempt, receipt.submission)
        return path if path.is_file() else None

    def on_disk(self, path: str) -> Path:
        """Return where a file of a manifest lies, whichever way the file system writes its umlauts."""
        place = self.root
        for part in path.split("/"):
            place = _spelled(place, part)
        return place


def _spelled(folder: Path, name: str) -> Path:
    plain = folder / name
    if name.isascii() or plain.exists():
        return plain
    with explain_os_errors(folder):
        entries = list(folder.iterdir()) if folder.is_dir() else []
    return next((entry for entry in entries if unicodedata.normalize("NFC", entry.name) == name), plain)


def list_work(base: Path | None = None) -> Iterator[tuple[WorkFolder, WorkRecord]]:
    """Yield the folders of all fetched assignments, each assignment once; what cannot be read is left out.

    Of a folder that was copied as a whole the one counts that is called as the assignment is, so that what is shown is what is sent.
    """
    found: dict[str, list[tuple[WorkFolder, WorkRecord]]] = {}
    for folder, record in _all_work(courses_dir() if base is None else base):
        found.setdefault(record.assignment, []).append((folder, record))
    for copies in found.values():
        yield min(copies, key=lambda one: one[0].root.name not in _names_for(one[1].name, one[1].assignment))


def _all_work(base: Path) -> Iterator[tuple[WorkFolder, WorkRecord]]:
    for path in sorted(base.glob("*/*/.labkit/assignment.json")) if base.is_dir() else ():
        folder = WorkFolder(path.parent.parent)
        try:
            yield folder, folder.record()
        except LabKitError:
            continue


def find_work(assignment: str, base: Path | None = None) -> WorkFolder | None:
    """Return the folder of an assignment, whatever it is called by now; None if it was not fetched."""
    return next((folder for folder, record in list_work(base) if record.assignment == assignment), None)


def work_at(path: Path) -> WorkFolder:
    """Return the folder of the assignment that `path` is or lies in.

    Raises
    ------
    NotFound
        It lies in none.
    """
    path = path.expanduser().absolute()
    for place in (path, *path.parents):
        if CourseWorkLayout(place).record.is_file():
            return WorkFolder(place)
    raise NotFound(f"{path} is no folder of an assignment.", hint="Fetch the assignment, and go into its folder.", path=str(path))


def _names_for(name: str, assignment: str) -> tuple[str, str]:
    """Return what the folder of an assignment is called, and what where another has that name."""
    return plain_file_name(name), plain_file_name(f"{name} ({assignment})")


def _is_free(place: Path, assignment: str) -> bool:
    """Return whether there is nothing yet, or what a first fetch of this assignment left that was cut short."""
    layout = CourseWorkLayout(place)
    if not place.is_dir() or layout.record.exists():
        return False
    return layout.incoming(assignment).is_dir() or all(entry == layout.own for entry in place.iterdir())


def work_for(assignment: AssignmentItem, base: Path | None = None) -> WorkFolder:
    """Return the folder of an assignment, or where it will be.

    Raises
    ------
    AlreadyExists
        There is something else.
    """
    base = courses_dir() if base is None else base
    if (found := find_work(assignment.id, base)) is not None:
        return found
    course = base / plain_file_name(assignment.course)
    for name in _names_for(assignment.name, assignment.id):
        place = course / name
        if not place.exists() or _is_free(place, assignment.id):
            return WorkFolder(place)
    raise AlreadyExists(f"{place} is there already.", hint="Move or rename that folder, then fetch again.", path=str(place))
