"""Locks that can be handed on: an open descriptor holds one, and whoever inherits the descriptor holds it too.

The system gives a lease back when the last holder has died, however it died. `labkit.storage.hold_lock` sees the same lock.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from labkit.storage import explain_os_errors

__all__ = ["take_lease"]


def take_lease(path: Path) -> int | None:
    """Take the lock file `path` without waiting; return the descriptor that holds it, or None where another has it.

    The descriptor is not inherited unless it is named when a program is started (``pass_fds``). The folder must be there: one that
    was removed meanwhile is not made again.
    """
    with explain_os_errors(path):
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(descriptor, path):
                    return descriptor
            except BlockingIOError:
                os.close(descriptor)
                return None
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # the file was removed while we took it: what we hold guards nothing


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)
