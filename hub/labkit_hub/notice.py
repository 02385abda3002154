"""What is announced to everybody, on the hub's own pages: asked from the service now and then, never waited for."""

from __future__ import annotations

import asyncio
import time

from labkit.errors import LabKitError
from labkit_hub.door import Refused, ServiceDoor
from labkit_hub.shared import Shared

__all__ = ["LiveNotice"]

_FRESH_S = 15.0


class LiveNotice(Shared):
    """A text for templates. Showing it takes what is known, and asks for what is new in the background.

    Parameters
    ----------
    door : ServiceDoor
    """

    def __init__(self, door: ServiceDoor) -> None:
        self._door = door
        self._text = ""
        self._asked = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def __bool__(self) -> bool:
        self._refresh()
        return bool(self._text)

    def __str__(self) -> str:
        return self._text

    def _refresh(self) -> None:
        if time.monotonic() - self._asked < _FRESH_S:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # a template that is rendered outside of the hub
        self._asked = time.monotonic()
        self._task = loop.create_task(self._ask())

    async def _ask(self) -> None:
        try:
            notice = await self._door.notice()
        except (Refused, LabKitError):
            return  # the service is away: what was known stays
        self._text = notice.announcement.text if notice.announcement else ""
