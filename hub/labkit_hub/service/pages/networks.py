"""How many people's networks there are and how many fit, where each person has one of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from labkit.errors import StorageUnreachable
from labkit_hub.networks import Room, student_networks
from labkit_hub.settings import Settings

__all__ = ["NetworkRoom", "network_room"]

_FRESH_S = 15.0
_TIMEOUT_S = 4.0


class NetworkRoom:
    """Asks Docker, at most every few seconds; pages do not wait for it longer than `_TIMEOUT_S`."""

    def __init__(self, ask: Callable[[], Room], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._lock = threading.Lock()
        self._old_at: float | None = None
        self._room: Room | None = None

    def last(self) -> Room | None:
        """Return how much room there is; None while Docker does not say."""
        with self._lock:
            if self._old_at is None or self._clock() >= self._old_at:
                try:
                    self._room = self._ask()
                except StorageUnreachable:
                    self._room = None
                self._old_at = self._clock() + _FRESH_S
            return self._room


def network_room(settings: Settings) -> NetworkRoom | None:
    """Return what knows the room for people's networks; None where there are none."""
    if settings.spawner != "docker" or settings.containers.network:
        return None
    containers = settings.containers
    return NetworkRoom(lambda: student_networks(containers.network_pool, containers.prefix, _TIMEOUT_S).room())
