"""Asks the hub's service over HTTP."""

from __future__ import annotations

import random
import time
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from labkit import errors
from labkit.client.settings import ServiceAddress
from labkit.client.wire import HubRunItem, HubRunList, NewHubRun, RunMoveAsk, RunReport, Standing
from labkit.errors import Conflict, HubUnreachable, InvalidInput, LabKitError, NotFound, NotWritable

__all__ = ["HubClient"]

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_CONNECT_S = 3.0
_ANSWER_S = 10.0
_QUICK_S = 3.0  # for who only looks
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 4.0
_AWAY = "The hub does not answer just now."
_AWAY_HINT = "Try again in a minute; runs on this machine do not need the hub."
# What a status means where the answer says nothing of its own.
_BY_STATUS: dict[int, type[LabKitError]] = {400: InvalidInput, 403: NotWritable, 404: NotFound, 409: Conflict, 422: InvalidInput}


class HubClient:
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
    `labkit.errors`, with its message and hint - when it refused.
    """

    def __init__(self, address: ServiceAddress, *, patience_s: float = 10.0) -> None:
        self.address = address
        self._patience_s = patience_s
        self._http = httpx.Client(
            base_url=f"{address.url}/api/",
            headers={"Authorization": f"token {address.token}", "Accept": "application/json"},
            trust_env=address.url.startswith("https:"),  # inside the hub a proxy for the internet leads away from the service
            limits=httpx.Limits(max_keepalive_connections=4, keepalive_expiry=20.0),
        )

    def close(self) -> None:
        """Give up the connections."""
        self._http.close()

    def standing(self, *, patience_s: float | None = None) -> Standing:
        """Return who is asking, and what may be done now."""
        return self._ask(Standing, "GET", "me", patience_s=patience_s)

    def runs(self, *, course: str | None = None, everybody: bool = False, patience_s: float | None = None) -> tuple[HubRunItem, ...]:
        """Return the person's own runs, the newest first; for staff also those of a course, for admins everybody's."""
        query = {"all": "1"} if everybody else {} if course is None else {"course": course}
        return self._ask(HubRunList, "GET", "runs", query=query, patience_s=patience_s).runs

    def run(self, run_id: str) -> HubRunItem:
        """Return a run as the hub sees it."""
        return self._ask(HubRunItem, "GET", _of(run_id))

    def submit(self, run_id: str, run: NewHubRun) -> HubRunItem:
        """Put a run into the hub's line; one that is there already is answered as it stands."""
        return self._ask(HubRunItem, "PUT", _of(run_id), run)

    def cancel(self, run_id: str, *, patience_s: float | None = None) -> HubRunItem:
        """Stop a run, or take it out of the line."""
        return self._ask(HubRunItem, "POST", _of(run_id, "cancel"), patience_s=patience_s)

    def move(self, run_id: str, place: int) -> HubRunItem:
        """Let a run be the one at `place` (0: the first) among the person's own that wait."""
        return self._ask(HubRunItem, "POST", _of(run_id, "move"), RunMoveAsk(place=place))

    def report(self, run_id: str, report: RunReport, *, patience_s: float | None = None) -> HubRunItem:
        """Say how a run ended whose own server could not."""
        return self._ask(HubRunItem, "POST", _of(run_id, "report"), report, patience_s=patience_s)

    def _ask(
        self,
        kind: type[AnswerT],
        method: str,
        path: str,
        body: BaseModel | None = None,
        *,
        query: dict[str, str] | None = None,
        patience_s: float | None = None,
    ) -> AnswerT:
        until = time.monotonic() + (self._patience_s if patience_s is None else patience_s)
        timeout = httpx.Timeout(_QUICK_S if patience_s == 0 else _ANSWER_S, connect=_CONNECT_S)
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return self._ask_once(kind, method, path, body, query=query, timeout=timeout)
            except HubUnreachable:
                if time.monotonic() + pause_s > until:
                    raise
            time.sleep(pause_s * random.uniform(0.5, 1.0))  # a whole class may be asking
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _ask_once(
        self, kind: type[AnswerT], method: str, path: str, body: BaseModel | None, *, query: dict[str, str] | None, timeout: httpx.Timeout
    ) -> AnswerT:
        content = None if body is None else body.model_dump_json()
        headers = {} if content is None else {"Content-Type": "application/json"}
        try:
            answer = self._http.request(method, path, content=content, headers=headers, params=query, timeout=timeout)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise HubUnreachable(_AWAY, hint=_AWAY_HINT, cause=type(error).__name__) from error
        if answer.status_code >= 300:
            raise _refusal(answer)
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:  # a proxy's own page, or a service of another time
            raise HubUnreachable("The hub's answer cannot be read.", hint="Tell whoever looks after the hub if it stays.") from error


def _of(run_id: str, action: str = "") -> str:
    return f"runs/{quote(run_id, safe='')}" + (f"/{action}" if action else "")


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
