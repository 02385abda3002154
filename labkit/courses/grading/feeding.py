"""The submissions of a batch on their way to the program that grades them: each is fetched in time, and never many ahead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Feeder", "Unfetched"]

_LOOK_S = 0.2
_LEAVE_S = 2.0


@dataclass(frozen=True, slots=True)
class Unfetched:
    """A submission that could not be fetched, and why."""

    id: str
    error: Exception


class Feeder:
    """Fetches submissions in a thread of its own, in their order, and hands each on when its files are there.

    Parameters
    ----------
    fetch : callable
        Puts the files of a submission where they are looked for; what is there already costs nothing.
    hand_on : callable
        Gets the id of each that is there, and None after the last.
    fail : callable
        Gets each that could not be fetched.
    most : int
        So many are fetched and not done with at a time.
    """

    def __init__(
        self,
        ids: Sequence[str],
        fetch: Callable[[str], None],
        *,
        hand_on: Callable[[str | None], None],
        fail: Callable[[Unfetched], None],
        most: int,
    ) -> None:
        self._ids, self._fetch, self._hand_on, self._fail, self._most = tuple(ids), fetch, hand_on, fail, most
        self._room = threading.Semaphore(most)
        self._held = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="grading-feeder", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def done(self) -> None:
        """Say that nothing of one is there any more: there is room for another."""
        self._room.release()

    def hold(self) -> None:
        """Say that one stays for another round; where there is no room beside those, nothing more is fetched in this one."""
        self._held += 1
        if self._held >= self._most:
            self._ended.set()

    def end(self) -> None:
        """Fetch no more."""
        self._ended.set()

    def join(self) -> None:
        """Wait a moment for what is under way."""
        self._thread.join(_LEAVE_S)

    def _run(self) -> None:
        for id_ in self._ids:
            while not self._room.acquire(timeout=_LOOK_S):
                if self._ended.is_set():
                    break
            if self._ended.is_set():
                break
            try:
                self._fetch(id_)
            except Exception as error:  # whoever grades decides what it costs
                self._fail(Unfetched(id_, error))
            else:
                self._hand_on(id_)
        self._hand_on(None)
