"""Hub and service on PostgreSQL, which goes away for a while: nobody is logged out, and everything comes back by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from labkit.testing.hub import RunningHub
from labkit.testing.hub_session import HubSession
from labkit.testing.postgres import RunningPostgres, find_postgres

pytestmark = [pytest.mark.slow, pytest.mark.ci]

SERVICE = "/services/labkit"


@pytest.fixture
def postgres() -> Iterator[RunningPostgres]:
    if find_postgres() is None:
        pytest.skip("PostgreSQL is not installed")
    with RunningPostgres() as server:
        yield server


@pytest.fixture
def hub(tmp_path: Path, postgres: RunningPostgres) -> Iterator[RunningHub]:
    """Run a hub that keeps everything in PostgreSQL, its service too."""
    env = {"LABKIT_DATABASE_URL": postgres.url, "LABKIT_SERVICE__DATABASE_URL": postgres.another("service")}
    with RunningHub(tmp_path / "var", env=env) as running:
        yield running


def status(session: HubSession, path: str) -> int:
    """Return the status of an answer of the service; 0 while the proxy or the hub give none."""
    try:
        return session.http.get(SERVICE + path, follow_redirects=False).status_code
    except httpx.TransportError:
        return 0


def wait_for(session: HubSession, path: str, wanted: int, timeout_s: float = 120.0) -> set[int]:
    """Ask until the wanted status comes, and return all others that came before."""
    seen: set[int] = set()
    deadline = time.monotonic() + timeout_s
    while (now := status(session, path)) != wanted:
        seen.add(now)
        assert time.monotonic() < deadline, f"{wanted} did not come; seen: {seen}"
        time.sleep(0.5)
    return seen


def test_nobody_is_logged_out_while_the_database_is_away(hub: RunningHub, postgres: RunningPostgres) -> None:
    """Pages answer 503 and then go on, with the same login; there is never a 401, 403 or a way to the login page."""
    with HubSession(hub.url) as session:
        session.login("professor", hub.logins["professor"])
        wait_for(session, "/health", 200)
        assert session.http.get(f"{SERVICE}/courses").url.path == f"{SERVICE}/courses"
        postgres.stop()
        assert wait_for(session, "/courses", 503) <= {200}
        time.sleep(25)  # longer than the service believes what the hub said: now it must ask a hub that refuses everybody
        assert status(session, "/courses") == 503
        postgres.start()
        assert wait_for(session, "/courses", 200) <= {503}
