"""What is said to the platform: tokens by client credentials, line items, scores; and what its answers mean.

LTI Assignment and Grade Services 2.0; 1EdTech Security Framework 1.0, section 4 (client credentials with a signed assertion).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import httpx

from labkit_hub.service.passback.keys import SigningKey

__all__ = ["SCOPES", "LineItem", "Platform", "PlatformFault", "Score"]

_LINE_ITEM = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
_SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
SCOPES = (_LINE_ITEM, _SCORE)
_LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
_CONTAINER_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
_SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_EARLY_S = 60.0
_LARGEST = 2_000_000
_LONGEST_PAUSE_S = 6 * 3600.0
# Canvas counts each score as something handed in at this moment, unless it is told that it is not; Moodle passes over it.
_NOTHING_HANDED_IN = {"https://canvas.instructure.com/lti/submission": {"new_submission": False}}
_OF_NO_STUDENT = (400, 422)  # how Moodle and Canvas refuse a score of somebody who is no student of the course there


class PlatformFault(Exception):
    """The platform did not do what it was asked.

    Attributes
    ----------
    kind : {"again", "refused", "gone"}
        It may work later; it will not, until something is changed; what was asked for is not there any more.
    retry_after_s : float or None
        How long the platform asks us to wait.
    status : int or None
        What it answered with.
    """

    def __init__(
        self, message: str, kind: Literal["again", "refused", "gone"], retry_after_s: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.kind, self.retry_after_s, self.status = message, kind, retry_after_s, status


@dataclass(frozen=True, slots=True)
class LineItem:
    """A column of the platform's gradebook."""

    url: str
    label: str
    max_points: float


@dataclass(frozen=True, slots=True)
class Score:
    """What somebody earned; `subject` is what the platform calls the person."""

    subject: str
    points: float
    max_points: float
    at: datetime


class Platform:
    """One platform; threads share it.

    Parameters
    ----------
    token_url, audience : str
        Where tokens are, and whom the assertion is for (empty: the same).
    key : SigningKey
        Ours.
    """

    def __init__(
        self, token_url: str, audience: str, key: SigningKey, *, timeout_s: float = 20.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._token_url, self._audience, self._key = token_url, audience or token_url, key
        self._client = httpx.Client(timeout=httpx.Timeout(timeout_s, connect=5.0), follow_redirects=False, transport=transport)
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[str, float]] = {}

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def line_item(self, client_id: str, lineitems: str, resource: str, label: str, max_points: float) -> LineItem:
        """Return the column of an assignment: the one that carries its id, made if there is none, with this label and maximum.

        Raises
        ------
        PlatformFault
        """
        found = self._ask(client_id, "GET", _with_query(lineitems, resource_id=resource), accept=_CONTAINER_TYPE)
        items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
        known = next((item for item in items if item.get("resourceId") == resource and isinstance(item.get("id"), str)), None)
        body = {"scoreMaximum": max_points, "label": label, "resourceId": resource}
        if known is None:
            made = self._ask(client_id, "POST", lineitems, json=body, send=_LINE_ITEM_TYPE, accept=_LINE_ITEM_TYPE)
            if not isinstance(made, dict) or not isinstance(made.get("id"), str):
                raise PlatformFault("The platform did not say under which address the new column is.", "again")
            return LineItem(made["id"], label, max_points)
        if (known.get("label"), known.get("scoreMaximum")) != (label, max_points):
            changed = {**known, **body}  # what the platform or a teacher put there stays
            self._ask(client_id, "PUT", known["id"], json=changed, send=_LINE_ITEM_TYPE, accept=_LINE_ITEM_TYPE)
        return LineItem(known["id"], label, max_points)

    def send(self, client_id: str, item: LineItem, score: Score) -> None:
        """Write a score into a column.

        Raises
        ------
        PlatformFault
        """
        body = {
            "userId": score.subject,
            "scoreGiven": score.points,
            "scoreMaximum": score.max_points,
            "timestamp": score.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
            **_NOTHING_HANDED_IN,
        }
        try:
            self._ask(client_id, "POST", _below(item.url, "scores"), json=body, send=_SCORE_TYPE, accept="*/*")
        except PlatformFault as fault:
            if fault.status not in _OF_NO_STUDENT:
                raise
            message = f"{fault.message} Perhaps this person is no student of the platform's course."
            raise PlatformFault(message, fault.kind, status=fault.status) from fault

    # One request

    def _ask(self, client_id: str, method: str, url: str, *, accept: str, send: str = "", json: Any = None) -> Any:
        self._require_safe(url)
        for is_last in (False, True):
            headers = {"Authorization": f"Bearer {self._token(client_id)}", "Accept": accept} | ({"Content-Type": send} if send else {})
            response = self._request(method, url, headers=headers, json=json)
            if response.status_code == 401 and not is_last:
                with self._lock:
                    self._tokens.pop(client_id, None)  # it was taken back: another one
                continue
            return _body(response)
        raise AssertionError

    def _request(self, method: str, url: str, **more: Any) -> httpx.Response:
        try:
            return self._client.request(method, url, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PlatformFault(f"The platform does not answer ({type(error).__name__}).", "again") from error

    def _require_safe(self, url: str) -> None:
        """Send no token to where anybody could read it: over https, unless the platform itself is without."""
        wanted = urlsplit(self._token_url).scheme
        parts = urlsplit(url)
        if parts.scheme not in ("https", wanted) or not parts.hostname:
            raise PlatformFault(f"The platform gave an address that is not safe ({parts.scheme}:).", "refused")

    def _token(self, client_id: str) -> str:
        with self._lock:
            token, until = self._tokens.get(client_id, ("", 0.0))
            if token and time.monotonic() < until:
                return token
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": _ASSERTION_TYPE,
                "client_assertion": self._key.assertion(client_id, self._audience),
                "scope": " ".join(SCOPES),
            }
            answer = _body(self._request("POST", self._token_url, data=form, headers={"Accept": "application/json"}))
            given = answer.get("access_token") if isinstance(answer, Mapping) else None
            if not isinstance(given, str) or not given:
                raise PlatformFault("The platform gave no token.", "again")
            lasts = answer.get("expires_in")
            seconds = float(lasts) if isinstance(lasts, int | float) else 0.0
            self._tokens[client_id] = given, time.monotonic() + max(0.0, seconds - _EARLY_S)
            return given


def _body(response: httpx.Response) -> Any:
    """Return what an answer holds, or say what it means."""
    status = response.status_code
    if 200 <= status < 300:
        if len(response.content) > _LARGEST:
            raise PlatformFault("The platform's answer is too long.", "refused")
        try:
            return response.json() if response.content else None
        except ValueError:
            return None
    said = _said(response)
    message = f"The platform answered {status}" + (f": {said}" if said else "") + "."
    if status in (404, 410):
        raise PlatformFault(message, "gone", status=status)
    # 409: it has a newer score by its own clock. What it has may be what it made itself, of our older one, when the maximum changed.
    if status in (408, 409, 425, 429) or status >= 500:
        raise PlatformFault(message, "again", _pause(response), status)
    raise PlatformFault(message, "refused", status=status)


def _said(response: httpx.Response) -> str:
    """Return why a platform refuses something: Moodle says it beside the status (and repeats what it got), others in the body."""
    beside = response.reason_phrase.partition("{")[0]
    usual = httpx.codes.get_reason_phrase(response.status_code)
    text = " ".join((response.text if beside.casefold() in ("", usual.casefold()) else beside)[:300].split())
    return "" if text in ("[]", "{}") else text


def _pause(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "").strip()
    return min(float(text), _LONGEST_PAUSE_S) if text.isascii() and text.isdecimal() else None


def _with_query(url: str, **more: str) -> str:
    return str(httpx.URL(url).copy_merge_params(more))


def _below(url: str, name: str) -> str:
    """Return an address below another one, whose query stays behind it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))
