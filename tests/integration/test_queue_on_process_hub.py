"""The queue and the hub's runner on a real hub with its real service, whose servers are processes.

``LABKIT_REPEAT`` says how often the service is killed, and ten times that many runs are handed in: at five and above all fifty.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from labkit.client import HubClient, HubRunner, HubView
from labkit.client.settings import ServiceAddress
from labkit.client.wire import HubRunItem, NewHubRun
from labkit.runs.submitting import Submission
from labkit.testing.light_hub import LightHub
from labkit.testing.queue_contract import JournalLine, QueueContract
from labkit.testing.runner_contract import RunnerContract
from labkit.testing.runs import WRITE_RESULT, cells_spec, wait_until
from labkit_hub.homes import UserHome
from labkit_hub.instance import members

pytestmark = [pytest.mark.slow, pytest.mark.ci]

REPEAT = int(os.environ.get("LABKIT_REPEAT", "1"))
PATIENCE_S = 120.0
SETTINGS = {
    "LABKIT_DEVICES__FAKE": "2",
    "LABKIT_DEVICES__NVIDIA": "false",
    "LABKIT_IDLE__SERVER_S": "0",
    "LABKIT_IDLE__DEVICE_S": "0",
    "LABKIT_QUEUE__LOOK_S": "1",
    "LABKIT_QUEUE__RECONCILE_S": "3",
    "LABKIT_QUEUE__WAITING_PER_PERSON": "50",
}


class ProcessPlace:
    """One hub for all tests; each has people of its own, so that nobody's runs are another test's."""

    def __init__(self, hub: LightHub, journal: Path) -> None:
        self.hub = hub
        self.people: Sequence[str] = ()
        self.database_url = f"sqlite:///{hub.var / 'labkit.sqlite'}"
        self._journal = journal
        self._clients: dict[str, HubClient] = {}
        self._notebooks = journal.parent

    def begin(self) -> None:
        """Forget what earlier tests did: they have left nothing that goes on."""
        engine = create_engine(self.database_url)
        with engine.begin() as connection:
            for table in ("usage", "tickets", "runs"):
                connection.execute(text(f"DELETE FROM {table}"))
        engine.dispose()
        self._journal.write_text("")
        self.people = [f"{name}{secrets.token_hex(2)}" for name in ("anna", "ben", "carl", "dora")]
        for person in self.people:
            self.add(person)

    def add(self, person: str) -> HubClient:
        """Make an account and a home, and return who asks the service for this person."""
        self.hub.api("POST", f"/users/{person}")
        token = self.hub.api("POST", f"/users/{person}/tokens", {}).json()["token"]
        UserHome.of(self.hub.var / "homes", person).prepare()
        self._clients[person] = HubClient(ServiceAddress(f"{self.hub.url}/services/labkit", token), patience_s=PATIENCE_S)
        return self._clients[person]

    def home(self, person: str) -> Path:
        return UserHome.of(self.hub.var / "homes", person).root

    def submit(self, person: str) -> str:
        submission = Submission.checked(cells_spec(self._notebooks, WRITE_RESULT, where="hub"))
        run_id, wish = submission.spec.id, NewHubRun(kind="test", path="projects/cells/runs")
        folder = self.home(person) / "projects" / "cells" / "runs"
        submission.hand_in(folder, lambda: self._clients[person].submit(run_id, wish), lambda: None)
        return run_id

    def runs(self, person: str) -> Sequence[HubRunItem]:
        return self._clients[person].runs()

    def cancel(self, person: str, run_id: str) -> None:
        self._clients[person].cancel(run_id)

    def kill_service(self) -> None:
        service = self.service()
        service.kill()
        wait_until(lambda: not service.is_running() or service.status() == "zombie")
        wait_until(lambda: self.service() is not None)

    def service(self) -> Any:
        """Return the process of the service, None while there is none."""
        return next((p for p in members(str(self.hub.var.resolve())) if "labkit_hub.service" in _command(p)), None)

    def journal(self) -> Sequence[JournalLine]:
        return [JournalLine(**json.loads(line)) for line in self._journal.read_text().splitlines()]

    def server_names(self) -> Sequence[str]:
        users = self.hub.api("GET", "/users?include_stopped_servers=1").json()
        return [name for user in users for name in user["servers"] if name]

    def set_devices(self, action: str) -> None:
        """Take all devices out of use, or use them again."""
        token = self.hub.api("POST", "/users/admin/tokens", {}).json()["token"]
        headers = {"Authorization": f"token {token}"}
        with httpx.Client(base_url=f"{self.hub.url}/services/labkit/api", headers=headers, trust_env=False, timeout=30) as admin:
            for device in admin.get("/devices").json()["devices"]:
                answer = admin.post(f"/devices/{device['id']}/{action}")
                assert answer.status_code < 300, answer.text


def _command(process: Any) -> list[str]:
    try:
        return list(process.cmdline())
    except Exception:
        return []


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessPlace]:
    folder = tmp_path_factory.mktemp("process")
    journal = folder / "journal.jsonl"
    journal.touch()
    with LightHub(folder / "var", env={**SETTINGS, "LIGHT_HUB_JOURNAL": str(journal)}) as hub:
        hub.api("POST", "/users/admin")
        yield ProcessPlace(hub, journal)


class TestQueueOnProcesses(QueueContract):
    """What holds on every hub holds here."""

    submissions = min(50, 10 * REPEAT)
    kills = min(3, REPEAT)
    timeout_s = 300.0

    @pytest.fixture
    def place(self, running: ProcessPlace) -> ProcessPlace:
        running.begin()
        return running


class TestRunnerOnProcesses(RunnerContract):
    """The hub's runner does here what every runner does."""

    @pytest.fixture
    def runner(self, running: ProcessPlace, monkeypatch: pytest.MonkeyPatch) -> HubRunner:
        person = f"eve{secrets.token_hex(3)}"
        client = running.add(person)
        home = running.home(person)
        monkeypatch.setenv("HOME", str(home))
        return HubRunner(home / "projects" / "cells" / "runs", HubView(client, fresh_s=0.05))

    @pytest.fixture
    def busy_runner(self, runner: HubRunner, running: ProcessPlace) -> Iterator[HubRunner]:
        running.set_devices("stop")
        yield runner
        for entry in runner.queue():
            runner.run(entry.run_id).cancel()
        running.set_devices("start")
