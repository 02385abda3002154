"""What a swarm carries out for a hub: tasks, which it lists under the labels of their service until they are gone.

To remove a service ends nothing at once. The swarm forgets the service, its task is asked to end and has its time for that; as long
it computes, and holds its device.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from docker.errors import APIError, NotFound

from labkit.errors import StorageUnreachable
from labkit_hub.placement import RUN_STOP_S

__all__ = ["END_S", "is_alive", "remove_strange_services", "state_of"]

END_S = RUN_STOP_S + 60.0
"""How long a task may take to be gone, from the moment when its service was removed; a node that is away tells nothing."""

_ALIVE = frozenset({"new", "allocated", "assigned", "accepted", "preparing", "ready", "pending", "starting", "running"})
_LOOK_S = 0.5


def state_of(task: Mapping[str, Any]) -> str:
    """Return the state that a task is in, not the one that is wanted."""
    return str(task["Status"]["State"]).lower()


def is_alive(task: Mapping[str, Any]) -> bool:
    """Return whether a task runs or will run."""
    return state_of(task) in _ALIVE


def remove_strange_services(client: Any, prefix: str, known: Collection[str], *, timeout_s: float = END_S) -> list[str]:
    """Remove this hub's services that are not called as one in `known`, wait for the end of their tasks, and return their names.

    To be called when nothing can be starting: before the hub looks at its servers, and so before any device is lent again.

    Raises
    ------
    StorageUnreachable
        Docker does not answer, or refuses; or a task does not end.
    """
    ours = {"label": [f"labkit.hub={prefix}"]}
    kept, removed, deadline = set[str](), list[str](), time.monotonic() + timeout_s
    try:
        for service in client.services(filters=ours):
            name = str(service["Spec"]["Name"])
            if name in known:
                kept.add(service["ID"])
                continue
            try:
                client.remove_service(service["ID"])
            except NotFound:
                continue
            removed.append(name)
        while any(is_alive(task) and task["ServiceID"] not in kept for task in client.tasks(filters=ours)):
            if time.monotonic() > deadline:
                raise StorageUnreachable("A task does not end though its service is removed.", hint="Look at docker node ls.")
            time.sleep(_LOOK_S)
    except (APIError, OSError) as error:
        raise StorageUnreachable(f"The swarm did not do what was asked: {error}", hint="Look at docker node ls.") from error
    return removed
