"""How much may still be written: what the disk has free, and what the quota leaves."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from labkit.config import LibrarySettings
from labkit.storage.atomic import explain_os_errors

__all__ = ["bytes_below", "room_bytes"]

_RESERVE_BYTES = 5 * 10**9  # left free for everything else, where no quota is set


def room_bytes(project: Path, *counted: Path) -> int:
    """Return how many bytes may still be written into a project; below 0 where there is too much already.

    Parameters
    ----------
    project : Path
        Its folder.
    counted : Path
        The folders that the quota (``LABKIT_QUOTA_GB``) is held against.
    """
    with explain_os_errors(project):
        free = shutil.disk_usage(project).free
        quota = LibrarySettings().quota_gb
        return free - _RESERVE_BYTES if quota is None else min(free, int(quota * 1e9) - sum(map(bytes_below, counted)))


def bytes_below(folder: Path) -> int:
    """Count the bytes of the files in a folder; a file that somebody takes away meanwhile counts nothing."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += file.stat().st_size if file.is_file() else 0
    return total
