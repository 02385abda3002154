"""images/egress.yml on the real Docker: students reach the listed names through the proxy, and nothing else.

The world is a container of the test's, with an address from a block that is for documentation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.testing.stack import Stack, docker, wait_for
from labkit.testing.stack_person import Person, logged_in

pytestmark = [pytest.mark.docker, pytest.mark.ci]
CHECKOUT = Path(__file__).resolve().parents[2]
WORLD = {"outside": "203.0.113.0/28", "inside": "10.229.0.0/28"}

# What a program of a student's is told, through the proxy of its environment or without one.
_ASK = """
import json, sys, urllib.error, urllib.request
def ask(url):
    try:
        return urllib.request.urlopen(url, timeout=20).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return 403 if "Tunnel connection failed: 403" in str(error) else type(error).__name__
if sys.argv[1] == "directly":
    urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))
print(json.dumps({url: ask(url) for url in sys.argv[2:]}))
"""


@pytest.fixture(scope="module")
def stack(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with the proxy, which lists two names; both are a server of ours, one of them at a private address."""
    folder = tmp_path_factory.mktemp("egress")
    allowed = folder / "allowed.txt"
    allowed.write_text("".join(f"{name}.example\n" for name in WORLD))
    files = [CHECKOUT / "tests" / "docker" / "test-hub.yml", CHECKOUT / "images" / "egress.yml"]
    more = {"LABKIT_DEVICES__NVIDIA": "false", "LABKIT_EGRESS_ALLOWED": str(allowed)}
    stack = Stack(CHECKOUT, folder, files=files, extra=more)
    server = f"{stack.name}-world"
    try:
        stack.up()
        docker("run", "-d", "--name", server, "--network", "none", images, "python3", "-m", "http.server", "80", "--directory", "/opt")
        docker("network", "disconnect", "none", server)
        for name, subnet in WORLD.items():
            docker("network", "create", "--internal", "--subnet", subnet, f"{stack.name}-{name}")
            docker("network", "connect", "--alias", f"{name}.example", f"{stack.name}-{name}", server)
            docker("network", "connect", f"{stack.name}-{name}", stack.container("egress"))
        yield stack
    finally:
        docker("rm", "-f", server, check=False)
        stack.down()


@pytest.fixture(scope="module")
def student(stack: Stack) -> Iterator[Person]:
    """One with a running server."""
    with logged_in(stack, "student") as people:
        people["student"].start()
        yield people["student"]


def _ask(student: Person, how: str, *urls: str) -> dict[str, int | str]:
    return dict(json.loads(student.inside("python", "-c", _ASK, how, *urls)))


def test_a_listed_name_is_reached_through_the_proxy_only(stack: Stack, student: Person) -> None:
    """Programs find the proxy in their environment."""
    listed = "http://outside.example/"
    wait_for(lambda: _reached_by_proxy(stack, "outside") or None, "the server outside")
    assert _ask(student, "by the environment", listed) == {listed: 200}
    assert _ask(student, "directly", listed) == {listed: "URLError"}


def test_a_name_that_is_not_listed_is_refused(student: Person) -> None:
    """By HTTP and by HTTPS, and a listed one at another port or by its address."""
    refused = ["http://elsewhere.example/", "https://elsewhere.example/", "http://outside.example:8080/", "http://203.0.113.2/"]
    assert _ask(student, "by the environment", *refused) == dict.fromkeys(refused, 403)


def test_a_listed_name_that_leads_inside_is_refused(stack: Stack, student: Person) -> None:
    """The proxy's own container could connect to it."""
    url = "http://inside.example/"
    wait_for(lambda: _reached_by_proxy(stack, "inside") or None, "the server inside")
    assert _ask(student, "by the environment", url) == {url: 403}


def _reached_by_proxy(stack: Stack, name: str) -> bool:
    """Whether the proxy's container can connect."""
    said = stack.inside(stack.container("egress"), "bash", "-c", f"exec 3<>/dev/tcp/{name}.example/80 && echo open")
    return "open" in said
