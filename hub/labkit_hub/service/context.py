"""What the service's rooms share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from labkit.client.wire import CourseItem
from labkit_hub.profiles import Profile
from labkit_hub.service.database import Database
from labkit_hub.settings import Settings

__all__ = ["HubApi", "Identity", "People", "ServerState", "ServerView", "ServiceContext"]

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


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """What a room is made of: ``router(context)`` gives its routes."""

    settings: Settings
    database: Database
    hub: HubApi
    people: People
    profiles: tuple[Profile, ...]
    base_path: str  # /services/labkit, as people see it
