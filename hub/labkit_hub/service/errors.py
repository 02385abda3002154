"""Errors become answers in one place: those of `labkit.errors` by their table, all others without detail."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labkit.errors import InvalidInput, LabKitError, NotFound, StorageUnreachable, response_for

__all__ = ["BoundedBody", "CatchAll", "LoginNeeded", "RenderError", "install_errors", "is_unreachable"]

log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
RenderError = Callable[[Request, int, LabKitError], Response]
"""Makes the page that shows an error to a browser."""
_MACHINES = ("/api/", "/internal/", "/metrics", "/health")


class LoginNeeded(LabKitError):
    """Nobody is logged in, or the token is none that opens this service: 401 for programs, the login for browsers."""


def is_unreachable(error: BaseException) -> bool:
    """Whether an error of SQLAlchemy means that the database does not answer, rather than that a query is wrong."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def install_errors(app: FastAPI, base_path: str, login_path: Callable[[Request], str], render: RenderError) -> None:
    """Teach `app` to answer errors.

    Parameters
    ----------
    login_path : callable
        Where a browser that must log in is sent.
    render : callable
        Makes a page of an error.
    """

    def answer(request: Request, status: int, error: LabKitError) -> Response:
        headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}
        is_page = wants_page(request, base_path)
        response = render(request, status, error) if is_page else JSONResponse({"error": error.as_dict()}, status)
        response.headers.update(headers)
        return response

    def on_known(request: Request, error: Exception) -> Response:
        known = error if isinstance(error, LabKitError) else LabKitError(str(error))
        if isinstance(known, LoginNeeded):
            if wants_page(request, base_path) and request.method == "GET":
                return RedirectResponse(login_path(request), 302)
            response = answer(request, 401, known)
            response.headers["WWW-Authenticate"] = "token"
            return response
        return answer(request, response_for(known).http_status, known)

    def on_invalid(request: Request, error: Exception) -> Response:
        faults = error.errors() if isinstance(error, RequestValidationError) else []
        return answer(request, 400, InvalidInput(_in_words(faults), hint="Correct what is named, and send it again."))

    def on_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status == 404:
            return answer(request, 404, NotFound("There is nothing at this address.", hint="Check the address."))
        return answer(request, status, InvalidInput(str(getattr(error, "detail", "")) or "This cannot be done here."))

    def on_unknown(request: Request, error: Exception) -> Response:
        if is_unreachable(error):
            log.warning("The database does not answer: %s", error)
            away = StorageUnreachable("The service's database does not answer just now.", hint="Try again in a moment.")
            return answer(request, 503, away)
        if isinstance(error, DataError):
            # PostgreSQL keeps no NUL in a text, whatever the field; to check each of them beforehand would be to forget one.
            log.warning("The database cannot keep what was sent: %s", error.orig)
            odd = InvalidInput("Something that was sent cannot be kept: a text with a NUL, or too large a number.", hint="Send it without.")
            return answer(request, 400, odd)
        number = secrets.token_hex(4)
        log.error("Error %s in %s %s", number, request.method, request.url.path, exc_info=error)
        hint = "Try again. If it stays, tell an admin this number: the log has the details."
        note: Callable[[str, str, str], None] | None = getattr(request.app.state, "note_error", None)
        if note is not None:
            note(f"{request.method} {request.url.path}"[:200], type(error).__name__, number)
        return answer(request, 500, LabKitError(f"Something went wrong here (error {number}).", hint=hint))

    app.add_exception_handler(LabKitError, on_known)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.state.answer_unknown = on_unknown
    app.add_middleware(CatchAll)


def wants_page(request: Request, base_path: str) -> bool:
    """Whether a browser asks for a page, not a program for data."""
    path, accepted = request.url.path.removeprefix(base_path), request.headers.get("accept", "*/*")
    return not path.startswith(_MACHINES) and ("text/html" in accepted or "*/*" in accepted)


def _in_words(faults: Any) -> str:
    parts = []
    for fault in list(faults)[:10]:
        place = ".".join(str(part) for part in tuple(fault.get("loc", ()))[1:])  # the first says only where: body, query, path
        parts.append(f"{place or 'the request'}: {fault.get('msg', 'is not right')}")
    return f"The request cannot be used: {'; '.join(parts)}."


class CatchAll:
    """Answers exceptions that nobody expected; the server itself sees none of them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if begun:
                raise
            request = Request(scope)
            response: Response = request.app.state.answer_unknown(request, error)
            await response(scope, receive, send)


class BoundedBody:
    """Refuses requests whose body is larger than anything that is sent here.

    Parameters
    ----------
    limit_bytes : int
        For everything that `limit_of` says nothing about.
    limit_of : callable
        Returns the limit of a path that takes whole files, None of any other.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int, limit_of: Callable[[str], int | None] = lambda _path: None) -> None:
        self._app = app
        self._limit = limit_bytes
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes in; with or without an announced length."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        limit = self._limit_of(scope["path"]) or self._limit
        if not length.isdigit() or int(length) > limit:
            await self._refuse(scope, receive, send, limit)
            return
        left, is_too_large, begun = limit, False, False

        async def bounded() -> Message:
            nonlocal left, is_too_large
            message = await receive()
            left -= len(message.get("body", b""))
            is_too_large = is_too_large or left < 0
            return {"type": "http.disconnect"} if is_too_large else message

        async def watched(message: Message) -> None:
            nonlocal begun
            if not is_too_large or begun:
                begun = True
                await send(message)

        await self._app(scope, bounded, watched)
        if is_too_large and not begun:
            await self._refuse(scope, receive, send, limit)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        error = InvalidInput(f"More than {limit / 1e6:g} MB were sent.", hint="Send less at once.")
        await Response(json.dumps({"error": error.as_dict()}), 413, media_type="application/json")(scope, receive, send)
