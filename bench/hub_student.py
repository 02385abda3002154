"""One simulated student: a browser that logs in, starts a server, looks at pages, and a panel that asks the service."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

from bench.hub_world import PASSWORD
from labkit.storage import new_id

__all__ = ["Book", "Student"]

Kind = Literal["page", "api", "login"]
_HEADERS = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}
_POLL_S = 0.05


@dataclass(slots=True)
class Book:
    """What was measured: milliseconds by kind of request, and what failed."""

    times_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: list[str] = field(default_factory=list)
    is_open: bool = False  # times are only noted while the class works

    def p95_ms(self, kind: Kind) -> float:
        """Return the time within which 95 of 100 requests were answered."""
        ordered = sorted(self.times_ms[kind]) or [0.0]
        return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


class Student:
    """A student with a session of their own.

    Parameters
    ----------
    url : str
        The hub's address, without a slash at the end.
    """

    def __init__(self, url: str, name: str, book: Book) -> None:
        self.name, self._url, self._book, self._token = name, url, book, ""
        jar = aiohttp.CookieJar(unsafe=True)
        # The proxy closes a connection after five idle seconds; a browser then sends again by itself, this client would not.
        connector = aiohttp.TCPConnector(keepalive_timeout=3)
        self._http = aiohttp.ClientSession(connector=connector, cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=120), trust_env=False)

    async def close(self) -> None:
        """Leave."""
        await self._http.close()

    async def _ask(self, kind: Kind, method: str, path: str, *, expect: int = 200, **more: Any) -> bytes:
        started = time.perf_counter()
        try:
            async with self._http.request(method, self._url + path, **more) as answer:
                body = await answer.read()
                if answer.status // 100 != expect // 100:
                    self._book.failures.append(f"{method} {path}: {answer.status} {body[:200]!r}")
                    body = b"{}"
        except (aiohttp.ClientError, TimeoutError) as error:
            self._book.failures.append(f"{method} {path}: {error!r}")
            return b"{}"
        if self._book.is_open:
            self._book.times_ms[kind].append((time.perf_counter() - started) * 1000)
        return body

    async def page(self, path: str) -> None:
        """Look at a page, as a browser does."""
        await self._ask("page", "GET", path, headers=_HEADERS)

    async def api(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Ask the service as the panel does, with a token."""
        found = await self._ask("api", method, f"/services/labkit/api/{path}", headers={"Authorization": f"token {self._token}"}, **more)
        return dict(json.loads(found or b"{}"))

    def _xsrf(self) -> str:
        cookies = [cookie for cookie in self._http.cookie_jar if cookie.key == "_xsrf"]
        return next((cookie.value for cookie in cookies if cookie["path"] == "/hub/"), "")

    async def log_in(self) -> None:
        """Log in, and take a token for the panel."""
        await self._ask("login", "GET", "/hub/login", headers=_HEADERS)
        form = {"_xsrf": self._xsrf(), "username": self.name, "password": PASSWORD}
        await self._ask("login", "POST", "/hub/login?next=/hub/home", data=form, headers=_HEADERS)
        made = await self._ask("login", "POST", f"/hub/api/users/{self.name}/tokens", json={}, headers=self._own())
        self._token = json.loads(made).get("token", "")

    def _own(self) -> dict[str, str]:
        return {"X-XSRFToken": self._xsrf(), "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}

    async def start_server(self) -> float:
        """Start the own server; return how many seconds that took."""
        started = time.perf_counter()
        await self._ask("login", "POST", f"/hub/api/users/{self.name}/server", json={}, headers=self._own())
        async with self._http.get(f"{self._url}/hub/api/users/{self.name}/server/progress", headers=self._own()) as stream:
            async for line in stream.content:
                event = json.loads(line[5:]) if line.startswith(b"data:") else {}
                if event.get("ready"):
                    return time.perf_counter() - started
                if event.get("failed"):
                    break
        self._book.failures.append(f"the server of {self.name} did not start")
        return time.perf_counter() - started

    async def stop_server(self) -> None:
        """Stop the own server, and wait until it is gone."""
        await self._ask("login", "DELETE", f"/hub/api/users/{self.name}/server", headers=self._own())
        while (json.loads(await self._ask("login", "GET", f"/hub/api/users/{self.name}", headers=self._own())).get("servers") or {}).get(
            ""
        ):
            await asyncio.sleep(_POLL_S)

    async def submit(self) -> str:
        """Put a run into the line and return its id."""
        run_id = new_id()
        await self.api("PUT", f"runs/{run_id}", json={"kind": "train", "path": "projects/cells/runs", "title": "bench"}, expect=201)
        return run_id

    async def wait_until_running(self, run_id: str, *, poll_s: float = _POLL_S) -> None:
        """Wait until the run's server is there."""
        while (await self.api("GET", f"runs/{run_id}")).get("state") in ("waiting", "starting"):
            await asyncio.sleep(poll_s)

    async def end(self, run_id: str) -> None:
        """Report the end of a run, as its server does."""
        await self.api("POST", f"runs/{run_id}/report", json={"state": "done"})
