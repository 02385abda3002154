"""What is to be started, and what a spawner is told: the nouns of this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit_hub.profiles import Profile
from labkit_hub.service.internal import LeasedDevice, RunTask

__all__ = ["GRADING_STOP_S", "RUN_PREFIX", "RUN_STOP_S", "Placement", "ServerOrder"]

RUN_PREFIX = "run-"
"""Servers whose names begin so carry out a run and end by themselves."""

RUN_STOP_S = 20
"""Seconds that a run's server gets after SIGTERM: the supervisor's own grace, and time to report."""

GRADING_STOP_S = 45
"""The same for a grading run, which has containers to end as well."""


@dataclass(frozen=True, slots=True)
class ServerOrder:
    """One server that the service has admitted.

    Attributes
    ----------
    user : str
        The hub's name of its owner.
    server : str
        Empty for the person's own server, else ``run-<id>``.
    profile : Profile
        What it gets.
    devices : tuple of LeasedDevice
        What it holds a lease of.
    run : RunTask or None
        What it carries out, if it is a run's server.
    """

    user: str
    server: str
    profile: Profile
    devices: tuple[LeasedDevice, ...] = ()
    run: RunTask | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """What a spawner is told: traits by name, set in this order.

    Every function of this room returns all traits that it ever sets, so that nothing of an earlier start is left on a spawner.
    """

    profile: str
    traits: Mapping[str, Any] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the server gets beside the hub's own."""
        return dict(self.traits["environment"])
