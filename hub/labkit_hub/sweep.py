"""Containers that nobody will miss: made and never started, or ended and not removed since Docker itself died meanwhile."""

from __future__ import annotations

import time
from typing import Any

from docker.errors import APIError, NotFound

from labkit.errors import StorageUnreachable
from labkit_hub.dockerproxy.callers import CALLER_LABEL

__all__ = ["sweep_containers"]


def sweep_containers(client: Any, prefix: str, *, older_than_s: float = 600.0) -> list[str]:
    """Remove this hub's containers that do not run and are older than that, and return their names.

    Raises
    ------
    StorageUnreachable
        Docker does not answer, or refuses.
    """
    swept = []
    try:
        found = client.containers(all=True, filters={"label": [f"{CALLER_LABEL}={prefix}"], "status": ["created", "exited", "dead"]})
        for container in found:
            if time.time() - container["Created"] > older_than_s:
                try:
                    client.remove_container(container["Id"], v=False, force=True)
                    swept.append(container["Names"][0].lstrip("/"))
                except NotFound:
                    continue
    except (APIError, OSError) as error:
        raise StorageUnreachable(f"Docker did not do what was asked: {error}", hint="Look at the logs of the socket proxy.") from error
    return swept
