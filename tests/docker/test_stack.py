"""docker-compose.yml on the real Docker: people come in through Caddy, get hardened containers, and reach nobody else's.

No packet is sent to an address of the world: the routes say what would become of it. Each "cannot" has a "can" beside it.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import psutil
import pytest

from labkit.testing.stack import Stack, docker, wait_for
from labkit.testing.stack_person import Person, logged_in, probe_from

pytestmark = [pytest.mark.docker, pytest.mark.ci]
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def stack(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, up; everything of it is removed afterwards."""
    devices = {"LABKIT_DEVICES__FAKE": "1", "LABKIT_DEVICES__NVIDIA": "false"}
    stack = Stack(CHECKOUT, tmp_path_factory.mktemp("stack"), files=[CHECKOUT / "tests" / "docker" / "test-hub.yml"], extra=devices)
    try:
        stack.up()
        yield stack
    finally:
        if os.environ.get("LABKIT_TEST_IMAGES") == "keep":
            print(stack.log("hub")[-20_000:])
        stack.down()


@pytest.fixture(scope="module")
def people(stack: Stack) -> Iterator[dict[str, Person]]:
    """Two people, logged in through Caddy."""
    with logged_in(stack, "student", "professor") as people:
        yield people


@pytest.fixture(scope="module")
def student(people: dict[str, Person]) -> Person:
    """One with a running server."""
    people["student"].start()
    return people["student"]


@pytest.fixture(scope="module")
def other(people: dict[str, Person]) -> Person:
    """Another one with a running server."""
    people["professor"].start()
    return people["professor"]


def test_jupyterlab_comes_through_caddy(student: Person) -> None:
    """The page, over TLS with a certificate that was checked, tells browsers to stay with it."""
    page = student.http.get(f"/user/{student.name}/lab")
    assert page.url.scheme == "https"
    assert "jupyter-config-data" in page.text
    assert "max-age" in page.headers["strict-transport-security"]


def test_only_caddy_is_published(stack: Stack, student: Person) -> None:
    """And only where it was told to listen."""
    published = {}
    for container in docker("ps", "-q", "--filter", f"label=com.docker.compose.project={stack.name}").split():
        facts = json.loads(docker("inspect", container))[0]
        ports = [(port, place["HostIp"]) for port, places in facts["NetworkSettings"]["Ports"].items() for place in places or ()]
        published[facts["Config"]["Labels"]["com.docker.compose.service"]] = ports
    assert published == {name: [("443/tcp", "127.0.0.1")] if name == "caddy" else [] for name in published}
    assert len(published) == 6
    assert student.container["HostConfig"]["PortBindings"] in ({}, None)


def test_no_secret_can_be_read_by_looking(stack: Stack, student: Person) -> None:
    """Neither environment nor command of any container holds one."""
    looked = docker("inspect", *docker("ps", "-q").split(), check=False)  # without those that have just gone
    assert student.container["Id"] in looked
    for secret in (stack.folder / "secrets").iterdir():
        assert secret.read_text() not in looked


def test_limits_are_those_of_the_profile(student: Person) -> None:
    """What Docker was told."""
    host = student.container["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"], host["ShmSize"]) == (1_000_000_000, 1_000_000_000, 256, 100_000_000)
    assert host["CpuQuota"] / host["CpuPeriod"] == 1.5
    assert (host["CapDrop"], host["CapAdd"], host["Privileged"], host["ReadonlyRootfs"]) == (["ALL"], None, False, True)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert [mount["Type"] for mount in student.container["Mounts"]] == ["volume"]


def test_the_kernel_knows_the_hardening(student: Person) -> None:
    """What the student's own process is."""
    lines = student.inside("cat", "/proc/self/status").splitlines()
    facts = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert [int(facts[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")] == [0, 0, 0, 0]
    assert (facts["NoNewPrivs"], facts["Seccomp"], facts["Uid"].split()[0]) == ("1", "2", "1000")


def test_the_kernel_knows_the_limits(student: Person) -> None:
    """As the control groups say, of whichever version."""
    places = "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max"
    memory, pids = student.inside("sh", "-c", f"cat {places} 2>/dev/null").split()
    assert abs(int(memory) - 1_000_000_000) < 8192  # whole pages
    assert int(pids) == 256
    shm = int(student.inside("sh", "-c", "df -B1 --output=size /dev/shm | tail -1"))
    assert abs(shm - 100_000_000) < 8192
    assert student.inside("sh", "-c", "echo $OMP_NUM_THREADS").strip() == "1"


def test_only_home_and_tmp_can_be_written(student: Person) -> None:
    """The environment of programs belongs to everybody, and nobody changes it."""
    for place, is_writable in (("/home/student/x", True), ("/tmp/x", True), ("/opt/labkit/x", False), ("/etc/x", False), ("/x", False)):
        said = student.inside("sh", "-c", f"touch {place} 2>&1 && echo written")
        assert ("written" in said) == is_writable, said


def test_a_student_reaches_hub_and_proxy(student: Person) -> None:
    """By their names on the student's own network; the answers are theirs."""
    ask = "import urllib.request as r, sys; print(r.urlopen(sys.argv[1], timeout=60).read().decode())"
    assert "version" in json.loads(student.inside("python", "-c", ask, "http://hub:8081/hub/api/"))
    assert "version" in json.loads(student.inside("python", "-c", ask, "http://proxy:8000/hub/api/"))


def test_the_service_answers_people_and_their_servers(student: Person) -> None:
    """Through Caddy in the browser, and through the proxy with the server's own token."""
    assert student.http.get("/services/labkit/").status_code == 200
    ask = (
        "import os, urllib.request as r; print(r.urlopen(r.Request(os.environ['LABKIT_SERVICE_URL'] + '/api/me',"
        " headers={'Authorization': 'token ' + os.environ['JUPYTERHUB_API_TOKEN']}), timeout=60).read().decode())"
    )
    assert json.loads(student.inside("python", "-c", ask))["name"] == student.name


def test_an_admin_sees_how_much_is_in_a_home(stack: Stack, student: Person) -> None:
    """The homes are volumes; the page names their people."""
    admin = stack.session()
    assert admin.login("admin", stack.passwords()["admin"]).status_code == 200

    def size() -> str | None:
        page = admin.http.get("/services/labkit/admin").text.partition('id="storage"')[2]
        found = re.search(rf"<td>{student.name}</td><td class=\"number\">([^<]+)</td>", page)
        return found[1] if found else None

    assert re.fullmatch(r"[\d.]+ [kMG]?B", wait_for(size, "the size of the student's home"))


def test_a_student_reaches_nothing_else_of_the_stack(stack: Stack, student: Person) -> None:
    """Database, store, socket proxy, the service's address and the proxy's API: not a way; from the hub they are open."""
    subnet = stack.subnet
    closed = [f"{subnet}.1.2 5432", f"{subnet}.1.4 9000", f"{subnet}.2.2 2375", f"{subnet}.0.2 8001", f"{subnet}.0.3 8090"]
    assert probe_from(stack, "hub", *closed) == dict.fromkeys(closed, "open")
    assert "open" not in student.probe(*closed, f"{subnet}.0.3 8081", "proxy 8001").values()


def test_two_students_cannot_reach_each_other(stack: Stack, student: Person, other: Person) -> None:
    """Neither by address nor by name; the proxy reaches both."""
    line, back = f"{other.address} 8888", f"{student.address} 8888"
    assert probe_from(stack, "proxy", line, back) == {line: "open", back: "open"}
    by_name = f"{other.container['Name'].lstrip('/')} 8888"
    assert "open" not in student.probe(line, by_name).values()
    assert "open" not in other.probe(back).values()
    assert student.probe(back) == {back: "open"}


def test_the_only_way_out_ends_at_nobody(stack: Stack, student: Person) -> None:
    """What is not on the student's network (metadata, the world, the host) goes to a gateway that neither host nor container is.

    Caddy's gateway, on the one network that leads out, is the host.
    """
    ours = {found.address for addresses in psutil.net_if_addrs().values() for found in addresses}
    (network,) = json.loads(docker("network", "inspect", *student.container["NetworkSettings"]["Networks"]))
    gateway = _gateway(student.inside("cat", "/proc/net/route"))
    inside = {found["IPv4Address"].split("/")[0] for found in network["Containers"].values()}
    assert gateway in IPv4Network(network["IPAM"]["Config"][0]["Subnet"])
    assert str(gateway) not in ours | inside
    # The system gives the gateway up after three seconds, or a little more; until then nothing is known.
    found = student.probe(f"{gateway} 22", f"{student.address} 8888", within_s=30)
    assert found == {f"{gateway} 22": "OSError", f"{student.address} 8888": "open"}
    assert str(_gateway(stack.inside(stack.container("caddy"), "cat", "/proc/net/route"))) in ours
    assert student.address in inside


def test_the_host_lets_nothing_pass_from_a_students_network(student: Person) -> None:
    """Neither an address of the host is on its bridge, nor is anything forwarded from it."""
    (network,) = json.loads(docker("network", "inspect", *student.container["NetworkSettings"]["Networks"]))
    bridge = f"br-{network['Id'][:12]}"
    assert [found.address for found in psutil.net_if_addrs()[bridge] if found.family == socket.AF_INET] == []
    rules = subprocess.run(["iptables", "--wait", "60", "-S"], capture_output=True, text=True, check=True).stdout
    assert re.search(rf"! -d \S+ -i {bridge} -j DROP", rules)


def _gateway(routes: str) -> IPv4Address:
    """Return the gateway of the route for everything, from ``/proc/net/route``."""
    (found,) = [line.split()[2] for line in routes.splitlines()[1:] if line.split()[1] == "00000000"]
    return IPv4Address(bytes.fromhex(found)[::-1])


def test_the_extension_manager_is_read_only(student: Person) -> None:
    """A list can be seen; nothing can be installed from the browser."""
    page = student.http.get(f"/user/{student.name}/lab").text
    config = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert config["extensionManager"]["can_install"] is False


def test_a_recreated_hub_loses_no_server(stack: Stack, student: Person, other: Person) -> None:
    """An upgrade: the new container has no networks of students, and gets them before it looks for its servers."""
    before = {name: facts["Id"] for name, facts in stack.servers().items()}
    stack.compose("up", "-d", "--force-recreate", "--no-deps", "hub")
    for person in (student, other):
        person.wait_for_new_hub()
    assert {name: facts["Id"] for name, facts in stack.servers().items()} == before
    assert all(facts["State"]["Running"] for facts in stack.servers().values())


def test_a_recreated_proxy_has_its_routes_back_within_30_s(stack: Stack, student: Person) -> None:
    """It has lost routes and networks; the hub brings both, and the server is the same."""
    before = student.container["Id"]
    stack.compose("up", "-d", "--force-recreate", "--no-deps", "proxy")
    started = time.monotonic()
    wait_for(student.answers, "the server behind the new proxy", timeout_s=30)
    assert time.monotonic() - started < 30
    assert student.container["Id"] == before


def test_a_hub_killed_in_the_middle_of_a_start_finds_the_server(stack: Stack, people: dict[str, Person]) -> None:
    """Docker starts it again; there is one container of this person, and it is theirs to use."""
    person = people["professor"]
    _stop(person)
    person.hub.post_form(f"/hub/spawn/{person.name}", profile="cpu")
    wait_for(lambda: stack.servers().get(f"u-{person.name}-u/"), "the container")
    stack.kill("hub")
    wait_for(lambda: person.hub_is_well() or None, "the hub, again")

    def come_back() -> bool | None:
        if not person.model().get("servers", {}).get(""):
            person.hub.post_form(f"/hub/spawn/{person.name}", profile="cpu")
        return person.answers()

    wait_for(come_back, "the server after the kill")
    assert [name for name in stack.servers() if person.name in name] == [f"u-{person.name}-u/"]


def test_the_last_server_takes_its_network_with_it(stack: Stack, people: dict[str, Person]) -> None:
    """The home stays."""
    person = people["professor"]
    (network,) = person.container["NetworkSettings"]["Networks"]
    (volume,) = [mount["Name"] for mount in person.container["Mounts"]]
    assert network in docker("network", "ls", "--format", "{{.Name}}").split()
    _stop(person)
    wait_for(lambda: network not in docker("network", "ls", "--format", "{{.Name}}").split() or None, "the end of the network")
    assert volume in docker("volume", "ls", "--format", "{{.Name}}").split()


def _stop(person: Person) -> None:
    """Stop the own server, as the button on the hub's page does."""
    headers = {"Referer": f"{person.stack.url}/hub/home", "X-XSRFToken": person.hub.xsrf}
    person.http.get("/hub/home")
    answer = person.http.delete(f"/hub/api/users/{person.name}/server", headers=headers | {"X-XSRFToken": person.hub.xsrf})
    assert answer.status_code in (202, 204), answer.text
    # Its container goes first; until its network has gone too, the hub starts nothing.
    wait_for(lambda: None if "" in person.model()["servers"] else True, "the end of the server")
    assert f"u-{person.name}-u/" not in person.stack.servers()
