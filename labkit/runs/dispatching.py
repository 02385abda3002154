"""One step of the dispatcher: settle what died, take up again what may go on, start what has its turn.

A step holds the queue's lock from its beginning to its end, so whoever takes one - the dispatcher, or a program that has
just submitted a run - does so alone. All that it has to know stands in files and locks: a step that is broken off is made
good by the next. Two leases are taken before a supervisor is started, and inherited by it: that of the run, so that no run
is carried out twice, and that of a slot of the device, so that none is taken twice. The system gives them back when the
supervisor (and for the device also its child) has died.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from labkit.errors import LabKitError, NotWritable, StorageFull
from labkit.runs.leases import take_lease
from labkit.runs.queue import RunQueue, Ticket
from labkit.runs.records import END_STATES, run_state
from labkit.runs.run import Run
from labkit.runs.submitting import successor
from labkit.runs.waking import start_detached
from labkit.storage import utc_now

__all__ = ["Dispatch"]

_MAX_STARTS = 3
_START_AGAIN_AFTER_S = 1.0
_FORGET_AFTER = timedelta(days=30)  # a run whose disk does not come back
_NO_START = "The run could not be started. Its log.txt says more."


class Dispatch:
    """Takes steps over a queue, and remembers between them what could not be started just now.

    Parameters
    ----------
    queue : RunQueue
        The tickets.
    complain : callable, optional
        Gets a line for each ticket that cannot be dealt with; the others go on.
    """

    def __init__(self, queue: RunQueue, complain: Callable[[str], object] = lambda line: None) -> None:
        self.queue = queue
        self._complain = complain
        self._said: set[str] = set()
        self._not_before: dict[str, float] = {}
        self._starts: dict[str, int] = {}  # as in the tickets, for a disk that is full

    def step(self, lease: int | None = None) -> bool:
        """Do all that can be done now; return whether anything is left to look after.

        Parameters
        ----------
        lease : int, optional
            The dispatcher's own: given back if nothing is left, before anybody can add to the queue.
        """
        busy: set[str] = set()
        with self.queue.hold():
            for ticket in self.queue.tickets():
                self._try(self._settle, ticket)
            left = [ticket for ticket in self.queue.tickets() if self._try(lambda each: self._look_after(each, busy), ticket)]
            if not left and lease is not None:
                os.close(lease)
        return bool(left)

    def _try(self, action: Callable[[Ticket], object], ticket: Ticket) -> bool:
        """Do something about one run; what is wrong with it - its disk is full, its folder forbidden - is no trouble of the others."""
        try:
            return bool(action(ticket))
        except (LabKitError, OSError) as error:
            line = f"{ticket.layout.root}: {error}"
            if line not in self._said:
                self._said.add(line)
                self._complain(line)
            return False

    def _settle(self, ticket: Ticket) -> None:
        """Take the ticket of a run that has ended out of the queue; settle a run whose supervisor was killed."""
        if not ticket.layout.spec.exists():
            if ticket.is_gone() or utc_now() - ticket.since > _FORGET_AFTER:
                self.queue.remove(ticket.run_id)
            return
        if run_state(ticket.layout) == "queued":
            return
        run = Run(ticket.layout, self.queue)
        record = run.record()
        if record.state == "lost":
            self._take_up_again(run, ticket)
        if record.has_ended:
            self.queue.remove(ticket.run_id)

    def _take_up_again(self, run: Run, ticket: Ticket) -> None:
        following = successor(run, had_begun=run.layout.notebook.exists())
        if following is None or (ticket.folder / following.spec.id).exists():  # there already: a step was killed before its end
            return
        following.put_into(self.queue, ticket.folder, grace_s=ticket.grace_s, heartbeat_s=ticket.heartbeat_s, rank=ticket.rank)

    def _look_after(self, ticket: Ticket, busy: set[str]) -> bool:
        """Start a run if it has its turn; return whether it needs looking after: not if it has ended or cannot be reached."""
        if not ticket.layout.spec.exists():
            return False
        state = run_state(ticket.layout)
        if state == "queued" and ticket.device not in busy:
            self._start(ticket, busy)
        return state not in END_STATES

    def _start(self, ticket: Ticket, busy: set[str]) -> None:
        if time.monotonic() < self._not_before.get(ticket.run_id, 0.0):
            return
        lock = take_lease(ticket.layout.lock)
        if lock is None:
            return  # it is being started, or cancelled, just now
        try:
            if self._is_to_start(ticket):
                device = self.queue.take_slot(ticket.device)
                if device is None:
                    busy.add(ticket.device)
                else:
                    self._launch(ticket, lock, device)
        finally:
            os.close(lock)

    def _is_to_start(self, ticket: Ticket) -> bool:
        """Return whether a run whose lock we hold still waits; settle it if it was cancelled, or cannot be started at all."""
        run = Run(ticket.layout, self.queue)
        if run_state(ticket.layout) != "queued":
            return False
        if ticket.layout.cancel_request.exists():
            run.settle("cancelled", "Cancelled before it started.")
            return False
        if self._starts_of(ticket) >= _MAX_STARTS:
            run.settle("failed", _NO_START)
            return False
        return True

    def _starts_of(self, ticket: Ticket) -> int:
        return max(ticket.starts, self._starts.get(ticket.run_id, 0))

    def _launch(self, ticket: Ticket, lock: int, device: int) -> None:
        """Start the supervisor, which inherits both leases; whether it came up, the next step sees."""
        self._starts[ticket.run_id] = self._starts_of(ticket) + 1
        self._not_before[ticket.run_id] = time.monotonic() + _START_AGAIN_AFTER_S
        try:
            with contextlib.suppress(StorageFull, NotWritable):
                self.queue.put(ticket.model_copy(update={"starts": self._starts[ticket.run_id]}))
            root = ticket.layout.root
            command = [_python_of(ticket), "-P", "-m", "labkit.runs.supervisor", str(root)]
            command += ["--grace-s", str(ticket.grace_s), "--heartbeat-s", str(ticket.heartbeat_s)]
            command += ["--lock-fd", str(lock), "--device-fd", str(device)]
            surroundings = ticket.surroundings() | {"LABKIT_STATE": str(self.queue.layout.root)}
            start_detached(command, log=ticket.layout.log, cwd=root, keep=(lock, device), surroundings=surroundings)
        finally:
            os.close(device)


def _python_of(ticket: Ticket) -> str:
    return ticket.python if Path(ticket.python).is_file() else sys.executable  # the environment may have been made anew
