"""The application: errors, opening, metrics; on a played hub and queue."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from labkit.errors import InvalidInput
from labkit_hub.service.address import HubAddress, require_bound_address
from labkit_hub.service.app import Opening
from labkit_hub.service.launch import role_entries, service_entry
from labkit_hub.settings import ServiceSettings, Settings


class PlayedContext:
    """As much of a context as opening needs."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.opened = threading.Event()
        self.base_path = "/services/labkit"


class PlayedRoom:
    """Notes when it is started and stopped."""

    def __init__(self, name: str, story: list[str], fault: Exception | None = None) -> None:
        self.name, self.story, self.fault = name, story, fault

    def start(self) -> None:
        if self.fault:
            raise self.fault
        self.story.append(f"{self.name} starts")

    def stop(self) -> None:
        self.story.append(f"{self.name} stops")


def test_an_unknown_error_has_a_number_and_no_detail(house, hub, monkeypatch, caplog) -> None:
    """The log and the admin's page know more, by the same number."""
    admin = hub.add("admin", admin=True)

    def fail(_who: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(house.queue, "standing", fail)
    answer = house.ask(admin, "GET", "/api/me")
    number = answer.json()["error"]["message"].split("error ")[1].rstrip(").")
    assert (answer.status_code, "secret" in answer.text) == (500, False)
    assert any(number in record.message for record in caplog.records)
    assert number in house.browse("admin").get("/admin").text


def test_a_database_that_is_away_is_503(house, hub, monkeypatch) -> None:
    """Not an error of the program."""
    student = hub.add("student")

    def fail(_who: object) -> None:
        raise OperationalError("SELECT 1", {}, ConnectionError("refused"))

    monkeypatch.setattr(house.queue, "standing", fail)
    answer = house.ask(student, "GET", "/api/me")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["error"]["type"]) == (503, "5", "StorageUnreachable")


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/api/nothing", {}, 404),
        ("PATCH", "/api/courses", {}, 405),
        ("POST", "/api/courses", {"content": b"{"}, 400),
        ("POST", "/api/courses", {"json": {"id": "a", "colour": "red"}}, 400),
        ("POST", "/api/courses", {"json": []}, 400),
        ("POST", "/api/courses", {"content": b"x" * 4_000_001}, 413),
    ],
)
def test_every_error_of_the_api_has_one_form(house, hub, method, path, more, status) -> None:
    """Type, message and hint."""
    answer = house.ask(hub.add("student"), method, path, **more)
    assert (answer.status_code, sorted(answer.json()["error"])) == (status, ["hint", "message", "type"])


def test_a_body_without_a_length_is_bounded_too(house, hub) -> None:
    """It is counted while it comes in."""
    chunks = (b"x" * 100_000 for _ in range(100))
    assert house.ask(hub.add("student"), "POST", "/api/courses", content=chunks).status_code == 413


def test_metrics_are_for_admins_and_prometheus(house, hub) -> None:
    """A person's token that may not read them is refused; runs, devices, line and the hub's answers are among them."""
    student, admin = hub.add("student"), hub.add("admin", admin=True)
    hub.users["prometheus"] = {"name": "prometheus", "admin": False, "servers": {}}
    hub.tokens["reader"] = ("prometheus", ("read:metrics",))
    assert [house.ask(token, "GET", "/metrics").status_code for token in (None, student, admin, "reader")] == [401, 403, 200, 200]
    text = house.ask("reader", "GET", "/metrics").text
    wanted = (
        'labkit_runs{state="waiting"} 2.0',
        'labkit_devices{state="ready"} 1.0',
        "labkit_line_length 2.0",
        "labkit_leases 1.0",
        "labkit_spawn_throttles_total 0.0",
        'labkit_hub_answers_total{call="GET user",kind="ok"}',
        "labkit_wait_seconds_bucket",
    )
    assert [part for part in wanted if part not in text] == []


def test_the_api_describes_itself(house) -> None:
    """OpenAPI, under the base path, without a login."""
    paths = house.client.get("/services/labkit/api/openapi.json").json()["paths"]
    assert {"/services/labkit/api/me", "/services/labkit/api/courses/{course_id}/roster", "/services/labkit/metrics"} <= set(paths)
    assert not [path for path in paths if path.startswith("/services/labkit/admin")]


def test_rooms_open_when_the_database_answers_and_close_in_reverse(database, monkeypatch) -> None:
    """Until then the service waits and says that it is not open."""
    story: list[str] = []
    tries = iter([OperationalError("", {}, ConnectionError("refused")), OperationalError("", {}, ConnectionError("refused")), None])

    def migrate(_database: object) -> None:
        error = next(tries)
        if error:
            story.append("no database")
            raise error

    monkeypatch.setattr("labkit_hub.service.app.migrate", migrate)
    context = PlayedContext(database)
    opening = Opening(context, [PlayedRoom("a", story), PlayedRoom("b", story)], story.append)
    opening.start()
    assert context.opened.wait(60)
    opening.stop()
    assert story == ["no database", "no database", "a starts", "b starts", "b stops", "a stops"]


def test_what_no_waiting_cures_ends_the_service(database) -> None:
    """A room that cannot start does not leave half a service behind."""
    failed: list[BaseException] = []
    story: list[str] = []
    context = PlayedContext(database)
    opening = Opening(context, [PlayedRoom("a", story), PlayedRoom("b", story, ValueError("no"))], failed.append)
    opening.start()
    opening.stop()
    assert ([type(error) for error in failed], story, context.opened.is_set()) == ([ValueError], ["a starts", "a stops"], False)


@pytest.mark.parametrize("address", ["0.0.0.0", "", " ", "::", "*"])
def test_it_never_listens_on_all_addresses(address) -> None:
    """Students' containers would reach it past the proxy."""
    with pytest.raises(InvalidInput, match="all addresses"):
        require_bound_address(address)


def test_a_process_that_no_hub_started_says_so() -> None:
    """In a sentence, naming what is missing."""
    with pytest.raises(InvalidInput, match="JUPYTERHUB_SERVICE_PREFIX is not set"):
        HubAddress.from_environment({})


def test_the_hub_may_stand_below_a_path_and_have_a_host() -> None:
    """Addresses follow what the hub says."""
    given = {
        "JUPYTERHUB_SERVICE_PREFIX": "/lab/services/labkit/",
        "JUPYTERHUB_BASE_URL": "/lab/",
        "JUPYTERHUB_HOST": "https://hub.example.org",
        "JUPYTERHUB_API_URL": "http://10.0.0.2:8081/lab/hub/api",
        "JUPYTERHUB_API_TOKEN": "t",
        "JUPYTERHUB_SERVICE_URL": "http://10.0.0.2:9000",
    }
    address = HubAddress.from_environment(given)
    assert (address.base_path, address.hub_path, address.port) == ("/lab/services/labkit", "https://hub.example.org/lab/hub", 9000)


def test_logging_out_may_lead_to_a_hub_on_another_host(tmp_path, address) -> None:
    """The browser's rule for forms names it, and no other."""
    from dataclasses import replace

    from fastapi.testclient import TestClient

    from labkit_hub.service.house import open_house

    app = open_house(Settings(var=tmp_path), replace(address, hub_path="https://hub.example.org/hub"), print)
    policy = TestClient(app).get("/services/labkit/health").headers["content-security-policy"]
    assert "form-action 'self' https://hub.example.org;" in policy


def test_the_hubs_entry_passes_settings_on_and_nothing_else(monkeypatch, tmp_path) -> None:
    """All LABKIT_* variables; no token and no password of the shell."""
    monkeypatch.setenv("LABKIT_QUEUE__PER_PERSON", "2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    entry = service_entry(Settings(var=tmp_path, service=ServiceSettings(port=9123)))
    assert (entry["name"], entry["url"], entry["environment"]["LABKIT_VAR"]) == ("labkit", "http://127.0.0.1:9123", str(tmp_path))
    assert entry["environment"]["LABKIT_QUEUE__PER_PERSON"] == "2"
    assert "AWS_SECRET_ACCESS_KEY" not in entry["environment"]


def test_the_service_has_the_least_scopes(tmp_path) -> None:
    """Nothing of an admin's but groups, and no filtered admin scope for anybody."""
    roles = {role["name"]: role["scopes"] for role in role_entries(Settings(var=tmp_path))}
    assert roles == {
        "labkit-service": ["servers", "list:users", "admin:groups"],
        "user": ["self", "access:services!service=labkit"],
        "labkit-grader": ["access:services!service=labkit"],
    }
