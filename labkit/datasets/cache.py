"""Copies of training sets of an object store: made once, shared by programs of this machine, and removed when room is needed."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labkit.config import LibrarySettings, cache_dir
from labkit.datasets.checking import check_training_set
from labkit.datasets.records import TrainingSetRecord
from labkit.datasets.training_set import TrainingSet
from labkit.errors import InvalidInput, Locked
from labkit.events import CancelToken, EventSink, Log
from labkit.storage import (
    INCOMING_PREFIX,
    CachedSetLayout,
    CacheLayout,
    TrainingSetLayout,
    content_hash,
    explain_os_errors,
    fetch_object,
    hold_lock,
    load_record,
    open_objects,
    publish_folder,
    remove_tree,
    scratch_folder,
)
from labkit.storage.room import bytes_below

__all__ = ["cached_training_set", "clean_copies", "key_of_address"]

_HELD: dict[Path, int] = {}  # copies that this program reads: locks that it keeps until it ends


def key_of_address(address: str) -> str:
    """Return ``name@hash`` of an address ``s3://…/training-sets/name@hash``.

    Raises
    ------
    InvalidInput
        It is no such address.
    """
    key = address.rstrip("/").rpartition("/")[2]
    if "@" not in key:
        raise InvalidInput(f"{address} is no address of a training set.", hint="It ends in /training-sets/NAME@HASH, as a push says.")
    return key


def cached_training_set(address: str, on_event: EventSink, cancel: CancelToken) -> TrainingSet:
    """Open the copy of a training set, and make it first if there is none.

    Parameters
    ----------
    address : str
        ``s3://…/training-sets/name@hash``.
    on_event, cancel
        Told of progress (unit "bytes"); looked at between pieces.

    Raises
    ------
    NotFound
        There is no such set on the store.
    StorageFull
        It is larger than the cache may be, or than the disk has room.
    CorruptStore
        What came is not what its name says; it is not kept.
    """
    address = address.rstrip("/")
    key = key_of_address(address)
    copy = _layout().training_set(key, content_hash(address, 8))
    with _locked(copy, on_event, cancel):
        if not copy.data.manifest.is_file():
            remove_tree(copy.root)  # what a killed fetch left; its lock is ours now
            _fetch(address, key, copy, on_event, cancel)
        _hold(copy)
        with explain_os_errors(copy.used):
            copy.used.touch()
    return TrainingSet(copy.data, load_record(copy.data.manifest, TrainingSetRecord))


def _layout() -> CacheLayout:
    return CacheLayout(cache_dir())


def _limit_bytes() -> int:
    return int(LibrarySettings().cache_gb * 1e9)


@contextmanager
def _locked(copy: CachedSetLayout, on_event: EventSink, cancel: CancelToken) -> Iterator[None]:
    """Hold the lock of a copy, and wait for it as long as another program is fetching."""
    told = False
    while True:
        cancel.raise_if_cancelled()
        try:
            lock = hold_lock(copy.lock, timeout_s=1.0, what="this copy of a training set")
            lock.__enter__()
            break
        except Locked:
            if not told:
                on_event(Log("Another program is fetching this training set; waiting for it."))
            told = True
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _fetch(address: str, key: str, copy: CachedSetLayout, on_event: EventSink, cancel: CancelToken) -> None:
    needed = sum(found.size for found in open_objects(address).facts())
    clean_copies(max(0, _limit_bytes() - needed))
    manifest = TrainingSetLayout(Path()).manifest.name
    with explain_os_errors(copy.root), scratch_folder(copy.root) as scratch:
        room = min(_limit_bytes(), shutil.disk_usage(scratch).free)
        incoming = TrainingSetLayout(scratch / copy.data.root.name)
        fetch_object(address, incoming.root, room_bytes=room, on_event=on_event, cancel=cancel, stores=(manifest,))
        check_training_set(incoming, key, cancel)
        publish_folder(incoming.root, copy.data.root)


def _hold(copy: CachedSetLayout) -> None:
    """Mark the copy as read by this program, until it ends: nobody removes it meanwhile."""
    if copy.in_use not in _HELD:
        descriptor = os.open(copy.in_use, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _HELD[copy.in_use] = descriptor


def clean_copies(limit_bytes: int | None = None) -> list[tuple[str, int]]:
    """Remove copies that are not in use, those first that nobody used for longest, until the rest fits; and leftovers of killed fetches.

    Parameters
    ----------
    limit_bytes : int, optional
        What may stay; default: ``LABKIT_CACHE_GB``.

    Returns
    -------
    list of (str, int)
        The name of each copy that was removed, and how many bytes it had.
    """
    limit = _limit_bytes() if limit_bytes is None else limit_bytes
    copies = sorted(_layout().training_set_copies(), key=_last_use)
    sizes = {copy.root: bytes_below(copy.root) for copy in copies}
    total, removed = sum(sizes.values()), []
    for copy in copies:
        unfinished = not copy.data.manifest.is_file()
        if (unfinished or total > limit) and _removed(copy):
            total -= sizes[copy.root]
            removed.append((copy.root.name, sizes[copy.root]))
        elif not unfinished:
            _remove_leftovers(copy)
    return removed


def _last_use(copy: CachedSetLayout) -> float:
    with suppress(FileNotFoundError):
        return copy.used.stat().st_mtime
    return 0.0


def _removed(copy: CachedSetLayout) -> bool:
    """Remove a copy unless somebody makes or reads it, and say whether it is gone."""
    try:
        with hold_lock(copy.lock, timeout_s=0, what="this copy of a training set"), _nobody_reads(copy) as free:
            if free:
                remove_tree(copy.root)
            return free
    except Locked:
        return False


@contextmanager
def _nobody_reads(copy: CachedSetLayout) -> Iterator[bool]:
    descriptor = os.open(copy.in_use, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def _remove_leftovers(copy: CachedSetLayout) -> None:
    with suppress(Locked), hold_lock(copy.lock, timeout_s=0, what="this copy of a training set"):
        for leftover in copy.root.glob(f"{INCOMING_PREFIX}*"):
            remove_tree(leftover)
