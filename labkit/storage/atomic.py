"""Writes that are whole or not there: a temporary neighbour, fsync, rename."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.errors import AlreadyExists, InvalidInput, NotFound, NotWritable, StorageFull
from labkit.storage.layout import INCOMING_PREFIX

_MOST_WAIT_S = 30.0  # for what other threads read or write meanwhile

__all__ = [
    "current_umask",
    "explain_os_errors",
    "fsync_folder",
    "new_folder",
    "publish_folder",
    "remove_tree",
    "scratch_folder",
    "sweep_scratch",
    "write_bytes",
    "write_text",
]


@contextmanager
def explain_os_errors(path: Path | str) -> Iterator[None]:
    """Turn a full disk, a missing right or an impossible name below `path` into an error with a hint."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                f"The disk is full: {path} could not be written.", hint="Remove what is no longer needed and try again.", path=str(path)
            ) from error
        if error.errno == errno.EFBIG:
            raise StorageFull(
                f"{path} may not grow any further.", hint="Ask for a higher limit of the size of files, and try again.", path=str(path)
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            verb, hint = "written", "Choose a folder that you may write to."
            if os.access(path, os.F_OK) and not os.access(path, os.R_OK):
                verb, hint = "read", "Ask its owner for the right to read it."
            raise NotWritable(f"{path} cannot be {verb}: {error.strerror}.", hint=hint, path=str(path)) from error
        if error.errno == errno.ENAMETOOLONG:
            raise InvalidInput(f"The name {Path(path).name[:40]!r}... is too long.", hint="Use a shorter name.", path=str(path)) from error
        if error.errno == errno.ENOTDIR:
            raise NotFound(f"{path} lies in something that is not a folder.", hint="Check the path.", path=str(path)) from error
        raise


def fsync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` so that `path` holds either the old bytes or all of the new ones, after a crash too."""
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=INCOMING_PREFIX)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), 0o666 & ~current_umask())
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        fsync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Give a temporary folder in `parent`; what is left of it on exit is removed, so publish what is to stay."""
    with explain_os_errors(parent):
        try:
            parent.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:  # a file of that name: mkdir says "exists", a person needs "no folder"
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(parent)) from error
        incoming = Path(tempfile.mkdtemp(dir=parent, prefix=INCOMING_PREFIX))
        incoming.chmod(0o777 & ~current_umask())
        try:
            yield incoming
        except BaseException:
            _await_writes()
            raise
        finally:
            remove_tree(incoming)


def _await_writes() -> None:
    """Wait for what zarr still writes: when one of its writes fails, those beside it go on, and would make a removed folder anew."""
    if (zarr_sync := sys.modules.get("zarr.core.sync")) is not None:
        zarr_sync.sync(_other_tasks())


async def _other_tasks() -> None:
    import asyncio  # here it is loaded already; elsewhere nobody needs it

    if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(tasks, timeout=_MOST_WAIT_S)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give a temporary neighbour to fill; on a clean exit it becomes `target`, otherwise it is removed.

    Raises
    ------
    AlreadyExists
        `target` is there already (also when it appeared meanwhile).
    """
    with explain_os_errors(target):
        if target.exists():
            raise AlreadyExists(f"{target} is there already.", hint="Choose another name.", path=str(target))
    with scratch_folder(target.parent) as incoming:
        yield incoming
        publish_folder(incoming, target)


def publish_folder(incoming: Path, target: Path) -> None:
    """Rename a finished folder to its name; what is there already is never replaced."""
    with explain_os_errors(target):
        try:
            if target.exists():
                raise FileExistsError(errno.EEXIST, "exists", str(target))
            incoming.rename(target)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                raise AlreadyExists(f"{target} is there already.", hint="Choose another name.", path=str(target)) from error
            raise
        fsync_folder(target.parent)


def sweep_scratch(parent: Path, *, older_than_s: float) -> list[Path]:
    """Remove temporary folders in `parent` that a killed program left, and return them.

    Parameters
    ----------
    older_than_s : float
        What was written to later than so long ago may be somebody's who still lives.
    """
    before = time.time() - older_than_s
    swept = []
    for folder in parent.glob(f"{INCOMING_PREFIX}*") if parent.is_dir() else ():
        try:
            is_left = folder.is_dir() and max(path.lstat().st_mtime for path in (folder, *folder.rglob("*"))) < before
        except FileNotFoundError:
            continue  # it has just got its name
        if is_left:
            remove_tree(folder)
            swept.append(folder)
    return swept


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it; one that is not there is fine."""
    shutil.rmtree(folder, ignore_errors=True)


def current_umask() -> int:
    """Return the rights that new files of this process do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
