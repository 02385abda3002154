"""See to it that a dispatcher lives while there is anything in the queue."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from labkit.runs.inside import RUN_DIR_VARIABLE
from labkit.runs.leases import take_lease
from labkit.runs.queue import RunQueue
from labkit.storage import explain_os_errors

__all__ = ["start_detached", "wake"]

_MAX_LOG_BYTES = 1 << 20


def wake(state: Path | None = None, *, delay_s: float = 0.0) -> bool:
    """Start the dispatcher if runs are in the queue and none lives; return whether there is anything to do.

    Everything that submits, shows or awaits runs calls this, and the server of JupyterLab when it starts: so runs that were
    queued go on after a reboot, and after a dispatcher was killed.

    Parameters
    ----------
    state : Path, optional
        The state folder; by default the person's own (``LABKIT_STATE``). An empty queue leaves no trace in it.
    delay_s : float
        How long the dispatcher has nothing to do: the caller has just taken a step itself.

    Raises
    ------
    NotWritable, StorageFull
        There are runs in the queue, and the state folder cannot be written.
    """
    queue = RunQueue(state)
    if queue.is_empty():
        return False
    lease = take_lease(queue.layout.dispatcher_lock)
    if lease is not None:
        try:
            _start_dispatcher(queue, lease, delay_s)
        finally:
            os.close(lease)  # the dispatcher has inherited it
    return True


def _start_dispatcher(queue: RunQueue, lease: int, delay_s: float) -> None:
    layout = queue.layout
    command = [sys.executable, "-P", "-m", "labkit.runs.dispatcher", str(layout.root), "--lock-fd", str(lease), "--delay-s", str(delay_s)]
    with explain_os_errors(layout.dispatcher_log):
        is_long = layout.dispatcher_log.exists() and layout.dispatcher_log.stat().st_size > _MAX_LOG_BYTES
        start_detached(command, log=layout.dispatcher_log, cwd=layout.root, keep=(lease,), anew=is_long)


def start_detached(
    command: list[str], *, log: Path, cwd: Path, keep: tuple[int, ...], surroundings: dict[str, str] | None = None, anew: bool = False
) -> subprocess.Popen[bytes]:
    """Start a program that outlives this one: in a session of its own, with a log, and with these descriptors."""
    variables = dict(os.environ if surroundings is None else surroundings)
    variables.pop(RUN_DIR_VARIABLE, None)  # who starts it may be a run itself
    with open(log, "wb" if anew else "ab") as sink:
        program = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=variables,
            pass_fds=keep,
            start_new_session=True,
        )
    threading.Thread(target=program.wait, daemon=True).start()  # so that it does not stay as a zombie of ours
    return program
