"""A person's server as a service of a Docker swarm."""

from __future__ import annotations

from typing import Any

from docker.errors import APIError
from dockerspawner import SwarmSpawner
from traitlets import Unicode, default

from labkit_hub.engine import EngineObject
from labkit_hub.placed import PlacedSpawner
from labkit_hub.placement import server_object_name

__all__ = ["LabKitSwarmSpawner"]

_COMING = frozenset({"new", "allocated", "assigned", "accepted", "preparing", "ready", "pending", "starting", "running"})
"""States of a task that runs or will run; `SwarmSpawner` takes some of them for the end."""


class LabKitSwarmSpawner(PlacedSpawner, EngineObject, SwarmSpawner):  # type: ignore[misc]
    """Starts what the placement says; a service that has ended is not running, and is never started again."""

    container_prefix_of_hub = Unicode("labkit", config=True, help="Begins the names of this hub's services.")

    @default("object_name")
    def _object_name(self) -> str:
        """Have the right name from the beginning: a spawner is asked how it stands before anything was placed."""
        return server_object_name(self.container_prefix_of_hub, self.user.name, self.name)

    async def poll(self) -> Any:
        """Say whether the server runs: None if it does. A service whose task has ended is removed, since Swarm keeps it for ever."""
        return await self.ask_patiently(self._poll)

    async def _poll(self) -> str | int | None:
        task = await self.get_task()
        if not task:
            return 0
        if task["Status"]["State"].lower() in _COMING:
            return None
        await self.remove_object()
        return f"The task has ended: {task['Status'].get('Err') or task['Status']['State']}."

    async def find_url(self) -> str:
        """Return where the service is: at its name."""
        return f"http://{self.service_name}:{self.port}{self.server.base_url}"

    async def remove_object(self) -> None:
        """Remove the service, if it is still there."""
        try:
            await super().remove_object()
        except APIError as error:
            if error.status_code != 404:
                raise
