"""What every client of the hub's service shares: HTTP, patience, files, and what a refusal becomes."""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from labkit import errors
from labkit.client.settings import ServiceAddress
from labkit.errors import Conflict, CorruptStore, HubUnreachable, InvalidInput, LabKitError, NotFound, NotWritable
from labkit.storage import INCOMING_PREFIX, current_umask, explain_os_errors

__all__ = ["ServiceClient"]

AnswerT = TypeVar("AnswerT", bound=BaseModel)
ResultT = TypeVar("ResultT")

_CONNECT_S = 3.0
_ANSWER_S = 10.0
_PIECE_S = 30.0  # of a file, without a byte that moves
_QUICK_S = 3.0  # for who only looks
_PIECE_BYTES = 1 << 20
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 4.0
_AWAY = "The hub does not answer just now."
_AWAY_HINT = "Try again in a minute; runs on this machine do not need the hub."
# What a status means where the answer says nothing of its own.
_BY_STATUS: dict[int, type[LabKitError]] = {400: InvalidInput, 403: NotWritable, 404: NotFound, 409: Conflict, 422: InvalidInput}


class ServiceClient:
    """Asks for one person; safe among threads.

    Parameters
    ----------
    address : ServiceAddress
        Of the service, with the person's token.
    patience_s : float
        For how long a question is asked again, with longer and longer pauses, while the hub is away. Every question here can be asked
        twice without harm.

    Notes
    -----
    All methods raise `labkit.errors.HubUnreachable` when the hub is away, and what the service answered with - a class of
    `labkit.errors`, with its message and hint - when it refused. Those that fetch a file raise `labkit.errors.CorruptStore` when it came
    damaged twice.
    """

    def __init__(self, address: ServiceAddress, *, patience_s: float = 10.0) -> None:
        self.address = address
        self._patience_s = patience_s
        self._http = httpx.Client(
            base_url=f"{address.url}/api/",
            headers={"Authorization": f"token {address.token}", "Accept": "application/json"},
            trust_env=address.url.startswith("https:"),  # inside the hub a proxy for the internet leads away from the service
            verify=address.url.startswith("https:"),  # where there is nothing to verify, certificates are not loaded: that takes long
            limits=httpx.Limits(max_keepalive_connections=4, keepalive_expiry=20.0),
        )

    def close(self) -> None:
        """Give up the connections."""
        self._http.close()

    def _ask(
        self,
        kind: type[AnswerT],
        method: str,
        path: str,
        body: BaseModel | None = None,
        *,
        query: dict[str, str] | None = None,
        patience_s: float | None = None,
        sparse: bool = False,
    ) -> AnswerT:
        """Ask, and read the answer; a `sparse` body holds only what was named."""
        timeout = httpx.Timeout(_QUICK_S if patience_s == 0 else _ANSWER_S, connect=_CONNECT_S)

        def ask_once() -> AnswerT:
            return _read(kind, self._send(method, path, **_content(body, sparse=sparse), params=query, timeout=timeout))

        return self._patiently(ask_once, patience_s)

    def _tell(self, method: str, path: str, body: BaseModel | None = None, *, patience_s: float | None = None) -> None:
        """Say something whose answer says no more than that it was heard."""
        timeout = httpx.Timeout(_QUICK_S if patience_s == 0 else _ANSWER_S, connect=_CONNECT_S)
        self._patiently(lambda: self._send(method, path, **_content(body), timeout=timeout), patience_s)

    def _fetch(self, path: str, target: Path, sha256: str, *, query: dict[str, str] | None = None) -> None:
        """Stream a file to `target`; it appears there whole and with the right hash, or not at all.

        What comes damaged is fetched once more, and not for as long as there is patience: a file that is damaged where it lies stays so.
        """

        def fetch_once() -> None:
            try:
                self._fetch_once(path, target, sha256, query)
            except CorruptStore:
                time.sleep(_FIRST_PAUSE_S)
                self._fetch_once(path, target, sha256, query)

        self._patiently(fetch_once)

    def _bytes(self, path: str, *, query: dict[str, str] | None = None) -> bytes:
        """Return what is small: a table, a page."""
        timeout = httpx.Timeout(_PIECE_S, connect=_CONNECT_S)
        return self._patiently(lambda: self._send("GET", path, params=query, timeout=timeout).content)

    def _put_file(self, path: str, source: Path) -> None:
        """Stream a file to the service."""
        timeout = httpx.Timeout(_PIECE_S, connect=_CONNECT_S)

        def put_once() -> None:
            with explain_os_errors(source):
                size = source.stat().st_size
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
            self._send("PUT", path, content=_pieces(source), headers=headers, timeout=timeout)

        self._patiently(put_once)

    def _patiently(self, once: Callable[[], ResultT], patience_s: float | None = None) -> ResultT:
        """Do it, again and again while the hub is away and there is patience."""
        until = time.monotonic() + (self._patience_s if patience_s is None else patience_s)
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return once()
            except HubUnreachable:
                if time.monotonic() + pause_s > until:
                    raise
            time.sleep(pause_s * random.uniform(0.5, 1.0))  # a whole class may be asking
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **more)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise _away(error) from error
        if answer.status_code >= 300:
            raise _refusal(answer)
        return answer

    def _fetch_once(self, path: str, target: Path, sha256: str, query: dict[str, str] | None) -> None:
        timeout = httpx.Timeout(_PIECE_S, connect=_CONNECT_S)
        with explain_os_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=INCOMING_PREFIX)
            incoming, found = Path(name), hashlib.sha256()
            try:
                with os.fdopen(descriptor, "wb") as file:
                    for piece in self._stream(path, query, timeout):
                        found.update(piece)
                        file.write(piece)
                    file.flush()
                    os.fchmod(file.fileno(), 0o666 & ~current_umask())
                    os.fsync(file.fileno())
                if found.hexdigest() != sha256:  # damaged at the hub, or a page of a proxy
                    raise CorruptStore("A file came damaged from the hub.", hint="Tell whoever looks after the hub if it stays.")
                incoming.replace(target)
            finally:
                incoming.unlink(missing_ok=True)

    def _stream(self, path: str, query: dict[str, str] | None, timeout: httpx.Timeout) -> Iterator[bytes]:
        try:
            with self._http.stream("GET", path, params=query, timeout=timeout) as answer:
                if answer.status_code >= 300:
                    answer.read()
                    raise _refusal(answer)
                yield from answer.iter_bytes(_PIECE_BYTES)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise _away(error) from error


def _content(body: BaseModel | None, *, sparse: bool = False) -> dict[str, Any]:
    if body is None:
        return {}
    return {"content": body.model_dump_json(exclude_unset=sparse), "headers": {"Content-Type": "application/json"}}


def _pieces(source: Path) -> Iterator[bytes]:
    with explain_os_errors(source), source.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _read(kind: type[AnswerT], answer: httpx.Response) -> AnswerT:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError as error:  # a proxy's own page, or a service of another time
        raise HubUnreachable("The hub's answer cannot be read.", hint="Tell whoever looks after the hub if it stays.") from error


def _away(error: Exception) -> HubUnreachable:
    return HubUnreachable(_AWAY, hint=_AWAY_HINT, cause=type(error).__name__)


def _refusal(answer: httpx.Response) -> LabKitError:
    """Return what the service has against it, as the error that it was there."""
    told = _told(answer)
    if (answer.status_code >= 500 and answer.status_code != 507) or answer.status_code in (408, 429):
        return HubUnreachable(told.get("message") or _AWAY, hint=told.get("hint") or _AWAY_HINT, status=answer.status_code)
    if 300 <= answer.status_code < 400 or answer.status_code == 401:
        return NotWritable("The hub does not know you.", hint="Log in to the hub again, or ask it for a new token.")
    kind = getattr(errors, str(told.get("type")), None)
    if not (isinstance(kind, type) and issubclass(kind, LabKitError)):
        kind = _BY_STATUS.get(answer.status_code, LabKitError)
    message = told.get("message") or f"The hub refused the request ({answer.status_code})."
    return kind(message, hint=told.get("hint") or "")


def _told(answer: httpx.Response) -> dict[str, Any]:
    """Return ``{"type", "message", "hint"}`` of an answer that has them, nothing of any other."""
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {key: value for key, value in error.items() if isinstance(value, str)} if isinstance(error, dict) else {}
