"""What the spawners of all shapes have in common: they are told where and how by a `Placement`."""

from __future__ import annotations

from typing import Any

from jupyterhub.spawner import Spawner
from traitlets import default

from labkit_hub.placement import RUN_PREFIX, Placement

__all__ = ["PlacedSpawner"]

_RUN_POLL_S = 3
_POLL_S = 30


class PlacedSpawner(Spawner):  # type: ignore[misc]
    """A spawner whose traits come from a placement, set by the pre-spawn hook just before `start`.

    A class of ours inherits from this and from the spawner of its shape, in this order.
    """

    async def start(self) -> Any:
        """Start the server."""
        return await super().start()

    async def stop(self, now: bool = False) -> None:
        """Stop the server."""
        await super().stop(now=now)

    async def poll(self) -> Any:
        """Say whether the server runs: None if it does."""
        return await super().poll()

    @property
    def is_run(self) -> bool:
        """Whether this server carries out a run, and ends by itself."""
        return bool(self.name.startswith(RUN_PREFIX))

    @default("poll_interval")
    def _poll_interval(self) -> int:
        """Look at runs often: their end frees a device, also when they could not report it."""
        return _RUN_POLL_S if self.is_run else _POLL_S

    def apply(self, placement: Placement) -> None:
        """Take over what this server is started with."""
        for name, value in placement.traits.items():
            setattr(self, name, value)
