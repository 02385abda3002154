"""A server as a process of this machine: no limits are enforced, and devices are a matter of one variable."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from labkit_hub.placement.command import run_command, shared_environment
from labkit_hub.placement.order import Placement, ServerOrder

__all__ = ["ProcessSite", "place_process"]


@dataclass(frozen=True, slots=True)
class ProcessSite:
    """What all servers of this machine share.

    Attributes
    ----------
    service_url : str
        Address of the service, without a slash at the end.
    lab_args : sequence of str
        Arguments of JupyterLab.
    """

    service_url: str
    lab_args: Sequence[str] = ()


def place_process(order: ServerOrder, site: ProcessSite) -> Placement:
    """Return the traits of `labkit_hub.spawner.LabKitProcessSpawner` for this server."""
    lab = [sys.executable, "-m", "jupyterhub.singleuser"]
    traits = {
        "cmd": run_command(sys.executable, order) if order.run else lab,
        "args": [] if order.run else list(site.lab_args),
        "environment": shared_environment(order, site.service_url),
        "disable_user_config": True,
    }
    return Placement(order.profile.slug, traits)
