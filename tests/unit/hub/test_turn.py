"""Starts that wait for their turn: never more than so many, in order, and none is lost."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable

import pytest

from labkit_hub.turn import Turns


class Start:
    """A start of a server that lasts until the test ends it."""

    def __init__(self, turns: Turns) -> None:
        self.turn = turns.ask()
        self.has_begun, self.is_starting = False, True
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await self.turn.come(lambda: self.is_starting)
        self.has_begun = True

    def end(self) -> None:
        self.is_starting = False


async def settled(look: Callable[[], object], wanted: object) -> None:
    """Wait until it is as wanted, and a little longer, in which it must stay so: followers look five times a second."""
    async with asyncio.timeout(60):
        while look() != wanted:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    assert look() == wanted


def test_thirty_starts_go_five_at_a_time_in_order() -> None:
    """Each gets its turn, the first first, and the line is empty in the end."""

    async def story() -> None:
        turns = Turns(5)
        starts = [Start(turns) for _ in range(30)]
        for first in range(0, 30, 5):
            await settled(lambda: [start.has_begun for start in starts], [number < first + 5 for number in range(30)])
            for start in starts[first : first + 5]:
                start.end()
        await settled(lambda: (turns.going, len(turns.waiting)), (0, 0))

    asyncio.run(story())


def test_who_waits_knows_how_many_come_before() -> None:
    """The place counts down to none."""

    async def story() -> None:
        turns = Turns(1)
        first, second, third = (Start(turns) for _ in range(3))
        await settled(lambda: [start.turn.place for start in (first, second, third)], [None, 0, 1])
        first.end()
        await settled(lambda: [start.turn.place for start in (second, third)], [None, 0])
        second.end()
        third.end()
        await settled(lambda: turns.going, 0)

    asyncio.run(story())


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_who_goes_away_keeps_nobody_waiting(gone: int) -> None:
    """A start that is stopped, before or in its turn, gives the turn on."""

    async def story() -> None:
        turns = Turns(1)
        starts = [Start(turns) for _ in range(3)]
        await settled(lambda: [start.has_begun for start in starts], [True, False, False])
        starts[gone].task.cancel()
        starts[gone].end()
        for start in [start for number, start in enumerate(starts) if number != gone]:
            await settled(lambda start=start: start.has_begun, True)
            start.end()
        await settled(lambda: (turns.going, len(turns.waiting)), (0, 0))

    asyncio.run(story())


def test_a_turn_that_was_just_given_to_somebody_who_left_goes_on() -> None:
    """The first ends in the very moment in which the second goes away: the third starts."""

    async def story() -> None:
        turns = Turns(1)
        first, second, third = (Start(turns) for _ in range(3))
        await settled(lambda: [start.has_begun for start in (first, second, third)], [True, False, False])
        turns.end()  # the second's ticket is given, its task has not run yet
        second.task.cancel()
        await settled(lambda: third.has_begun, True)
        first.end()
        third.end()

    asyncio.run(story())


def test_without_a_bound_nobody_waits() -> None:
    """Zero sets none."""

    async def story() -> None:
        turns = Turns(0)
        starts = [Start(turns) for _ in range(50)]
        await settled(lambda: all(start.has_begun for start in starts), True)
        for start in starts:
            start.end()

    asyncio.run(story())


def test_all_spawners_share_one_line() -> None:
    """The configuration is copied for each spawner; hooks, and the line behind them, are not."""
    from labkit_hub.door import ServiceDoor
    from labkit_hub.hooks import SpawnHooks

    hooks = SpawnHooks(ServiceDoor("http://x", "secret"), (), lambda order: None, Turns(1))  # type: ignore[arg-type,return-value]
    copied = copy.deepcopy({"pre_spawn_hook": hooks.before_start})["pre_spawn_hook"]
    assert copied.__self__ is hooks
    assert "secret" not in repr(hooks)
