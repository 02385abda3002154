"""Before a server starts the service is asked; after one has stopped the service is told.

Nothing starts without a definite yes. Whatever the person, an admin or a script wishes for is checked first; what then starts is
decided by the service's answer alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jupyterhub import orm
from jupyterhub.spawner import SpawnException

from labkit.errors import InvalidInput, LabKitError, response_for
from labkit_hub.door import Refused, ServiceDoor
from labkit_hub.options import ServerOptions, check_options
from labkit_hub.placement import RUN_PREFIX, Placement, ServerOrder
from labkit_hub.placement.names import check_user_name
from labkit_hub.profiles import Profile
from labkit_hub.service.internal import Admission, Admitted, Stopped
from labkit_hub.shared import Shared
from labkit_hub.turn import Turns

__all__ = ["SERVICE", "SpawnHooks", "asked_by_service"]

SERVICE = "labkit"
"""The name of our service in the hub."""


@dataclass(frozen=True)
class SpawnHooks(Shared):
    """The hub's hooks around a server's life.

    Attributes
    ----------
    door : ServiceDoor
    profiles : tuple of Profile
        All that the hub knows.
    place : callable
        What a spawner of this shape is told.
    turns : Turns
        How many servers of people start at a time. Those of runs do not wait: the queue starts few, and their tickets run out.
    """

    door: ServiceDoor
    profiles: tuple[Profile, ...]
    place: Callable[[ServerOrder], Placement]
    turns: Turns

    async def before_start(self, spawner: Any) -> None:
        """Let the spawner start with what the service admits.

        Raises
        ------
        SpawnException
            It may not start; the message is for whoever asked.
        """
        try:
            options = check_options(spawner.user_options)
            admission = _admission(spawner, options)
            if not spawner.is_run:
                spawner.turn = self.turns.ask()
                await spawner.turn.come(lambda: spawner.pending == "spawn")
            admitted = await self.door.admit(admission)
            placement = self.place(self._order(spawner, admitted))
        except Refused as refusal:
            _forget_options(spawner)
            raise SpawnException(refusal.message, reason="refused", status_code=refusal.status) from refusal
        except LabKitError as error:
            if isinstance(error, InvalidInput):
                _forget_options(spawner)
            text = f"{error.message} {error.hint}".strip()
            raise SpawnException(text, reason="options", status_code=response_for(error).http_status) from error
        spawner.apply(placement)
        # The ticket is used up, and the admin's panel shows this profile, also where none was asked for.
        spawner.user_options = spawner.orm_spawner.user_options = {"profile": placement.profile}

    async def after_stop(self, spawner: Any) -> None:
        """Tell the service to look; it would find out by itself, a little later."""
        try:
            await self.door.stopped(Stopped(user=spawner.user.name, server=spawner.name))
        except (Refused, LabKitError) as error:
            spawner.log.info("The service was not told that a server of %s has stopped: %s", spawner.user.name, error)

    def _order(self, spawner: Any, admitted: Admitted) -> ServerOrder:
        profile = next((profile for profile in self.profiles if profile.slug == admitted.profile), None)
        if profile is None:
            raise InvalidInput(f"The hub has no profile {admitted.profile}.", hint="Ask an admin to restart hub and service together.")
        if spawner.is_run != (admitted.run is not None):
            raise InvalidInput("The service has admitted another kind of server.", hint="Ask an admin to look at the hub's log.")
        return ServerOrder(user=spawner.user.name, server=spawner.name, profile=profile, devices=admitted.devices, run=admitted.run)


def asked_by_service(handler: Any) -> bool:
    """Say whether it is our own service that asks, and not a person or another service."""
    asker = getattr(handler, "current_user", None)
    return isinstance(asker, orm.Service) and asker.name == SERVICE


def _admission(spawner: Any, options: ServerOptions) -> Admission:
    """Return what the service is asked.

    Raises
    ------
    InvalidInput
        Nobody has asked for this server, or somebody has who may not.
    """
    if spawner.handler is None:
        raise InvalidInput("Nobody has asked for this server.", hint="Start it from the hub's pages.")
    by_service = asked_by_service(spawner.handler)
    if spawner.name and not (by_service and spawner.is_run):
        raise InvalidInput(
            f"A server with a name is started by LabKit's queue alone, and is called {RUN_PREFIX}...",
            hint="Start your own server, and put a run into the line from there.",
        )
    return Admission(
        user=check_user_name(spawner.user.name),
        server=spawner.name,
        profile=options.profile,
        ticket=options.ticket,
        by="service" if by_service else "person",
        is_admin=bool(spawner.user.admin),
    )


def _forget_options(spawner: Any) -> None:
    """Drop options that were refused: the hub has stored them, and would come with them again at the next plain start."""
    spawner.user_options = spawner.orm_spawner.user_options = {}
