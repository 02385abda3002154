"""Room on the disks of the grader: for want of it no student loses points, and no submission its grading."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
from pathlib import Path

from labkit.errors import StorageFull

__all__ = ["RESULT_BYTES", "held_in", "is_full", "is_to_the_brim", "require_room", "require_writable", "says_full"]

RESULT_BYTES = 64_000_000
"""What results of a few submissions take before they are at the hub: pages, executed notebooks."""
_SIGNS = re.compile(r"\[Errno (28|122)\]|No space left on device|Disk quota exceeded")
_LITTLE = 16_000_000
_PART = 0.75
"""A volume of a fixed size, such as a slot in memory, need not have more free than this part of it."""
_HINT = "Free space there, then let the rest be graded: what has a result keeps it."


def says_full(text: str) -> bool:
    """Whether a text says that a disk or a quota is full: of what a kernel does there is no more than text."""
    return _SIGNS.search(text) is not None


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or what led to it, is that a disk or a quota is full."""
    while error is not None:
        if isinstance(error, OSError) and (error.errno in (errno.ENOSPC, errno.EDQUOT) or says_full(str(error))):
            return True
        if isinstance(error, StorageFull):
            return True
        error = error.__cause__ or error.__context__
    return False


def require_room(folder: Path, wanted: int, *, held: int = 0) -> None:
    """Return if so many bytes are free where a folder is, or will be; `held` are to be counted as free.

    Raises
    ------
    StorageFull
        They are not; the text says how much is needed.
    """
    found = shutil.disk_usage(_existing(folder))
    wanted = min(wanted, int(_PART * found.total))
    if found.free + held < wanted:
        raise StorageFull(
            f"Only {found.free / 1e6:.0f} MB are free where {folder} is, and {wanted / 1e6:.0f} MB are needed to grade a submission.",
            hint=_HINT,
            path=str(folder),
        )


def require_writable(folder: Path) -> None:
    """Return if a few megabytes can be written into a folder: quotas, and how many files there may be, say nothing beforehand.

    Raises
    ------
    StorageFull
        They cannot.
    """
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)) as file:
            os.posix_fallocate(file.fileno(), 0, min(_LITTLE, int(_PART * shutil.disk_usage(_existing(folder)).total)))
    except OSError as error:
        if is_full(error):
            text = f"{_LITTLE / 1e6:.0f} MB cannot be written where {folder} is: the disk, or a quota, is full."
            raise StorageFull(text, hint=_HINT, path=str(folder)) from error


def is_to_the_brim(folder: Path) -> bool:
    """Whether next to nothing is free where a folder is: what writes there fails, and need not say so."""
    found = shutil.disk_usage(folder)
    return found.free < min(_LITTLE, int((1 - _PART) * found.total))


def held_in(root: Path, most_files: int) -> tuple[int, int]:
    """Return how many bytes the files below a folder take, and how many these are; links are not followed.

    Counting ends when there are more than `most_files`.
    """
    size = number = 0
    folders = [str(root)]
    while folders and number <= most_files:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                number += 1
                if number > most_files:
                    break
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
    return size, number


def _existing(folder: Path) -> Path:
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))
