"""Starts that wait for their turn: never more than so many, in order, and none is lost."""

from __future__ import annotations

import asyncio
import copy

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


async def settle() -> None:
    """Let followers see what has changed; they look five times a second."""
    await asyncio.sleep(0.5)


def test_thirty_starts_go_five_at_a_time_in_order() -> None:
    """Each gets its turn, the first first, and the line is empty in the end."""

    async def story() -> None:
        turns = Turns(5)
        starts = [Start(turns) for _ in range(30)]
        for first in range(0, 30, 5):
            await settle()
            assert [start.has_begun for start in starts] == [number < first + 5 for number in range(30)]
            for start in starts[first : first + 5]:
                start.end()
        await settle()
        assert (turns.going, len(turns.waiting)) == (0, 0)

    asyncio.run(story())


def test_who_waits_knows_how_many_come_before() -> None:
    """The place counts down to none."""

    async def story() -> None:
        turns = Turns(1)
        first, second, third = (Start(turns) for _ in range(3))
        await settle()
        assert [start.turn.place for start in (first, second, third)] == [None, 0, 1]
        first.end()
        await settle()
        assert [start.turn.place for start in (second, third)] == [None, 0]
        second.end()
        third.end()
        await settle()

    asyncio.run(story())


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_who_goes_away_keeps_nobody_waiting(gone: int) -> None:
    """A start that is stopped, before or in its turn, gives the turn on."""

    async def story() -> None:
        turns = Turns(1)
        starts = [Start(turns) for _ in range(3)]
        await settle()
        starts[gone].task.cancel()
        starts[gone].end()
        await settle()
        left = [start for number, start in enumerate(starts) if number != gone]
        for start in left:
            assert start.has_begun
            start.end()
            await settle()
        assert (turns.going, len(turns.waiting)) == (0, 0)

    asyncio.run(story())


def test_a_turn_that_was_just_given_to_somebody_who_left_goes_on() -> None:
    """The first ends in the very moment in which the second goes away: the third starts."""

    async def story() -> None:
        turns = Turns(1)
        first, second, third = (Start(turns) for _ in range(3))
        await settle()
        turns.end()  # the second's ticket is given, its task has not run yet
        second.task.cancel()
        await settle()
        assert third.has_begun
        first.end()
        third.end()

    asyncio.run(story())


def test_without_a_bound_nobody_waits() -> None:
    """Zero sets none."""

    async def story() -> None:
        turns = Turns(0)
        starts = [Start(turns) for _ in range(50)]
        await settle()
        assert all(start.has_begun for start in starts)
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
