"""Browsers log in through the hub's OAuth; what proves that a form came from our own page."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse

from labkit.errors import InvalidInput, NotWritable, StorageUnreachable
from labkit_hub.service.address import HubAddress
from labkit_hub.service.hubhttp import HubHttp

__all__ = ["CSRF_FIELD", "CSRF_HEADER", "SentProof", "SessionRoom", "csrf_token", "require_own_page", "token_cookie"]

CSRF_FIELD = "_csrf"
CSRF_HEADER = "X-CSRF-Token"
_TOKEN_COOKIE = "labkit-token"
_STATE_COOKIE = "labkit-state-"
_STATE_SECONDS = 900
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


async def _sent_proof(request: Request) -> str | None:
    """Return the proof that the request carries: in a header, or in a field of a form."""
    if sent := request.headers.get(CSRF_HEADER):
        return sent
    if request.headers.get("content-type", "").startswith(_FORMS):
        value = (await request.form()).get(CSRF_FIELD)
        return value if isinstance(value, str) else None
    return None


SentProof = Annotated[str | None, Depends(_sent_proof)]


def token_cookie(request: Request) -> str | None:
    """Return the hub's token that this browser holds."""
    return request.cookies.get(_prefix(request) + _TOKEN_COOKIE)


def _prefix(request: Request) -> str:
    return str(request.app.state.cookie_prefix)


def csrf_token(token: str) -> str:
    """Return what a form must send back: known only to whoever holds the session's token, which no script can read."""
    return hmac.new(token.encode(), b"labkit form", hashlib.sha256).hexdigest()


def require_own_page(request: Request, token: str, sent: str | None) -> None:
    """Let a request that changes something pass if one of our own pages sent it.

    Raises
    ------
    NotWritable
        It came from elsewhere, or the page is older than the session.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    hosts = (request.headers.get("host"), request.headers.get("x-forwarded-host"))
    elsewhere = (origin is not None and urlsplit(origin).netloc not in hosts) or site not in (None, "same-origin")
    if elsewhere or not hmac.compare_digest(csrf_token(token).encode(), (sent or "").encode()):
        raise NotWritable("This request did not come from a page of this session.", hint="Load the page again, then try once more.")


@dataclass(frozen=True, slots=True)
class _Cookie:
    path: str
    secure: bool

    def options(self) -> dict[str, Any]:
        return {"path": self.path, "secure": self.secure, "httponly": True, "samesite": "lax"}


class SessionRoom:
    """``login``, ``oauth_callback`` and ``logout``."""

    def __init__(self, address: HubAddress, http: HubHttp) -> None:
        self._address = address
        self._http = http
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/login", self.login, methods=["GET"])
        self.router.add_api_route("/oauth_callback", self.callback, methods=["GET"])
        self.router.add_api_route("/logout", self.logout, methods=["POST"])

    def start(self) -> None:
        """Do nothing: no work beside the routes."""

    def stop(self) -> None:
        """Do nothing."""

    def login_path(self, request: Request) -> str:
        """Return where a browser that asks for this page goes to log in."""
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return f"{self._address.base_path}/login?{urlencode({'next': target})}"

    def login(self, request: Request) -> RedirectResponse:
        """Send the browser to the hub; a cookie remembers the secret that must come back, one for each tab."""
        state = secrets.token_urlsafe(24)
        target = self._own_path(request.query_params.get("next", ""))
        query = urlencode(
            {
                "client_id": self._address.client_id,
                "redirect_uri": self._address.callback,
                "response_type": "code",
                "state": state,
            }
        )
        response = RedirectResponse(f"{self._address.hub_path}/api/oauth2/authorize?{query}", 302)
        options = self._cookie(request, "/oauth_callback").options()
        response.set_cookie(_prefix(request) + _state_name(state), f"{state}|{quote(target, safe='')}", max_age=_STATE_SECONDS, **options)
        return response

    def callback(self, request: Request) -> RedirectResponse:
        """Take the code that the hub gave to the browser, and change it for a token.

        Raises
        ------
        InvalidInput
            This browser did not ask to log in, or waited too long.
        StorageUnreachable
            The hub does not answer.
        NotWritable
            The hub said no.
        """
        state, code = request.query_params.get("state", ""), request.query_params.get("code", "")
        kept, _, target = request.cookies.get(_prefix(request) + _state_name(state), "").partition("|")
        again = f"Open {self._address.base_path}/ again."
        if request.query_params.get("error"):
            raise NotWritable("The hub did not let this login through.", hint="Ask an admin whether your account may use LabKit.")
        if not state or not code or not hmac.compare_digest(kept.encode(), state.encode()):
            raise InvalidInput("This login was not begun in this browser, or a quarter of an hour ago.", hint=again)
        response = RedirectResponse(self._own_path(unquote(target)), 302)
        response.set_cookie(_prefix(request) + _TOKEN_COOKIE, self._token(code, again), **self._cookie(request).options())
        response.delete_cookie(_prefix(request) + _state_name(state), **self._cookie(request, "/oauth_callback").options())
        return response

    def _token(self, code: str, again: str) -> str:
        form = {
            "client_id": self._address.client_id,
            "client_secret": self._address.token,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._address.callback,
        }
        answer = self._http.ask("POST", "oauth2", "token", form=form)
        if answer.kind == "ok" and isinstance(answer.body, dict) and answer.body.get("access_token"):
            return str(answer.body["access_token"])
        if answer.kind == "refused" and self._http.is_healthy():
            raise InvalidInput("The hub did not take this login; it may have been used already.", hint=again)
        raise StorageUnreachable("The hub does not answer just now.", hint="Try again in a moment.")

    def logout(self, request: Request, sent: SentProof) -> RedirectResponse:
        """Forget this browser, then let the hub do the same: it ends all tokens of the session."""
        token = token_cookie(request)
        if token:
            require_own_page(request, token, sent)
        response = RedirectResponse(f"{self._address.hub_path}/logout", 303)
        response.delete_cookie(_prefix(request) + _TOKEN_COOKIE, **self._cookie(request).options())
        return response

    def _cookie(self, request: Request, below: str = "") -> _Cookie:
        outside = request.headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip()
        if _prefix(request):
            return _Cookie(path="/", secure=True)  # browsers take such a cookie for the whole name only; no student's server has that name
        return _Cookie(path=f"{self._address.base_path}{below or '/'}", secure=outside == "https")

    def _own_path(self, target: str) -> str:
        """Return `target` if it is a page of ours, else the first page: a login leads nowhere else."""
        home = f"{self._address.base_path}/"
        parts = urlsplit(target)
        is_own = not parts.scheme and not parts.netloc and parts.path.startswith(home) and not set(target) & set("\\\r\n\t")
        if not is_own or ".." in parts.path.split("/"):
            return home
        return quote(parts.path, safe="/%") + (f"?{urlencode(parse_qsl(parts.query))}" if parts.query else "")


def _state_name(state: str) -> str:
    return _STATE_COOKIE + hashlib.sha256(state.encode()).hexdigest()[:12]
