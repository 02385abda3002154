"""A network for each person: their servers, the hub and the proxy are on it, and nobody else.

It is internal and the host has no address on it (`NO_HOST_ADDRESS`), so that nothing leads from a student's container to the host,
to another student, to a cloud's metadata or to the Internet. Its addresses come from a pool of ours: Docker's own pool ends at about
thirty networks. Hub and proxy are containers with the label ``labkit.attach``; the label ``labkit.role`` is their name on the network.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env

from labkit.errors import StorageFull, StorageUnreachable
from labkit_hub.dockerproxy.callers import ATTACH_LABEL, CALLER_LABEL
from labkit_hub.dockerproxy.network_policy import NO_HOST_ADDRESS

__all__ = ["COMFORTABLE", "Room", "StudentNetworks", "docker_client", "student_networks"]

COMFORTABLE = 60
"""So many networks cost little; each further one makes joining hub and proxy to the next slower (docs/containers.md)."""
ROLE_LABEL = "labkit.role"
_log = logging.getLogger("labkit.networks")


@dataclass(frozen=True, slots=True)
class Room:
    """How many networks there are, how many the pool holds, and how many of them cost little."""

    used: int
    possible: int
    comfortable: int = COMFORTABLE


class StudentNetworks:
    """All networks of one hub. Methods block and may be called from any thread.

    Parameters
    ----------
    client : docker.APIClient
        Docker, usually through the socket proxy.
    pool : IPv4Network
        Where their addresses come from.
    size : int
        The prefix length of one: 28 has room for hub, proxy, store and ten servers.
    prefix : str
        Begins the names of this hub's things, and is the value of the labels by which they are found.
    direct : bool
        There is no socket proxy between: its labels are set here.
    """

    def __init__(self, client: Any, pool: IPv4Network, *, prefix: str = "labkit", size: int = 28, direct: bool = False) -> None:
        self.client, self._pool, self._size, self.prefix = client, pool, size, prefix
        self._labels = {CALLER_LABEL: prefix} if direct else {}
        self._lock = threading.Lock()

    def ensure(self, name: str, labels: dict[str, str]) -> None:
        """Make the network unless it is there, and see that hub and proxy are on it.

        Raises
        ------
        StorageFull
            The pool has no room left.
        StorageUnreachable
            Docker does not answer, or refuses.
        """
        with self._lock, _explained():
            networks = self._all()
            if name not in networks:
                self._create(name, labels, networks)
            self._attach({name})

    def attach_all(self) -> int:
        """Connect hub and proxy to every network that lacks one of them, and return how many times that was.

        A recreated container has lost its networks: the hub calls this before it looks at its servers, else it would find that
        none answers and stop them all.
        """
        with self._lock, _explained():
            return self._attach(set(self._all()))

    def release(self, name: str) -> bool:
        """Remove the network unless a server is on it, and return whether it is gone.

        The caller knows that none is about to be started.
        """
        with self._lock, _explained():
            return self._remove(name)

    def sweep(self, *, older_than_s: float = 600.0) -> list[str]:
        """Remove networks without a server that are older than that, and return their names."""
        with self._lock, _explained():
            now = datetime.now(UTC)
            old = [name for name, facts in self._all().items() if (now - _time(facts["Created"])).total_seconds() > older_than_s]
            return [name for name in old if self._remove(name)]

    def room(self) -> Room:
        """Return how many networks fit."""
        with _explained():
            return Room(len(self._all()), 2 ** (self._size - self._pool.prefixlen))

    def _all(self) -> dict[str, dict[str, Any]]:
        found = self.client.networks(filters={"label": [f"{CALLER_LABEL}={self.prefix}"]})
        return {network["Name"]: network for network in found}

    def _create(self, name: str, labels: dict[str, str], known: dict[str, dict[str, Any]]) -> None:
        taken = {subnet for network in known.values() for subnet in _subnets(network)}
        for subnet in self._pool.subnets(new_prefix=self._size):
            if subnet in taken:
                continue
            try:
                self.client.create_network(
                    name,
                    driver="bridge",
                    internal=True,
                    check_duplicate=True,
                    options={NO_HOST_ADDRESS: "true"},
                    ipam={"Driver": "default", "Config": [{"Subnet": str(subnet)}]},
                    labels=labels | self._labels,
                )
            except APIError as error:
                if "overlap" not in str(error):
                    raise
                continue  # somebody else's network lies there
            return
        raise StorageFull(
            f"The pool {self._pool} has no room for another person's network.",
            hint="Stop servers that nobody uses, or give the hub a larger pool or one network for all (docs/containers.md).",
        )

    def _attach(self, names: set[str]) -> int:
        count = 0
        for container in self.client.containers(filters={"label": [f"{ATTACH_LABEL}={self.prefix}"]}):
            role = container["Labels"].get(ROLE_LABEL, "")
            for name in sorted(names - set(container["NetworkSettings"]["Networks"])):
                count += self._connect(container["Id"], name, role)
        return count

    def _connect(self, container: str, name: str, role: str) -> int:
        try:
            self.client.connect_container_to_network(container, name, aliases=[role] if role else None)
        except NotFound:
            return 0  # the one or the other has just gone
        except APIError as error:
            if "already exists" not in str(error):
                raise
            return 0
        _log.info("connected %s to %s", role, name)
        return 1

    def _remove(self, name: str) -> bool:
        try:
            inside = self.client.inspect_network(name).get("Containers") or {}
            ours = {found["Id"] for found in self.client.containers(filters={"label": [f"{ATTACH_LABEL}={self.prefix}"]})}
            if set(inside) - ours or self._has_waiting(name):
                return False
            for container in inside:
                self.client.disconnect_container_from_network(container, name, force=True)
            self.client.remove_network(name)
        except NotFound:
            pass
        except APIError as error:
            if "active endpoints" not in str(error):
                raise
            return False  # a server has come meanwhile; its own end removes the network, but it needs hub and proxy until then
        return True

    def _has_waiting(self, name: str) -> bool:
        """Return whether a container is to be on the network that does not run yet: Docker does not list it there."""
        made = self.client.containers(all=True, filters={"label": [f"{CALLER_LABEL}={self.prefix}"], "status": ["created"]})
        return any(name in container["NetworkSettings"]["Networks"] for container in made)


@functools.cache
def docker_client(timeout_s: float = 120.0) -> docker.APIClient:
    """Return the Docker that is named by ``DOCKER_HOST``.

    Raises
    ------
    StorageUnreachable
        Docker does not answer.
    """
    with _explained():
        return docker.APIClient(version="auto", timeout=timeout_s, **kwargs_from_env())


def student_networks(pool: str, prefix: str, timeout_s: float = 120.0) -> StudentNetworks:
    """Return the networks of this hub.

    Raises
    ------
    StorageUnreachable
        Docker does not answer.
    """
    return StudentNetworks(docker_client(timeout_s), IPv4Network(pool), prefix=prefix)


def _subnets(network: dict[str, Any]) -> Iterator[IPv4Network]:
    for config in network["IPAM"]["Config"] or ():
        yield IPv4Network(config["Subnet"])


def _time(text: str) -> datetime:
    """Return Docker's time, which has nine digits after the point."""
    whole, _, _ = text.partition(".")
    return datetime.fromisoformat(whole.rstrip("Z")).replace(tzinfo=UTC)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (DockerException, OSError) as error:
        if isinstance(error, StorageFull):
            raise
        raise StorageUnreachable(f"Docker did not do what was asked: {error}", hint="Look at the logs of the socket proxy.") from error
