"""Everything that can go wrong, in random order, again and again: what never may happen does not, and in the end everything has ended."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from labkit.client.wire import HUB_END_STATES
from labkit.errors import LabKitError
from labkit.testing.queue_contract import Span, overlapping
from labkit.testing.queueworld import World
from labkit_hub.service.queue import starter, transitions

PEOPLE = ("anna", "ben", "prof")


class Chaos:
    """A world, and a random thing that happens in it with each step."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.runs: list[str] = []
        self.alive = True

    def step(self) -> None:
        usual = [self.submit, self.decide, self.report, self.look] * 2
        act = self.random.choice(
            [
                *usual,
                self.blink,
                self.blink,
                self.kill,
                self.mood,
                self.away,
                self.settle,
                self.die,
                self.cancel,
                self.late,
                self.serve,
                self.stop_serving,
            ]
        )
        act()
        self.world.quiet()

    def submit(self) -> None:
        if len(self.runs) < 40:
            self.runs.append(self.world.submit(self.random.choice(PEOPLE)))

    def decide(self) -> None:
        self.world.decide()

    def kill(self) -> None:
        """The service dies after a decision, before anything of it has reached the hub; another one comes."""
        if self.random.random() < 0.5:
            self.world.queue.desk.turns.start = lambda *_: None  # type: ignore[method-assign]
            self.world.queue.dispatcher.decide()
        self.world.open()

    def mood(self) -> None:
        self.world.hub.moods.append(self.random.choice(["refuse", "throttle", "lose-answer", "lose-request", "late"]))

    def away(self) -> None:
        self.world.hub.away = not self.world.hub.away

    def blink(self) -> None:
        """The hub is away for a moment in which something happens; the next decision comes before the next look."""
        self.world.hub.away = True
        self.random.choice([self.look, self.report, self.cancel])()
        self.world.quiet()
        self.world.hub.away = False
        self.submit()
        self.decide()

    def settle(self) -> None:
        self.world.hub.slow = not self.world.hub.slow
        self.world.hub.settle()

    def die(self) -> None:
        if names := self.world.hub.names():
            self.world.hub.die(*self.random.choice(names))

    def report(self) -> None:
        """A server that runs says something."""
        running = [key for key in self.world.hub.names() if key[1] and self.world.hub.runs_now(*key)]
        if running:
            _, name = self.random.choice(running)
            self.world.report(name.removeprefix("run-"), self.random.choice(["running", "done", "failed"]))

    def cancel(self) -> None:
        if self.runs and self.random.random() < 0.5:
            self.world.queue.views.cancel(self.random.choice(self.runs), self.world.who("root"))

    def look(self) -> None:
        self.world.reconcile()

    def late(self) -> None:
        self.world.hub.deliver()

    def serve(self) -> None:
        """Somebody starts an own server with a device."""
        if not self.world.hub.away:
            self.world.hub.ask_as_person(self.random.choice(PEOPLE), "", {"profile": self.random.choice(["gpu", "cpu"])})

    def stop_serving(self) -> None:
        if not self.world.hub.away:
            self.world.hub.stop_server(self.random.choice(PEOPLE), "", remove=False)

    def calm_down(self) -> None:
        """From now on nothing goes wrong; what runs comes to its end."""
        hub = self.world.hub
        hub.away, hub.slow = False, False
        hub.moods.clear()
        hub.deliver()
        for _ in range(200):
            hub.settle()
            for user, name in hub.names():
                if name and hub.runs_now(user, name):
                    self.end(name.removeprefix("run-"))
                elif not name:
                    hub.die(user, name)
            self.world.reconcile()
            self.world.decide()
            if all(self.world.state(run) in HUB_END_STATES for run in self.runs) and not self.world.leases():
                self.world.reconcile()
                return
        pytest.fail("It does not come to an end.")

    def end(self, run: str) -> None:
        try:
            self.world.report(run, "done")
        except LabKitError:
            self.world.hub.die(self.world.row(run).owner, f"run-{run}")


@pytest.fixture
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(transitions, "_FIRST_PAUSE_S", 0.0)


@pytest.mark.usefixtures("_short_pauses")
@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens(make_world: Callable[..., World], seed: int) -> None:
    """No device is in two servers' hands, what has ended stays so, and nothing is left over."""
    world = make_world(attempts=1000, per_person=2)
    chaos, ended = Chaos(world, seed), dict[str, str]()
    for _ in range(60):
        chaos.step()
        in_use = world.hub.devices_in_use()
        assert len(in_use) == len(set(in_use))
        states = {run: world.state(run) for run in chaos.runs}
        assert {run: states[run] for run in ended} == ended
        ended = {run: state for run, state in states.items() if state in HUB_END_STATES}
    chaos.calm_down()
    assert [name for _, name in world.hub.names() if name] == []
    assert overlapping(Span(u.device_key, u.run_id or "", u.taken.timestamp(), u.freed.timestamp()) for u in world.usage()) == []
