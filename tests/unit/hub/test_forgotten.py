"""Which processes of a killed hub the next one ends, and which it leaves."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from labkit_hub.forgotten import end_forgotten
from labkit_hub.instance import MARK, instance_mark
from labkit_hub.settings import Settings

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a hub whose database knows no server."""
    settings = Settings(var=tmp_path / "var")
    settings.layout.prepare()
    with closing(sqlite3.connect(settings.layout.database)) as database, database:
        database.execute("CREATE TABLE spawners (state TEXT, server_id INTEGER)")
    return settings


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Start a process that carries the hub's mark and these variables."""
    started: list[subprocess.Popen[bytes]] = []

    def start(**variables: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, MARK: instance_mark(settings.var), **variables}
        started.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()


def test_a_server_that_no_row_tells_of_is_ended_with_its_kernels(settings: Settings, start: Start) -> None:
    """It was about to start when the hub was killed; what the database knows goes on, and so does what is another hub's."""
    known = start(JUPYTERHUB_SERVICE_PREFIX="/user/ada/")
    kernel = start(JUPYTERHUB_SERVICE_PREFIX="/user/ada/")
    forgotten = start(JUPYTERHUB_SERVICE_PREFIX="/user/ada/run-abcdefghijkl/")
    another = start(JUPYTERHUB_SERVICE_PREFIX="/user/ben/", LABKIT_INSTANCE="another")
    proxy = start()
    with closing(sqlite3.connect(settings.layout.database)) as database, database:
        database.execute("INSERT INTO spawners VALUES (?, 1), ('{}', 2)", (json.dumps({"pid": known.pid}),))
    assert end_forgotten(settings) == 1
    assert forgotten.wait(60) != 0
    assert [process.poll() for process in (known, kernel, another, proxy)] == [None] * 4


def test_a_service_of_the_killed_hub_is_ended(settings: Settings, start: Start) -> None:
    """The next hub starts its own; two would lend the same devices."""
    service = start(JUPYTERHUB_SERVICE_PREFIX="/services/labkit/", JUPYTERHUB_SERVICE_NAME="labkit")
    assert end_forgotten(settings) == 1
    assert service.wait(60) != 0


def test_while_a_hub_runs_nothing_is_ended(settings: Settings, start: Start) -> None:
    """Commands of JupyterHub read the configuration, too."""
    server = start(JUPYTERHUB_SERVICE_PREFIX="/user/ada/")
    hub = subprocess.Popen([sys.executable, "-c", "input()", "jupyterhub"], stdin=subprocess.PIPE)
    settings.layout.hub_pid.write_text(str(hub.pid))
    try:
        assert end_forgotten(settings) == 0
        assert server.poll() is None
    finally:
        hub.communicate(b"\n")
    assert end_forgotten(settings) == 1
