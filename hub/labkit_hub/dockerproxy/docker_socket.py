"""Asking Docker itself, over its socket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp

__all__ = ["DockerSocket"]

_TIMEOUT = aiohttp.ClientTimeout(total=900, sock_connect=5)
_ENDLESS = aiohttp.ClientTimeout(total=None, sock_connect=5)  # until a container has ended, or nobody waits for it any more


class DockerSocket:
    """Docker's socket, open while this is used as an asynchronous context.

    Parameters
    ----------
    path : str
    """

    def __init__(self, path: str) -> None:
        self._path = path

    async def __aenter__(self) -> DockerSocket:
        self._session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(self._path, limit=256), timeout=_TIMEOUT)
        self._anew = aiohttp.ClientSession(connector=aiohttp.UnixConnector(self._path, force_close=True), timeout=_TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await self._anew.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        is_long: bool = False,
        anew: bool = False,
    ) -> aiohttp.client._RequestContextManager:
        """Send a call written here; `path` is made of checked parts, and one that `is_long` may take as long as it likes.

        `anew` takes a connection of its own: an engine that is being stopped goes on to answer by those that are open.
        """
        address = f"http://docker{quote(path, safe='/:@')}" + (f"?{urlencode(query)}" if query else "")
        timeout = _ENDLESS if is_long else _TIMEOUT
        session = self._anew if anew else self._session
        return session.request(method, address, json=body, allow_redirects=False, timeout=timeout)

    async def facts(self, path: str, *, query: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        """Return what Docker knows of one thing, None if there is no such thing.

        Raises
        ------
        aiohttp.ClientError
            Docker does not answer, or not with facts.
        """
        async with self.call("GET", path, query=query) as answer:
            if answer.status == 404:
                return None
            answer.raise_for_status()
            found = await answer.json(content_type=None)
            return found if isinstance(found, dict) else None
