"""A hub in memory, and the other neighbours of the queue, for unit tests.

It stands in for a real hub for speed, and because a real one cannot be told to lose an answer or to carry a request out late. What
holds on it is shown on real hubs, too: `labkit.testing.queue_contract`.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from fastapi import Request

from labkit.client.wire import CourseItem
from labkit.errors import LabKitError, NotWritable
from labkit_hub.service.context import Identity, ServerView
from labkit_hub.service.internal import Admission, Admitted

__all__ = ["FakeDoor", "FakeHub", "FakeMeters", "FakePeople", "Mood"]

Mood = Literal["refuse", "throttle", "no-service", "lose-answer", "lose-request", "late"]
_Key = tuple[str, str]


class FakeHub:
    """Implements `labkit_hub.service.context.HubApi`.

    Attributes
    ----------
    admit : callable or None
        What the hub asks before it starts a server; set it to the queue's own.
    on_running : callable
        Called with user, name and what was admitted when a server runs.
    away : bool
        While true, nothing is answered definitely, as by a hub without its database.
    moods : deque
        How the next requests for a server are treated, one each: ``refuse``, ``throttle`` (429), ``lose-answer`` (carried out, but
        the caller hears nothing), ``lose-request`` (neither), ``late`` (carried out by `deliver`).
    slow : bool
        While true, servers stay pending until `settle`.
    starts : list
        Every request for a server that was admitted.
    asked : Counter
        How often each method was called.
    options : list
        The options of every request for a server, carried out or not.
    """

    def __init__(self) -> None:
        self.admit: Callable[[Admission], Admitted] | None = None
        self.on_running: Callable[[str, str, Admitted], None] = lambda _user, _name, _admitted: None
        self.away = False
        self.slow = False
        self.moods: deque[Mood] = deque()
        self.starts: list[_Key] = []
        self.asked: Counter[str] = Counter()
        self.options: list[Mapping[str, Any]] = []
        self._lock = threading.RLock()
        self._servers: dict[_Key, tuple[Literal["running", "pending", "stopped"], str]] = {}
        self._pending: dict[_Key, Admitted] = {}
        self._admitted: dict[_Key, Admitted] = {}
        self._late: list[tuple[str, str, Mapping[str, Any]]] = []

    # -- what the queue asks --

    def server(self, user: str, name: str) -> ServerView:
        """Return how one server stands."""
        with self._lock:
            self.asked["server"] += 1
            if self.away:
                return ServerView(user, name, "unknown")
            return self._view((user, name))

    def servers(self) -> Sequence[ServerView] | None:
        """Return all servers."""
        with self._lock:
            self.asked["servers"] += 1
            return None if self.away else [self._view(key) for key in sorted(self._servers)]

    def start_server(self, user: str, name: str, user_options: Mapping[str, Any]) -> ServerView:
        """Ask for a server."""
        with self._lock:
            self.asked["start_server"] += 1
            self.options.append(user_options)
            mood = self.moods.popleft() if self.moods else None
            if self.away or mood == "lose-request":
                return ServerView(user, name, "unknown")
            if mood == "late":
                self._late.append((user, name, user_options))
                return ServerView(user, name, "unknown")
            if mood == "throttle":
                return ServerView(user, name, "stopped", facts={"status": 429, "message": "Too many servers start.", "retry_after_s": 10.0})
            if mood == "refuse":
                self._servers[user, name] = ("stopped", "")  # as the real one leaves it
                return ServerView(user, name, "stopped", facts={"status": 403, "message": "No room."})
            if mood == "no-service":  # the hub's hook had no answer of ours, and so started nothing
                self._servers[user, name] = ("stopped", "")
                return ServerView(user, name, "stopped", facts={"status": 503, "message": "LabKit's service does not answer just now."})
        view = self._spawn(user, name, user_options, by="service")
        return ServerView(user, name, "unknown") if mood == "lose-answer" else view

    def stop_server(self, user: str, name: str, *, remove: bool) -> ServerView:
        """Ask for the end of a server."""
        with self._lock:
            self.asked["stop_server"] += 1
            if self.away:
                return ServerView(user, name, "unknown")
            self._end((user, name), remove=remove)
            return self._view((user, name))

    # -- what a test does --

    def ask_as_person(self, user: str, name: str, user_options: Mapping[str, Any]) -> ServerView:
        """Ask for a server as a person does, past the queue."""
        return self._spawn(user, name, user_options, by="person")

    def deliver(self) -> list[ServerView]:
        """Carry out the requests that are late."""
        late, self._late = self._late, []
        return [self._spawn(user, name, options, by="service") for user, name, options in late]

    def settle(self) -> None:
        """Let all pending servers answer."""
        with self._lock:
            pending, self._pending = dict(self._pending), {}
            for key in pending:
                self._servers[key] = ("running", self._servers[key][1])
        for (user, name), admitted in pending.items():
            self.on_running(user, name, admitted)

    def die(self, user: str, name: str) -> None:
        """Let a server's process end by itself."""
        with self._lock:
            self._end((user, name), remove=False)

    def put(self, user: str, name: str, state: Literal["running", "pending", "stopped"]) -> None:
        """Let there be a server that nobody asked for."""
        with self._lock:
            self._servers[user, name] = (state, "")

    def devices_in_use(self) -> list[str]:
        """Return the devices of all servers that run or start, one entry for each."""
        with self._lock:
            live = [key for key, (state, _) in self._servers.items() if state != "stopped"]
            return [device.key for key in live if key in self._admitted for device in self._admitted[key].devices]

    def runs_now(self, user: str, name: str) -> bool:
        """Return whether a server has been started and has not ended, whoever asks the hub."""
        with self._lock:
            return self._view((user, name)).state == "running"

    def names(self) -> list[_Key]:
        """Return all servers that the hub has a row of."""
        with self._lock:
            return sorted(self._servers)

    # -- how --

    def _view(self, key: _Key) -> ServerView:
        known = self._servers.get(key)
        return ServerView(*key, *known) if known else ServerView(*key, "absent")

    def _end(self, key: _Key, *, remove: bool) -> None:
        self._pending.pop(key, None)
        self._admitted.pop(key, None)
        if remove and key[1]:
            self._servers.pop(key, None)
        elif key in self._servers:
            self._servers[key] = ("stopped", self._servers[key][1])

    def _spawn(self, user: str, name: str, options: Mapping[str, Any], *, by: Literal["service", "person"]) -> ServerView:
        key, profile = (user, name), str(options.get("profile", ""))
        with self._lock:
            if self._view(key).state in ("running", "pending"):
                return self._view(key)
            self._servers[key] = ("pending", profile)
        try:
            if self.admit is None:
                raise NotWritable("Nobody says who may start.")  # as a hub whose service is away
            admitted = self.admit(Admission(user=user, server=name, profile=profile, ticket=options.get("ticket"), by=by))
        except LabKitError as error:
            with self._lock:
                self._servers[key] = ("stopped", profile)
            return ServerView(user, name, "stopped", facts={"message": error.message, "status": 403})
        with self._lock:
            self.starts.append(key)
            self._admitted[key] = admitted
            if self.slow:
                self._pending[key] = admitted
                return self._view(key)
            self._servers[key] = ("running", profile)
        self.on_running(user, name, admitted)
        return self._view(key)


class FakePeople:
    """Implements `labkit_hub.service.context.People` by what it is given."""

    def __init__(self, courses: Mapping[str, Iterable[CourseItem]] | None = None, admins: Iterable[str] = ()) -> None:
        self.courses = {name: tuple(items) for name, items in (courses or {}).items()}
        self.admins = frozenset(admins)

    def courses_of(self, name: str) -> tuple[CourseItem, ...]:
        """Return the courses of a person."""
        return self.courses.get(name, ())

    def is_admin(self, name: str) -> bool:
        """Return whether a person is an admin."""
        return name in self.admins


class FakeMeters:
    """Implements `labkit_hub.service.context.Meters`: keeps what it is told."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.throttled = 0

    def waited(self, seconds: float) -> None:
        """Keep a waiting time."""
        self.waits.append(seconds)

    def spawn_throttled(self) -> None:
        """Count."""
        self.throttled += 1

    def hub_answered(self, call: str, kind: str) -> None:
        """Do nothing."""


class FakeDoor:
    """Implements `labkit_hub.service.context.Door`: who asks says in a header who it is (``X-Person: anna``)."""

    def __init__(self, people: FakePeople) -> None:
        self._people = people

    def person(self, request: Request) -> Identity:
        """Return who asks."""
        name = request.headers.get("X-Person", "")
        if not name:
            raise NotWritable("Nobody is logged in.")
        staff = frozenset(c.id for c in self._people.courses_of(name) if c.role in ("professor", "assistant"))
        return Identity(name, is_admin=self._people.is_admin(name), is_staff_of=staff)

    def admin(self, request: Request) -> Identity:
        """Return who asks, if an admin."""
        who = self.person(request)
        if not who.is_admin:
            raise NotWritable("Only an admin may do this.")
        return who

    def hub(self, request: Request) -> None:
        """Let only the hub in."""
        if request.headers.get("X-Person") != "hub":
            raise NotWritable("Only the hub asks this.")
