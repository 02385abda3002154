"""The hidden folder of an import under way: held by one process, bounded by disk and quota, and swept when nobody comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labkit.errors import CorruptStore, Locked, StorageFull
from labkit.formats.raster import RasterHeader
from labkit.project import Project
from labkit.storage import INCOMING_PREFIX, ImageLayout, Record, hold_lock, load_record, open_objects, remove_tree
from labkit.storage.room import bytes_below, room_bytes

__all__ = ["ImportJob", "check_room", "hold_import", "remove_incoming", "remove_unfinished_files", "room_for_imports"]

_ABANDONED_S = 7 * 24 * 3600.0


class ImportJob(Record):
    """``import.json`` of an import under way."""

    id: str
    url: str | None = None


@contextmanager
def hold_import(project: Project, incoming: ImageLayout) -> Iterator[None]:
    """Be the only one to import this picture; the lock lies beside the folder, which is renamed when it is finished."""
    lock = _lock_of(incoming.root)
    with hold_lock(lock, timeout_s=0.5, what="this image: it is being imported just now"):
        _remove_abandoned(project, incoming)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)  # while it is held, so that nobody holds a lock that has no name


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + ".lock")


def _remove_abandoned(project: Project, mine: ImageLayout) -> None:
    """Remove what imports left that nobody has gone on with for a week: folders, and locks whose folder is gone."""
    left = {f.with_name(f.name.removesuffix(".lock")) for f in project.layout.images.glob(f"{INCOMING_PREFIX}*")}
    for folder in left - {mine.root}:
        try:
            if time.time() - _last_write(folder) < _ABANDONED_S:
                continue
            with hold_lock(_lock_of(folder), timeout_s=0):
                if folder.is_file():
                    folder.unlink()
                remove_incoming(ImageLayout(folder))
                _lock_of(folder).unlink(missing_ok=True)
        except (Locked, FileNotFoundError):  # somebody is at work on it, or has just finished
            continue


def remove_incoming(incoming: ImageLayout) -> None:
    """Remove an unfinished image, wherever its objects lie."""
    with suppress(LookupError, CorruptStore):
        job = load_record(incoming.job, ImportJob)
        if job.url is not None:
            open_objects(job.url).remove()
    remove_tree(incoming.root)


def _last_write(folder: Path) -> float:
    ledger = ImageLayout(folder).ledger
    return next(p for p in (ledger, folder, _lock_of(folder)) if p.exists() or p == _lock_of(folder)).stat().st_mtime


def remove_unfinished_files(folder: Path) -> None:
    """Remove what was being written when an earlier import ended."""
    for file in (*folder.rglob(f"{INCOMING_PREFIX}*"), *folder.glob(f"{ImageLayout(folder).scratch.name}*")):
        file.unlink(missing_ok=True)


def check_room(project: Project, header: RasterHeader, incoming: ImageLayout, memory_bytes: int, *, source: Path, shown: str) -> None:
    """Refuse by the declared size, before a pixel is decoded; lossless levels of noise take 4/3 of the raw size."""
    plane = header.declared_bytes // header.planes
    scratch = plane if header.layout != "tiled" and 2 * plane > memory_bytes else 0
    pixels = 0 if project.record.images_url is not None else header.declared_bytes * 4 // 3
    needed = max(pixels + scratch - bytes_below(incoming.root), 0)
    room = room_for_imports(project)
    if needed > room:
        raise StorageFull(
            f"{shown} needs up to {needed / 1e9:.2f} GB unpacked, and there is room for {max(room, 0) / 1e9:.2f} GB.",
            hint="Free some disk, raise LABKIT_QUOTA_GB, or import a smaller part of the picture.",
            path=str(source),
            needed_bytes=needed,
            room_bytes=room,
        )


def room_for_imports(project: Project) -> int:
    """Return how many bytes imports may still write."""
    return room_bytes(project.path, project.layout.images)
