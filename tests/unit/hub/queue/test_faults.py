"""Bad days: services killed between two steps, hubs that refuse, lose, forget or carry out late, servers that die."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from labkit.testing.fakehub import Mood
from labkit.testing.queueworld import World
from labkit_hub.service.queue import starter, transitions
from labkit_hub.service.tables import AuditRow


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "_FIRST_PAUSE_S", 0.01)


def die_before_post(world: World) -> None:
    """Decide as a service that is killed before it could ask the hub."""
    world.queue.desk.turns.start = lambda *_: None  # type: ignore[method-assign]
    assert world.decide() == 1


def test_killed_between_lease_and_request(world: World) -> None:
    """The next service finds the run that says it starts, and starts it, on the same lease."""
    run = world.submit("anna")
    die_before_post(world)
    (before,) = world.leases()
    world.open()
    world.reconcile()
    assert world.hub.starts == [("anna", f"run-{run}")]
    assert [lease.id for lease in world.leases()] == [before.id]


def test_killed_between_request_and_answer(world: World) -> None:
    """The server that runs is met, and not started a second time."""
    world.hub.moods.append("lose-answer")
    run = world.submit("anna")
    world.decide()
    world.open()
    world.reconcile()
    assert (world.state(run), world.hub.starts) == ("running", [("anna", f"run-{run}")])


def test_a_lost_request_is_repeated(world: World) -> None:
    """No answer and no server: it is asked for again, with another ticket."""
    world.hub.moods.append("lose-request")
    run = world.submit("anna")
    world.decide()
    world.reconcile()
    world.reconcile()
    first, second = (options["ticket"] for options in world.hub.options)
    assert (world.state(run), first != second) == ("running", True)


def test_a_look_between_decision_and_start_does_no_harm(world: World) -> None:
    """Who looks in that moment finds no server and voids the ticket; the start then makes another."""
    run, desk, starts = world.submit("anna"), world.queue.desk, []
    desk.turns.start = lambda _key, job: starts.append(job)  # type: ignore[method-assign]
    world.decide()
    world.attend(run)
    starts[0]()
    assert (world.state(run), world.row(run).attempts) == ("running", 0)


def test_a_late_request_starts_nothing(world: World) -> None:
    """The service died after it had sent it; the run was given up; when it arrives at last, its ticket is void."""
    world.hub.moods.append("late")
    run = world.submit("anna")
    world.decide()
    world.open()
    world.queue.views.cancel(run, world.who("anna"))
    world.attend(run)
    assert (world.state(run), world.leases()) == ("cancelled", [])
    (view,) = world.hub.deliver()
    assert (view.state, world.hub.starts) == ("stopped", [])
    world.reconcile()
    assert world.hub.names() == []


def test_a_late_request_beside_a_new_one_starts_one_server(world: World) -> None:
    """The next service asks anew; the old request meets a server that runs already."""
    world.hub.moods.append("late")
    world.submit("anna")
    world.decide()
    world.open()
    world.reconcile()
    world.hub.deliver()
    assert len(world.hub.starts) == 1


@pytest.mark.parametrize("end", ["dies", "done"])
def test_a_hub_without_answers_frees_nothing(world: World, end: str) -> None:
    """Whatever happens meanwhile, the lease stays until the hub says something definite."""
    run = world.submit("anna")
    world.decide()
    world.report(run, "running")
    world.hub.away = True
    if end == "dies":
        world.hub.die("anna", f"run-{run}")
    else:
        world.report(run, "done")
    for _ in range(3):
        world.reconcile()
    assert (world.state(run), len(world.leases())) == ("running" if end == "dies" else "done", 1)
    world.hub.away = False
    world.reconcile()
    assert (world.state(run), world.leases()) == ("lost" if end == "dies" else "done", [])


def test_nothing_is_started_by_a_hub_without_answers(world: World) -> None:
    """The run keeps its lease and starts when the hub is back."""
    world.hub.away = True
    run = world.submit("anna")
    world.decide()
    world.reconcile()
    assert (world.state(run), len(world.leases())) == ("starting", 1)
    world.hub.away = False
    world.reconcile()
    world.reconcile()
    assert world.state(run) == "running"


@pytest.mark.parametrize("mood", ["throttle", "no-service"])
def test_a_hub_that_cannot_just_now_is_asked_again(world: World, mood: Mood) -> None:
    """Too many servers start, or its question to this service was not answered: that is no failed attempt."""
    world.hub.moods.extend([mood] * 3)
    run = world.submit("anna")
    world.decide()
    assert (world.state(run), world.row(run).attempts, world.hub.asked["start_server"]) == ("running", 0, 4)


def test_a_busy_hub_does_not_hold_up_a_cancel(world: World) -> None:
    """Between two tries it is seen that the run is not wanted any more."""
    world.hub.moods.extend(["throttle"] * 1000)
    run = world.submit("anna")
    world.queue.dispatcher.decide()
    world.queue.views.cancel(run, world.who("anna"))
    world.quiet()
    world.attend(run)
    assert (world.state(run), world.leases(), world.hub.starts) == ("cancelled", [], [])


def test_a_refused_start_leaves_no_row(make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's row of the server is removed, the device is free, and the run waits for its next try."""
    monkeypatch.setattr(transitions, "_FIRST_PAUSE_S", 600.0)  # which is not to begin before it was looked at
    world = make_world(attempts=2)
    world.hub.moods.append("refuse")
    run = world.submit("anna")
    world.decide()
    assert (world.hub.names(), world.leases(), world.state(run)) == ([], [], "waiting")
    assert world.item(run).reason == "Its server could not be started and is tried again soon: No room."


def test_after_the_last_attempt_it_is_failed(make_world: Callable[..., World]) -> None:
    """The reason is the hub's own."""
    world = make_world(attempts=1)
    world.hub.moods.append("refuse")
    run = world.submit("anna")
    world.decide()
    assert (world.state(run), world.item(run).reason) == ("failed", "Its server could not be started: No room.")


def test_a_server_that_dies_before_it_answers_is_tried_again(world: World) -> None:
    """It was admitted and is gone: one attempt is over."""
    world.hub.slow = True
    run = world.submit("anna")
    world.decide()
    world.hub.die("anna", f"run-{run}")
    world.attend(run)
    assert (world.state(run), world.row(run).attempts, world.leases(), world.hub.names()) == ("waiting", 1, [], [])


def test_a_server_that_never_answers_is_given_up(make_world: Callable[..., World]) -> None:
    """It is stopped before its device is free."""
    world = make_world(start_timeout_s=0.001, attempts=1)
    world.hub.slow = True
    run = world.submit("anna")
    world.queue.desk.settings.__dict__["start_timeout_s"] = 60.0
    world.decide()
    world.queue.desk.settings.__dict__["start_timeout_s"] = 0.001
    world.attend(run)
    assert (world.state(run), world.leases(), world.hub.names()) == ("failed", [], [])
    assert "did not answer within" in world.item(run).reason


def test_a_server_that_is_gone_without_a_report_is_lost(world: World) -> None:
    """The reason says what to do."""
    run = world.submit("anna")
    world.decide()
    world.report(run, "running")
    world.hub.die("anna", f"run-{run}")
    world.attend(run)
    assert (world.state(run), world.leases()) == ("lost", [])
    assert "try it again" in world.item(run).reason


@pytest.mark.parametrize("end", ["done", "failed", "cancelled"])
def test_a_late_word_counts_more_than_a_guess(world: World, end: str) -> None:
    """A run was lost because nobody had said how it ended; who says it later is believed, once, and it is written down."""
    run = world.submit("anna")
    world.decide()
    world.report(run, "running")
    world.hub.die("anna", f"run-{run}")
    world.attend(run)
    ended = world.row(run).ended
    assert world.report(run, "running").state == "lost"
    assert world.report(run, end, "As its folder says.").state == end
    assert (world.item(run).reason, world.row(run).ended) == ("As its folder says.", ended)
    other = "failed" if end == "done" else "done"
    assert world.report(run, other).state == end
    with world.database.reading() as session:
        (row,) = session.scalars(select(AuditRow).where(AuditRow.action == "run.correct"))
        assert (row.actor, row.subject, row.detail) == ("anna", run, {"was": "lost", "state": end})


def test_a_run_that_has_called_itself_lost_stays_so(world: World) -> None:
    """That is no guess of the queue's."""
    run = world.submit("anna")
    world.decide()
    world.report(run, "lost", "It was started anew.")
    assert world.report(run, "done").state == "lost"


def test_a_run_beyond_its_time_is_stopped(make_world: Callable[..., World]) -> None:
    """Its own supervisor did not do it."""
    world = make_world(grace_s=0)
    run = world.submit("anna", time_limit_s=0.001)
    world.decide()
    world.report(run, "running")
    world.attend(run)
    assert (world.state(run), world.leases(), world.hub.names()) == ("failed", [], [])
    assert world.item(run).reason.startswith("It was stopped at its time limit")


def test_a_running_run_is_cancelled(world: World) -> None:
    """Its server is stopped, and what it reports on the way is its end."""
    run = world.submit("anna")
    world.decide()
    world.report(run, "running")
    world.hub.away = True
    assert world.queue.views.cancel(run, world.who("anna")).state == "cancelling"
    world.report(run, "cancelled", "You cancelled it; the model of epoch 3 is kept.")
    world.hub.away = False
    world.attend(run)
    assert (world.state(run), world.item(run).reason, world.leases()) == (
        "cancelled",
        "You cancelled it; the model of epoch 3 is kept.",
        [],
    )


def test_the_reconciler_removes_servers_of_no_run(world: World) -> None:
    """Running and stopped ones; people's own servers are let be."""
    world.hub.put("anna", "run-abcdefghijkl", "running")
    world.hub.put("ben", "run-bbcdefghijkl", "stopped")
    world.hub.put("ben", "", "running")
    world.reconcile()
    assert world.hub.names() == [("ben", "")]


def test_a_pending_server_is_no_proof(world: World) -> None:
    """It neither frees nor ends anything."""
    world.hub.slow = True
    run = world.submit("anna")
    world.decide()
    for _ in range(3):
        world.reconcile()
    assert (world.state(run), len(world.leases())) == ("starting", 1)


def test_a_drained_device_finishes_its_lease(world: World) -> None:
    """It takes no other, and is stopped when it is free."""
    admin, run = world.who("root"), world.submit("anna")
    world.decide()
    device = world.leases()[0].device_id
    assert world.queue.views.drain_device(device, admin).state == "draining"
    world.report(run, "done")
    world.attend(run)
    assert [view.state for view in world.queue.views.devices() if view.id == device] == ["stopped"]
    world.submit("ben")
    world.submit("prof")
    world.decide()
    assert device not in {lease.device_id for lease in world.leases()}


def test_a_stopped_device_stops_what_holds_it(world: World) -> None:
    """Its run is cancelled."""
    run = world.submit("anna")
    world.decide()
    world.queue.views.stop_device(world.leases()[0].device_id, world.who("root"))
    world.attend(run)
    assert (world.state(run), world.item(run).reason, world.leases()) == ("cancelled", "root cancelled it.", [])


def test_a_missing_profile_ends_the_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for what the settings do not have any more is told so."""
    run = world.submit("anna")
    profiles: dict[str, Any] = {slug: p for slug, p in world.queue.desk.profiles.items() if slug != "gpu-run"}
    monkeypatch.setattr(world.queue.desk, "profiles", profiles)
    world.decide()
    assert (world.state(run), "no profile 'gpu-run'" in world.item(run).reason) == ("failed", True)
