"""What the service's rooms share.

The queue room serves ``api/runs``, ``api/devices``, ``api/line`` and ``internal/``; the house serves everything else (``api/me``,
``api/courses``, ``api/announcement``, ``health``, ``metrics``, all pages) and reads the queue through `QueueViews` only.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from labkit.client.wire import CourseItem, DeviceCount, HubRunItem, RunProfile
from labkit_hub.profiles import Profile
from labkit_hub.service.database import Database
from labkit_hub.settings import Settings

if TYPE_CHECKING:
    from fastapi import APIRouter, Request

__all__ = [
    "DeviceState",
    "DeviceView",
    "Door",
    "HubApi",
    "Identity",
    "LeaseView",
    "Meters",
    "PauseView",
    "People",
    "QueueCounts",
    "QueueRoom",
    "QueueStanding",
    "QueueViews",
    "ServerState",
    "ServerView",
    "ServiceContext",
]

ServerState = Literal["running", "pending", "stopped", "absent", "unknown"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks.

    Attributes
    ----------
    is_staff_of : frozenset of str
        Courses in which the person is professor or assistant.
    server_name : str or None
        Whose token it is, if it is that of a server; None for a person's own.
    """

    name: str
    is_admin: bool = False
    groups: frozenset[str] = frozenset()
    is_staff_of: frozenset[str] = frozenset()
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class ServerView:
    """One server, as the hub says; ``unknown`` is no answer, and proves nothing."""

    user: str
    name: str
    state: ServerState
    profile: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class HubApi(Protocol):
    """The hub's REST API, as the service uses it; every call is synchronous and thread-safe.

    A refusal (403), a fault (5xx) or silence is never proof of anything: it is ``unknown``, or `labkit.errors.StorageUnreachable`.
    """

    def server(self, user: str, name: str) -> ServerView:
        """Return how one server stands."""
        ...

    def servers(self) -> Sequence[ServerView] | None:
        """Return all servers that the hub knows, stopped ones too; None if it gave no definite answer."""
        ...

    def start_server(self, user: str, name: str, user_options: Mapping[str, Any]) -> ServerView:
        """Ask for a server: ``pending`` or ``running`` if the hub took it.

        ``stopped`` with ``facts["message"]`` if it definitely refused.
        """
        ...

    def stop_server(self, user: str, name: str, *, remove: bool) -> ServerView:
        """Ask for the end of a server, and for its row's if it is a named one."""
        ...


class People(Protocol):
    """Who is who, from the roster."""

    def courses_of(self, name: str) -> tuple[CourseItem, ...]:
        """Return the courses of a person that are not archived, with the role in each."""
        ...

    def is_admin(self, name: str) -> bool:
        """Return whether the hub calls this person an admin."""
        ...


class Door(Protocol):
    """Who asks; each method is a dependency of FastAPI routes: ``Depends(context.door.person)``.

    A cookie counts only with the proof that our own page sent the request (CSRF); routes need not look at that themselves.
    """

    def person(self, request: Request) -> Identity:
        """Return who asks, by token or by cookie.

        Raises
        ------
        StorageUnreachable
            The hub cannot say just now; answered with 503, never as "not logged in".
        """
        ...

    def admin(self, request: Request) -> Identity:
        """Return who asks, if an admin."""
        ...

    def hub(self, request: Request) -> None:
        """Let only the hub in (the service's own token): for ``internal/``."""
        ...


class Meters(Protocol):
    """What is counted as it happens; the rest of the metrics is read from `QueueViews` when it is asked for."""

    def waited(self, seconds: float) -> None:
        """Count a run that got its device after so many seconds in the line."""
        ...

    def spawn_throttled(self) -> None:
        """Count a start for which the hub was too busy (429, or its limit of pending spawns)."""
        ...

    def hub_answered(self, call: str, kind: str) -> None:
        """Count one answer of the hub: `call` is the kind of request, `kind` is ``ok``, ``refused``, ``missing``, ``fault``, ``silent``."""
        ...


DeviceState = Literal["ready", "draining", "stopped"]


@dataclass(frozen=True, slots=True)
class LeaseView:
    """Who holds a device.

    Attributes
    ----------
    server_name : str
        ``run-<id>``, or empty for the person's own server.
    confirmed : datetime or None
        When the hub first said that the server is there.
    """

    username: str
    server_name: str
    run_id: str | None
    course_id: str | None
    taken: datetime
    until: datetime | None = None
    confirmed: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device, and who holds it."""

    id: int
    kind: str
    key: str
    title: str
    state: DeviceState
    node: str = ""
    memory_mb: int | None = None
    seen: datetime | None = None
    lease: LeaseView | None = None


@dataclass(frozen=True, slots=True)
class PauseView:
    """Why no run starts just now, since when and by whom."""

    reason: str
    since: datetime
    by: str


@dataclass(frozen=True, slots=True)
class QueueStanding:
    """What one person may do in the queue, for ``api/me``.

    Attributes
    ----------
    hours_left : float or None
        Device-hours that the person may still use; None without a limit.
    course_hours_left : mapping
        The same by course, where a course sets a limit.
    """

    profiles: tuple[RunProfile, ...] = ()
    devices: DeviceCount = field(default_factory=DeviceCount)
    hours_left: float | None = None
    course_hours_left: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How the queue stands, for metrics.

    Attributes
    ----------
    runs, devices : mapping of state to number
        All states that occur; runs count since the beginning.
    oldest_wait_s : float
        For how long the run that waits longest has waited; 0 if none does.
    """

    runs: Mapping[str, int] = field(default_factory=dict)
    devices: Mapping[str, int] = field(default_factory=dict)
    leases: int = 0
    waiting: int = 0
    oldest_wait_s: float = 0.0


class QueueViews(Protocol):
    """The queue as pages, metrics and ``api/me`` see it. Synchronous and thread-safe; a few queries each, whatever the length.

    Reading methods show everything to whoever calls: hiding other people's names is the pages' task. Acting methods check whether
    `by` may do it, write an audit row, and raise errors of `labkit.errors`: `NotFound` also for what `by` may not know of,
    `NotWritable` for what only admins may do, `Conflict` where the state does not allow it.
    """

    def devices(self) -> Sequence[DeviceView]:
        """Return all devices, in the order of their ids."""
        ...

    def line(self, *, first: int, owner: str) -> Sequence[HubRunItem]:
        """Return the `first` waiting runs in the order in which they will start, and all of `owner`; with ``place`` and ``reason``."""
        ...

    def active(self) -> Sequence[HubRunItem]:
        """Return the runs that start, compute or are being stopped, the oldest first."""
        ...

    def recent(self, *, owner: str | None = None, course: str | None = None, limit: int = 20) -> Sequence[HubRunItem]:
        """Return runs that have ended, the last ended first: of everybody, of one person, of one course."""
        ...

    def run(self, run_id: str, by: Identity) -> HubRunItem:
        """Return one run, if `by` may see it: the owner, staff of its course, an admin; else `NotFound`."""
        ...

    def standing(self, who: Identity) -> QueueStanding:
        """Return what `who` may do."""
        ...

    def counts(self) -> QueueCounts:
        """Return the numbers for metrics."""
        ...

    def paused(self) -> PauseView | None:
        """Return why the line stands still; None if it does not."""
        ...

    def start_device(self, device_id: int, by: Identity) -> DeviceView:
        """Let a device be leased (again)."""
        ...

    def drain_device(self, device_id: int, by: Identity) -> DeviceView:
        """Lease a device no more; who holds it keeps it, and then it is stopped."""
        ...

    def stop_device(self, device_id: int, by: Identity) -> DeviceView:
        """Lease a device no more, and stop the server that holds it."""
        ...

    def pause(self, reason: str, by: Identity) -> PauseView:
        """Start no further run until `resume`; those that compute go on."""
        ...

    def resume(self, by: Identity) -> None:
        """Let the line go on."""
        ...

    def cancel(self, run_id: str, by: Identity) -> HubRunItem:
        """Take a run out of the line, or stop it."""
        ...


class QueueRoom(Protocol):
    """What ``labkit_hub.service.queue.open_queue(context)`` returns.

    Its routes are written without the base path (``/api/runs``). Making it touches neither database nor hub; `start` is called when
    the tables are there and begins the work in threads, `stop` ends it and waits.
    """

    @property
    def router(self) -> APIRouter:
        """The routes."""
        ...

    @property
    def views(self) -> QueueViews:
        """For pages and metrics."""
        ...

    def start(self) -> None:
        """Begin: reconcile, dispatch, look after devices."""
        ...

    def stop(self) -> None:
        """End; nothing of it runs any more afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """What a room is made of.

    Attributes
    ----------
    base_path : str
        ``/services/labkit`` behind the hub's own base, as people see it; no slash at the end.
    door : Door
        Who asks.
    meters : Meters
        What is counted.
    opened : threading.Event
        Set when the database answers and is up to date.
    """

    settings: Settings
    database: Database
    hub: HubApi
    people: People
    profiles: tuple[Profile, ...]
    base_path: str
    door: Door
    meters: Meters
    opened: threading.Event = field(default_factory=threading.Event)
