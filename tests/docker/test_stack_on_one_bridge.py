"""docker-compose.yml with one network for all students: servers start there, and still nobody sees another."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.testing.stack import Stack
from labkit.testing.stack_person import Person, logged_in, probe_from

pytestmark = [pytest.mark.docker, pytest.mark.ci]
CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPT = CHECKOUT / "images" / "one-bridge.sh"
SUBNET = "10.222"


@pytest.fixture(scope="module")
def stack(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The network as the script makes it, and the stack on it."""
    files = [CHECKOUT / "tests" / "docker" / "test-hub.yml", CHECKOUT / "images" / "one-bridge.yml"]
    more = {"LABKIT_BRIDGE_SUBNET": SUBNET, "LABKIT_DEVICES__FAKE": "1", "LABKIT_DEVICES__NVIDIA": "false"}
    stack = Stack(CHECKOUT, tmp_path_factory.mktemp("bridge"), files=files, subnet="10.235", extra=more)
    environment = os.environ | {"LABKIT_PREFIX": stack.name, "LABKIT_BRIDGE_SUBNET": SUBNET, "LABKIT_BRIDGE": f"lk{stack.name[-6:]}"}
    subprocess.run(["sh", str(SCRIPT), "up"], env=environment, check=True, capture_output=True)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
        subprocess.run(["sh", str(SCRIPT), "down"], env=environment, check=False, capture_output=True)


@pytest.fixture(scope="module")
def people(stack: Stack) -> Iterator[dict[str, Person]]:
    """Two people with running servers."""
    with logged_in(stack, "student", "professor") as people:
        for person in people.values():
            person.start()
        yield people


def test_all_servers_are_on_the_one_network(stack: Stack, people: dict[str, Person]) -> None:
    """And on no other."""
    for person in people.values():
        assert list(person.container["NetworkSettings"]["Networks"]) == [f"{stack.name}-students"]


def test_two_students_on_one_network_cannot_reach_each_other(stack: Stack, people: dict[str, Person]) -> None:
    """Hub and proxy reach both, and both reach the two ports that a server needs."""
    one, other = people["student"], people["professor"]
    line, needed = f"{other.address} 8888", ["hub 8081", "proxy 8000"]
    assert probe_from(stack, "proxy", line) == {line: "open"}
    assert "open" not in one.probe(line, "proxy 8001", "hub 8090").values()
    assert one.probe(*needed) == dict.fromkeys(needed, "open")


def test_a_hub_that_is_killed_finds_servers_on_the_one_network(stack: Stack, people: dict[str, Person]) -> None:
    """The next hub knows on which network they are, though it has placed none of them."""
    student = people["student"]
    before = student.container["Id"]
    stack.compose("kill", "hub")
    stack.compose("up", "-d", "--no-deps", "hub")
    student.wait_for_new_hub()
    assert student.container["Id"] == before
