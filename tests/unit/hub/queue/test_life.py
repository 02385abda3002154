"""The life of a run, from the line to its end, on a hub in memory."""

from __future__ import annotations

from collections.abc import Callable

from labkit.testing.queueworld import World
from labkit.testing.runs import wait_until


def test_a_run_goes_its_whole_way(world: World) -> None:
    """It waits, gets a device and a server, reports its end, and leaves neither lease nor server behind."""
    run = world.submit("anna")
    assert (world.state(run), world.item(run).place, world.item(run).reason) == ("waiting", 0, "It is the next.")
    assert world.decide() == 1
    assert [(lease.username, lease.server_name) for lease in world.leases()] == [("anna", f"run-{run}")]
    world.report(run, "running")
    assert (world.state(run), world.item(run).device) == ("running", "Fake device 0")
    world.report(run, "done")
    world.attend(run)
    assert world.state(run) == "done"
    assert (world.leases(), world.hub.names(), [use.run_id for use in world.usage()]) == ([], [], [run])


def test_everything_runs_by_itself(make_world: Callable[..., World]) -> None:
    """With its threads at work, six runs of three people are carried out on two devices."""
    world = make_world(look_s=0.05)
    world.hub.on_running = lambda user, name, admitted: world.queue.desk.turns.start(
        ("", name), lambda: world.report(name.removeprefix("run-"), "done") and None
    )
    world.queue.start()
    submitted = [world.submit(name) for name in ("anna", "ben", "prof") for _ in range(2)]
    wait_until(lambda: all(world.state(run) == "done" for run in submitted) and not world.leases())
    world.queue.stop()
    assert sorted(use.run_id or "" for use in world.usage()) == sorted(submitted)
