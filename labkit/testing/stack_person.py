"""People of a stack under test, and what can be reached from their servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.testing.hub_session import HubSession
from labkit.testing.stack import Stack, wait_for

if TYPE_CHECKING:
    import httpx

__all__ = ["Person", "logged_in", "probe_from"]

# Runs in a container: says for each "HOST PORT" whether it can be connected within so many seconds, all at the same time.
_PROBE = """
import concurrent.futures, json, socket, sys
within_s, *lines = sys.argv[1:]
def look(line):
    host, port = line.split()
    try:
        socket.create_connection((host, int(port)), float(within_s)).close()
        return "open"
    except OSError as error:
        return type(error).__name__
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    print(json.dumps(dict(zip(lines, pool.map(look, lines)))))
"""


@dataclass(frozen=True)
class Person:
    """Somebody with a running server: the session, and the container."""

    name: str
    http: httpx.Client
    hub: HubSession
    stack: Stack

    @property
    def container(self) -> dict[str, Any]:
        """What Docker says of this person's own server."""
        return self.stack.servers()[f"u-{self.name}-u/"]

    @property
    def address(self) -> str:
        """The address of the container on its network."""
        (network,) = self.container["NetworkSettings"]["Networks"].values()
        return str(network["IPAddress"])

    def inside(self, *command: str) -> str:
        """Run a command as the student's code would."""
        return self.stack.inside(self.container["Id"], *command)

    def probe(self, *lines: str, within_s: float = 4) -> dict[str, str]:
        """Say what can be reached from the container."""
        return dict(json.loads(self.inside("python", "-c", _PROBE, str(within_s), *lines)))

    def start(self) -> None:
        """Start the own server and wait until it answers through Caddy."""
        self.hub.post_form(f"/hub/spawn/{self.name}", profile="cpu")
        wait_for(self.answers, f"the server of {self.name}")

    def answers(self) -> bool | None:
        """Whether the server itself answers, logged in."""
        import httpx

        try:
            self.http.get(f"/user/{self.name}/lab")
            answer = self.http.get(f"/user/{self.name}/api/status")
        except httpx.HTTPError:
            return None
        return True if answer.status_code == 200 and "started" in answer.text else None

    def wait_for_new_hub(self) -> None:
        """Wait until a hub that was made or started anew answers, and has found this person's own server."""
        wait_for(lambda: self.hub_is_well() or None, "the new hub")
        wait_for(lambda: self.model().get("servers", {}).get("", {}).get("ready") or None, f"the server of {self.name} in the new hub")
        wait_for(self.answers, f"the server of {self.name} behind the new hub")

    def hub_is_well(self) -> bool:
        """Whether the hub answers, through Caddy and proxy."""
        import httpx

        try:
            return self.http.get("/hub/health").status_code == 200
        except httpx.HTTPError:
            return False

    def model(self) -> dict[str, Any]:
        """Return what the hub says of this person."""
        return dict(self.http.get(f"/hub/api/users/{self.name}", headers={"Referer": f"{self.stack.url}/hub/"}).json())


@contextmanager
def logged_in(stack: Stack, *names: str) -> Iterator[dict[str, Person]]:
    """Log people in through Caddy."""
    passwords = stack.passwords()
    with ExitStack() as sessions:
        people = {}
        for name in names:
            session = sessions.enter_context(stack.session())
            assert session.login(name, passwords[name]).status_code == 200
            people[name] = Person(name, session.http, session, stack)
        yield people


def probe_from(stack: Stack, service: str, *lines: str) -> dict[str, str]:
    """Say what can be reached from a service's container."""
    return dict(json.loads(stack.inside(stack.container(service), "python3", "-c", _PROBE, "4", *lines)))
