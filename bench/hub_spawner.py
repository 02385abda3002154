"""A spawner that starts nothing: one program answers for all servers, so that what is measured is hub and service."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from jupyterhub.spawner import Spawner

from labkit_hub.placed import PlacedSpawner
from labkit_hub.placement import Placement

__all__ = ["ANSWERER", "START_S", "StandInSpawner"]

ANSWERER = "LABKIT_BENCH_ANSWERER"
"""Variable with the port of the program that answers."""
START_S = 0.2
"""What a start takes here: about what a container takes that has no JupyterLab in it."""


class _NoSpawner(Spawner):  # type: ignore[misc]
    is_up = False

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.is_up = bool(state.get("is_up"))

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "is_up": self.is_up}

    def clear_state(self) -> None:
        super().clear_state()
        self.is_up = False

    async def start(self) -> tuple[str, int]:
        await asyncio.sleep(START_S)
        self.is_up = True
        return "127.0.0.1", int(os.environ[ANSWERER])

    async def stop(self, now: bool = False) -> None:
        self.is_up = False

    async def poll(self) -> int | None:
        return None if self.is_up else 0


class StandInSpawner(PlacedSpawner, _NoSpawner):
    """Takes `START_S` for a start, and stops at once."""

    def apply(self, placement: Placement) -> None:
        """Take over nothing: there are no programs to be told anything."""
