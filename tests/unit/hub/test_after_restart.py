"""A server that the hub finds running when it begins: where it is, and how long the hub waits for its answer."""

from __future__ import annotations

import asyncio
import http.server
import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from docker.errors import APIError
from jupyterhub import orm

from labkit.testing.ports import free_port
from labkit_hub import dockerspawner, placed, swarmspawner
from labkit_hub.placed import PlacedSpawner

MADE_UP = "http://hub:51381/user/ada/"
"""What the database says of a server whose start the last hub did not live to see the end of."""


class PlayedSpawner(PlacedSpawner):
    """A server at a known address that runs until it has ended."""

    http_timeout = 60
    address = ""
    ends_at = float("inf")
    fault: Exception | None = None

    async def find_url(self) -> str:
        if self.fault is not None:
            raise self.fault
        return self.address

    async def poll(self) -> int | None:
        if self.fault is not None:
            raise self.fault
        return 0 if time.monotonic() > self.ends_at else None


def of_shape(kind: type[PlacedSpawner], **traits: Any) -> Any:
    """Return a spawner as the hub makes it of its database."""
    row, user = mock.Mock(server=orm.Server(proto="http", ip="hub", port=51381, base_url="/user/ada/", cookie_name="")), mock.Mock()
    row.name, user.name = "", "ada"
    return kind(user=user, orm_spawner=row, **traits)


@pytest.fixture
def spawner() -> PlayedSpawner:
    """One whose server nobody has seen yet."""
    spawner = of_shape(PlayedSpawner)
    spawner.address = f"http://127.0.0.1:{free_port()}/user/ada/"
    return spawner


class Answerer(http.server.BaseHTTPRequestHandler):
    """Answers as a server that wants a login does."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/user/ada/api" else 503)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(spawner: PlayedSpawner) -> Iterator[http.server.ThreadingHTTPServer]:
    """The server itself, which answers as soon as a thread serves it."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", int(spawner.address.split(":")[2].split("/")[0])), Answerer) as server:
        yield server
        server.shutdown()


def test_a_hub_that_begins_takes_no_fault_for_the_end(spawner: PlayedSpawner) -> None:
    """It asks again while Docker does not answer; afterwards a fault is a fault."""
    answers = iter([APIError("away"), APIError("away"), None])

    async def poll() -> None:
        if (answer := next(answers)) is not None:
            raise answer

    spawner._check_pending = True
    assert asyncio.run(spawner.ask_patiently(poll)) is None
    answers, spawner._check_pending = iter([APIError("away")]), False
    with pytest.raises(APIError):
        asyncio.run(spawner.ask_patiently(poll))


@pytest.mark.parametrize("status", [404, 500, 502])
def test_an_error_of_docker_is_no_end(status: int) -> None:
    """Only that there is no such container is one."""
    spawner = of_shape(dockerspawner.LabKitDockerSpawner)
    spawner.docker = mock.AsyncMock(side_effect=APIError("", response=mock.Mock(status_code=status, reason="")))
    if status == 404:
        assert asyncio.run(spawner.poll()) == 0
    else:
        with pytest.raises(APIError):
            asyncio.run(spawner.poll())


def asked(spawner: PlayedSpawner) -> str:
    return asyncio.run(asyncio.wait_for(spawner.get_url(), 30))


def test_a_slow_start_keeps_its_time(spawner: PlayedSpawner, server: http.server.ThreadingHTTPServer) -> None:
    """The hub gets the address once somebody answers there, and its own patience is as before."""
    threading.Timer(1.0, lambda: threading.Thread(target=server.serve_forever, daemon=True).start()).start()
    assert spawner.server.url == MADE_UP
    assert asked(spawner) == spawner.address
    assert spawner.http_timeout == 60


def test_nobody_waits_for_a_server_that_has_ended(spawner: PlayedSpawner) -> None:
    """The hub looks once more, and stops it."""
    spawner.ends_at = time.monotonic() + 0.5
    began = time.monotonic()
    assert asked(spawner) == spawner.address
    assert time.monotonic() - began < 15
    assert spawner.http_timeout == 0


def test_a_server_that_never_answers_is_given_up_after_the_time_of_a_start(spawner: PlayedSpawner) -> None:
    """Which the hub does not add a second time."""
    spawner.http_timeout = 1
    asked(spawner)
    assert spawner.http_timeout == 0


def test_silence_of_docker_is_no_end(spawner: PlayedSpawner, server: http.server.ThreadingHTTPServer) -> None:
    """Neither does it end the hub, which asks for all servers at once."""
    spawner.fault = APIError("away")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Timer(1.0, lambda: setattr(spawner, "fault", None)).start()
    spawner.server.ip, spawner.server.port = "127.0.0.1", free_port()
    assert asked(spawner) == spawner.address
    assert spawner.http_timeout == 60


@pytest.mark.parametrize("network", ["", "all"])
def test_docker_knows_the_address_of_a_container(network: str) -> None:
    """On its owner's network, or on the one for all."""
    spawner = of_shape(dockerspawner.LabKitDockerSpawner, **({"network_name": network} if network else {}))
    found = {"NetworkSettings": {"Networks": {spawner.network_name: {"IPAddress": "10.1.0.4"}}}}
    spawner.docker = mock.AsyncMock(return_value=found)
    assert asyncio.run(spawner.find_url()) == "http://10.1.0.4:8888/user/ada/"


def test_a_swarm_reaches_a_service_by_its_name() -> None:
    """Its address follows from user and server alone."""
    spawner = of_shape(swarmspawner.LabKitSwarmSpawner)
    assert asyncio.run(spawner.find_url()) == f"http://{spawner.object_name}:8888/user/ada/"


def test_other_shapes_believe_the_hubs_database(spawner: PlayedSpawner) -> None:
    """Kubernetes has corrected it there already; a process whose start was cut short does not live any more."""
    assert asyncio.run(placed.PlacedSpawner.find_url(spawner)) == MADE_UP
