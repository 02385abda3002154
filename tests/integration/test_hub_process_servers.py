"""Servers as local processes: what a person's server is started with, a run's server beside it, and how that is stopped."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import psutil
import pytest
from jupyterhub.spawner import SpawnException

from labkit.testing.hub import RunningHub, hub_programs
from labkit.testing.hub_session import HubSession
from labkit_hub.spawner import LabKitProcessSpawner

pytestmark = pytest.mark.slow

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Run a hub with one device that is none, where a home brings a configuration of its own."""
    var = tmp_path_factory.mktemp("servers") / "var"
    config = var / "homes" / "student" / ".jupyter" / "jupyter_server_config.py"
    config.parent.mkdir(parents=True)
    config.write_text(f"open({str(var / 'mischief')!r}, 'w').close()\n")
    with RunningHub(var, env={"LABKIT_DEVICES__FAKE": "1", "LABKIT_DEVICES__NVIDIA": "false"}) as hub:
        yield hub


@pytest.fixture(scope="module")
def student(hub: RunningHub) -> Iterator[HubSession]:
    """Log the student in, and have the server running."""
    with HubSession(hub.url) as session:
        session.login("student", hub.logins["student"])
        session.post_form("/hub/spawn", profile="cpu")
        session.start_server("student")
        yield session


def server_process(hub: RunningHub) -> psutil.Process:
    return hub_programs(hub.var, "jupyterhub.singleuser")[0]


def test_the_welcome_counts_the_devices(hub: RunningHub) -> None:
    """So that an admin sees at once whether the queue has something to give."""
    assert "The queue has 1 device: Fake device 0." in hub.output


def test_the_homes_own_configuration_is_not_run(hub: RunningHub, student: HubSession) -> None:
    """Nor may extensions be installed from the browser."""
    assert not (hub.var / "mischief").exists()
    assert "--LabApp.extension_manager=readonly" in server_process(hub).cmdline()


def test_the_servers_own_token_opens_the_service(hub: RunningHub, student: HubSession) -> None:
    """At the address that it was given, as its owner, without any device in sight."""
    environment = server_process(hub).environ()
    answer = httpx.get(
        f"{environment['LABKIT_SERVICE_URL']}/api/me",
        headers={"Authorization": f"token {environment['JUPYTERHUB_API_TOKEN']}"},
        trust_env=False,
        timeout=PATIENCE_S,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == "student"
    assert environment["CUDA_VISIBLE_DEVICES"] == ""


def test_a_run_whose_folder_is_missing_ends_in_words_and_leaves_no_server(hub: RunningHub, student: HubSession) -> None:
    """Its server starts beside the person's own, finds nothing to carry out, says so, and is gone; the device is free again."""
    environment = server_process(hub).environ()
    headers = {"Authorization": f"token {environment['JUPYTERHUB_API_TOKEN']}"}
    service = httpx.Client(base_url=f"{environment['LABKIT_SERVICE_URL']}/api/", headers=headers, trust_env=False, timeout=PATIENCE_S)
    run = "runs/abcdefghijkl"
    body = {"title": "none", "kind": "train", "path": "projects/none/runs"}
    assert service.put(run, json=body).status_code == 201
    deadline = time.monotonic() + 4 * PATIENCE_S
    while (item := service.get(run).json())["state"] not in ("done", "failed", "cancelled", "lost"):
        assert time.monotonic() < deadline, item
        time.sleep(0.3)
    assert item["state"] in ("failed", "lost")
    assert item["reason"]

    def settled() -> bool:
        servers = student.http.get("/hub/api/users/student", params={"include_stopped_servers": "1"}).json()["servers"]
        devices = service.get("me").json()["devices"]
        return set(servers) == {""} and devices["free"] == 1

    while not settled():
        assert time.monotonic() < deadline
        time.sleep(0.3)
    service.close()


SUPERVISOR = """
import pathlib, signal, sys, time
def end(*_):
    time.sleep(2)
    pathlib.Path(sys.argv[1]).write_text("ended in order")
    sys.exit(0)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background lets its children ignore it
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("name", "ends_in_order"), [("run-abcdefghijkl", True), ("", False)])
def test_a_run_gets_its_grace_after_sigterm(tmp_path: Path, name: str, ends_in_order: bool) -> None:
    """Its supervisor needs seconds to end its children and to write the end; an interrupt, as for JupyterLab, would be none of it."""

    async def story() -> None:
        spawner = LabKitProcessSpawner(homes_dir=str(tmp_path), instance="test", interrupt_timeout=60)
        spawner.user, spawner.orm_spawner = mock.Mock(), mock.Mock(server=None)
        spawner.orm_spawner.name = name
        process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, str(tmp_path / "said")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        spawner.proc, spawner.pid = process, process.pid
        await spawner.stop()
        assert process.poll() is not None
        assert (process.returncode == 0) is ends_in_order
        assert process.returncode in (0, -signal.SIGINT, 1)

    asyncio.run(story())
    assert (tmp_path / "said").exists() is ends_in_order


@pytest.mark.parametrize("name", ["run-abcdefghijkl", ""])
def test_a_server_that_ignores_every_request_is_ended_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """After its grace nobody waits any longer."""
    monkeypatch.setattr("labkit_hub.spawner.RUN_STOP_S", 0.5)
    deaf = "import signal, time\nfor n in (2, 15): signal.signal(n, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(60)"

    async def story() -> int:
        spawner = LabKitProcessSpawner(homes_dir=str(tmp_path), instance="test", interrupt_timeout=1, term_timeout=1)
        spawner.user, spawner.orm_spawner = mock.Mock(), mock.Mock(server=None)
        spawner.orm_spawner.name = name
        process = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        spawner.proc, spawner.pid = process, process.pid
        await spawner.stop()
        return process.wait(60)

    assert asyncio.run(story()) == -signal.SIGKILL


def test_a_run_is_looked_at_often() -> None:
    """Its end frees a device, also when it could not report it."""

    def interval(name: str) -> Any:
        orm = mock.Mock(server=None)
        orm.name = name
        return LabKitProcessSpawner(user=mock.Mock(), orm_spawner=orm).poll_interval

    assert interval("run-abcdefghijkl") <= 5
    assert interval("") == 30


def test_a_server_that_dies_at_once_fails_at_once(tmp_path: Path) -> None:
    """Not when the time for its answer is up, with a sentence."""

    async def story() -> None:
        orm = mock.Mock(server=None)
        orm.name = "run-abcdefghijkl"
        user = mock.Mock(url="/user/ada/", escaped_name="ada")
        user.name = "ada"
        hub = mock.Mock(public_host="", api_url="http://127.0.0.1:1/hub/api", base_url="/hub/")
        spawner = LabKitProcessSpawner(
            user=user, orm_spawner=orm, hub=hub, homes_dir=str(tmp_path), instance="test", cache_dir=str(tmp_path)
        )
        spawner.cmd, spawner.args = [sys.executable, "-c", "raise SystemExit(3)"], []
        with pytest.raises(SpawnException, match="ended before it answered"):
            await asyncio.wait_for(spawner.start(), 30)

    asyncio.run(story())
