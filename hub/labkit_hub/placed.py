"""What the spawners of all shapes have in common: they are told where and how by a `Placement`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.spawner import Spawner, SpawnException
from jupyterhub.utils import url_path_join, wait_for_http_server
from traitlets import Callable as CallableTrait
from traitlets import default

from labkit_hub.placement import RUN_PREFIX, Placement
from labkit_hub.turn import Turn

__all__ = ["PlacedSpawner"]

_RUN_POLL_S = 3
_POLL_S = 30
_LOOK_S = 0.5
_ANSWER_S = 10.0


class PlacedSpawner(Spawner):  # type: ignore[misc]
    """A spawner whose traits come from a placement, set by the pre-spawn hook just before `start`.

    A class of ours inherits from this and from the spawner of its shape, in this order.
    """

    query_reader = CallableTrait(None, allow_none=True, config=True, help="Reads options from an address, given them and the spawner.")

    http_timeout: int  # JupyterHub's trait

    turn: Turn | None = None
    """Its place among those that start at the same time."""

    async def start(self) -> Any:
        """Start the server, and return its address when something listens there.

        Raises
        ------
        SpawnException
            It ended before: the hub itself would wait for its answer until the time is up.
        """
        address = await super().start()
        host, port = _host_and_port(address)
        while not await _listens(host, port):
            if await self.poll() is not None:
                raise SpawnException("The server ended before it answered; the log may say why.", reason="ended", status_code=500)
            await asyncio.sleep(_LOOK_S)
        return address

    async def stop(self, now: bool = False) -> None:
        """Stop the server."""
        await super().stop(now=now)

    async def poll(self) -> Any:
        """Say whether the server runs: None if it does."""
        return await self.ask_patiently(super().poll)

    async def ask_patiently(self, poll: Callable[[], Awaitable[Any]]) -> Any:
        """Return what `poll` says, asking again while a hub that has just begun cannot be told.

        It takes a fault for the end, forgets a server that goes on to run, and its device would be lent to another.
        """
        until = time.monotonic() + self.http_timeout
        while True:
            try:
                return await poll()
            except Exception as error:
                if self.pending != "check" or time.monotonic() > until:
                    raise
                self.log.warning("Nobody says whether %s runs: %s", self._log_name, error)
            await asyncio.sleep(_LOOK_S)

    async def get_url(self) -> str:
        """Return where a server is that a hub before this one has started, as soon as it answers there or has ended.

        The hub asks when it begins, for each server that runs, and then waits for an answer. Of a server that was still starting when
        the last hub was killed, its database has a made-up address, at which nobody ever answers; and that a server has ended meanwhile
        it would not see. One that does not answer here gets one more look from the hub, which then stops it.
        """
        until = time.monotonic() + self.http_timeout
        while not await _answers(url := await self._find_url()):
            if time.monotonic() > until or await self._has_ended():
                self.http_timeout = 0
                break
        return url

    async def find_url(self) -> str:
        """Return where the server is: by what its shape knows of it, else as the hub's database says."""
        return str(self.server.url)

    async def _find_url(self) -> str:
        try:
            return await self.find_url()
        except Exception as error:  # raised from `get_url`, it would keep the server pending for ever, or end the hub
            self.log.warning("Nobody says where %s is: %s", self._log_name, error)
            return str(self.server.url)

    async def _has_ended(self) -> bool:
        try:
            return await self.poll() is not None
        except Exception as error:  # no answer proves nothing
            self.log.warning("Nobody says whether %s runs: %s", self._log_name, error)
            return False

    @property
    def is_run(self) -> bool:
        """Whether this server carries out a run, and ends by itself."""
        return bool(self.name.startswith(RUN_PREFIX))

    @default("poll_interval")
    def _poll_interval(self) -> int:
        """Look at runs often: their end frees a device, also when they could not report it."""
        return _RUN_POLL_S if self.is_run else _POLL_S

    async def options_from_query(self, query_data: dict[str, Any]) -> dict[str, Any]:
        """Read options that came in an address; who may set them so is decided by the hub's configuration."""
        reader: Any = self.query_reader
        return {} if reader is None else dict(await reader(query_data, self))

    def apply(self, placement: Placement) -> None:
        """Take over what this server is started with."""
        for name, value in placement.traits.items():
            setattr(self, name, value)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Tell whoever waits how many servers start before this one, then what the spawner itself has to tell."""
        told: int | None = None
        while self.turn is not None and (place := self.turn.place) is not None:
            if place != told:
                told = place
                yield {"progress": 5, "message": f"Many people start their servers just now. {place + 1} will start before yours ..."}
            await asyncio.sleep(_LOOK_S)
        async for event in super().progress():
            yield event


def _host_and_port(address: Any) -> tuple[str, int]:
    """Read what spawners return: a pair, or an address."""
    if isinstance(address, str):
        parts = urlsplit(address)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    host, port = address
    return str(host), int(port)


async def _listens(host: str, port: int) -> bool:
    """Say whether something takes connections there."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), timeout=2.0)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _answers(url: str) -> bool:
    """Say whether a server answers at its address, after a short while at the latest."""
    try:
        await asyncio.wait_for(wait_for_http_server(url_path_join(url, "api"), timeout=4 * _LOOK_S), timeout=_ANSWER_S)
    except TimeoutError:
        return False
    return True
