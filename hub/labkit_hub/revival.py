"""A service of the hub that has died is started again soon."""

from __future__ import annotations

from jupyterhub.services import service
from traitlets import Integer

__all__ = ["revive_services_soon"]

_LOOK_S = 2


class _WatchedService(service._ServiceSpawner):  # type: ignore[misc]
    poll_interval = Integer(_LOOK_S)


def revive_services_soon() -> None:
    """Let the hub look every two seconds whether a service that it has started still runs.

    It would look every thirty, and has no setting for it; until then nobody can start a server, nor see a run.
    """
    service._ServiceSpawner = _WatchedService
