"""A server as a hardened container of this host's Docker, on a network of its owner's."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from docker.errors import APIError
from jupyterhub.spawner import SpawnException
from traitlets import Bool, Unicode, default

from labkit.errors import LabKitError, StorageFull, StorageUnreachable
from labkit_hub.engine import EngineObject
from labkit_hub.networks import StudentNetworks, student_networks
from labkit_hub.placed import PlacedSpawner
from labkit_hub.placement import graders_prefix, label_value, network_name, server_object_name
from labkit_hub.sweep import sweep_containers, sweep_kernels

__all__ = ["LabKitDockerSpawner", "keep_attached"]

_log = logging.getLogger("labkit.docker")


def keep_attached(networks: StudentNetworks, *, has_own: bool = True, every_s: float = 5.0, sweep_every: int = 60) -> threading.Event:
    """Connect hub and proxy to all networks now, and again whenever one of them was recreated; return what ends this.

    To be called when the configuration is loaded: that is before the hub looks at the servers of its last life.
    Every `sweep_every` rounds, what nobody uses is removed.

    Parameters
    ----------
    has_own : bool
        People have networks of their own; with one for all, which is the host's, only containers are swept.
    """
    ended = threading.Event()

    def look(number: int) -> None:
        try:
            if has_own:
                networks.attach_all()
            if number % sweep_every == sweep_every - 1:
                client, prefix = networks.client, networks.prefix
                swept = [*sweep_containers(client, prefix), *sweep_kernels(client, prefix, graders_prefix(prefix))]
                swept += networks.sweep() if has_own else ()
                if swept:
                    _log.info("swept %s", ", ".join(swept))
        except StorageUnreachable as error:
            _log.warning("%s", error.message)

    def watch() -> None:
        number = 0
        while not ended.wait(every_s):
            number += 1
            look(number)

    look(0)
    threading.Thread(target=watch, name="labkit-networks", daemon=True).start()
    return ended


class LabKitDockerSpawner(PlacedSpawner, EngineObject):
    """Starts a container as `labkit_hub.placement.place_docker` has laid down; makes and removes its owner's network.

    The container's name follows from user and server alone, so a hub that was killed in the middle of a start finds it again.
    """

    prefix = Unicode("labkit", config=True, help="Begins the names of containers, volumes and networks of this hub.")
    network_pool = Unicode("10.214.0.0/16", config=True, help="Where the addresses of people's networks come from.")
    shared_network = Bool(False, config=True, help="All servers are on one network, which the host made and guards.")

    pull_policy = "never"
    remove = True
    use_internal_ip = True

    @default("object_name")
    def _object_name_default(self) -> str:
        return server_object_name(self.prefix, self.user.name, self.name)

    @default("network_name")
    def _network_name_default(self) -> str:
        return network_name(self.prefix, self.user.name)

    @property
    def networks(self) -> StudentNetworks:
        """The networks of all people of this hub."""
        return student_networks(self.network_pool, self.prefix)

    async def start(self) -> Any:
        """Make the network, then the container.

        Raises
        ------
        SpawnException
            There is no network to be had, or Docker refused; the person sees why.
        """
        try:
            if not self.shared_network:
                labels = {"labkit.hub": self.prefix, "labkit.user": label_value(self.user.name)}
                await asyncio.to_thread(self.networks.ensure, self.network_name, labels)
            return await super().start()
        except StorageFull as error:
            raise SpawnException(f"{error.message} {error.hint}", reason="network", status_code=503) from error
        except StorageUnreachable as error:
            raise SpawnException(error.message, reason="docker", status_code=503) from error
        except APIError as error:
            raise SpawnException(f"Docker refused: {error.explanation}", reason="docker", status_code=500) from error

    async def stop(self, now: bool = False) -> None:
        """Stop and remove the container, and with the person's last server their network."""
        await super().stop(now=now)
        if self.shared_network or self._has_others():
            return
        try:
            await asyncio.to_thread(self.networks.release, self.network_name)
        except LabKitError as error:
            self.log.warning("The network of %s is left for the sweep: %s", self.user.name, error.message)

    async def find_url(self) -> str:
        """Return where the container is now."""
        host, port = await self.get_ip_and_port()
        return f"http://{host}:{port}{self.server.base_url}"

    def _has_others(self) -> bool:
        """Return whether the person has another server that runs or starts."""
        return any(other is not self and other.active for other in self.user.spawners.values())

    async def get_ip_and_port(self) -> tuple[str, int]:
        """Return where the hub and the proxy reach the server."""
        found = await self.docker("inspect_container", self.container_id)
        network = found["NetworkSettings"]["Networks"].get(self.network_name) or {}
        if not network.get("IPAddress"):
            raise SpawnException("The server ended at once.", reason="docker", status_code=500)
        return network["IPAddress"], self.port
