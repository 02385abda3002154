"""Work on a thread of its own, of which only the last that was asked for counts."""

from __future__ import annotations

import threading
from collections.abc import Callable

from labkit.events import CancelToken

__all__ = ["Latest"]


class Latest:
    """Begins work, and gives up what was begun before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancel: CancelToken | None = None
        self._thread: threading.Thread | None = None

    def begin(self, work: Callable[[CancelToken], None]) -> None:
        """Call `work` on another thread, with the token by which it may be given up; it begins when the one before has ended."""
        with self._lock:
            self._give_up()
            before, cancel = self._thread, CancelToken()
            self._cancel = cancel
            self._thread = threading.Thread(target=_after, args=(before, work, cancel), daemon=True)
            self._thread.start()

    def is_latest(self, cancel: CancelToken) -> bool:
        """Return whether nothing was begun since the work with this token."""
        return self._cancel is cancel

    def stop(self) -> None:
        """Give up what is being done."""
        with self._lock:
            self._give_up()

    def wait(self) -> None:
        """Wait until nothing is being done."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _give_up(self) -> None:
        if self._cancel is not None:
            self._cancel.cancel()


def _after(before: threading.Thread | None, work: Callable[[CancelToken], None], cancel: CancelToken) -> None:
    if before is not None:
        before.join()
    work(cancel)
