"""docker-compose.yml, brought up for tests beside whatever else the machine runs: own names, own addresses, own secrets."""

from __future__ import annotations

import json
import os
import secrets
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from labkit.errors import RunFailed
from labkit.testing.hub_session import HubSession
from labkit.testing.ports import free_port

__all__ = ["Stack", "docker", "wait_for"]

T = TypeVar("T")
STANDINS = {name: f"labkit/standin-{name.lower()}:local" for name in ("POSTGRES", "CADDY", "STORE", "EGRESS")}


def docker(*words: str, check: bool = True, timeout_s: float = 300.0) -> str:
    """Run ``docker`` with these words and return what it says.

    Raises
    ------
    RunFailed
        It failed, and `check` is set.
    """
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=timeout_s)
    if check and done.returncode != 0:
        raise RunFailed(f"docker {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def wait_for(look: Callable[[], T | None], what: str, *, timeout_s: float = 240.0) -> T:
    """Return the first thing that `look` finds.

    Raises
    ------
    RunFailed
        It found nothing in time.
    """
    deadline = time.monotonic() + timeout_s
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise RunFailed(f"{what}: not within {timeout_s:.0f} s.")
        time.sleep(0.2)
    return found


@dataclass(frozen=True)
class Stack:
    """One project of docker-compose.

    Attributes
    ----------
    checkout : Path
        Where docker-compose.yml lies.
    folder : Path
        For secrets and Caddy's certificate.
    files : sequence of Path
        Further compose files.
    student_image : str
    subnet : str
        The first two numbers of its own networks; people's networks get the next number.
    extra : mapping
        Further variables.
    """

    checkout: Path
    folder: Path
    files: Sequence[Path] = ()
    student_image: str = "labkit/student-small:local"
    subnet: str = "10.217"
    extra: Mapping[str, str] = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"lkstack{secrets.token_hex(3)}")
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """Where people reach it."""
        return f"https://localhost:{self.port}"

    @property
    def pool(self) -> str:
        """The addresses of people's networks."""
        first, second = self.subnet.split(".")
        return f"{first}.{int(second) + 1}.0.0/16"

    def up(self) -> None:
        """Bring it up and wait until the hub answers through Caddy."""
        environment = os.environ | {"LABKIT_SECRETS": str(self.folder / "secrets")}
        subprocess.run(["sh", str(self.checkout / "images" / "secrets.sh")], env=environment, check=True, capture_output=True)
        self.compose("up", "-d", "--no-build")
        wait_for(self._certificate, "Caddy's certificate")
        with self.session() as session:
            wait_for(lambda: _ok(session, "/hub/health"), "the hub behind Caddy")
            wait_for(lambda: _ok(session, "/services/labkit/health"), "the hub's service")  # the hub answers before it

    def down(self) -> None:
        """Remove everything: servers, networks, volumes.

        Raises
        ------
        RunFailed
            A network stayed; its addresses would be missing to the next stack.
        """
        self._remove_servers()
        self.compose("down", "-v", "--remove-orphans", "-t", "2", check=False)
        wait_for(self._no_networks, f"removing the networks of {self.name}", timeout_s=120)
        for volume in docker("volume", "ls", "-q", "--filter", f"name={self.name}-").split():
            docker("volume", "rm", volume, check=False)

    def _remove_servers(self) -> None:
        for container in docker("ps", "-aq", "--filter", f"label=labkit.caller={self.name}").split():
            docker("rm", "-f", "-v", container, check=False)

    def _no_networks(self) -> bool | None:
        self._remove_servers()  # the hub may have started one while it was being stopped
        for network in docker("network", "ls", "-q", "--filter", f"name={self.name}").split():
            docker("network", "rm", network, check=False)
        return None if docker("network", "ls", "-q", "--filter", f"name={self.name}").split() else True

    def compose(self, *words: str, check: bool = True) -> str:
        """Run docker-compose on this project.

        Raises
        ------
        RunFailed
            It failed, and `check` is set.
        """
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
        program = ["docker", "compose"] if plugin else ["docker-compose"]
        files = [word for file in (self.checkout / "docker-compose.yml", *self.files) for word in ("-f", str(file))]
        command = [*program, "-p", self.name, *files, "--project-directory", str(self.checkout), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self._environment(), timeout=600)
        if check and done.returncode != 0:
            raise RunFailed(f"docker-compose {' '.join(words)}: {done.stderr[-3000:]}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        own = {
            "LABKIT_SECRETS": str(self.folder / "secrets"),
            "LABKIT_SUBNET": self.subnet,
            "LABKIT_POOL": self.pool,
            "LABKIT_PREFIX": self.name,
            "LABKIT_HTTPS_PORT": str(self.port),
            "LABKIT_PUBLIC_URL": self.url,
            "LABKIT_STUDENT_IMAGE": self.student_image,
            "LABKIT_STUDENT_IMAGES": json.dumps([self.student_image]),
            "COMPOSE_PROJECT_NAME": self.name,
        }
        return {**os.environ, **{f"LABKIT_{what}_IMAGE": image for what, image in STANDINS.items()}, **own, **self.extra}

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        return self.compose("ps", "-q", service).strip()

    def kill(self, service: str) -> None:
        """Kill a service's first program from outside, as an accident would; Docker starts it again."""

        def find() -> int | None:  # one that is about to start has none yet
            return int(docker("inspect", "--format", "{{.State.Pid}}", self.container(service))) or None

        os.kill(wait_for(find, f"the program of {service}"), signal.SIGKILL)

    def log(self, service: str) -> str:
        """Return what a service has said."""
        command = ["docker", "logs", self.container(service)]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout

    def session(self) -> HubSession:
        """Return a session that believes this Caddy, and nobody else."""
        return HubSession(self.url, verify=ssl.create_default_context(cafile=self._root))

    @property
    def _root(self) -> Path:
        return self.folder / "root.crt"

    def _certificate(self) -> bool | None:
        place = f"{self.container('caddy')}:/data/caddy/pki/authorities/local/root.crt"
        docker("cp", place, str(self._root), check=False)
        return True if self._root.is_file() else None

    def passwords(self) -> dict[str, Any]:
        """Return the generated passwords of the first accounts."""
        found = wait_for(lambda: self.inside(self.container("hub"), "cat", "/var/lib/labkit/logins.json") or None, "the passwords")
        return dict(json.loads(found)["passwords"])

    @staticmethod
    def inside(container: str, *command: str) -> str:
        """Run a command in a container and return what it writes, whatever its end."""
        return docker("exec", container, *command, check=False)

    def servers(self) -> dict[str, dict[str, Any]]:
        """Return the containers of people's servers, by the value of their label ``labkit.user`` and server."""
        ids = docker("ps", "-aq", "--filter", f"label=labkit.caller={self.name}").split()
        facts = json.loads(docker("inspect", *ids, check=False)) if ids else []  # without those that have just gone
        return {f"{found['Config']['Labels']['labkit.user']}/{found['Config']['Labels']['labkit.server']}": found for found in facts}


def _ok(session: HubSession, path: str) -> bool | None:
    import httpx

    try:
        return True if session.http.get(path).status_code == 200 else None
    except httpx.HTTPError:
        return None
