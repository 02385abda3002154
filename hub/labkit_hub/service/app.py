"""The service as a web application: rooms under one address, opened as soon as the database answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import anyio.to_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labkit_hub import __version__
from labkit_hub.service.audit import note_error
from labkit_hub.service.context import ServiceContext
from labkit_hub.service.errors import BoundedBody, RenderError, install_errors, is_unreachable
from labkit_hub.service.migrate import migrate
from labkit_hub.service.policies import page_policy

__all__ = ["Opening", "Room", "create_app"]

log = logging.getLogger(__name__)

_MOST_BYTES = 4_000_000
_SAFE_HEADERS = {"Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff"}


class Room(Protocol):
    """Some of the service's routes, and the work behind them."""

    @property
    def router(self) -> APIRouter:
        """The routes, written without the base path."""
        ...

    def start(self) -> None:
        """Begin; the database is there and up to date."""
        ...

    def stop(self) -> None:
        """End; nothing runs any more afterwards."""
        ...


class Opening:
    """Waits for the database, migrates it, then starts the rooms; meanwhile the service answers that it is starting.

    Parameters
    ----------
    context : ServiceContext
    rooms : sequence of Room
    fail : callable
        Called with an error that no waiting will cure.
    """

    def __init__(self, context: ServiceContext, rooms: Sequence[Room], fail: Callable[[BaseException], None]) -> None:
        self._context = context
        self._rooms = rooms
        self._fail = fail
        self._ended = threading.Event()
        self._begun: list[Room] = []
        self._thread = threading.Thread(target=self._open, name="opening", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def stop(self) -> None:
        """End what was begun, the last first."""
        self._ended.set()
        self._thread.join()
        for room in reversed(self._begun):
            room.stop()

    def _open(self) -> None:
        try:
            if self._wait_for_database():
                for room in self._rooms:
                    room.start()
                    self._begun.append(room)
                self._context.opened.set()
                log.info("The service is open at %s", self._context.base_path)
        except Exception as error:
            log.exception("The service cannot open")
            self._fail(error)

    def _wait_for_database(self) -> bool:
        pause_s = 0.2
        while not self._ended.is_set():
            try:
                migrate(self._context.database)
                return True
            except SQLAlchemyError as error:
                if not is_unreachable(error):
                    raise
                log.warning("The database does not answer yet: %s", str(error).splitlines()[0])
            self._ended.wait(pause_s)
            pause_s = min(2 * pause_s, 5.0)
        return False


def create_app(
    context: ServiceContext,
    rooms: Sequence[Room],
    *,
    login_path: Callable[[Request], str],
    render_error: RenderError,
    fail: Callable[[BaseException], None],
    hub_path: str = "/hub",
    limit_of: Callable[[str], int | None] = lambda _path: None,
    threads: int = 64,
) -> FastAPI:
    """Return the application; rooms start with it and end with it.

    Parameters
    ----------
    context : ServiceContext
    rooms : sequence of Room
        Mounted and started in this order, stopped in the reverse one.
    login_path : callable
        Where a browser that must log in is sent.
    render_error : callable
        Makes a page of an error.
    fail : callable
        Called with an error that keeps the service from opening for good.
    hub_path : str
        Where the hub's pages are; logging out leads there, also to a host of its own.
    limit_of : callable
        Returns the most bytes that a path takes, if it takes whole files.
    threads : int
        How many requests are worked on at a time.
    """

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = threads
        opening = Opening(context, rooms, fail)
        opening.start()
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(opening.stop)
            context.database.close()

    app = FastAPI(
        title="LabKit",
        version=__version__,
        description="Courses, people and the line for devices of a LabKit hub.",
        openapi_url=f"{context.base_path}/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=life,
    )
    app.state.cookie_prefix = context.settings.cookie_prefix
    app.state.note_error = lambda where, kind, number: note_error(context.database, where, kind, number=number)

    @app.get(f"{context.base_path}/health", include_in_schema=False)
    def health() -> JSONResponse:
        """Say whether the service is open; no login."""
        is_open = context.opened.is_set()
        return JSONResponse({"open": is_open, "version": __version__}, 200 if is_open else 503)

    for room in rooms:
        app.include_router(room.router, prefix=context.base_path)
    install_errors(app, context.base_path, login_path, render_error)
    app.add_middleware(BoundedBody, limit_bytes=_MOST_BYTES, limit_of=limit_of)
    app.add_middleware(SafeHeaders, hub_path=hub_path)
    return app


class SafeHeaders:
    """Adds what keeps pages from being framed, sniffed or filled with foreign scripts, and answers from being kept."""

    def __init__(self, app: ASGIApp, hub_path: str) -> None:
        self._app = app
        self._headers = {"Content-Security-Policy": page_policy(hub_path), **_SAFE_HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, add if scope["type"] == "http" else send)
