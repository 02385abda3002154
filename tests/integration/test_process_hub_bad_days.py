"""Bad days of a hub whose servers are processes: killed from outside, killed itself, without its database."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from labkit.testing.postgres import RunningPostgres, find_postgres
from labkit.testing.process_place import ProcessPlace, process_place
from labkit.testing.queue_contract import Span, overlapping, read_spans
from labkit.testing.runs import WRITE_RESULT, is_alive, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.ci]

AWAY_S = 12  # longer than the hub takes to refuse somebody while its database is away
ENDLESS = "import time\nwhile True: time.sleep(0.1)"
UNTIL_TOLD = "import time, pathlib\nwhile not pathlib.Path('go').exists(): time.sleep(0.1)"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessPlace]:
    with process_place(tmp_path_factory.mktemp("bad-days"), env={"LABKIT_QUEUE__START_TIMEOUT_S": "60"}) as place:
        yield place


@pytest.fixture
def place(running: ProcessPlace) -> ProcessPlace:
    running.begin()
    return running


def wait_for_state(place: ProcessPlace, person: str, run_id: str, *states: str) -> None:
    wait_until(lambda: place.run(person, run_id).state in states, timeout_s=120)


def wait_until_free(place: ProcessPlace) -> None:
    wait_until(lambda: not place.server_names() and {device["holder"] for device in devices(place)} == {None}, timeout_s=120)


def devices(place: ProcessPlace) -> list[dict[str, str | None]]:
    return list(place.ask_as_admin("GET", "devices").json()["devices"])


def program(place: ProcessPlace, run_id: str) -> psutil.Process:
    return place.processes(f"--run={run_id}")[0]


def test_a_run_that_is_killed_from_outside_is_lost(place: ProcessPlace) -> None:
    """The hub sees that its server has gone, the run is lost in words, its programs are gone, and its device is free."""
    person = place.people[0]
    run_id = place.submit(person, ENDLESS)
    wait_until(lambda: (place.hub.server(person, f"run-{run_id}") or {}).get("ready"), timeout_s=120)  # later than the run's own word
    wait_for_state(place, person, run_id, "running")
    wait_until(place.folder(person, run_id).notebook.exists, timeout_s=120)
    program(place, run_id).kill()
    wait_for_state(place, person, run_id, "lost")
    assert "stopped before it could say" in place.run(person, run_id).reason
    wait_until_free(place)
    wait_until(lambda: not place.processes("labkit.runs.child"))


def test_a_hub_killed_while_a_server_starts_forgets_nothing_that_computes(place: ProcessPlace) -> None:
    """Started again by itself, it first ends what it does not know of: the run is not carried out twice at the same time."""
    person = place.people[0]
    run_id = place.submit(person, ENDLESS)
    wait_until(lambda: any(line.began for line in place.journal()), timeout_s=120)  # its server lives, and has not answered yet
    before = program(place, run_id)
    place.hub.kill()
    assert is_alive(before)
    place.hub.start()
    assert not is_alive(before)
    wait_for_state(place, person, run_id, "lost", "failed")
    wait_until_free(place)
    assert overlapping(read_spans(place.database_url)) == []
    after = place.submit(person)
    wait_for_state(place, person, after, "done")
    wait_until_free(place)


def test_a_new_hub_waits_for_a_server_only_while_it_runs(place: ProcessPlace) -> None:
    """One that does not answer has its time, which its page says and looks again; that it has ended is seen at once."""
    person = place.people[0]
    run_id = place.submit(person, ENDLESS)
    name = f"run-{run_id}"
    wait_until(lambda: (place.hub.server(person, name) or {}).get("ready"), timeout_s=120)  # the run itself says sooner that it runs
    server = program(place, run_id)
    place.hub.kill()
    server.suspend()
    place.hub.start()
    wait_until(lambda: (place.hub.server(person, name) or {}).get("pending") == "check")
    with place.hub.session(person) as session:
        assert 'http-equiv="refresh"' in session.http.get(f"/hub/spawn-pending/{person}/{name}").text
    server.kill()
    wait_until(lambda: not (place.hub.server(person, name) or {}).get("pending"), timeout_s=60)  # a start may take two minutes
    wait_for_state(place, person, run_id, "lost")
    wait_until_free(place)


@pytest.fixture
def postgres() -> Iterator[RunningPostgres]:
    if find_postgres() is None:
        pytest.skip("PostgreSQL is not installed")
    with RunningPostgres() as server:
        yield server


def test_while_the_database_is_away_no_run_is_lost_and_no_device_is_lent(
    tmp_path_factory: pytest.TempPathFactory, postgres: RunningPostgres
) -> None:
    """Servers that run still answer; what computes goes on, what waits waits; afterwards all goes on by itself, with the same hub."""
    service_url = postgres.another("service")
    env = {"LABKIT_DATABASE_URL": postgres.url, "LABKIT_SERVICE__DATABASE_URL": service_url}
    with process_place(tmp_path_factory.mktemp("away"), env=env, database_url=service_url) as place:
        place.begin()
        person = place.people[0]
        first, second = place.submit(person, UNTIL_TOLD, WRITE_RESULT), place.submit(person)
        wait_for_state(place, person, first, "running")
        server, service = program(place, first), place.service()
        postgres.stop()
        away = time.monotonic()
        while time.monotonic() < away + AWAY_S:
            answer = httpx.get(f"{place.hub.url}/user/{person}/run-{first}/api", trust_env=False, timeout=30)
            assert answer.status_code == 200
            time.sleep(0.5)
        postgres.start()
        wait_for_state(place, person, first, "running")
        assert (place.run(person, second).state, is_alive(server)) == ("waiting", True)
        assert read_spans(service_url) == []  # no lease has ended
        (place.folder(person, first).root / "go").touch()
        wait_for_state(place, person, first, "done")
        wait_for_state(place, person, second, "done")
        wait_until_free(place)
        spans: list[Span] = read_spans(service_url)
        assert ([span.run_id for span in spans], overlapping(spans)) == ([first, second], [])
        assert place.service() == service
