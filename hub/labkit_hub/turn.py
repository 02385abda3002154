"""So many servers start at a time; the others wait for their turn, in order, and are told how many come before them.

JupyterHub's own limit refuses with status 429 and leaves trying again to the person. Here a start that is one too many stays
pending: the page that everybody sees while a server starts says why it takes longer, and goes on by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from prometheus_client import Counter

__all__ = ["Turn", "Turns"]

_DELAYED = Counter("labkit_spawns_delayed", "Starts of servers that had to wait for their turn")
_LOOK_S = 0.2


class Turns:
    """The starts that go on, and those that wait.

    Parameters
    ----------
    at_once : int
        How many go on at a time; 0 sets no bound.
    """

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.going = 0
        self.waiting: deque[asyncio.Future[None]] = deque()
        self._followers: set[asyncio.Task[None]] = set()

    def ask(self) -> Turn:
        """Stand in line, at the end."""
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.at_once and self.going >= self.at_once:
            _DELAYED.inc()
            self.waiting.append(ticket)
        else:
            self.going += 1
            ticket.set_result(None)
        return Turn(self, ticket)

    def end(self) -> None:
        """End a turn: it goes to the next who still waits."""
        while self.waiting:
            ticket = self.waiting.popleft()
            if not ticket.done():
                ticket.set_result(None)
                return
        self.going -= 1

    def follow(self, is_starting: Callable[[], bool]) -> None:
        """End a turn as soon as `is_starting` says no."""
        follower = asyncio.create_task(self._follow(is_starting))
        self._followers.add(follower)
        follower.add_done_callback(self._followers.discard)

    async def _follow(self, is_starting: Callable[[], bool]) -> None:
        try:
            while is_starting():
                await asyncio.sleep(_LOOK_S)
        finally:
            self.end()


class Turn:
    """One place in the line."""

    def __init__(self, turns: Turns, ticket: asyncio.Future[None]) -> None:
        self._turns, self._ticket = turns, ticket

    @property
    def place(self) -> int | None:
        """How many wait before this one; None when its turn has come, or it waits no longer."""
        try:
            return None if self._ticket.done() else self._turns.waiting.index(self._ticket)
        except ValueError:
            return None

    async def come(self, is_starting: Callable[[], bool]) -> None:
        """Return when it is its turn, which then lasts for as long as `is_starting` says yes."""
        try:
            await self._ticket
        except asyncio.CancelledError:
            if self._ticket.cancelled():
                with suppress(ValueError):
                    self._turns.waiting.remove(self._ticket)
            else:
                self._turns.end()  # it was given the turn just as it went away
            raise
        self._turns.follow(is_starting)
