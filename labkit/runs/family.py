"""The programs of a run: who belongs to it, and how all of them are ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from labkit.runs.inside import RUN_DIR_VARIABLE

__all__ = [
    "end_children",
    "end_descendants",
    "end_leftovers",
    "interrupt_kernels",
    "new_scratch",
    "out_of_memory_count",
    "remove_scratch",
    "thaw_supervisor",
]

_KERNEL_MODULE = "labkit.notebooks.kernel"
_SUPERVISOR_MODULE = "labkit.runs.supervisor"
_CGROUPS = Path("/sys/fs/cgroup")
_QUIET_LOOKS = 20


def interrupt_kernels(child_pid: int) -> int:
    """Send SIGINT to the kernels that the child started, and only to them; return how many there were.

    Their own children (the workers of a loader, say) are left alone: the kernel needs them to finish its step.
    """
    count = 0
    with contextlib.suppress(psutil.Error):
        for program in psutil.Process(child_pid).children():
            with contextlib.suppress(psutil.Error):
                if _KERNEL_MODULE in program.cmdline():
                    program.send_signal(signal.SIGINT)
                    count += 1
    return count


def end_descendants(*, spare: Iterable[int] = (), timeout_s: float = 5.0) -> list[int]:
    """Kill every descendant of this program but those in `spare`; return the ids of what is left, normally none.

    After `labkit.notebooks.lineage.adopt_orphans` nothing escapes by starting a session or losing its parent.
    """
    spared = frozenset(spare)
    deadline = time.monotonic() + timeout_s
    while True:
        alive = [p for p in psutil.Process().children(recursive=True) if p.pid not in spared and _is_alive(p)]
        if time.monotonic() > deadline or (not alive and not end_children(spare=spared, timeout_s=timeout_s)):
            _reap(spared)
            return [p.pid for p in alive]
        _kill(alive)
        time.sleep(0.02)
        _reap(spared)


def end_children(*, spare: Iterable[int] = (), timeout_s: float = 5.0) -> bool:
    """Kill the children of this program but those in `spare`, until there are none for some looks; return whether there was one.

    A program that forks and ends, over and over, has another id whenever all programs have been looked through. Its next one is a child of
    ours as soon as it is an orphan (`labkit.notebooks.lineage.adopt_orphans`), and children are found in no time.
    """
    spared, deadline = frozenset(spare), time.monotonic() + timeout_s
    was_one, quiet = False, 0
    while quiet < _QUIET_LOOKS and time.monotonic() < deadline:
        quiet += 1
        for pid in _children() - spared:
            with contextlib.suppress(ChildProcessError, ProcessLookupError):
                if os.waitpid(pid, os.WNOHANG)[0] == 0:
                    os.kill(pid, signal.SIGKILL)
                    was_one, quiet = True, 0
    return was_one


def end_leftovers(run_dir: Path) -> None:
    """Kill what a run left behind whose supervisor was killed, known by the run's folder in its environment.

    Normally there is nothing: the child ends its family when the supervisor dies. This is for when both were killed.
    """
    own = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    _kill(p for p in psutil.process_iter() if p.pid not in own and _belongs(p, run_dir))


def thaw_supervisor(run_dir: Path) -> None:
    """Let a supervisor go on that somebody stopped (SIGSTOP): it cannot react to a cancel otherwise."""
    for program in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            command = program.cmdline()
            if _SUPERVISOR_MODULE in command and str(run_dir) in command:
                program.send_signal(signal.SIGCONT)


def _belongs(program: psutil.Process, run_dir: Path) -> bool:
    try:
        return program.environ().get(RUN_DIR_VARIABLE) == str(run_dir)
    except (psutil.Error, OSError):
        return False


def _children() -> set[int]:
    """Return the children of this program as the system lists them (on Linux; elsewhere none)."""
    found: set[int] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found |= {int(pid) for pid in path.read_bytes().split()}
    return found


def _is_alive(program: psutil.Process) -> bool:
    try:
        return bool(program.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _kill(programs: Iterable[psutil.Process]) -> None:
    for program in programs:
        with contextlib.suppress(psutil.Error):
            program.kill()


def _reap(spared: frozenset[int]) -> None:
    """Collect the exit codes of adopted orphans, which nobody else waits for."""
    for program in psutil.Process().children():
        if program.pid not in spared and not _is_alive(program):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(program.pid, os.WNOHANG)


def new_scratch(run_id: str) -> Path:
    """Make a private folder with a short path for the sockets of the run's kernel."""
    return Path(tempfile.mkdtemp(prefix=f"labkit-{run_id}-"))


def remove_scratch(run_id: str) -> None:
    """Remove the run's scratch folder, also one that a killed supervisor left."""
    for folder in Path(tempfile.gettempdir()).glob(f"labkit-{run_id}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def out_of_memory_count() -> int:
    """Return how often the system has killed a program here for want of memory (0 where it does not tell)."""
    for path in (_own_cgroup() / "memory.events", _CGROUPS / "memory" / "memory.oom_control", Path("/proc/vmstat")):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _own_cgroup() -> Path:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return _CGROUPS
    names = [line[3:].lstrip("/") for line in lines if line.startswith("0::")]
    return _CGROUPS / names[0] if names else _CGROUPS
