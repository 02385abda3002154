"""Which processes belong to one hub, also after the hub itself was killed: each carries a mark in its environment."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from labkit.errors import RunFailed

__all__ = ["MARK", "belongs_to", "end_all", "end_processes", "instance_mark", "members"]

MARK = "LABKIT_INSTANCE"
"""The variable that hub, proxy, servers and kernels inherit."""


def instance_mark(var: Path) -> str:
    """Return the mark of the hub that lives in `var`."""
    return str(var.resolve())


def belongs_to(pid: int, mark: str) -> bool:
    """Say whether process `pid` runs and carries `mark`."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False


def members(mark: str) -> list[psutil.Process]:
    """Return the running processes that carry `mark`, without the calling one and those it was started from."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in own and belongs_to(process.pid, mark)]


def end_all(mark: str, *, grace_s: float = 10.0) -> int:
    """Ask all processes that carry `mark` to end, then end by force those that have not after `grace_s`.

    Returns
    -------
    int
        How many there were at first.

    Raises
    ------
    RunFailed
        Some could not be ended.
    """
    return end_processes(lambda: members(mark), grace_s=grace_s)


def end_processes(find: Callable[[], list[psutil.Process]], *, grace_s: float = 10.0) -> int:
    """End all processes that `find` returns, as `end_all` does; without a grace, by force from the beginning.

    Raises
    ------
    RunFailed
        Some could not be ended.
    """
    found = find()
    _signal(found, force=grace_s <= 0)
    left = _wait_for_end(find, grace_s or 2.0)
    for _ in range(3):  # one that is killed may have started another just before
        if not left:
            break
        _signal(left, force=True)
        left = _wait_for_end(find, 2.0)
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise RunFailed(f"Processes of an earlier LabKit did not end: {pids}.", hint="End them by hand (kill -9), then start again.")
    return len(found)


def _wait_for_end(find: Callable[[], list[psutil.Process]], timeout_s: float) -> list[psutil.Process]:
    """Return what is still there after at most `timeout_s`; an ended process that nobody has reaped does not count."""
    deadline = time.monotonic() + timeout_s
    while (left := find()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _signal(processes: list[psutil.Process], *, force: bool) -> None:
    for process in processes:
        try:
            process.kill() if force else process.terminate()
        except psutil.Error:
            continue  # It has ended meanwhile, or is not ours to end; `members` tells.
