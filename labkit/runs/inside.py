"""What code inside a run's notebook uses: where it is, whom it tells, when it must stop, and how it ends."""

from __future__ import annotations

import atexit
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from labkit.errors import InvalidInput, LabKitError, NotFound
from labkit.events import CancelToken, Event, Progress
from labkit.runs.stream import EventWriter
from labkit.storage import RunLayout, write_text

__all__ = ["RUN_DIR_VARIABLE", "CurrentRun", "FileCancelToken", "ThrottledSink", "current_run", "write_result"]

RUN_DIR_VARIABLE = "LABKIT_RUN_DIR"
_PROGRESS_EVERY_S = 0.25
_LOOK_EVERY_S = 0.1
_LOOKED_AT_S = 3.0  # a token looked at within this time is left to the work that looks at it


class FileCancelToken(CancelToken):
    """A token that is also set when the run's cancel file appears."""

    __slots__ = ("_looked", "_next_look", "_path")

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._looked = self._next_look = -1e9

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the run to stop."""
        now = time.monotonic()
        self._looked = now
        if now >= self._next_look and not self._flag:
            self._next_look = now + _LOOK_EVERY_S
            if self._path.exists():
                self.cancel()
        return self._flag

    def raise_if_cancelled(self) -> None:
        """Raise `labkit.errors.Cancelled` when the run is to stop."""
        if self.cancelled:
            super().raise_if_cancelled()

    def is_in_use(self) -> bool:
        """Whether some code has looked at the token within the last seconds, and so will see it set."""
        return time.monotonic() - self._looked < _LOOKED_AT_S


class ThrottledSink:
    """Passes events on, of `Progress` only a few a second, but always the last one."""

    def __init__(self, sink: Callable[[Event], Any], every_s: float = _PROGRESS_EVERY_S) -> None:
        self._sink, self._every_s = sink, every_s
        self._lock = threading.RLock()
        self._waiting: Progress | None = None
        self._last = -1e9
        self._timer: threading.Timer | None = None

    def __call__(self, event: Event) -> None:
        """Pass `event` on, now or a little later."""
        with self._lock:
            if isinstance(event, Progress):
                if self._waiting is not None and (self._waiting.stage, self._waiting.unit) != (event.stage, event.unit):
                    self.flush()
                self._waiting = event
                wait_s = self._last + self._every_s - time.monotonic()
                if wait_s <= 0 or (event.total and event.done >= event.total):
                    self.flush()
                elif self._timer is None:
                    self._timer = threading.Timer(wait_s, self.flush)
                    self._timer.daemon = True
                    self._timer.start()
            else:
                self.flush()
                self._sink(event)

    def flush(self) -> None:
        """Pass on what waits."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            waiting, self._waiting = self._waiting, None
            if waiting is not None:
                self._last = time.monotonic()
                self._sink(waiting)


class CurrentRun:
    """The run in whose notebook this code executes.

    Attributes
    ----------
    folder : Path
        The run's folder.
    layout : RunLayout
        The places in it.
    on_event : callable
        Sink for library functions: appends to the run's ``events.jsonl``.
    cancel : CancelToken
        Token for library functions: set when somebody asked the run to stop.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout = RunLayout(folder)
        self.on_event = ThrottledSink(EventWriter(self.layout.events))
        self.cancel = FileCancelToken(self.layout.cancel_request)
        self._interrupts = 0
        atexit.register(self._flush_at_exit)

    def write_result(self, result: dict[str, Any]) -> None:
        """Write the run's result, the last thing that a run does: without it no run is done.

        Raises
        ------
        InvalidInput
            `result` holds something that JSON cannot hold.
        """
        self.on_event.flush()
        write_result(self.folder, result)

    def _flush_at_exit(self) -> None:
        try:
            self.on_event.flush()
        except LabKitError:
            return  # the disk is full or gone: nothing left to tell it to

    def _on_interrupt(self, signum: int, frame: FrameType | None) -> None:
        """Let work that looks at its token stop by itself; interrupt any other, and anything that is asked twice."""
        self._interrupts += 1
        self.cancel.cancel()
        if self._interrupts > 1 or not self.cancel.is_in_use():
            signal.default_int_handler(signum, frame)

    def _watch_interrupts(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._on_interrupt)


_current: CurrentRun | None = None


def current_run() -> CurrentRun:
    """Return the run in whose notebook this code executes; each call gives the same object.

    Raises
    ------
    NotFound
        This code executes in no run.
    """
    global _current
    folder = os.environ.get(RUN_DIR_VARIABLE)
    if not folder:
        raise NotFound(
            "This code does not execute in a run.", hint="Start the notebook as a run, or give the function its own on_event and cancel."
        )
    if _current is None or _current.folder != Path(folder):
        _current = CurrentRun(Path(folder))
        _watch_each_cell(_current)
    return _current


def _watch_each_cell(run: CurrentRun) -> None:
    """Take over SIGINT now and in each cell to come: the IPython kernel sets it back before each one."""
    run._watch_interrupts()
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None:
        shell.events.register("pre_run_cell", run._watch_interrupts)


def write_result(run_dir: Path, result: dict[str, Any]) -> None:
    """Write ``result.json`` of the run in `run_dir`, whole or not at all.

    Raises
    ------
    InvalidInput
        `result` holds something that JSON cannot hold (NaN included).
    """
    try:
        text = json.dumps(result, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The result cannot be saved as JSON: {error}.", hint="Use plain numbers, texts, lists and dicts.") from error
    write_text(RunLayout(run_dir).result, text + "\n")
