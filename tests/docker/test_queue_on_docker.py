"""The queue on the real Docker: what it keeps to everywhere, and the bad days of containers, hub and database."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text

from labkit.testing.docker_queue import DockerPlace
from labkit.testing.queue_contract import QueueContract
from labkit.testing.stack import Stack, docker, wait_for

if TYPE_CHECKING:
    from labkit.testing.hub_session import HubSession

pytestmark = [pytest.mark.docker, pytest.mark.ci]
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def stack(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with two fake devices."""
    devices = {"LABKIT_DEVICES__FAKE": "2", "LABKIT_DEVICES__NVIDIA": "false"}
    files = [CHECKOUT / "tests" / "docker" / "queue-hub.yml"]
    stack = Stack(CHECKOUT, tmp_path_factory.mktemp("queue"), files=files, subnet="10.233", extra=devices)
    try:
        stack.up()
        yield stack
    finally:
        if os.environ.get("LABKIT_TEST_IMAGES") == "keep":
            print(stack.log("hub")[-20_000:])
        stack.down()


@pytest.fixture(scope="module")
def admin(stack: Stack) -> Iterator[HubSession]:
    """The admin over HTTP."""
    with stack.session() as session:
        assert session.login("admin", stack.passwords()["admin"]).status_code == 200
        assert session.http.get("/services/labkit/").status_code == 200
        yield session


@pytest.fixture
def student(stack: Stack) -> Iterator[HubSession]:
    """Somebody with a running server."""
    with stack.session() as session:
        assert session.login("student", stack.passwords()["student"]).status_code == 200
        session.post_form("/hub/spawn/student", profile="cpu")
        session.start_server("student")
        yield session


@pytest.fixture
def place(stack: Stack, admin: HubSession, tmp_path: Path) -> DockerPlace:
    """New people, and a table of what was used that is empty."""
    place = DockerPlace(stack, admin.http, tmp_path)
    engine = create_engine(place.database_url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM usage"))
    engine.dispose()
    return place


class TestOnDocker(QueueContract):
    """The contract; each run is a container that starts, computes and goes."""

    submissions = 8
    kills = 2
    timeout_s = 240.0


def container_of(stack: Stack, person: str, run_id: str) -> dict[str, Any]:
    """Wait for a run's container and return what Docker says of it."""
    return wait_for(lambda: stack.servers().get(f"u-{person}-u/run-{run_id}"), "the container of the run")


def begun(place: DockerPlace, run_id: str) -> None:
    """Wait until a run computes."""
    wait_for(lambda: any(line.run_id == run_id for line in place.journal()) or None, "the run's own word")


def ended(place: DockerPlace, person: str, run_id: str) -> str:
    """Wait for the end of a run and of all that it held; return its state."""
    wait_for(lambda: place.run(person, run_id).has_ended or None, "the end of the run")
    wait_for(lambda: None if place.server_names() or any(device["holder"] for device in place.devices()) else True, "free devices")
    run = place.run(person, run_id)
    assert run.state == "done" or run.reason
    return run.state


def test_a_container_that_is_killed_loses_its_run_and_frees_the_device(place: DockerPlace, stack: Stack) -> None:
    """Nobody else is told that it computes."""
    person = place.people[0]
    run_id = place.submit(person, "time.sleep(600)")
    begun(place, run_id)
    docker("kill", container_of(stack, person, run_id)["Id"])
    assert ended(place, person, run_id) == "lost"


def test_a_container_that_dies_before_it_answers_is_tried_again(place: DockerPlace, stack: Stack) -> None:
    """The second attempt carries the run out, once."""
    person = place.people[0]
    run_id = place.submit(person)
    container = container_of(stack, person, run_id)["Id"]
    wait_for(lambda: docker("kill", container, check=False).strip() or None, "a container that runs")  # it is made a moment before
    assert ended(place, person, run_id) == "done"
    assert sum(line.began for line in place.journal() if line.run_id == run_id) == 1


def test_a_run_that_ignores_every_request_is_ended(place: DockerPlace) -> None:
    """By force, when its time is over."""
    person = place.people[0]
    ignore = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]"
    run_id = place.submit(person, f"{ignore}\nwhile True: time.sleep(0.1)")
    begun(place, run_id)
    place.cancel(person, run_id)
    assert ended(place, person, run_id) == "cancelled"


def test_a_hub_killed_while_it_starts_a_run_leaves_nothing_that_computes_unseen(place: DockerPlace, stack: Stack) -> None:
    """Its container is gone, whether the next hub knows it or not; the run is carried out by another, or lost: never twice."""
    person = place.people[0]
    run_id = place.submit(person)
    first = container_of(stack, person, run_id)["Id"]
    wait_for(lambda: stop_programs(first), "a server that does not answer, and does not end when it is asked")
    stack.kill("hub")
    wait_for(lambda: first not in docker("ps", "-q", "--no-trunc").split() or None, "the end of the first container", timeout_s=240)
    assert ended(place, person, run_id) in ("done", "lost")
    assert sum(line.began for line in place.journal() if line.run_id == run_id) <= 1


def test_a_hub_killed_while_it_starts_a_run_goes_on_with_it(place: DockerPlace, stack: Stack) -> None:
    """The next hub finds out where the server is, which computes on the device that it was given."""
    person = place.people[0]
    run_id = place.submit_until_let_go(person)
    first = container_of(stack, person, run_id)["Id"]
    wait_for(lambda: first in docker("ps", "-q", "--no-trunc").split() or None, "a container that runs")
    stack.kill("hub")
    wait_for(lambda: place.run(person, run_id).state == "running" or None, "the run in the next hub")
    assert container_of(stack, person, run_id)["Id"] == first
    place.let_go(person)
    assert ended(place, person, run_id) == "done"
    assert sum(line.began for line in place.journal() if line.run_id == run_id) == 1


def stop_programs(container: str) -> bool | None:
    """Let all programs of a container stand still (SIGSTOP); None while there are too few of them to be the server."""
    pids = [int(line) for line in docker("top", container, "-o", "pid", check=False).split()[1:]]
    if len(pids) < 2:  # the first, standing still, would never start the other
        return None
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    return True


def test_half_a_minute_without_the_database(place: DockerPlace, stack: Stack, student: HubSession) -> None:
    """The hub recovers by itself; meanwhile no lease is freed, no run is lost, and people's servers answer."""
    person = place.people[0]
    run_id = place.submit_until_let_go(person)
    begun(place, run_id)
    container = container_of(stack, person, run_id)["Id"]
    database, hub = stack.container("database"), stack.container("hub")
    before = json.loads(docker("inspect", hub))[0]["State"]["StartedAt"]
    docker("stop", "-t", "5", database)
    stopped = time.monotonic()
    time.sleep(30)  # that long is the claim
    assert json.loads(docker("inspect", container))[0]["State"]["Running"]
    assert student.http.get("/user/student/api/status").status_code == 200
    docker("start", database)
    wait_for(lambda: place.run(person, run_id).state == "running" or None, "the run as before")
    assert [device["holder"] for device in place.devices() if device["holder"]] == [person]
    assert time.monotonic() - stopped < 120
    place.let_go(person)
    assert ended(place, person, run_id) == "done"
    assert json.loads(docker("inspect", hub))[0]["State"]["StartedAt"] == before
