"""Which servers count as idle; and the real culler against a hub that is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from labkit_hub.idle import idle_role, idle_service, may_stop
from labkit_hub.profiles import DEFAULT_PROFILES
from labkit_hub.settings import IdleSettings, Settings

SETTINGS = IdleSettings(server_s=3600, device_s=1200)
DEVICES = frozenset({"gpu", "gpu-run"})


def stops(name: str, profile: str | None, minutes: float | None, settings: IdleSettings = SETTINGS) -> bool:
    inactive = None if minutes is None else timedelta(minutes=minutes)
    return may_stop({"name": name, "user_options": {"profile": profile} if profile else None}, inactive, settings, DEVICES)


@pytest.mark.parametrize("minutes", [121, 60 * 24 * 14])
def test_a_run_is_never_idle(minutes: float) -> None:
    """Two silent hours, or two weeks, are a run's own affair."""
    assert not stops("run-abcdefghijkl", "gpu-run", minutes)


def test_a_server_with_a_device_is_stopped_sooner() -> None:
    """After twenty minutes, where another has an hour."""
    assert [stops("", profile, 21) for profile in ("gpu", "cpu", None)] == [True, False, False]
    assert [stops("", profile, 61) for profile in ("gpu", "cpu", None)] == [True, True, True]


def test_what_is_not_known_is_not_stopped() -> None:
    """A server that nothing was ever heard of may have started just now."""
    assert not stops("", "gpu", None)


def test_zero_switches_it_off() -> None:
    """For both kinds of servers, each by itself."""
    assert not stops("", "cpu", 10_000, IdleSettings(server_s=0, device_s=10))
    assert not stops("", "gpu", 10_000, IdleSettings(server_s=10, device_s=0))


def test_its_rights_are_those_that_it_needs() -> None:
    """It may neither start servers, nor read tokens, nor change anybody."""
    assert set(idle_role()["scopes"]) == {"list:users", "read:users:activity", "read:servers", "delete:servers"}


class IdleHub(BaseHTTPRequestHandler):
    """Stands in for the hub: one person with two servers that were last used long ago."""

    stopped: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        long_ago = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
        profiles = {"": "cpu", "run-abcdefghijkl": "gpu-run"}
        common = {"ready": True, "pending": None, "url": "/", "started": long_ago, "last_activity": long_ago}
        servers = {name: {"name": name, "user_options": {"profile": slug}, **common} for name, slug in profiles.items()}
        person = {"name": "ada", "admin": False, "servers": servers}
        self._answer({"items": [person], "_pagination": {"next": None}} if "/users" in self.path else {"version": "6.1.1"})

    def do_DELETE(self) -> None:
        IdleHub.stopped.append(self.path)
        self._answer({})

    def _answer(self, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: Any) -> None:
        return


@pytest.fixture
def idle_hub() -> Iterator[str]:
    """Serve it and return its address."""
    IdleHub.stopped.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), IdleHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hub/api"
    server.shutdown()
    server.server_close()


def test_the_culler_stops_the_idle_server_and_spares_the_run(idle_hub: str, tmp_path: Path) -> None:
    """The process that the hub starts, with the environment that it gets, asks for exactly one stop."""
    settings = Settings(var=tmp_path, idle=IdleSettings(server_s=60, device_s=60, every_s=1))
    entry = idle_service(settings, DEFAULT_PROFILES, {})
    environment = {**os.environ, **entry["environment"], "JUPYTERHUB_API_TOKEN": "token", "JUPYTERHUB_API_URL": idle_hub}
    culler = subprocess.Popen(entry["command"], env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while len(IdleHub.stopped) < 2 and time.monotonic() < deadline:  # it looks again every second: a run would have been met
            time.sleep(0.1)
    finally:
        culler.kill()
        culler.wait()
    assert set(IdleHub.stopped) == {"/hub/api/users/ada/server"}
    assert sys.executable in entry["command"]
