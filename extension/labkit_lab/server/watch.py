"""Runs go on without anybody looking: a server whose person has runs under way is not idle, and takes up what a reboot left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from logging import Logger

from labkit.client import hub_view, sync_home
from labkit.errors import LabKitError
from labkit.runs import RunQueue, wake

__all__ = ["RunWatch"]

_EVERY_S = 20.0


class RunWatch:
    """Looks at the queue from time to time, on a thread.

    Parameters
    ----------
    log : Logger
        For what cannot be done.
    note_activity : callable
        Called while a run is under way or waits: such a server is not idle.
    every_s : float
        How often it looks.
    """

    def __init__(self, log: Logger, note_activity: Callable[[], None], *, every_s: float = _EVERY_S) -> None:
        self._log, self._note_activity, self._every_s = log, note_activity, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="labkit-runs", daemon=True)

    def start(self) -> None:
        """Begin: queued runs go on after a reboot."""
        self._thread.start()

    def close(self) -> None:
        """Stop to look; the runs go on."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                if wake() and self._has_runs():
                    self._note_activity()
                self._keep_in_step()
            except LabKitError as error:
                self._log.warning("Runs that wait are not started: %s %s", error.message, error.hint)
            except Exception:
                self._log.exception("The queue of runs could not be looked at")
            self._stop.wait(self._every_s)

    def _keep_in_step(self) -> None:
        """Settle what ended at the hub; those runs need no server of their person, which may well be idle."""
        view = hub_view()
        if view is not None:
            sync_home(view)

    def _has_runs(self) -> bool:
        """Return whether anything goes on or waits in a project that can be reached."""
        return any(entry.state != "unreachable" for entry in RunQueue().entries())
