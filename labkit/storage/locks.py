"""Locks among the processes of one machine, on local files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from labkit.errors import Locked
from labkit.storage.atomic import explain_os_errors

__all__ = ["hold_lock"]


@contextmanager
def hold_lock(path: Path, *, timeout_s: float = 10.0, what: str = "this") -> Iterator[None]:
    """Hold the lock file `path`; the system gives it back when the process dies.

    Raises
    ------
    Locked
        Another process held it for longer than `timeout_s`.
    """
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=timeout_s)
        try:
            lock.acquire()
        except Timeout as error:
            raise Locked(
                f"Another program is writing {what}.", hint="Wait until it has finished, then try again.", path=str(path)
            ) from error
    try:
        yield
    finally:
        lock.release()
