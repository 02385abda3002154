"""One network for all students, as images/one-bridge.sh makes it: who reaches whom, and on which port."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.testing.stack import docker, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.ci]
SCRIPT = Path(__file__).resolve().parents[2] / "images" / "one-bridge.sh"
SUBNET = "10.220"
LISTEN = "import http.server as h, threading, time\n" + "\n".join(
    f"threading.Thread(target=h.HTTPServer(('', {port}), h.BaseHTTPRequestHandler).serve_forever).start()" for port in (8081, 8888, 9999)
)
OPEN = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2); print('open')"


@pytest.fixture(scope="module")
def bridge(images: str) -> Iterator[dict[str, str]]:
    """The network with a hub and two students on it, each listening at three ports; values are their addresses."""
    prefix = f"lkone{secrets.token_hex(3)}"
    environment = os.environ | {"LABKIT_PREFIX": prefix, "LABKIT_BRIDGE_SUBNET": SUBNET, "LABKIT_BRIDGE": f"lk{prefix[-6:]}"}
    made = subprocess.run(["sh", str(SCRIPT), "up"], env=environment, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    names = {"hub": f"{prefix}-hub", "one": f"{prefix}-one", "two": f"{prefix}-two"}
    try:
        for who, name in names.items():
            fixed = ["--ip", f"{SUBNET}.0.3"] if who == "hub" else []
            docker("run", "-d", "--name", name, "--network", f"{prefix}-students", *fixed, images, "python3", "-c", LISTEN)
        yield names
    finally:
        docker("rm", "-f", *names.values(), check=False)
        subprocess.run(["sh", str(SCRIPT), "down"], env=environment, check=True, capture_output=True)


def reaches(bridge: dict[str, str], source: str, target: str, port: int) -> bool:
    """Whether one container can open a port of another."""
    facts = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = docker("inspect", "--format", facts, bridge[target]).strip()
    return "open" in docker("exec", bridge[source], "python3", "-c", OPEN, address, str(port), check=False)


def test_hub_and_students_meet_and_students_do_not(bridge: dict[str, str]) -> None:
    """The hub opens a student's port; a student opens the hub's one port and no other; a student opens nothing of a student's."""
    for source, target, port in (*((who, who, 9999) for who in bridge), ("hub", "one", 8888), ("one", "hub", 8081)):
        wait_for(lambda way=(source, target, port): reaches(bridge, *way) or None, f"{source} opens {port} of {target}")  # type: ignore[misc]
    assert not reaches(bridge, "one", "hub", 9999)
    assert not reaches(bridge, "one", "two", 8888)
    assert not reaches(bridge, "two", "one", 8081)
