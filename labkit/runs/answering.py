"""The little web server of a run that the hub carries out: the hub wants to see that it is up, a person is sent to the run's page."""

from __future__ import annotations

import json
import os
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

from labkit import __version__

__all__ = ["Answerer", "at_hub", "hub_version"]

_SILENT_S = 10.0  # a connection on which nothing comes is closed


def at_hub(path: str) -> str:
    """Return the address of a page of the hub: people's servers may have origins of their own, and then the hub says which is its."""
    hub = urlsplit(os.environ.get("JUPYTERHUB_PUBLIC_HUB_URL", ""))
    return f"{hub.scheme}://{hub.netloc}{path}" if hub.netloc else path


class Answerer:
    """Answers on the address that the hub gave this server, on threads of its own, until the program ends.

    Parameters
    ----------
    address : str
        ``JUPYTERHUB_SERVICE_URL``: host, port and the path below which everything is answered.
    page : str
        Where whoever opens the server is sent.
    """

    def __init__(self, address: str, page: str) -> None:
        place = urlsplit(address)
        self._page = page
        host = place.hostname or "127.0.0.1"
        server = _Server if ":" not in host else _Server6
        self._server = server((host, 80 if place.port is None else place.port), _handler(page))

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        threading.Thread(target=self._server.serve_forever, name="labkit-answers", daemon=True).start()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a connection that broke is nobody's trouble."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def _handler(page: str) -> type[BaseHTTPRequestHandler]:
    versions = {"labkit": __version__, "version": hub_version()}

    class Handler(BaseHTTPRequestHandler):
        """Never reads a body, and knows nothing that would be worth a lock."""

        timeout = _SILENT_S
        server_version, sys_version = "LabKit", ""

        def do_GET(self) -> None:
            """Tell the hub that the server is up; send a person to the run's page."""
            if urlsplit(self.path).path.rstrip("/").endswith("/api"):
                self._answer(HTTPStatus.OK, json.dumps(versions).encode(), ("Content-Type", "application/json"))
            else:
                self._answer(HTTPStatus.FOUND, b"", ("Location", page))

        do_HEAD = do_GET  # noqa: N815

        def _answer(self, status: HTTPStatus, body: bytes, header: tuple[str, str]) -> None:
            self.send_response(status)
            self.send_header("X-JupyterHub-Version", versions["version"])
            self.send_header("Cache-Control", "no-store")
            self.send_header(*header)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing: the hub asks again and again."""

    return Handler


def hub_version() -> str:
    """Return the version of JupyterHub that is installed here, without loading it."""
    return os.environ.get("JUPYTERHUB_VERSION") or _version_of("jupyterhub")


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
