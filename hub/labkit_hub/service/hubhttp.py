"""One request to the hub, and what its answer proves."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import httpx

from labkit_hub.service.context import Meters

__all__ = ["AnswerKind", "HubAnswer", "HubHttp"]

log = logging.getLogger(__name__)

AnswerKind = Literal["ok", "refused", "missing", "fault", "silent"]
_LONGEST_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class HubAnswer:
    """What came back.

    Attributes
    ----------
    kind : str
        ``ok`` (2xx), ``missing`` (404 from the hub itself), ``refused`` (other 4xx), ``fault`` (5xx, or something that is no hub),
        ``silent`` (nothing, or not in time: the request may still be carried out).
    message : str
        The hub's own words, or what happened.
    """

    kind: AnswerKind
    status: int = 0
    body: Any = None
    message: str = ""
    retry_after_s: float | None = None


class HubHttp:
    """Requests to the hub's REST API; threads share it.

    Parameters
    ----------
    api_url : str
        Such as ``http://127.0.0.1:8081/hub/api``.
    token : str
        The service's own.
    meters : Meters
        Counts the answers.
    timeout_s : float
        How long an answer may take. A hub whose database is away needs up to ten seconds for a refusal.
    transport : httpx.BaseTransport, optional
        What carries the requests; the network by default.
    """

    def __init__(
        self, api_url: str, token: str, meters: Meters, *, timeout_s: float = 20.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._token = token
        self._meters = meters
        timeout = httpx.Timeout(timeout_s, connect=5.0)
        self._client = httpx.Client(timeout=timeout, trust_env=False, follow_redirects=False, transport=transport)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def ask(
        self,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        *path: str,
        token: str | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HubAnswer:
        """Send one request; it never raises for what the hub does.

        A GET whose connection broke (the hub was restarted, and the connection was an old one) is sent once more. Nothing else is:
        whether it was carried out is for the caller to find out.

        Parameters
        ----------
        *path : str
            Segments below the API's address; each is quoted.
        token : str, optional
            Whose token is shown; the service's own by default.
        """
        url = "/".join([self._api_url, *(quote(part, safe="") for part in path)])
        send = {"Authorization": f"token {self._token if token is None else token}", **(headers or {})}
        for attempt in (1, 2):
            try:
                response = self._client.request(method, url, json=json, data=form, params=params, headers=send)
            except httpx.TimeoutException as error:
                answer = HubAnswer("silent", message=f"The hub did not answer in time ({type(error).__name__}).")
            except (httpx.HTTPError, UnicodeError) as error:
                answer = HubAnswer("silent", message=f"The hub could not be reached ({type(error).__name__}).")
                if method == "GET" and attempt == 1:
                    continue
            else:
                answer = _understand(response)
            break
        self._meters.hub_answered(f"{method} {path[0] if path else ''}".strip(), answer.kind)
        if answer.kind in ("fault", "silent"):
            log.warning("%s %s: %s", method, "/".join(path[:2]), answer.message)
        return answer

    def is_healthy(self) -> bool:
        """Whether the hub knows our own token just now; while its database is away it refuses everybody."""
        return self.ask("GET", "user").kind == "ok"


def _understand(response: httpx.Response) -> HubAnswer:
    status = response.status_code
    try:
        body = response.json() if response.content else None
    except ValueError:
        body = None
    message = str(body.get("message") or "") if isinstance(body, dict) else ""
    message = (message or f"HTTP {status} {response.reason_phrase}")[:_LONGEST_MESSAGE]
    if "X-JupyterHub-Version" not in response.headers:
        return HubAnswer("fault", status, None, f"Something that is no hub answered: {message}")
    kind: AnswerKind = "fault"
    if 200 <= status < 300:
        kind = "ok"
    elif status == 404:
        kind = "missing"
    elif 400 <= status < 500:
        kind = "refused"
    return HubAnswer(kind, status, body, message, _seconds(response.headers.get("Retry-After")))


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
