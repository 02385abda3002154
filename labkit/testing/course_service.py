"""The hub's real service, in this program and over real HTTP, with a course in it: for tests of the people's side.

Played are the hub that it asks who somebody is, and the queue: what a grading run does, a test does by `CourseService.grade`.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import httpx

from labkit.client import CourseClient, ServiceAddress
from labkit.client.course_wire import GradeAsk, TaskResult
from labkit.client.wire import DeviceCount, HubRunItem
from labkit.courses.records import CellScore, FileEntry, GradeResult, NotebookOutcome
from labkit.errors import NotFound
from labkit.storage import file_sha256
from labkit.testing.ports import free_port

if TYPE_CHECKING:
    from labkit_hub.service.context import Identity, QueueCounts, QueueStanding, ServiceContext
    from labkit_hub.service.database import Database

__all__ = ["COURSE", "CourseService", "course_service"]

COURSE = "image-ai"
_BASE = "/services/labkit"
_OWN = "token-of-the-service"
_ACCESS = "access:services!service=labkit"
_GRADER = "labkit-grader"
_PATIENCE_S = 120.0


class _PlayedHub:
    """A hub that knows people, groups and tokens."""

    def __init__(self) -> None:
        self.people: set[str] = set()
        self.groups: dict[str, set[str]] = {}
        self.tokens: dict[str, tuple[str, tuple[str, ...]]] = {}

    def add(self, name: str, *groups: str) -> None:
        """Add a person, whose token is made of the name."""
        self.people.add(name)
        self.tokens[_token(name)] = (name, (_ACCESS,))
        for group in groups:
            self.groups.setdefault(group, set()).add(name)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of the service."""
        path = request.url.raw_path.decode().removeprefix("/hub/api").split("?")[0]
        parts = [unquote(part) for part in path.strip("/").split("/")]
        status, body = self._answer(request, parts)
        return httpx.Response(status, json=body, headers={"X-JupyterHub-Version": "6.1.1"})

    def _answer(self, request: httpx.Request, parts: list[str]) -> tuple[int, Any]:
        token = request.headers["Authorization"].removeprefix("token ")
        if token != _OWN and token not in self.tokens:
            return 403, {"message": "Missing or invalid credentials."}
        if parts == ["user"]:
            return 200, self._whoami(token)
        if parts[0] == "users" and request.method == "GET":
            if len(parts) == 1:
                return 200, self._page([self._user(name) for name in sorted(self.people)])
            return (200, self._user(parts[1])) if len(parts) == 2 and parts[1] in self.people else (404, {"message": "Not Found"})
        if parts[0] == "groups":
            return self._group(request, parts)
        return 404, {"message": "Not Found"}

    def _whoami(self, token: str) -> dict[str, Any]:
        if token == _OWN:
            return {"kind": "service", "name": "labkit", "scopes": ["servers"]}
        name, scopes = self.tokens[token]
        return self._user(name) | {"kind": "user", "scopes": list(scopes)}

    def _user(self, name: str) -> dict[str, Any]:
        groups = sorted(group for group, names in self.groups.items() if name in names)
        return {"name": name, "admin": False, "servers": {}, "groups": groups}

    def _group(self, request: httpx.Request, parts: list[str]) -> tuple[int, Any]:
        if request.method == "GET":
            return 200, self._page([{"name": name, "users": sorted(users)} for name, users in self.groups.items()])
        names = set(json.loads(request.content).get("users", ())) if request.content else set()
        members = self.groups.setdefault(parts[1], set())
        if request.method == "DELETE":
            members -= names
        else:
            members |= names
        return 200, {}

    @staticmethod
    def _page(items: list[dict[str, Any]]) -> dict[str, Any]:
        return {"items": items, "_pagination": {"offset": 0, "limit": len(items), "total": len(items), "next": None}}


class _PlayedQueue:
    """A queue in which nothing happens by itself."""

    def __init__(self) -> None:
        from fastapi import APIRouter

        self.router = APIRouter()
        self.views = self

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def devices(self) -> list[Any]:
        """Return no devices."""
        return []

    def line(self, *, first: int, owner: str) -> list[HubRunItem]:
        """Return nothing."""
        return []

    def active(self) -> list[HubRunItem]:
        """Return nothing."""
        return []

    def recent(self, **_: Any) -> list[HubRunItem]:
        """Return nothing."""
        return []

    def run(self, run_id: str, by: Identity) -> HubRunItem:
        """Know no run."""
        raise NotFound("There is no such run of yours.", hint="The page Runs lists them.")

    def standing(self, who: Identity) -> QueueStanding:
        """Return that there are no devices."""
        from labkit_hub.service.context import QueueStanding

        return QueueStanding(devices=DeviceCount(total=0, free=0, waiting=0))

    def counts(self) -> QueueCounts:
        """Return noughts."""
        from labkit_hub.service.context import QueueCounts

        return QueueCounts(runs={}, devices={}, leases=0, waiting=0, oldest_wait_s=0.0)

    def paused(self) -> None:
        """Return that it is not paused."""

    def start_device(self, device_id: int, by: Identity) -> Any:
        """Know no device, run or pause: nothing of this is asked here."""
        raise NotFound("There is no such device.")

    drain_device = stop_device = start_device
    pause = resume = cancel = start_device


class CourseService:
    """The service while it answers; start it with `course_service`.

    Attributes
    ----------
    url : str
        ``LABKIT_SERVICE_URL``.
    is_away : bool
        Every request is answered by 503, as by a proxy whose service is down.
    lost : set of str
        Requests, such as ``POST /assignments/ID/submissions``, whose next answer gets lost after they were carried out.
    asked : list of str
        What was asked, in order.
    """

    def __init__(self, place: Path) -> None:
        self.hub = _PlayedHub()
        self.is_away = False
        self.lost: set[str] = set()
        self.asked: list[str] = []
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}{_BASE}"
        self._place = place
        self._server: Any = None
        self.database: Database | None = None

    def start(self) -> None:
        """Answer, on a thread, with an empty course ``image-ai`` of prof, tom (assistant), ada, ben and zoë b."""
        import uvicorn

        for name in ("prof", "tom", "ada", "ben", "zoë b", _GRADER):
            self.hub.add(name, *(("professors",) if name == "prof" else ()))
        config = uvicorn.Config(self._guarded(self._app()), host="127.0.0.1", port=self._port, log_level="error", lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until = time.monotonic() + _PATIENCE_S
        while not self._is_open():
            if time.monotonic() > until:
                raise RuntimeError("the service did not open")
            time.sleep(0.02)
        self._ask("prof", "POST", "courses", json={"id": COURSE, "title": "Image AI"})
        roster = "username,role,name\ntom,assistant,Tom\nada,student,Ada\nben,student,Ben\nzoë b,student,Zoë B\n"
        self._ask("prof", "POST", f"courses/{COURSE}/roster", content=roster.encode())
        self.asked.clear()

    def close(self) -> None:
        """Stop to answer."""
        self._server.should_exit = True
        self._thread.join()

    def add_course(self, course: str, title: str, roles: Mapping[str, str]) -> None:
        """Make a course of prof, and of further people with their roles."""
        self._ask("prof", "POST", "courses", json={"id": course, "title": title})
        for name, role in roles.items():
            self._ask("prof", "PUT", f"courses/{course}/members/{quote(name)}", json={"role": role})

    def environment(self, name: str) -> dict[str, str]:
        """Return what a server of this person has in its environment."""
        return {"LABKIT_SERVICE_URL": self.url, "LABKIT_HUB_TOKEN": _token(name)}

    def client(self, name: str, *, patience_s: float = 5.0) -> CourseClient:
        """Return a client that asks as this person."""
        return CourseClient(ServiceAddress(self.url, _token(name)), patience_s=patience_s)

    def grade(self, assignment: str, points: Mapping[str, float], *, page: str = "", note: str = "") -> None:
        """Do what a grading run does: the batch that waits, else everything that counts.

        Parameters
        ----------
        points : mapping of key to points
            By `Item.key`; all other items wait for a person.
        page : str
            HTML of every executed notebook.
        """
        prof = self.client("prof")
        run, address = self.begin_grading(assignment)
        grader = CourseClient(address)
        items = prof.release(assignment, prof.assignment(assignment).release).items
        for task in grader.grading_job(run).tasks:
            files, html = self._page(grader, run, page)
            result = GradeResult(
                submission=task.submission,
                state="graded",
                scores=tuple(CellScore(item=item, points=points.get(item.key), note=note) for item in items),
                notebooks=tuple(NotebookOutcome(notebook=name, state="done", html=html) for name in task.manifest.notebooks),
                isolation="process",
            )
            grader.put_result(run, task.submission, TaskResult(result=result, files=files))
        self._set_run(run, "done")

    def begin_grading(self, assignment: str) -> tuple[str, ServiceAddress]:
        """Start the batch that waits, else one of everything that counts; return its run, and what the run's own server asks with."""
        prof = self.client("prof")
        waiting = [batch for batch in prof.batches(assignment) if batch.state == "waiting"]
        batch = waiting[0] if waiting else prof.start_grading(assignment, GradeAsk(which="all"))
        self._set_run(batch.run, "running")
        token = f"token-of-run-{batch.run}"
        self.hub.tokens[token] = (_GRADER, (_ACCESS, f"access:servers!server={_GRADER}/run-{batch.run}"))
        return batch.run, ServiceAddress(self.url, token)

    def _set_run(self, run: str, state: str) -> None:
        from sqlalchemy import select

        from labkit_hub.service.tables import RunRow

        assert self.database is not None
        with self.database.transaction() as session:
            row = session.scalars(select(RunRow).where(RunRow.id == run)).one()
            row.state, row.started = state, row.started or datetime.now(UTC)

    @staticmethod
    def _page(grader: CourseClient, run: str, page: str) -> tuple[tuple[FileEntry, ...], str | None]:
        if not page:
            return (), None
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "page.html"
            path.write_text(page)
            sha256 = file_sha256(path)
            grader.put_grading_file(run, sha256, path)
            return (FileEntry(path="page.html", sha256=sha256, size=path.stat().st_size),), sha256

    def _app(self) -> Any:
        from labkit_hub.service.address import HubAddress
        from labkit_hub.service.database import Database
        from labkit_hub.service.house import open_house
        from labkit_hub.service.migrate import migrate
        from labkit_hub.settings import ServiceSettings, Settings

        address = HubAddress("http://hub.test/hub/api", _OWN, _BASE, "/hub", "service-labkit", f"{_BASE}/oauth_callback", 1)
        self._place.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{self._place}/service.sqlite"
        settings = Settings(var=self._place, service=ServiceSettings(database_url=url))
        self.database = Database(url)
        migrate(self.database)

        def open_queue(_: ServiceContext) -> Any:
            return _PlayedQueue()

        def fail(error: BaseException) -> None:
            raise error

        return open_house(settings, address, fail, open_queue=open_queue, transport=httpx.MockTransport(self.hub.answer))

    def _guarded(self, app: Any) -> Any:
        """Stand before the service: count, be away, lose answers."""

        async def guard(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            said = f"{scope['method']} {scope['path'].removeprefix(f'{_BASE}/api')}"
            self.asked.append(said)
            if self.is_away:
                await _answer_503(send)
            elif said in self.lost:
                self.lost.discard(said)
                await app(scope, receive, _swallow)
                await _answer_503(send)
            else:
                await app(scope, receive, send)

        return guard

    def _is_open(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _ask(self, name: str, method: str, path: str, **more: Any) -> None:
        headers = {"Authorization": f"token {_token(name)}"}
        answer = httpx.request(method, f"{self.url}/api/{path}", headers=headers, timeout=60, trust_env=False, **more)
        assert answer.status_code < 300, answer.text


async def _swallow(_: Any) -> None:
    return None


async def _answer_503(send: Any) -> None:
    await send({"type": "http.response.start", "status": 503, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"<html>Service Unavailable</html>"})


def _token(name: str) -> str:
    return f"token-of-{name.encode().hex()}"


@contextmanager
def course_service(place: Path) -> Iterator[CourseService]:
    """Give a running service that keeps its things in `place`."""
    service = CourseService(place)
    service.start()
    try:
        yield service
    finally:
        service.close()
