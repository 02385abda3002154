"""Folders with a manifest, as objects of a store: the manifest goes last, so that who finds it finds all."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from labkit.errors import StorageUnreachable
from labkit.events import CancelToken, EventSink, Progress
from labkit.storage.errors import ObjectMissing
from labkit.storage.objects import Objects, open_objects

__all__ = ["push_folder", "unfinished_folders"]

_SENDERS = 4
_LARGE_BYTES = 64 * 2**20  # objects are sent whole: not several large ones at once


def push_folder(folder: Path, address: str, *, last: str, stage: str, on_event: EventSink, cancel: CancelToken) -> int:
    """Send the files of a folder, once: what is there already, whole, is not sent again.

    Parameters
    ----------
    folder : Path
        Its files, hidden ones left out.
    address : str
        Where they go; it names their content, so that whatever is there is the same.
    last : str
        The file that says that all others are there.
    stage, on_event, cancel
        Told of progress (unit "bytes"); looked at between files.

    Returns
    -------
    int
        How many objects were sent.

    Raises
    ------
    StorageUnreachable
        The store fails again and again, or somebody removed objects meanwhile.
    Cancelled
        The token was set; what was sent stays, and is not sent again by the next push.
    """
    objects = open_objects(address)
    if _is_there(objects, last):
        return 0
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file() and path.name[0] != "."}
    sizes = {key: path.stat().st_size for key, path in files.items()}
    there = {found.key: found.size for found in objects.facts()}
    missing = [key for key in files if key != last and there.get(key) != sizes[key]]
    done, total = 0, sum(sizes[key] for key in missing) + sizes[last]
    senders = 1 if max(sizes.values()) > _LARGE_BYTES else _SENDERS

    def send(key: str) -> str:
        cancel.raise_if_cancelled()
        objects.write(key, [files[key].read_bytes()])
        return key

    with ThreadPoolExecutor(senders, thread_name_prefix="labkit-push") as pool:
        try:
            for key in pool.map(send, missing):
                done += sizes[key]
                on_event(Progress(done, total, "bytes", stage))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    _check_all(objects, {key: size for key, size in sizes.items() if key != last}, address)
    send(last)
    on_event(Progress(total, total, "bytes", stage))
    return len(missing) + 1


def _is_there(objects: Objects, key: str) -> bool:
    try:
        objects.size(key)
    except ObjectMissing:
        return False
    return True


def _check_all(objects: Objects, sizes: dict[str, int], address: str) -> None:
    there = {found.key: found.size for found in objects.facts()}
    gone = [key for key, size in sizes.items() if there.get(key) != size]
    if gone:
        raise StorageUnreachable(
            f"{len(gone)} object(s) of {address} are not as they were sent.",
            hint="Push again; what is whole is not sent twice.",
            path=address,
        )


def unfinished_folders(address: str, *, last: str, before: datetime) -> Iterator[tuple[str, int]]:
    """Yield the folders directly below `address` that lack their manifest, and the bytes that they hold.

    Parameters
    ----------
    address : str
        Below which the folders lie.
    last : str
        The name of their manifest.
    before : datetime
        A folder with an object that was written later is left out: somebody may be sending it now.
    """
    folders: dict[str, list[tuple[str, int, datetime | None]]] = {}
    for found in open_objects(address).facts():
        folder, _, key = found.key.partition("/")
        folders.setdefault(folder, []).append((key, found.size, found.modified))
    for folder, held in sorted(folders.items()):
        old = all(modified is not None and modified < before for _, _, modified in held)
        if old and last not in {key for key, _, _ in held}:
            yield f"{address}/{folder}", sum(size for _, size, _ in held)
