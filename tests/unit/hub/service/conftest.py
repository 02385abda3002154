"""The service against a hub and a queue that are only played, so that it is fast; tests/integration has the real ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import httpx
import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from labkit.client.wire import DeviceCount, HubRunItem
from labkit.errors import Conflict, NotFound
from labkit_hub.service.address import HubAddress
from labkit_hub.service.context import (
    DeviceView,
    Identity,
    LeaseView,
    PauseView,
    QueueCounts,
    QueueStanding,
    ServiceContext,
)
from labkit_hub.service.database import Database
from labkit_hub.service.house import open_house
from labkit_hub.settings import ServiceSettings, Settings

if TYPE_CHECKING:
    from pathlib import Path

BASE = "/services/labkit"
ACCESS = "access:services!service=labkit"
OWN = "token-of-the-service"
ADMIN_SCOPES = (ACCESS, "admin:users", "read:metrics")


@dataclass
class PlayedHub:
    """A hub over HTTP, as far as the service asks it.

    ``mood`` is ``well``, ``database away`` (it refuses everybody, as the real one does), ``broken`` (500), ``silent`` (no answer), or
    ``stranger`` (something else answers at its address).
    """

    mood: str = "well"
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    start_answer: tuple[int, dict[str, Any], dict[str, str]] = (201, {}, {})

    def add(self, name: str, *, admin: bool = False, groups: tuple[str, ...] = ()) -> str:
        """Add a person and return a token that may do all that the person may."""
        self.users[name] = {"name": name, "admin": admin, "servers": {}}
        for group in groups:
            self.groups.setdefault(group, set()).add(name)
        token = f"token-of-{name.encode('ascii', 'ignore').decode()}-{len(self.tokens)}"
        self.tokens[token] = (name, ADMIN_SCOPES if admin else (ACCESS,))
        return token

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().removeprefix("/hub/api").split("?")[0]
        parts = [unquote(part) for part in path.strip("/").split("/")]
        self.asked.append(f"{request.method} {path}")
        if self.mood == "silent":
            raise httpx.ReadTimeout("no answer", request=request)
        if self.mood == "broken":
            return self.say(500, {"message": "Internal Server Error"})
        if self.mood == "stranger":
            return httpx.Response(404, json={"message": "no such page"})
        if parts == ["oauth2", "token"]:
            return self.change_code(parse_qs(request.content.decode()))
        token = request.headers["Authorization"].removeprefix("token ")
        if self.mood == "database away" or (token != OWN and token not in self.tokens):
            return self.say(403, {"message": "Missing or invalid credentials."})
        if parts == ["user"]:
            return self.say(200, self.whoami(token))
        body = json.loads(request.content) if request.content else {}
        method = getattr(self, f"{request.method.lower()}_{parts[0]}")
        return method(parts[1:], body, dict(request.url.params))

    @staticmethod
    def say(status: int, body: Any = None, headers: dict[str, str] | None = None) -> httpx.Response:
        return httpx.Response(status, json=body, headers={"X-JupyterHub-Version": "6.1.1", **(headers or {})})

    def whoami(self, token: str) -> dict[str, Any]:
        if token == OWN:
            return {"kind": "service", "name": "labkit", "scopes": ["servers"]}
        name, scopes = self.tokens[token]
        groups = sorted(group for group, names in self.groups.items() if name in names)
        return {"kind": "user", "name": name, "admin": self.users[name]["admin"], "groups": groups, "scopes": list(scopes)}

    def change_code(self, form: dict[str, list[str]]) -> httpx.Response:
        if self.mood == "database away" or form["client_secret"] != [OWN] or form["code"][0] not in self.codes:
            return self.say(400 if self.mood == "well" else 403, {"message": "invalid_grant"})
        name = self.codes.pop(form["code"][0])
        token = f"cookie-of-{name}"
        self.tokens[token] = (name, (ACCESS,))
        return self.say(200, {"access_token": token})

    def paged(self, items: list[dict[str, Any]], params: dict[str, str]) -> httpx.Response:
        offset, limit = int(params["offset"]), min(int(params["limit"]), 2)  # a hub may give less than it is asked for
        more = {"offset": offset + limit, "limit": limit} if offset + limit < len(items) else None
        pagination = {"offset": offset, "limit": limit, "total": len(items), "next": more}
        return self.say(200, {"items": items[offset : offset + limit], "_pagination": pagination})

    def get_users(self, parts: list[str], _body: dict[str, Any], params: dict[str, str]) -> httpx.Response:
        if not parts:
            return self.paged(list(self.users.values()), params)
        if parts[0] not in self.users:
            return self.say(404, {"message": "Not Found"})
        if len(parts) == 1:
            return self.say(200, self.users[parts[0]])
        server = self.users[parts[0]]["servers"].get(parts[2] if len(parts) > 2 else "")
        return self.say(200, server) if server else self.say(404, {"message": "Not Found"})

    def post_users(self, parts: list[str], body: dict[str, Any], _params: dict[str, str]) -> httpx.Response:
        status, answer, headers = self.start_answer
        if status in (201, 202):
            self.users[parts[0]]["servers"][parts[2]] = server(parts[2], "spawn" if status == 202 else None, body["user_options"])
        return self.say(status, answer, headers)

    def delete_users(self, parts: list[str], body: dict[str, Any], _params: dict[str, str]) -> httpx.Response:
        servers = self.users.get(parts[0], {"servers": {}})["servers"]
        if parts[2] not in servers:
            return self.say(404, {"message": "no such server"})
        servers[parts[2]] = server(parts[2], stopped=True)
        if body.get("remove"):
            del servers[parts[2]]
        return self.say(204)

    def get_groups(self, _parts: list[str], _body: dict[str, Any], params: dict[str, str]) -> httpx.Response:
        return self.paged([{"name": name, "users": sorted(users)} for name, users in self.groups.items()], params)

    def post_groups(self, parts: list[str], body: dict[str, Any], _params: dict[str, str]) -> httpx.Response:
        if len(parts) == 1:
            if parts[0] in self.groups:
                return self.say(409, {"message": "exists"})
            self.groups[parts[0]] = set()
        elif not set(body["users"]) <= set(self.users):
            return self.say(400, {"message": "No such user"})
        else:
            self.groups[parts[0]] |= set(body["users"])
        return self.say(201, {})

    def delete_groups(self, parts: list[str], body: dict[str, Any], _params: dict[str, str]) -> httpx.Response:
        self.groups[parts[0]] -= set(body["users"])
        return self.say(200, {})


def server(name: str, pending: str | None = None, options: dict[str, Any] | None = None, *, stopped: bool = False) -> dict[str, Any]:
    """Return a server as the hub describes it."""
    ready = not stopped and pending is None
    return {"name": name, "ready": ready, "pending": pending, "stopped": stopped, "user_options": options or {}, "url": "/user/x/"}


def run(run_id: str, owner: str, state: str, **facts: Any) -> HubRunItem:
    """Return a run as the queue describes it."""
    fields = {"kind": "train", "path": "projects/cells/runs", "profile": "gpu-run", "submitted": datetime.now(UTC) - timedelta(minutes=7)}
    return HubRunItem.model_validate({**fields, "id": run_id, "owner": owner, "state": state, "page": f"{BASE}/runs/{run_id}"} | facts)


class PlayedQueue:
    """A queue room whose runs and devices are what a test says."""

    def __init__(self) -> None:
        self.router = APIRouter()
        self.views = self
        self.runs: list[HubRunItem] = []
        self.all_devices: list[DeviceView] = []
        self.pause_view: PauseView | None = None
        self.is_open = False

    def start(self) -> None:
        self.is_open = True

    def stop(self) -> None:
        self.is_open = False

    def devices(self) -> list[DeviceView]:
        return self.all_devices

    def line(self, *, first: int, owner: str) -> list[HubRunItem]:
        waiting = [item for item in self.runs if item.state == "waiting"]
        return [item for place, item in enumerate(waiting) if place < first or item.owner == owner]

    def active(self) -> list[HubRunItem]:
        return [item for item in self.runs if item.state in ("starting", "running", "cancelling")]

    def recent(self, *, owner: str | None = None, course: str | None = None, limit: int = 20) -> list[HubRunItem]:
        return [item for item in self.runs if item.has_ended and owner in (None, item.owner) and course in (None, item.course)][:limit]

    def run(self, run_id: str, by: Identity) -> HubRunItem:
        for item in self.runs:
            if item.id == run_id and (by.is_admin or by.name == item.owner or item.course in by.is_staff_of):
                return item
        raise NotFound("There is no such run of yours.", hint="The page Runs lists them.")

    def standing(self, who: Identity) -> QueueStanding:
        free = sum(device.lease is None for device in self.all_devices)
        return QueueStanding(
            devices=DeviceCount(total=len(self.all_devices), free=free, waiting=sum(item.state == "waiting" for item in self.runs))
        )

    def counts(self) -> QueueCounts:
        return QueueCounts(runs={"waiting": 2, "done": 5}, devices={"ready": 1}, leases=1, waiting=2, oldest_wait_s=12.0)

    def paused(self) -> PauseView | None:
        return self.pause_view

    def _device(self, device_id: int, state: Any) -> DeviceView:
        for place, device in enumerate(self.all_devices):
            if device.id == device_id:
                self.all_devices[place] = replace(device, state=state)
                return self.all_devices[place]
        raise NotFound("There is no such device.", hint="")

    def start_device(self, device_id: int, by: Identity) -> DeviceView:
        return self._device(device_id, "ready")

    def drain_device(self, device_id: int, by: Identity) -> DeviceView:
        return self._device(device_id, "draining")

    def stop_device(self, device_id: int, by: Identity) -> DeviceView:
        return self._device(device_id, "stopped")

    def pause(self, reason: str, by: Identity) -> PauseView:
        self.pause_view = PauseView(reason, datetime.now(UTC), by.name)
        return self.pause_view

    def resume(self, by: Identity) -> None:
        self.pause_view = None

    def cancel(self, run_id: str, by: Identity) -> HubRunItem:
        item = self.run(run_id, by)
        if item.has_ended:
            raise Conflict("This run has ended.", hint="")
        changed = item.model_copy(update={"state": "cancelling"})
        self.runs[self.runs.index(item)] = changed
        return changed


def fill(queue: PlayedQueue) -> None:
    """Put two devices, runs that compute, wait and have ended into a queue."""
    now = datetime.now(UTC)
    lease = LeaseView(
        "student", "run-k7q2m9x4c1aa", "k7q2m9x4c1aa", "image-ai", now - timedelta(minutes=31), now + timedelta(hours=11), now
    )
    queue.all_devices = [
        DeviceView(1, "nvidia", "GPU-5e2b1c7a-9f31", "NVIDIA L40S", "ready", "node-1", 46068, now, lease),
        DeviceView(2, "fake", "fake-0", "Fake device 0", "stopped", seen=now),
    ]
    submitted, started = now - timedelta(minutes=40), now - timedelta(minutes=31)
    queue.runs = [
        run(
            "k7q2m9x4c1aa",
            "student",
            "running",
            title="Nuclei, U-Net, 20 epochs",
            course="image-ai",
            submitted=submitted,
            started=started,
            device="NVIDIA L40S",
        ).model_copy(update={"progress": "epoch 12 of 20, loss 0.21"}),
        run("b2c3d4e5f6g7", "ada", "waiting", title="Axons", course="other", place=0, reason="It starts as soon as a device is free."),
        run(
            "c3d4e5f6g7h8",
            "student",
            "waiting",
            title="Nuclei, again",
            course="image-ai",
            place=1,
            reason="One device at a time for each person.",
        ),
        run(
            "d4e5f6g7h8i9", "student", "failed", title="Too large", course="image-ai", submitted=submitted, started=started, ended=now
        ).model_copy(update={"reason": "The device has too little memory for tiles of 2048 px. Choose smaller tiles."}),
    ]


@dataclass
class House:
    """The service with a played hub and queue, and clients of it."""

    hub: PlayedHub
    queue: PlayedQueue
    database: Database
    client: TestClient
    files: Path
    """Where the courses' files lie."""

    def ask(self, token: str | None, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request below the base path, with a token in its header."""
        headers = {**({"Authorization": f"token {token}"} if token else {}), **more.pop("headers", {})}
        return self.client.request(method, BASE + path, headers=headers, follow_redirects=False, **more)

    def browse(self, name: str) -> Browser:
        """Return a browser in which `name` is logged in."""
        token = f"cookie-of-{name}"
        self.hub.tokens[token] = (name, (ACCESS,))
        return Browser(self.client, token)


@dataclass
class Browser:
    """Cookies instead of headers."""

    client: TestClient
    token: str

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(BASE + path, headers={"Accept": "text/html", **self._cookie(), **headers}, follow_redirects=False)

    def post(self, path: str, *, proof: str | None = None, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        from labkit_hub.service.sessions import csrf_token

        data = {**more.pop("data", {}), "_csrf": csrf_token(self.token) if proof is None else proof}
        sent = {"Accept": "text/html", **self._cookie(), **(headers or {})}
        return self.client.post(BASE + path, data=data, headers=sent, follow_redirects=False, **more)

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": f"labkit-token={self.token}"}


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database with all tables and no rows: the steps of the migrations are taken once for all tests."""
    from labkit_hub.service.migrate import migrate

    path: Path = tmp_path_factory.mktemp("empty") / "service.sqlite"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@pytest.fixture
def database(tmp_path: Path, empty_database: Path) -> Iterator[Database]:
    """A database with all tables."""
    database = Database(f"sqlite:///{shutil.copyfile(empty_database, tmp_path / 'service.sqlite')}")
    yield database
    database.close()


@pytest.fixture
def address() -> HubAddress:
    """Where the played hub is."""
    return HubAddress("http://hub.test/hub/api", OWN, BASE, "/hub", "service-labkit", f"{BASE}/oauth_callback", 1)


@pytest.fixture
def hub() -> PlayedHub:
    """A hub without people."""
    return PlayedHub()


@pytest.fixture
def open_service(hub: PlayedHub, address: HubAddress, database: Database) -> Callable[[Settings], AbstractContextManager[House]]:
    """Give a function that opens the service with settings."""

    def fail(error: BaseException) -> None:
        raise error

    @contextmanager
    def opened(settings: Settings) -> Iterator[House]:
        queue = PlayedQueue()

        def open_queue(_context: ServiceContext) -> PlayedQueue:
            return queue

        app = open_house(settings, address, fail, open_queue=open_queue, transport=httpx.MockTransport(hub.answer))
        with TestClient(app, base_url="http://lab.test") as client:
            house = House(hub, queue, database, client, settings.course_files_dir)
            wait_until_open(house)
            yield house

    return opened


@pytest.fixture
def house(tmp_path: Path, database: Database, open_service: Callable[[Settings], AbstractContextManager[House]]) -> Iterator[House]:
    """The open service; a professor, a student and an admin have accounts."""
    settings = Settings(var=tmp_path / "var", service=ServiceSettings(database_url=str(database.engine.url)))
    with open_service(settings) as house:
        yield house


def wait_until_open(house: House) -> None:
    """Wait until the service has its database."""
    import time

    deadline = time.monotonic() + 60
    while house.client.get(f"{BASE}/health").status_code != 200:
        assert time.monotonic() < deadline, "the service did not open"
        time.sleep(0.01)


@pytest.fixture
def filled(house: House) -> PlayedQueue:
    """The played queue with devices, leases and runs in all states."""
    fill(house.queue)
    return house.queue
