"""The socket proxy in front of the real Docker: what the policy says is what happens."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import docker
import pytest
from aiohttp import web

from labkit.testing.ports import free_port
from labkit.testing.stack import docker as docker_command
from labkit_hub.dockerproxy import Caller, ProxySettings, make_app
from labkit_hub.networks import StudentNetworks
from labkit_hub.sweep import sweep_containers

pytestmark = [pytest.mark.docker, pytest.mark.ci]
BASE = "labkit/standin-base:bookworm"
POOL = IPv4Network("10.219.0.0/24")


@dataclass(frozen=True)
class Door:
    """A running socket proxy: where it listens, the caller's prefix, and a client that goes through it."""

    port: int
    prefix: str
    client: docker.APIClient = field(repr=False)

    def raw(self, request: bytes) -> tuple[int, bytes]:
        """Send these very bytes and return status and answer."""
        with socket.create_connection(("127.0.0.1", self.port), 30) as line:
            line.sendall(request)
            answer = b""
            while piece := line.recv(65536):
                answer += piece
        return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2]

    def create(self, body: bytes, name: str) -> tuple[int, bytes]:
        """Ask for a container by a body of one's own."""
        head = f"POST /v1.41/containers/create?name={name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        return self.raw(head.encode() + body)


@pytest.fixture(scope="module")
def door(images: str, engine: docker.APIClient) -> Iterator[Door]:
    """A socket proxy for one caller on this machine; what it made is gone afterwards."""
    prefix, port = f"lktest{secrets.token_hex(3)}-", free_port()
    caller = Caller(addresses=(IPv4Address("127.0.0.1"),), prefix=prefix, images=(BASE,), pool=POOL)
    app = make_app(ProxySettings(callers={"hub": caller}, port=port))
    loop, up = asyncio.new_event_loop(), threading.Event()

    async def listen() -> web.AppRunner:
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        up.set()
        return runner

    def live() -> None:
        runner = loop.run_until_complete(listen())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=live)
    thread.start()
    assert up.wait(30)
    try:
        yield Door(port, prefix, docker.APIClient(base_url=f"tcp://127.0.0.1:{port}", version="auto"))
    finally:
        for container in engine.containers(all=True, filters={"name": prefix}):
            engine.remove_container(container["Id"], force=True, v=True)
        for network in engine.networks(filters={"label": f"labkit.caller={prefix[:-1]}"}):
            engine.remove_network(network["Id"])
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def sleeper(door: Door, name: str, **host: Any) -> str:
    """A container made through the proxy, as the spawner makes one."""
    config = door.client.create_host_config(**({"mem_limit": 200_000_000, "network_mode": "none"} | host))
    made = door.client.create_container(BASE, ["sleep", "600"], name=f"{door.prefix}{name}", host_config=config, user="1000:1000")
    return str(made["Id"])


@pytest.fixture
def foreign(engine: docker.APIClient) -> Iterator[str]:
    """A container of somebody else."""
    made = engine.create_container(BASE, ["sleep", "600"], name=f"lktest{secrets.token_hex(4)}-foreign", environment=["SECRET=1"])
    engine.start(made["Id"])
    yield str(made["Id"])
    engine.remove_container(made["Id"], force=True)


def test_a_container_lives_through_the_proxy(door: Door, engine: docker.APIClient) -> None:
    """Made, started, looked at, stopped and removed; the kernel says that it is hardened."""
    container = sleeper(door, "life")
    door.client.start(container)
    status = docker_command("exec", container, "cat", "/proc/self/status")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert (int(facts["CapEff"], 16), int(facts["CapBnd"], 16), facts["NoNewPrivs"], facts["Seccomp"]) == (0, 0, "1", "2")
    assert engine.inspect_container(container)["Config"]["Labels"]["labkit.caller"] == door.prefix[:-1]
    assert door.client.inspect_container(container)["State"]["Running"]
    door.client.stop(container, timeout=0)
    door.client.remove_container(container, v=True)
    with pytest.raises(docker.errors.NotFound):
        engine.inspect_container(container)


ATTACKS = [
    b'{"Image":"%s","Cmd":["true"],"HostConfig":{"Memory":99000000,"NetworkMode":"none","Privileged" : true}}',
    b'{"Image":"%s","Cmd":["true"],"HostConfig":{"Memory":99000000,"NetworkMode":"none","\\u0050rivileged":true}}',
    b'{"Image":"%s","Cmd":["true"],"HostConfig":{"Memory":99000000,"NetworkMode":"none","privileged":true}}',
    b'{"Image":"%s","Cmd":["true"],"HostConfig":{"Memory":99000000,"NetworkMode":"none"},"hostconfig":{"Privileged":true}}',
    b'{"Image":"%s","Cmd":["true"],"HostConfig":{"Memory":99000000,"NetworkMode":"none","Binds":["\\u002f:/host"]}}',
    b'{"Image":"%s","Cmd":["true"],"HostConfig":{"Memory":99000000,"NetworkMode":"host"}}',
    b'{"Image":"%s","Cmd":["true"],"HostConfig":{"Memory":99000000,"NetworkMode":"none","PidMode"\n:\t"host"}}',
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack[-40:].decode())
def test_no_spelling_opens_the_host(door: Door, engine: docker.APIClient, attack: bytes) -> None:
    """Docker takes each of these bodies; the proxy answers 403 with a sentence, and nothing was made."""
    body, name = attack % BASE.encode(), f"{door.prefix}attack"
    status, answer = door.create(body, name)
    assert (status, "message" in json.loads(answer)) == (403, True)
    assert engine.containers(all=True, filters={"name": name}) == []


def test_docker_itself_would_take_such_a_body(engine: docker.APIClient, door: Door) -> None:
    """The control: without the proxy the same words in the wrong case make a privileged container."""
    name = f"{door.prefix}control"
    body = {"image": BASE, "cmd": ["true"], "hostconfig": {"privileged": True, "binds": ["/:/host"]}}
    made = engine._post_json(engine._url("/containers/create"), data=body, params={"name": name})
    assert made.status_code == 201
    assert engine.inspect_container(name)["HostConfig"]["Privileged"] is True
    engine.remove_container(name)


def test_a_huge_body_is_refused_before_it_is_read(door: Door) -> None:
    """What is above the bound is not kept in memory, whether its length is told or not."""
    head = f"POST /containers/create?name={door.prefix}x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    assert door.raw(head.encode() + b"Content-Length: 400000\r\n\r\n" + b" " * 400_000)[0] == 413
    chunks = (b"10000\r\n" + b" " * 0x10000 + b"\r\n") * 5 + b"0\r\n\r\n"
    assert door.raw(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)[0] == 413


def test_a_chunked_body_is_read_whole(door: Door, engine: docker.APIClient) -> None:
    """In pieces it is the same body, and the same answer."""
    body = b'{"Image":"%s","Cmd":["true"],"HostConfig":{"Memory":99000000,"NetworkMode":"none"}}' % BASE.encode()
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:30], body[30:])) + b"0\r\n\r\n"
    head = (
        f"POST /containers/create?name={door.prefix}chunked HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert door.raw(head.encode() + pieces)[0] == 201
    assert engine.inspect_container(f"{door.prefix}chunked")["HostConfig"]["CapDrop"] == ["ALL"]


@pytest.mark.parametrize(
    "path",
    ["/containers/%s/json", "/v1.41/containers/%s/json", "/v1.41//containers/%s/json", "/containers/./%s/json", "/containers/%%2e/%s/json"],
)
def test_what_others_made_is_not_shown(door: Door, foreign: str, path: str) -> None:
    """Its environment holds secrets; no spelling of the path shows them."""
    status, answer = door.raw(f"GET {path % foreign} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert status == 403
    assert b"SECRET" not in answer


def test_what_others_made_is_not_touched(door: Door, foreign: str, engine: docker.APIClient) -> None:
    """It can neither be stopped nor removed nor connected, and no list shows it."""
    for act in (door.client.stop, door.client.kill, door.client.remove_container, door.client.start):
        with pytest.raises(docker.errors.APIError) as refused:
            act(foreign)
        assert refused.value.status_code == 403
    assert engine.inspect_container(foreign)["State"]["Running"]
    assert foreign not in [found["Id"] for found in door.client.containers(all=True)]


def test_of_volumes_the_own_ones_are_measured(door: Door, engine: docker.APIClient) -> None:
    """Name and size, and nothing of where they lie; those of others are not there."""
    own, other = f"{door.prefix}home-ada", f"x{door.prefix}home-ada"
    for name in (own, other):
        engine.create_volume(name)
    try:
        address = f"{door.client.base_url}/v{door.client.api_version}/system/df"
        told = door.client.get(address, params={"type": "volume"}).json()
        assert told == {"Volumes": [{"Name": own, "UsageData": {"Size": 0}}]}
    finally:
        for name in (own, other):
            engine.remove_volume(name)


@pytest.mark.parametrize("act", ["exec", "logs", "info", "pull", "volumes", "build"])
def test_other_calls_are_refused(door: Door, act: str) -> None:
    """Also on the caller's own containers: nobody needs them here."""
    calls = {
        "exec": lambda: door.client.exec_create(f"{door.prefix}x", "true"),
        "logs": lambda: door.client._get(door.client._url("/containers/{0}/logs", f"{door.prefix}x")).raise_for_status(),
        "info": door.client.info,
        "pull": lambda: door.client._post(door.client._url("/images/create"), params={"fromImage": "x"}).raise_for_status(),
        "volumes": lambda: door.client.create_volume(f"{door.prefix}v"),
        "build": lambda: door.client._post(door.client._url("/build")).raise_for_status(),
    }
    with pytest.raises(Exception, match="403") as refused:
        calls[act]()
    del refused


@pytest.fixture
def networks(door: Door) -> StudentNetworks:
    """Networks of people, through the proxy."""
    return StudentNetworks(door.client, POOL, prefix=door.prefix[:-1])


@pytest.fixture
def core(door: Door, engine: docker.APIClient) -> Iterator[str]:
    """What plays the hub: a container that the caller may connect to its networks."""
    labels = {"labkit.attach": door.prefix[:-1], "labkit.role": "hub"}
    listening = ["python3", "-m", "http.server", "8081"]
    made = engine.create_container(BASE, listening, name=f"{door.prefix}core-{secrets.token_hex(3)}", labels=labels)
    engine.start(made["Id"])
    yield str(made["Id"])
    engine.remove_container(made["Id"], force=True)


def test_a_network_comes_and_goes(networks: StudentNetworks, door: Door, core: str, engine: docker.APIClient) -> None:
    """It is internal, without an address of the host, small, and has the hub on it by its name; it goes when nobody is on it."""
    name = f"{door.prefix}net-a"
    networks.ensure(name, {"labkit.user": "u-a-u"})
    facts = engine.inspect_network(name)
    assert facts["Internal"] is True
    assert facts["Options"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}
    assert IPv4Network(facts["IPAM"]["Config"][0]["Subnet"]).prefixlen == 28
    assert "hub" in engine.inspect_container(core)["NetworkSettings"]["Networks"][name]["Aliases"]
    assert networks.release(name)
    assert name not in engine.inspect_container(core)["NetworkSettings"]["Networks"]


def test_a_network_stays_while_a_server_is_on_it(networks: StudentNetworks, door: Door, core: str) -> None:
    """Also while that server is made and not started yet."""
    name = f"{door.prefix}net-b"
    networks.ensure(name, {})
    server = sleeper(door, "b", network_mode=name)
    assert not networks.release(name)
    door.client.start(server)
    assert not networks.release(name)
    door.client.remove_container(server, force=True)
    assert networks.release(name)


def test_a_recreated_hub_is_connected_again(networks: StudentNetworks, door: Door, core: str, engine: docker.APIClient) -> None:
    """It has lost its networks; one call brings it back to all of them, and a second has nothing to do."""
    names = [f"{door.prefix}net-{letter}" for letter in "cd"]
    for name in names:
        networks.ensure(name, {})
        engine.disconnect_container_from_network(core, name, force=True)
    assert networks.attach_all() == 2
    assert networks.attach_all() == 0
    assert set(names) <= set(engine.inspect_container(core)["NetworkSettings"]["Networks"])
    assert sorted(networks.sweep(older_than_s=-1)) == names


def test_a_full_pool_says_so(door: Door, core: str) -> None:
    """The second network of a pool for one is refused in words."""
    small = StudentNetworks(door.client, IPv4Network("10.219.0.240/28"), prefix=door.prefix[:-1])
    small.ensure(f"{door.prefix}net-e", {})
    with pytest.raises(OSError, match="no room"):
        small.ensure(f"{door.prefix}net-f", {})
    assert small.room().possible == 1
    small.release(f"{door.prefix}net-e")


def test_what_never_started_is_swept(door: Door) -> None:
    """A container that was made and forgotten goes after a while; a running one stays."""
    forgotten, running = sleeper(door, "forgotten"), sleeper(door, "running")
    door.client.start(running)
    prefix = door.prefix[:-1]
    assert f"{door.prefix}forgotten" not in sweep_containers(door.client, prefix)
    swept = sweep_containers(door.client, prefix, older_than_s=-1)
    assert f"{door.prefix}forgotten" in swept
    assert f"{door.prefix}running" not in swept
    del forgotten
