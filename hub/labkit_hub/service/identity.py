"""Who asks: the hub says so, for a token in a header or in a browser's cookie."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from labkit.errors import NotWritable, StorageUnreachable
from labkit_hub.service.address import SERVICE_NAME
from labkit_hub.service.context import Identity, People
from labkit_hub.service.errors import LoginNeeded
from labkit_hub.service.hubhttp import HubHttp
from labkit_hub.service.sessions import SentProof, require_own_page, token_cookie

__all__ = ["HubDoor", "Who", "Witness", "sent_token"]

_ACCESS = frozenset({"access:services", f"access:services!service={SERVICE_NAME}"})
_ADMIN_SCOPE = "admin:users"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_KNOWN_S, _UNKNOWN_S, _AWAY_S = 60.0, 5.0, 2.0
_AT_ONCE, _QUEUE_S = 16, 3.0
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Who:
    """What the hub says of a token: a person's or a service's, and what it may be used for."""

    kind: str
    name: str
    admin: bool
    groups: frozenset[str]
    scopes: frozenset[str]

    @property
    def server_name(self) -> str | None:
        """Whose token it is, if it opens one single server of its person: that server's own."""
        prefix = f"access:servers!server={self.name}/"
        servers = [scope.removeprefix(prefix) for scope in self.scopes if scope.startswith(prefix)]
        return servers[0] if len(servers) == 1 else None


class Witness:
    """Asks the hub whose a token is, and remembers the answer for some seconds; threads share it.

    Parameters
    ----------
    http : HubHttp
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, http: HubHttp, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Who | None]] = {}
        self._away_until = 0.0
        self._asking = threading.BoundedSemaphore(_AT_ONCE)

    def whose(self, token: str) -> Who | None:
        """Return whose token it is; None if the hub definitely knows no such token.

        Raises
        ------
        StorageUnreachable
            The hub cannot say: it is away, or its database is.
        """
        if not token.isascii() or not token.isprintable():
            return None
        key = hashlib.sha256(token.encode()).hexdigest()
        with self._lock:
            until, who = self._known.get(key, (0.0, None))
            if until > self._clock():
                return who
            if self._away_until > self._clock():
                raise _away()
        # A hub that hangs must not keep all threads of the service waiting for it.
        if not self._asking.acquire(timeout=_QUEUE_S):
            raise _away()
        try:
            who = self._ask(token)
        finally:
            self._asking.release()
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = (self._clock() + (_KNOWN_S if who else _UNKNOWN_S), who)
        return who

    def _ask(self, token: str) -> Who | None:
        for _ in range(2):
            answer = self._http.ask("GET", "user", token=token)
            if answer.kind == "ok" and isinstance(answer.body, dict):
                return _who(answer.body)
            # A hub whose database is away refuses everybody: a refusal counts if it knew ourselves after it, and then says it again.
            if answer.kind != "refused" or not self._http.is_healthy():
                with self._lock:
                    self._away_until = self._clock() + _AWAY_S
                raise _away()
        return None


def _who(model: dict[str, Any]) -> Who:
    return Who(
        kind=str(model.get("kind", "user")),
        name=str(model["name"]),
        admin=bool(model.get("admin")),
        groups=frozenset(model.get("groups") or ()),
        scopes=frozenset(model.get("scopes") or ()),
    )


def _away() -> StorageUnreachable:
    return StorageUnreachable("The hub cannot say just now who you are.", hint="Nothing is lost: try again in a moment.")


def sent_token(request: Request) -> str | None:
    """Return the token of the ``Authorization`` header; None without the header.

    Raises
    ------
    LoginNeeded
        The header is there, but holds no token.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    kind, _, token = header.partition(" ")
    if kind.lower() not in ("token", "bearer") or not token.strip():
        raise LoginNeeded("The Authorization header holds no token.", hint="Send: Authorization: token <a token of the hub>")
    return token.strip()


class HubDoor:
    """Implements `labkit_hub.service.context.Door`.

    Parameters
    ----------
    witness : Witness
    people : People
        Knows in which courses a person is staff.
    own_token : str
        The service's token, by which the hub itself comes in.
    is_open : callable
        Says whether the service has its database yet.
    """

    def __init__(self, witness: Witness, people: People, own_token: str, is_open: Callable[[], bool]) -> None:
        self._witness = witness
        self._people = people
        self._own_token = own_token
        self._is_open = is_open

    def person(self, request: Request, sent: SentProof = None) -> Identity:
        """Return who asks; a dependency of routes.

        Raises
        ------
        LoginNeeded
            Nobody does, or with a token that the hub does not know.
        NotWritable
            The token does not open this service, or the request comes from another site's page.
        StorageUnreachable
            The hub or the database is away.
        """
        token = sent_token(request)
        by_cookie = token is None
        if token is None:
            token = token_cookie(request)
            if token is None:
                raise LoginNeeded("Nobody is logged in.", hint="Log in, or send: Authorization: token <a token of the hub>")
            if request.method not in _SAFE:
                require_own_page(request, token, sent)
        who = self._witness.whose(token)
        if who is None:
            raise LoginNeeded("The hub does not know this token, or it has expired.", hint="Log in again, or make a new token.")
        if who.kind != "user" or not who.scopes & _ACCESS:
            raise NotWritable("This token does not open LabKit's service.", hint="Use one of a person, without fewer rights.")
        self._require_open()
        # A server's token stays one: code that runs in an admin's JupyterLab is no admin.
        return Identity(
            name=who.name,
            is_admin=who.admin and (by_cookie or _ADMIN_SCOPE in who.scopes),
            groups=who.groups,
            is_staff_of=frozenset(course.id for course in self._people.courses_of(who.name) if course.role != "student"),
            server_name=who.server_name,
        )

    def admin(self, request: Request, sent: SentProof = None) -> Identity:
        """Return who asks, if an admin; a dependency of routes.

        Raises
        ------
        NotWritable
            Somebody else asks.
        """
        who = self.person(request, sent)
        if not who.is_admin:
            raise NotWritable("Only admins of the hub may do this.", hint="Ask one.")
        return who

    def hub(self, request: Request) -> None:
        """Let only the hub itself in; a dependency of routes.

        Raises
        ------
        LoginNeeded
            Somebody else asks.
        """
        if not hmac.compare_digest((sent_token(request) or "").encode(), self._own_token.encode()):
            raise LoginNeeded("Only the hub itself may ask this.")
        self._require_open()

    def reader_of_metrics(self, request: Request, sent: SentProof = None) -> None:
        """Let admins in, and whoever has a token of the hub with ``read:metrics``; a dependency of routes.

        Raises
        ------
        LoginNeeded, NotWritable
            Somebody else asks.
        """
        token = sent_token(request)
        who = self._witness.whose(token) if token else None
        if who is None or "read:metrics" not in who.scopes:
            self.admin(request, sent)

    def _require_open(self) -> None:
        if not self._is_open():
            raise StorageUnreachable("The service is starting: its database does not answer yet.", hint="Try again in a moment.")
