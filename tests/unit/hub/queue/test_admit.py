"""Which servers may start, and with what; as the hub asks, on a hub in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from labkit.errors import Conflict, InvalidInput, LabKitError, NotWritable
from labkit.testing.queueworld import World
from labkit_hub.service.database import Database
from labkit_hub.service.internal import Admission, Admitted
from labkit_hub.service.queue import leases, tickets
from labkit_hub.service.queue.admit import admit
from labkit_hub.service.tables import LeaseRow, TicketRow


def ask(world: World, user: str, *, server: str = "", profile: str = "", ticket: str | None = None, by: str = "person") -> Admitted:
    return admit(world.queue.desk, Admission(user=user, server=server, profile=profile, ticket=ticket, by=by))  # type: ignore[arg-type]


def starting(world: World) -> tuple[str, str]:
    """Return a run that has its device, and its ticket that nobody has used."""
    world.hub.moods.append("lose-request")
    run = world.submit("anna")
    world.decide()
    return run, world.hub.options[-1]["ticket"]


def test_a_run_is_admitted_once(world: World) -> None:
    """With its ticket it gets its device and its task; the same ticket again is refused."""
    run, ticket = starting(world)
    admitted = ask(world, "anna", server=f"run-{run}", profile="gpu-run", ticket=ticket, by="service")
    assert (admitted.profile, [device.key for device in admitted.devices]) == ("gpu-run", ["fake-0"])
    assert admitted.run is not None
    assert (admitted.run.id, admitted.run.path) == (run, "projects/cells/runs")
    with pytest.raises(NotWritable, match="queue only"):
        ask(world, "anna", server=f"run-{run}", profile="gpu-run", ticket=ticket, by="service")


def test_an_admin_sees_until_when_a_run_may_hold_its_device(world: World) -> None:
    """The longest that run and profile allow, from its start on, and the time that it gets to stop."""
    run, ticket = starting(world)
    admitted = ask(world, "anna", server=f"run-{run}", profile="gpu-run", ticket=ticket, by="service")
    (held,) = [device.lease for device in world.queue.views.devices() if device.lease]
    assert held.until is not None
    assert held.until == admitted.until


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": "ben"},
        {"by": "person"},
        {"ticket": None},
        {"ticket": "guessed"},
        {"profile": "gpu"},
        {"server": "run-abcdefghijkl"},
        {"server": "mine"},
        {"server": "run-"},
    ],
)
def test_a_ticket_is_for_one_server_of_one_person(world: World, wrong: dict[str, str]) -> None:
    """Anything else with it is refused, and does not use it up."""
    run, ticket = starting(world)
    right = {"user": "anna", "server": f"run-{run}", "profile": "gpu-run", "ticket": ticket, "by": "service"}
    with pytest.raises(NotWritable):
        ask(world, **{**right, **wrong})
    assert ask(world, **right).run is not None


def test_an_old_ticket_is_refused(world: World) -> None:
    """It is valid for a while only."""
    run, ticket = starting(world)
    with world.database.transaction() as session:
        session.execute(update(TicketRow).values(expires=world.queue.desk.now() - timedelta(seconds=1)))
    with pytest.raises(NotWritable):
        ask(world, "anna", server=f"run-{run}", profile="gpu-run", ticket=ticket, by="service")


def test_only_the_hash_of_a_ticket_is_kept(world: World) -> None:
    """Who reads the database can start nothing."""
    _, ticket = starting(world)
    with world.database.transaction() as session:
        rows = session.query(TicketRow).all()
    assert all(ticket not in str(value) for row in rows for value in vars(row).values())


@pytest.fixture(params=["sqlite", "postgres"])
def any_world(request: pytest.FixtureRequest) -> World:
    """A queue on either database."""
    world: World = request.getfixturevalue("world" if request.param == "sqlite" else "postgres_world")
    return world


def test_of_two_who_use_a_ticket_at_the_same_moment_one_does(any_world: World) -> None:
    """The database decides."""
    world = any_world
    run, ticket = starting(world)
    answers = at_once(lambda: ask(world, "anna", server=f"run-{run}", profile="gpu-run", ticket=ticket, by="service"))
    assert sorted(type(answer).__name__ for answer in answers) == ["Admitted", "NotWritable"]


def test_two_services_take_a_lease_at_the_same_moment(any_world: World) -> None:
    """Each with a connection of its own and without the queue's lock: one gets it, the other is told so."""
    world = any_world
    databases = [Database(world.database.engine.url.render_as_string(hide_password=False)) for _ in range(2)]
    barrier = threading.Barrier(2)

    def take(database: Database) -> bool:
        barrier.wait()
        with database.transaction() as session:
            return leases.take(
                session, [1], username="anna", server_name="", run_id=None, course_id=None, now=world.queue.desk.now(), until=None
            )

    answers = at_once(*(lambda database=database: take(database) for database in databases))
    for database in databases:
        database.close()
    assert (sorted(answers), len(world.leases())) == ([False, True], 1)


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Call two things at the same moment; one given is called twice."""
    calls = calls if len(calls) > 1 else (*calls, *calls)
    answers: list[object] = []

    def call(one: Callable[[], object]) -> None:
        try:
            answers.append(one())
        except LabKitError as error:
            answers.append(error)

    threads = [threading.Thread(target=call, args=(one,)) for one in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_server_without_a_device_needs_nothing(world: World) -> None:
    """No lease, and no profile named is the first that this person may use."""
    assert ask(world, "anna").profile == "cpu"
    assert world.leases() == []


def test_a_server_with_a_device_leases_it(world: World) -> None:
    """Then and there, for as long as the profile allows."""
    admitted = ask(world, "anna", profile="gpu")
    (lease,) = world.leases()
    assert ([device.key for device in admitted.devices], lease.server_name, lease.until) == (["fake-0"], "", admitted.until)


@pytest.mark.parametrize("profile", ["gpu-run", "huge"])
def test_only_profiles_for_servers(world: World, profile: str) -> None:
    """A run's profile is none for people's servers, and an unknown one is refused with those that there are."""
    with pytest.raises(InvalidInput, match="called") as error:
        ask(world, "anna", profile=profile)
    assert error.value.hint == "Choose one of cpu, gpu."


def test_without_a_free_device_it_is_refused(world: World) -> None:
    """The message says how many wait."""
    for name in ("anna", "ben"):
        ask(world, name, profile="gpu")
    world.submit("prof")
    with pytest.raises(Conflict, match=r"No device is free; 1 run waits\."):
        ask(world, "dora", profile="gpu")


def test_nobody_jumps_the_line(world: World) -> None:
    """A free device belongs to the run that is about to get it."""
    world.submit("anna")
    ask(world, "prof", profile="gpu")
    with pytest.raises(Conflict, match="No device is free"):
        ask(world, "ben", profile="gpu")
    assert world.decide() == 1


def test_servers_and_runs_count_together(world: World) -> None:
    """Who has a server with a device waits with a run, and the other way round."""
    ask(world, "anna", profile="gpu")
    run = world.submit("anna")
    assert (world.decide(), world.item(run).reason) == (0, "You use 1 device; more than 1 at a time is not allowed.")
    world.submit("ben")
    world.decide()
    with pytest.raises(Conflict, match="You use 1 device"):
        ask(world, "ben", profile="gpu")


def test_a_server_that_starts_again_keeps_its_device(world: World) -> None:
    """Also when the hub's word that it had stopped has not come yet, and somebody waits; its time begins anew."""
    ask(world, "ben", profile="gpu")
    first = ask(world, "anna", profile="gpu")
    world.submit("prof")
    again = ask(world, "anna", profile="gpu")
    assert (again.devices, len(world.leases())) == (first.devices, 2)
    assert again.until is not None
    assert first.until is not None
    assert again.until > first.until


def test_a_server_that_starts_without_its_device_gives_it_back(world: World) -> None:
    """The hub asks only for servers that are not there."""
    ask(world, "anna", profile="gpu")
    ask(world, "anna", profile="cpu")
    assert (world.leases(), len(world.usage())) == ([], 1)


def test_a_server_with_a_device_is_stopped_after_its_time(world: World) -> None:
    """And its device is free when it is gone; its row in the hub stays, since it is the person's own."""
    world.hub.ask_as_person("anna", "", {"profile": "gpu"})
    with world.database.transaction() as session:
        session.execute(update(LeaseRow).values(until=world.queue.desk.now() - timedelta(seconds=1)))
    world.reconcile()
    assert (world.leases(), world.hub.server("anna", "").state) == ([], "stopped")


def test_a_server_that_stopped_frees_its_device(world: World) -> None:
    """The next look finds it."""
    world.hub.ask_as_person("anna", "", {"profile": "gpu"})
    world.reconcile()
    assert len(world.leases()) == 1
    world.hub.die("anna", "")
    world.reconcile()
    assert world.leases() == []


def test_a_device_that_an_admin_stops_stops_its_server(world: World) -> None:
    """An interactive one, too."""
    world.hub.ask_as_person("anna", "", {"profile": "gpu"})
    world.queue.views.stop_device(world.leases()[0].device_id, world.who("root"))
    world.reconcile()
    assert (world.leases(), world.hub.server("anna", "").state) == ([], "stopped")


def test_while_the_line_is_paused_no_device_is_leased(world: World) -> None:
    """The reason is the admin's."""
    world.queue.views.pause("The power is cut at six.", world.who("root"))
    with pytest.raises(Conflict, match="The power is cut at six"):
        ask(world, "anna", profile="gpu")


def test_old_tickets_are_forgotten(tmp_path: Path) -> None:
    """A day after they were valid."""
    world = World(f"sqlite:///{tmp_path / 'x.sqlite'}")
    with world.database.transaction() as session:
        now = world.queue.desk.now() - timedelta(days=3)
        tickets.make(session, username="a", server_name="run-x", profile="p", run_id="x", now=now, valid_s=1)
    world.reconcile()
    with world.database.transaction() as session:
        assert session.query(TicketRow).count() == 0
    world.close()
