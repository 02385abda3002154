"""Containers that nobody will miss: never started, ended and not removed since Docker itself died meanwhile, or a dead grader's."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

from docker.errors import APIError, NotFound

from labkit.courses.grading.labels import RUN_LABEL, UNTIL_LABEL
from labkit.errors import StorageUnreachable
from labkit_hub.dockerproxy.callers import CALLER_LABEL
from labkit_hub.placement import RUN_PREFIX

__all__ = ["sweep_containers", "sweep_kernels"]

_log = logging.getLogger("labkit.docker")


def sweep_containers(client: Any, prefix: str, *, older_than_s: float = 600.0) -> list[str]:
    """Remove this hub's containers that do not run and are older than that, and return their names.

    Raises
    ------
    StorageUnreachable
        Docker does not answer, or refuses.
    """
    try:
        found = client.containers(all=True, filters={"label": [f"{CALLER_LABEL}={prefix}"], "status": ["created", "exited", "dead"]})
        return _remove(client, (container for container in found if _is_older(container, older_than_s)))
    except (APIError, OSError) as error:
        raise _unreachable(error) from error


def sweep_kernels(client: Any, prefix: str, graders: str, *, older_than_s: float = 60.0) -> list[str]:
    """Remove containers in which submissions were run for grading runs whose server is gone, and return their names.

    Parameters
    ----------
    graders : str
        Begins the names of graders' containers, as ``labkit-grade-``.

    Raises
    ------
    StorageUnreachable
        Docker does not answer, or refuses.
    """
    try:
        # First the kernels: the server of each of these was there before it, and whichever is not there now has ended.
        found = client.containers(all=True, filters={"label": [f"{CALLER_LABEL}={graders.removesuffix('-')}"]})
        if not found:
            return []
        servers = client.containers(filters={"label": [f"{CALLER_LABEL}={prefix}"]})  # those that run
        alive = {container["Labels"].get("labkit.server") for container in servers}
        return _remove(client, (one for one in found if _is_left(one["Labels"], alive) and _is_older(one, older_than_s)))
    except (APIError, OSError) as error:
        raise _unreachable(error) from error


def _is_left(labels: Mapping[str, str], servers: set[str | None]) -> bool:
    """Whether the server of a kernel's run is gone; one that belongs to no run of the hub's is somebody's until its time is over."""
    if run := labels.get(RUN_LABEL):
        return f"{RUN_PREFIX}{run}" not in servers
    until = labels.get(UNTIL_LABEL, "")
    return until.isdigit() and int(until) < time.time()


def _is_older(container: Mapping[str, Any], seconds: float) -> bool:
    return bool(time.time() - container["Created"] > seconds)


def _remove(client: Any, containers: Iterable[Mapping[str, Any]]) -> list[str]:
    removed = []
    for container in containers:
        name = str((container.get("Names") or [container["Id"]])[0]).lstrip("/")  # one that is half removed has lost its name
        try:
            client.remove_container(container["Id"], v=False, force=True)
            removed.append(name)
        except NotFound:
            continue
        except APIError as error:  # one that Docker cannot remove must not keep all others, now and at each sweep
            _log.warning("%s cannot be swept: %s", name, error.explanation)
    return removed


def _unreachable(error: Exception) -> StorageUnreachable:
    return StorageUnreachable(f"Docker did not do what was asked: {error}", hint="Look at the logs of the socket proxy.")
