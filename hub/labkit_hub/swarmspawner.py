"""A person's server as a service of a Docker swarm."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from docker.errors import APIError
from dockerspawner import SwarmSpawner
from jupyterhub.spawner import SpawnException
from traitlets import Unicode, default

from labkit_hub.engine import EngineObject
from labkit_hub.placed import PlacedSpawner
from labkit_hub.placement import label_value, server_object_name
from labkit_hub.swarmtasks import END_S, is_alive, state_of

__all__ = ["LabKitSwarmSpawner"]

_LOOK_S = 0.3


class LabKitSwarmSpawner(PlacedSpawner, EngineObject, SwarmSpawner):  # type: ignore[misc]
    """Starts what the placement says. A server is there as long as it has a task that lives, and is never started again."""

    container_prefix_of_hub = Unicode("labkit", config=True, help="Begins the names of this hub's services.")

    @default("object_name")
    def _object_name(self) -> str:
        """Have the right name from the beginning: a spawner is asked how it stands before anything was placed."""
        return server_object_name(self.container_prefix_of_hub, self.user.name, self.name)

    async def start(self) -> Any:
        """Start the service, when nothing of an earlier one is left.

        Raises
        ------
        SpawnException
            The swarm refused, or its task ended before it answered; the person sees why.
        """
        try:
            await self.remove_object()
            return await super().start()
        except APIError as error:
            raise SpawnException(f"Docker refused: {error.explanation}", reason="docker", status_code=500) from error

    async def start_object(self) -> None:
        """Wait until the task runs: `SwarmSpawner` looks so seldom that a short run is over, and waits on for one that was rejected."""
        while (task := await self.get_task()) is not None and is_alive(task):
            if state_of(task) == "running":
                return
            await asyncio.sleep(_LOOK_S)
        raise SpawnException(f"The server ended at once. {_why(task)}".strip(), reason="docker", status_code=500)

    async def poll(self) -> Any:
        """Say whether the server runs: None if it does, or if the swarm cannot tell. One that has ended is removed: the swarm keeps it."""
        return await self.ask_patiently(self._poll)

    async def _poll(self) -> str | int | None:
        try:
            task = await self.get_task()
            if task is not None and is_alive(task):
                return None
            await self.remove_object()
        except APIError as error:
            if not error.is_server_error():
                raise
            self.log.warning("The swarm does not say how %s stands: %s", self.object_name, error)
            return None  # managers without a leader know nothing, and what runs goes on
        return f"The task has ended: {_why(task)}" if task else 0

    async def find_url(self) -> str:
        """Return where the service is: at its name."""
        return f"http://{self.service_name}:{self.port}{self.server.base_url}"

    async def remove_object(self) -> None:
        """Remove the service if there is one, and wait until nothing of it computes any more: its device is lent to others then.

        Raises
        ------
        TimeoutError
            Its task is still there.
        """
        try:
            await self.docker("remove_service", self.object_name)
        except APIError as error:
            if error.status_code != 404:
                raise
        deadline = time.monotonic() + END_S
        while any(is_alive(task) for task in await self._tasks()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"The task of {self.object_name} does not end; its node may be away.")
            await asyncio.sleep(_LOOK_S)

    async def get_task(self) -> dict[str, Any] | None:
        """Return this server's task, one that lives before one that has ended."""
        return max(await self._tasks(), key=is_alive, default=None)

    async def _tasks(self) -> Sequence[dict[str, Any]]:
        """Return all tasks of this server, also those whose service is removed already."""
        whose = {"hub": self.container_prefix_of_hub, "user": label_value(self.user.name), "server": self.name}
        found: list[dict[str, Any]] = await self.docker(
            "tasks", filters={"label": [f"labkit.{key}={value}" for key, value in whose.items()]}
        )
        return found


def _why(task: dict[str, Any] | None) -> str:
    return str(task["Status"].get("Err") or task["Status"]["State"]) if task else ""
