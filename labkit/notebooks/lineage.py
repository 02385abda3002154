"""Two requests to the Linux kernel about parents and children; elsewhere they do nothing and say so."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["adopt_orphans", "die_with_parent"]

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) == 0)


def die_with_parent(parent_pid: int) -> bool:
    """Ask that this program is killed as soon as its parent `parent_pid` has died; return whether that is granted."""
    granted = _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if granted and os.getppid() != parent_pid:  # the parent died before the request was made
        os.kill(os.getpid(), signal.SIGKILL)
    return granted


def adopt_orphans() -> bool:
    """Ask that descendants whose parent dies become children of this program, whatever session they are in."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)
