"""A stand-in for the hub and its service `labkit`, for tests of the student's side: real HTTP, one device, real run servers.

It stands in for the API under ``/services/labkit/api`` (`labkit.client.wire`), for the queue (first come, first served, one device,
nobody else), and for the hub that starts ``python -m labkit.runs.served`` as a server of the person and stops it with SIGTERM. It does
not stand in for roles, courses, tickets, budgets or fairness: whoever has the token may do everything.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from labkit.client.settings import ServiceAddress
from labkit.client.wire import Announcement, CourseItem, DeviceCount, HubRunItem, NewHubRun, RunMoveAsk, RunProfile, RunReport, Standing
from labkit.errors import Conflict, InvalidInput, LabKitError, NotFound, response_for
from labkit.storage import utc_now
from labkit.testing.ports import free_port

__all__ = ["TOKEN", "StandInService", "hub_service"]

TOKEN = "a-token-of-a-test"
_PREFIX = "/services/labkit"
_DEVICE = "fake-0"
_ENDS = ("done", "failed", "cancelled", "lost")


class StandInService:
    """The stand-in; start it with `hub_service`.

    Parameters
    ----------
    home : Path
        The home of the person, which the run's servers get too.
    grace_s : float
        How long a run has from a cancel until it is ended by force.

    Attributes
    ----------
    is_taken : bool
        The device is somebody else's: what is submitted waits.
    is_away : bool
        Every request is answered by 503, as by a proxy whose service is down.
    reports : list of (str, RunReport)
        What the servers of runs have reported.
    puts : int
        How many runs were handed in, repetitions included.
    time_limit_s : float or None
        The most that a run may compute.
    announcement, pause : str
        Shown to everybody; while there is a pause nothing starts.
    """

    def __init__(self, home: Path, *, grace_s: float = 2.0) -> None:
        self.home = home
        self.is_taken = self.is_away = False
        self.announcement = self.pause = ""
        self.time_limit_s: float | None = None
        self.reports: list[tuple[str, RunReport]] = []
        self.puts = 0
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        self._grace_s = grace_s
        self._lock = threading.RLock()
        self._runs: dict[str, HubRunItem] = {}  # those that wait are in the order of the line
        self._http = _Server(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        """The service's address: ``LABKIT_SERVICE_URL``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}{_PREFIX}"

    @property
    def address(self) -> ServiceAddress:
        """Address and token of the person."""
        return ServiceAddress(self.url, TOKEN)

    def start(self) -> None:
        """Answer, on a thread."""
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """Stop to answer, and end every server of a run."""
        self._http.shutdown()
        self._http.server_close()
        for server in list(self.servers.values()):
            with contextlib.suppress(ProcessLookupError):
                server.kill()
            server.wait()

    def standing(self) -> Standing:
        """Return what a person is told."""
        with self._lock:
            going = [item for item in self._runs.values() if item.state in ("starting", "running", "cancelling")]
            waiting = sum(item.state == "waiting" for item in self._runs.values())
        return Standing(
            name="zoe",
            courses=(CourseItem(id="cells", title="Cells", role="student", hours_left=4.5),),
            profiles=(RunProfile(slug="gpu-run", title="A run on a GPU", gpus=1, longest_h=4),),
            devices=DeviceCount(total=1, free=0 if going or self.is_taken else 1, waiting=waiting),
            pause=self.pause,
            hours_left=4.5,
            announcement=Announcement(text=self.announcement, since=utc_now()) if self.announcement else None,
        )

    def items(self) -> list[HubRunItem]:
        """Return the runs as a person sees them, the newest first."""
        with self._lock:
            line = [item.id for item in self._runs.values() if item.state == "waiting"]
            return [self._shown(item, line) for item in reversed(list(self._runs.values()))]

    def item(self, run_id: str) -> HubRunItem:
        """Return one run, or raise that there is none."""
        for item in self.items():
            if item.id == run_id:
                return item
        raise NotFound(f"The hub has no run {run_id}.", hint="List the runs to see their ids.")

    def put(self, run_id: str, wish: NewHubRun) -> HubRunItem:
        """Take a run into the line, once."""
        with self._lock:
            self.puts += 1
            known = self._runs.get(run_id)
            if known is not None and (known.path, known.title) != (wish.path, wish.title):
                raise Conflict(f"The hub has another run {run_id}.", hint="Submit it anew.")
            if wish.course not in (None, "cells"):
                raise InvalidInput(f"You are in no course {wish.course!r}.", hint="Yours: cells.")
            if known is None:
                fields = wish.model_dump(exclude={"profile"}) | ({"time_limit_s": self.time_limit_s} if self.time_limit_s else {})
                self._runs[run_id] = HubRunItem(
                    id=run_id,
                    owner="zoe",
                    profile=wish.profile or "gpu-run",
                    state="waiting",
                    submitted=utc_now(),
                    page=f"{_PREFIX}/runs/{run_id}",
                    **fields,
                )
        self.dispatch()
        return self.item(run_id)

    def cancel(self, run_id: str) -> HubRunItem:
        """Take a run out of the line, or stop its server."""
        item = self.item(run_id)
        if item.state == "waiting":
            self._set(run_id, state="cancelled", reason="Cancelled before it started.", ended=utc_now())
        elif not item.has_ended:
            self._set(run_id, state="cancelling")
            with contextlib.suppress(ProcessLookupError):
                self.servers[run_id].send_signal(signal.SIGTERM)
        return self.item(run_id)

    def move(self, run_id: str, place: int) -> HubRunItem:
        """Change the order of the line."""
        with self._lock:
            if self.item(run_id).state != "waiting":
                raise NotFound(f"The run {run_id} does not wait.", hint="Only a run that has not started can be moved.")
            line = [item.id for item in self._runs.values() if item.state == "waiting" and item.id != run_id]
            line.insert(place, run_id)
            moved = {name: self._runs.pop(name) for name in line}
            self._runs.update(moved)
        return self.item(run_id)

    def report(self, run_id: str, report: RunReport) -> HubRunItem:
        """Take what a run's server says."""
        item = self.item(run_id)
        with self._lock:
            self.reports.append((run_id, report))
            if item.state == "waiting" and report.state not in _ENDS:
                raise Conflict("The hub has not started this run.", hint="It waits; this server should end.")
            if not item.has_ended or (item.state == "lost" and report.state in _ENDS):
                changes: dict[str, Any] = {"progress": report.progress or item.progress}
                if report.state in _ENDS:
                    changes |= {"state": report.state, "reason": report.reason, "ended": utc_now()}
                elif item.state == "starting":
                    changes |= {"state": "running", "started": utc_now()}
                self._set(run_id, **changes)
        return self.item(run_id)

    def end(self, run_id: str, state: str, reason: str) -> None:
        """Let a run end at the hub without its server: what a dead container or a refused spawn comes to."""
        self._set(run_id, state=state, reason=reason, ended=utc_now())

    def put_back(self, run_id: str) -> None:
        """Let a run wait again though its server lives: what a hub does that has taken its start for failed."""
        self._set(run_id, state="waiting")

    def dispatch(self) -> None:
        """Start the server of the first run in the line, if the device is free."""
        with self._lock:
            alive = [name for name, server in self.servers.items() if server.poll() is None]
            line = [item.id for item in self._runs.values() if item.state == "waiting"]
            if alive or not line or self.is_taken or self.pause:
                return
            self._set(line[0], state="starting", device=_DEVICE)
            self.servers[line[0]] = self.serve(line[0], self._runs[line[0]].path)
        threading.Thread(target=self._await, args=(line[0],), daemon=True).start()

    def serve(self, run_id: str, folder: str) -> subprocess.Popen[bytes]:
        """Start a server of a run, as the hub does."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTERHUB_")}
        return subprocess.Popen(
            [sys.executable, "-m", "labkit.runs.served", "--run", run_id, "--folder", folder, "--grace-s", str(self._grace_s)],
            env=variables
            | {
                "HOME": str(self.home),
                "LABKIT_SERVICE_URL": self.url,
                "JUPYTERHUB_API_TOKEN": TOKEN,
                "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{free_port()}/user/zoe/run-{run_id}/",
                "LABKIT_DEVICE": _DEVICE,
                "CUDA_VISIBLE_DEVICES": "",
            },
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _await(self, run_id: str) -> None:
        """Give the device back when a run's server has ended; one that ended without a word is lost."""
        self.servers[run_id].wait()
        with self._lock:
            if not self._runs[run_id].has_ended:
                self.end(run_id, "lost", "The run's server ended without a word.")
        self.dispatch()

    def _set(self, run_id: str, **changes: Any) -> None:
        with self._lock:
            self._runs[run_id] = self._runs[run_id].model_copy(update=changes)

    def _shown(self, item: HubRunItem, line: list[str]) -> HubRunItem:
        if item.state != "waiting":
            return item
        reason = self.pause or ("The device is in use." if line[0] == item.id else "Others come first.")
        return item.model_copy(update={"place": line.index(item.id), "reason": reason})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of somebody who was killed in the middle of a request."""


def _handler(service: StandInService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if service.is_away:
                self._answer(503, b"<html>Service Unavailable</html>")
            elif self.headers.get("Authorization") != f"token {TOKEN}":
                self._answer(403, b"{}")
            else:
                self._answer(*_answered(service, self.command, urlsplit(self.path).path.removeprefix(f"{_PREFIX}/api/"), body))

        do_GET = do_PUT = do_POST = _do  # noqa: N815

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing: tests look at states."""

    return Handler


def _answered(service: StandInService, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    try:
        if (method, path) == ("GET", "me"):
            return 200, service.standing().model_dump_json().encode()
        if (method, path) == ("GET", "runs"):
            return 200, json.dumps({"runs": [item.model_dump(mode="json") for item in service.items()]}).encode()
        return 200, _acted(service, method, path, body).model_dump_json().encode()
    except ValidationError as error:
        return 422, json.dumps({"error": InvalidInput(str(error.errors()[0]["msg"])).as_dict()}).encode()
    except LabKitError as error:
        return response_for(error).http_status, json.dumps({"error": error.as_dict()}).encode()


def _acted(service: StandInService, method: str, path: str, body: bytes) -> HubRunItem:
    found = re.fullmatch(r"runs/([a-z0-9]+)(/[a-z]+)?", path)
    if found is None:
        raise NotFound(f"There is nothing at {path}.")
    run_id, action = found[1], found[2] or ""
    actions: dict[tuple[str, str], Callable[[], HubRunItem]] = {
        ("GET", ""): lambda: service.item(run_id),
        ("PUT", ""): lambda: service.put(run_id, NewHubRun.model_validate_json(body)),
        ("POST", "/cancel"): lambda: service.cancel(run_id),
        ("POST", "/move"): lambda: service.move(run_id, RunMoveAsk.model_validate_json(body).place),
        ("POST", "/report"): lambda: service.report(run_id, RunReport.model_validate_json(body)),
    }
    if (method, action) not in actions:
        raise NotFound(f"Nobody answers {method} at {path}.")
    return actions[method, action]()


@contextmanager
def hub_service(home: Path) -> Iterator[StandInService]:
    """Give a running stand-in for the hub of the person with this home; nothing of it lives on afterwards."""
    service = StandInService(home)
    service.start()
    try:
        yield service
    finally:
        service.close()
