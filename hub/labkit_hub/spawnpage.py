"""The page on which people choose what to start: only what they may, with how many devices are free and how many runs wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, FileSystemLoader
from jupyterhub.spawner import SpawnException

from labkit.client.wire import DeviceCount
from labkit.errors import LabKitError
from labkit_hub.door import Refused, ServiceDoor
from labkit_hub.layout import TEMPLATES_DIR
from labkit_hub.profiles import Profile
from labkit_hub.service.internal import Offer
from labkit_hub.shared import Shared

__all__ = ["SpawnPage", "choices"]


@dataclass(frozen=True)
class SpawnPage(Shared):
    """What the hub calls to show the page, and to read what it sends.

    Attributes
    ----------
    door : ServiceDoor
    profiles : tuple of Profile
        All that the hub knows.
    """

    door: ServiceDoor
    profiles: tuple[Profile, ...]

    async def form(self, spawner: Any) -> str:
        """Return the inner part of the form; an empty text if there is nothing to choose, and then no page is shown."""
        if spawner.name:
            return ""
        offered: tuple[str, ...] | None = None
        devices: DeviceCount | None = None
        try:
            offer = await self.door.offer(Offer(user=spawner.user.name, is_admin=bool(spawner.user.admin)))
            offered, devices = offer.profiles, offer.devices
        except (Refused, LabKitError, ValueError) as error:
            spawner.log.warning("The service could not say what %s may start: %s", spawner.user.name, error)
        found = choices(self.profiles, offered, devices)
        if len(found) < 2:
            return ""
        stored = (spawner.orm_spawner.user_options or {}).get("profile")
        chosen = next((profile for profile in found if profile.slug == stored and not profile.gpus), found[0])
        return _TEMPLATE.render(profiles=found, devices=devices, chosen=chosen.slug)

    async def options_from_query(self, query: dict[str, Any], spawner: Any) -> dict[str, Any]:
        """Refuse options in an address: another web page could send people there, and so start what they did not choose."""
        if "profile" in query or await self.form(spawner):
            raise SpawnException("Choose here what to start.", reason="options", status_code=400)
        return {}


def choices(profiles: tuple[Profile, ...], offered: tuple[str, ...] | None, devices: DeviceCount | None) -> tuple[Profile, ...]:
    """Return the profiles to choose from, none that asks for more devices than there are.

    Without the service's answer these are what every student may start without a device: it decides at the start anyway.
    """
    servers = tuple(profile for profile in profiles if "server" in profile.purposes)
    if offered is None or devices is None:
        return tuple(profile for profile in servers if "student" in profile.roles and not profile.courses and not profile.gpus)
    return tuple(profile for profile in servers if profile.slug in offered and profile.gpus <= devices.total)


_TEMPLATE = Environment(loader=FileSystemLoader(TEMPLATES_DIR), autoescape=True).get_template("spawn-profiles.html")
