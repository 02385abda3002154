"""Looks at a run from time to time, on a thread: a notebook's cell may compute meanwhile."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import Protocol

from labkit.errors import LabKitError

__all__ = ["MonitorWatch", "Watched"]

_EVERY_S = 1.0


class _Looks(Protocol):
    def look(self) -> bool: ...

    @property
    def story(self) -> object: ...


class Watched(Protocol):
    """What shows a model."""

    model: _Looks

    def show(self) -> None:
        """Show what the model knows now."""
        ...


class MonitorWatch:
    """Tells a view whenever its model has something new; stops when the run has ended, when told, or when nobody has the view any more.

    Parameters
    ----------
    view : Watched
        It is not kept alive.
    every_s : float
        How often the model looks.
    """

    def __init__(self, view: Watched, *, every_s: float = _EVERY_S) -> None:
        self._view = weakref.ref(view)
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="labkit-monitor", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop to look; returns at once."""
        self._stop.set()

    @property
    def is_alive(self) -> bool:
        """Whether it looks."""
        return self._thread.is_alive() and not self._stop.is_set()

    def _watch(self) -> None:
        while not self._stop.wait(self._every_s):
            view = self._view()
            if view is None:
                return
            try:
                if view.model.look() and not self._stop.is_set():
                    view.show()
                if getattr(view.model.story, "has_ended", False):
                    self._stop.set()
            except LabKitError as error:  # the folder may be out of reach for a while
                logging.getLogger(__name__).warning("the monitor cannot read its run: %s", error)
            except Exception:
                logging.getLogger(__name__).exception("the monitor cannot show its run")
            del view
