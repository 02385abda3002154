"""A small hub that really speaks HTTP, for tests of the service as a process of its own.

It stands in for JupyterHub for speed: fifty runs take seconds, and its servers are threads that keep a journal. It answers the few
addresses that the service uses, in the real one's words, and asks the service before each start as LabKit's hook does. That real hubs
behave alike is shown by the same contract on them.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from labkit.testing.queue_contract import JournalLine

__all__ = ["HttpHub"]

_SCOPE = "access:services!service=labkit"


@dataclass
class _Server:
    user: str
    name: str
    profile: str
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    state: str = "pending"
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)


class HttpHub:
    """Serves on a free port of 127.0.0.1 while the context lasts.

    Parameters
    ----------
    people : sequence of str
        Who has an account; the first is an admin.
    service_url : str
        Where the service will be, such as ``http://127.0.0.1:9000/services/labkit``.
    run_s : float
        How long each run computes.

    Attributes
    ----------
    api_url, service_token : str
        For the service's environment.
    away : bool
        While true every request is answered with 403, as by a hub without its database.
    held : bool
        While true no run comes to its end by itself.
    journal : list of JournalLine
        What the servers wrote down themselves.
    """

    def __init__(self, people: tuple[str, ...], service_url: str, run_s: float = 0.1) -> None:
        self.people = people
        self.run_s = run_s
        self.away = False
        self.held = False
        self.journal: list[JournalLine] = []
        self.service_token = secrets.token_hex(16)
        self._service_url = service_url
        self._tokens = {secrets.token_hex(16): person for person in people}
        self._servers: dict[tuple[str, str], _Server] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._http = _HttpServer(("127.0.0.1", 0), _handler(self))
        self.api_url = f"http://127.0.0.1:{self._http.server_port}/hub/api"

    def __enter__(self) -> HttpHub:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closing.set()
        for server in list(self._servers.values()):
            server.stop.set()
        self._http.shutdown()
        self._http.server_close()

    def token_of(self, person: str) -> str:
        """Return a token of a person's own."""
        return next(token for token, name in self._tokens.items() if name == person)

    def names(self) -> list[tuple[str, str]]:
        """Return all servers that there is a row of."""
        with self._lock:
            return sorted(self._servers)

    # -- answers --

    def answer(self, method: str, path: tuple[str, ...], token: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Return status and body."""
        if self.away:
            return 403, {"message": "Missing or invalid credentials."}
        if path == ("user",):
            return self._whose(token)
        if token != self.service_token:
            return 403, {"message": "Missing or invalid credentials."}
        if method == "GET" and path == ("users",):
            return 200, self._page([self._user(person) for person in self.people])
        if path == ("groups",):
            return 200, self._page([])
        if path[0] == "users" and len(path) >= 3 and path[2] in ("server", "servers"):
            return self._server(method, path[1], path[3] if len(path) > 3 else "", body)
        if method == "GET" and path[0] == "users" and len(path) == 2 and path[1] in self.people:
            return 200, self._user(path[1])
        return 404, {"message": "Not found"}

    def _whose(self, token: str) -> tuple[int, Any]:
        if token == self.service_token:
            return 200, {"kind": "service", "name": "labkit", "scopes": ["servers", "list:users"]}
        person, scopes = self._tokens.get(token), [_SCOPE]
        with self._lock:
            for server in self._servers.values():
                if server.token == token:
                    person, scopes = server.user, [_SCOPE, f"access:servers!server={server.user}/{server.name}"]
        if person is None:
            return 403, {"message": "Missing or invalid credentials."}
        is_admin = person == self.people[0]
        return 200, {
            "kind": "user",
            "name": person,
            "admin": is_admin,
            "groups": [],
            "scopes": [*scopes, "admin:users"] if is_admin else scopes,
        }

    def _user(self, person: str) -> dict[str, Any]:
        with self._lock:
            servers = {server.name: _model(server) for (user, _), server in self._servers.items() if user == person}
        return {"name": person, "kind": "user", "admin": person == self.people[0], "groups": [], "servers": servers}

    def _page(self, items: list[Any]) -> dict[str, Any]:
        return {"items": items, "_pagination": {"offset": 0, "limit": 200, "total": len(items), "next": None}}

    def _server(self, method: str, user: str, name: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        with self._lock:
            server = self._servers.get((user, name))
        if method == "GET":
            return (200, _model(server)) if server else (404, {"message": "No such server"})
        if method == "POST":
            return self._start(user, name, body.get("user_options") or {})
        if server is None:
            return 404, {"message": "No such server"}
        server.stop.set()
        if server.state != "stopped" and not server.ended.wait(5):
            return 202, None
        if body.get("remove"):
            with self._lock:
                if self._servers.get((user, name)) is server:
                    del self._servers[user, name]
        return 204, None

    # -- servers --

    def _start(self, user: str, name: str, options: Mapping[str, Any]) -> tuple[int, Any]:
        with self._lock:
            known = self._servers.get((user, name))
            if known is not None and known.state != "stopped":
                return 400, {"message": f"{user}'s server {name} is already {known.state}"}
            server = self._servers[user, name] = _Server(user, name, str(options.get("profile", "")))
        asked = {"user": user, "server": name, "profile": server.profile, "ticket": options.get("ticket"), "by": "service"}
        try:
            answer = httpx.post(
                f"{self._service_url}/internal/admit",
                json=asked,
                headers={"Authorization": f"token {self.service_token}"},
                timeout=60,
                trust_env=False,
            )
        except httpx.HTTPError:
            server.state = "stopped"
            return 500, {"message": "LabKit's service does not answer; try again."}
        if answer.status_code != 200:
            server.state = "stopped"
            return 403, {"message": answer.json()["error"]["message"]}
        devices = ",".join(device["key"] for device in answer.json()["devices"])
        server.state = "running"
        threading.Thread(target=self._run, args=(server, devices), daemon=True).start()
        return 201, None

    def _run(self, server: _Server, device: str) -> None:
        """Carry a run out, as its server does: compute for a while, report, and go."""
        run_id = server.name.removeprefix("run-")
        with self._lock:
            self.journal.append(JournalLine(run_id, device, began=True, time=time.monotonic()))
        self._report(server, run_id, "running")
        was_stopped = server.stop.wait(self.run_s)
        while self.held and not was_stopped:
            was_stopped = server.stop.wait(0.02)
        with self._lock:
            self.journal.append(JournalLine(run_id, device, began=False, time=time.monotonic()))
        self._report(server, run_id, "cancelled" if was_stopped else "done")
        server.state = "stopped"
        server.ended.set()

    def _report(self, server: _Server, run_id: str, state: str) -> None:
        """Report until it is heard, unless the server is being stopped."""
        url, headers = f"{self._service_url}/api/runs/{run_id}/report", {"Authorization": f"token {server.token}"}
        while not self._closing.is_set():
            try:
                answer = httpx.post(url, json={"state": state, "reason": ""}, headers=headers, timeout=30, trust_env=False)
                if answer.status_code < 500:
                    return
            except httpx.HTTPError:
                pass
            if server.stop.is_set():
                return
            time.sleep(0.1)


def _model(server: _Server) -> dict[str, Any]:
    return {
        "name": server.name,
        "pending": "spawn" if server.state == "pending" else None,
        "ready": server.state == "running",
        "stopped": server.state == "stopped",
        "user_options": {"profile": server.profile},
    }


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of callers that were killed."""


def _handler(hub: HttpHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}") if length else {}
            path = urlsplit(self.path).path.removeprefix("/hub/api/").strip("/")
            token = (self.headers.get("Authorization") or "").partition(" ")[2]
            status, answer = hub.answer(self.command, tuple(unquote(part) for part in path.split("/")), token, body)
            data = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("X-JupyterHub-Version", "6.1.1")
            self.send_header("Content-Type", "application/json")
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if status != 204:
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
