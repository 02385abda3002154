"""Work that needs torch is done beside the server: a program that is started when it is needed, and ends when it is not.

A server lives for days and there is one for each person; torch would take some hundred megabytes of each for good.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from labkit.errors import WorkerLost
from labkit_lab.errands import carry_out, leave_with_the_server
from labkit_lab.server.route import Route

__all__ = ["WORKROOM_SETTING", "LearningRoute", "Workroom"]

WORKROOM_SETTING = "labkit_workroom"
_MOST_AT_ONCE = 2
_IDLE_S = 180.0


class Workroom:
    """Carries out functions of `labkit_lab.errands`, as ``learning.plan_run``, in programs of their own.

    Parameters
    ----------
    idle_s : float
        After this time without work the programs end.
    """

    def __init__(self, *, idle_s: float = _IDLE_S) -> None:
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._busy = 0
        self._timer: threading.Timer | None = None

    @property
    def is_staffed(self) -> bool:
        """Whether its programs are there."""
        return self._pool is not None

    async def ask(self, errand: str, *args: Any) -> Any:
        """Return what a function returns, or raise what it raises.

        Raises
        ------
        WorkerLost
            The program died, because memory was short, say.
        """
        try:
            return await asyncio.wrap_future(self._submit(errand, args))
        except BrokenProcessPool as error:
            raise self._lost() from error

    def warm(self) -> None:
        """Have a program ready: somebody is about to ask."""
        if not self.is_staffed:
            self._submit("learning.devices", ())

    def wait_for(self, errand: str, *args: Any) -> Any:
        """Do as `ask`, from a thread."""
        try:
            return self._submit(errand, args).result()
        except BrokenProcessPool as error:
            raise self._lost() from error

    def close(self) -> None:
        """End the programs; what is being worked on is given up."""
        with self._lock:
            pool, self._pool = self._pool, None
            if self._timer is not None:
                self._timer.cancel()
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, errand: str, args: tuple[Any, ...]) -> Future[Any]:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._pool is None:
                context = multiprocessing.get_context("spawn")  # a fork of a server with threads may hang
                self._pool = ProcessPoolExecutor(_MOST_AT_ONCE, mp_context=context, initializer=leave_with_the_server)
            future = self._pool.submit(carry_out, errand, args)
            self._busy += 1
        future.add_done_callback(self._note_end)
        return future

    def _note_end(self, future: Future[Any]) -> None:
        with self._lock:
            self._busy -= 1
            if self._busy == 0 and self._pool is not None:
                self._timer = threading.Timer(self._idle_s, self._close_if_idle)
                self._timer.daemon = True
                self._timer.start()

    def _close_if_idle(self) -> None:
        with self._lock:
            if self._busy > 0:
                return
        self.close()

    def _lost(self) -> WorkerLost:
        self.close()
        return WorkerLost(
            "The program that was at work for this died.",
            hint="Try again; if it stays, the machine may be short of memory: close what you do not need.",
        )


class LearningRoute(Route):
    """Base of routes whose work needs torch."""

    @property
    def workroom(self) -> Workroom:
        """The server's programs for that."""
        room: Workroom = self.settings[WORKROOM_SETTING]
        return room
