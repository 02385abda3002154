"""What an answer of the hub proves, on a played hub; tests/integration asks a real one."""

from __future__ import annotations

import httpx
import pytest

from labkit.errors import StorageUnreachable
from labkit_hub.service.hubapi import HubClient
from labkit_hub.service.hubhttp import HubHttp
from labkit_hub.service.metrics import PrometheusMeters

ILL = ("database away", "broken", "silent", "stranger")


@pytest.fixture
def meters() -> PrometheusMeters:
    """Counters at zero."""
    return PrometheusMeters()


@pytest.fixture
def client(hub, address, meters) -> HubClient:
    """The service's view of a played hub."""
    return HubClient(HubHttp(address.api_url, address.token, meters, transport=httpx.MockTransport(hub.answer)), meters)


def described(**facts):
    return {"name": "run-a", "ready": False, "pending": None, "stopped": False, "user_options": {"profile": "gpu-run"}, **facts}


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"ready": True}, "running"),
        ({"pending": "spawn"}, "pending"),
        ({"pending": "stop", "ready": True}, "pending"),
        ({"stopped": True}, "stopped"),
        ({}, "unknown"),
    ],
)
def test_a_server_is_what_the_hub_says(hub, client, facts, state) -> None:
    """Pending ones are pending, rows of stopped ones are stopped; what contradicts itself is unknown."""
    hub.add("zoë b")
    hub.users["zoë b"]["servers"]["run-a"] = described(**facts)
    view = client.server("zoë b", "run-a")
    assert (view.state, view.profile) == (state, "gpu-run")


def test_what_is_not_there_is_absent(hub, client) -> None:
    """A 404 of the hub is definite: no such server, or no such person."""
    hub.add("student")
    assert [client.server("student", "run-x").state, client.server("student", "").state, client.server("nobody", "").state] == [
        "absent"
    ] * 3


@pytest.mark.parametrize("mood", ILL)
def test_an_ill_hub_proves_nothing(hub, client, mood) -> None:
    """Neither 403 nor 500 nor silence nor a stranger's 404 says that a server is gone."""
    hub.add("student")
    hub.mood = mood
    assert client.server("student", "run-a").state == "unknown"
    assert client.servers() is None
    assert client.user_names() is None
    assert client.groups() is None
    assert client.stop_server("student", "run-a", remove=True).state == "unknown"
    assert client.start_server("student", "run-a", {}).state == "unknown"
    with pytest.raises(StorageUnreachable):
        client.is_admin("student")


def test_all_servers_come_in_pages(hub, client) -> None:
    """Of everybody, stopped ones too."""
    for name in ("a", "b", "c", "d", "e"):
        hub.add(name)
    hub.users["a"]["servers"][""] = described(ready=True)
    hub.users["e"]["servers"]["run-a"] = described(stopped=True)
    assert [(view.user, view.name, view.state) for view in client.servers() or ()] == [("a", "", "running"), ("e", "run-a", "stopped")]


def test_a_list_with_a_gap_is_read_again(hub, address, meters) -> None:
    """When somebody is deleted between two pages, the next page skips somebody else: that is noticed."""
    for name in ("a", "b", "c", "d", "e"):
        hub.add(name)

    def answer(request: httpx.Request) -> httpx.Response:
        response = hub.answer(request)
        hub.users.pop("a", None)
        return response

    client = HubClient(HubHttp(address.api_url, address.token, meters, transport=httpx.MockTransport(answer)), meters)
    assert client.user_names() == {"b", "c", "d", "e"}


@pytest.mark.parametrize(("status", "state"), [(201, "running"), (202, "pending")])
def test_a_start_that_the_hub_took(hub, client, status, state) -> None:
    """At once, or under way."""
    hub.add("student")
    hub.start_answer = (status, {}, {})
    assert client.start_server("student", "run-a", {"profile": "gpu-run", "ticket": "t"}).state == state
    assert client.server("student", "run-a").state == state


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_start_that_was_refused_is_stopped_with_the_words(hub, client, status) -> None:
    """The hub answered and has no such server: that is definite, whatever the number was."""
    hub.add("student")
    hub.start_answer = (status, {"message": "No ticket for a GPU."}, {})
    view = client.start_server("student", "run-a", {})
    assert (view.state, view.facts["message"]) == ("stopped", "No ticket for a GPU.")


def test_a_refused_start_of_a_server_that_runs_says_so(hub, client) -> None:
    """Asked twice, the second answer is a refusal, and the server is there."""
    hub.add("student")
    hub.users["student"]["servers"]["run-a"] = described(ready=True)
    hub.start_answer = (400, {"message": "run-a is already running"}, {})
    assert client.start_server("student", "run-a", {}).state == "running"


def test_a_busy_hub_says_when_to_come_back_and_is_counted(hub, client, meters) -> None:
    """429: nothing started, and the metric that warns admins goes up."""
    hub.add("student")
    hub.start_answer = (429, {"message": "Too many users"}, {"Retry-After": "17"})
    view = client.start_server("student", "run-a", {})
    assert (view.state, view.facts["retry_after_s"]) == ("stopped", 17.0)
    assert meters.registry.get_sample_value("labkit_spawn_throttles_total") == 1


def test_a_start_is_sent_once_even_without_an_answer(hub, client) -> None:
    """Whether it was carried out is found out by asking, not by starting again."""
    hub.add("student")
    hub.mood = "silent"
    assert client.start_server("student", "run-a", {}).state == "unknown"
    assert hub.asked == ["POST /users/student/servers/run-a"]


def test_stopping_removes_a_named_servers_row(hub, client) -> None:
    """Asked again, it is absent still; the person's own server keeps its row."""
    hub.add("student")
    hub.users["student"]["servers"]["run-a"] = described(ready=True)
    assert [client.stop_server("student", "run-a", remove=True).state for _ in range(2)] == ["absent", "absent"]


def test_names_are_quoted(hub, client) -> None:
    """Whatever people are called, the address names them and nobody else."""
    hub.add("a/../b?c#d%2F")
    assert client.is_admin("a/../b?c#d%2F") is False
    assert hub.asked == ["GET /users/a%2F..%2Fb%3Fc%23d%252F"]


def test_a_get_is_sent_again_over_a_fresh_connection(hub, address, meters) -> None:
    """A hub that was restarted closes connections that were kept open."""
    hub.add("student")
    broken = []

    def answer(request: httpx.Request) -> httpx.Response:
        if not broken:
            broken.append(request)
            raise httpx.RemoteProtocolError("closed", request=request)
        return hub.answer(request)

    client = HubClient(HubHttp(address.api_url, address.token, meters, transport=httpx.MockTransport(answer)), meters)
    assert client.user_names() == {"student"}
