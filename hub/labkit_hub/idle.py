"""Servers that nobody uses are stopped: ``python -m labkit_hub.idle``, a service of the hub of its own with rights of its own.

The work is jupyterhub-idle-culler's; this is its policy. Servers of runs are spared whatever they look like: a training may say
nothing for hours, and ends by itself. Servers that hold a device are stopped sooner than others.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from labkit_hub.placement.order import RUN_PREFIX
from labkit_hub.profiles import Profile
from labkit_hub.settings import IdleSettings, Settings

__all__ = ["SERVICE", "idle_role", "idle_service", "may_stop"]

SERVICE = "labkit-idle"
_DEVICES = "LABKIT_IDLE_DEVICE_PROFILES"


def may_stop(server: Mapping[str, Any], inactive: timedelta | None, settings: IdleSettings, device_profiles: frozenset[str]) -> bool:
    """Say whether a server has been idle for long enough to be stopped.

    Parameters
    ----------
    server : mapping
        The hub's description of it: ``name``, ``user_options``.
    inactive : timedelta or None
        Since when nothing was heard of it; None if that is not known.
    settings : IdleSettings
    device_profiles : frozenset of str
        Slugs of the profiles that hold a device.
    """
    if inactive is None or str(server.get("name") or "").startswith(RUN_PREFIX):
        return False
    profile = (server.get("user_options") or {}).get("profile")
    limit_s = settings.device_s if profile in device_profiles else settings.server_s
    return limit_s > 0 and inactive.total_seconds() >= limit_s


def idle_service(settings: Settings, profiles: tuple[Profile, ...], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the hub's entry for this service."""
    idle = settings.idle
    own = {f"LABKIT_IDLE__{name.upper()}": str(value) for name, value in idle.model_dump().items()}
    devices = {_DEVICES: ",".join(profile.slug for profile in profiles if profile.gpus)}
    return {
        "name": SERVICE,
        "command": [sys.executable, "-m", "labkit_hub.idle"],
        "environment": {**environment, **own, **devices},
        "display": False,
    }


def idle_role() -> dict[str, Any]:
    """Return the hub's role of this service: it sees when servers were used last, and stops them."""
    return {
        "name": SERVICE,
        "description": "Stops servers that nobody uses",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": [SERVICE],
    }


def main() -> None:
    """Look again and again, until the hub ends this process."""
    from jupyterhub_idle_culler import IdleCuller

    # The hub ends its services by an interrupt, which a hub that was started in the background lets them ignore.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fields = IdleSettings.model_fields
    settings = IdleSettings.model_validate({name: os.environ[f"LABKIT_IDLE__{name.upper()}"] for name in fields})
    devices = frozenset(filter(None, os.environ.get(_DEVICES, "").split(",")))

    def arbiter(*, inactive: timedelta | None, server: Mapping[str, Any], **_: Any) -> bool:
        return may_stop(server, inactive, settings, devices)

    limits = [limit for limit in (settings.server_s, settings.device_s) if limit] or [3600]
    culler = IdleCuller.instance(config_file="", timeout=min(limits), cull_every=settings.every_s, cull_arbiter_hook=arbiter)
    culler.initialize([])
    culler.start()


if __name__ == "__main__":
    main()
