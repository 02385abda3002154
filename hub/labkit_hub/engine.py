"""What Docker says of a container or service, believed only where it is an answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from docker.errors import APIError
from dockerspawner import DockerSpawner

__all__ = ["EngineObject"]

_AT_ONCE = 8


class EngineObject(DockerSpawner):  # type: ignore[misc]
    """A spawner for which an error of Docker's own is no end of its server, and that asks Docker several things at a time.

    `DockerSpawner` has one thread for everybody: while one container takes its time to stop, nobody else's would start.
    """

    _executor = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="docker")

    async def get_object(self) -> Any:
        """Return what Docker says of the container or service, None if there is none.

        `DockerSpawner` takes an error of Docker's own (500) for that, too; the hub would forget a server that runs.
        """
        try:
            found = await self.docker(f"inspect_{self.object_type}", self.object_name)
        except APIError as error:
            if error.status_code != HTTPStatus.NOT_FOUND:
                raise
            self.object_id = ""
            return None
        self.object_id = found[self.object_id_key]
        return found
