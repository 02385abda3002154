"""The queue in the real service process, beside a small hub that speaks HTTP; killed with SIGKILL and started again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from labkit.client.wire import HubRunItem, HubRunList
from labkit.storage import new_id
from labkit.testing.httphub import HttpHub
from labkit.testing.ports import free_port
from labkit.testing.queue_contract import JournalLine, QueueContract
from labkit.testing.runs import wait_until

pytestmark = pytest.mark.slow

PEOPLE = ("root", "anna", "ben", "carl", "dora")
_PATIENCE_S = 120.0  # a service that was killed starts again meanwhile


class ServicePlace:
    """A hub over HTTP in this process, and the service in one of its own."""

    def __init__(self, folder: Path, database_url: str, run_s: float) -> None:
        self.people: Sequence[str] = PEOPLE[1:]
        self.database_url = database_url
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}/services/labkit"
        self.hub = HttpHub(PEOPLE, self.url, run_s)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(trust_env=False, timeout=30)

    def __enter__(self) -> ServicePlace:
        self.hub.__enter__()
        self._start()
        wait_until(lambda: self._ask("GET", self.people[0], "runs") is not None, timeout_s=_PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        self.hub.__exit__(None, None, None)
        self._client.close()

    def submit(self, person: str) -> str:
        run_id, body = new_id(), {"kind": "train", "path": "projects/cells/runs"}
        wait_until(lambda: self._ask("PUT", person, f"runs/{run_id}", body) is not None, timeout_s=_PATIENCE_S)
        return run_id

    def submit_endless(self, person: str) -> str:
        self.hub.held = True
        return self.submit(person)

    def runs(self, person: str) -> Sequence[HubRunItem]:
        answers: list[Any] = []
        wait_until(lambda: answers.append(self._ask("GET", person, "runs")) or answers[-1] is not None, timeout_s=_PATIENCE_S)
        return HubRunList.model_validate(answers[-1]).runs

    def cancel(self, person: str, run_id: str) -> None:
        wait_until(lambda: self._ask("POST", person, f"runs/{run_id}/cancel") is not None, timeout_s=_PATIENCE_S)

    def kill_service(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._start()

    def journal(self) -> Sequence[JournalLine]:
        return list(self.hub.journal)

    def server_names(self) -> Sequence[str]:
        return [name for _, name in self.hub.names()]

    def _ask(self, method: str, person: str, path: str, body: Any = None) -> Any:
        """Return the answer; None if the service is away, as it is between two lives."""
        headers = {"Authorization": f"token {self.hub.token_of(person)}"}
        try:
            answer = self._client.request(method, f"{self.url}/api/{path}", json=body, headers=headers)
        except httpx.HTTPError:
            return None
        if answer.status_code >= 500:
            return None
        assert answer.status_code < 300, answer.text
        return answer.json()

    def _start(self) -> None:
        environment = {
            **os.environ,
            "LABKIT_VAR": str(self._folder),
            "LABKIT_DEVICES__FAKE": "2",
            "LABKIT_DEVICES__NVIDIA": "false",
            "LABKIT_QUEUE__LOOK_S": "0.2",
            "LABKIT_QUEUE__RECONCILE_S": "1",
            "LABKIT_QUEUE__WAITING_PER_PERSON": "50",
            "LABKIT_SERVICE__DATABASE_URL": self.database_url,
            "JUPYTERHUB_API_URL": self.hub.api_url,
            "JUPYTERHUB_API_TOKEN": self.hub.service_token,
            "JUPYTERHUB_SERVICE_PREFIX": "/services/labkit/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self._port}",
            "JUPYTERHUB_BASE_URL": "/",
        }
        with (self._folder / "service.log").open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-m", "labkit_hub.service"], env=environment, stdout=log, stderr=log)


class TestOnSqlite(QueueContract):
    """The contract with the database that is there without any setting."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[ServicePlace]:
        with ServicePlace(tmp_path, f"sqlite:///{tmp_path / 'service.sqlite'}", run_s=0.05) as place:
            yield place

    def test_a_hub_that_answers_403_for_a_while_costs_nothing(self, place: ServicePlace) -> None:
        """Its database is away: no lease is freed, no run is lost, and afterwards everything goes on."""
        run = place.submit_endless("anna")
        wait_until(lambda: place.runs("anna")[0].state == "running", timeout_s=_PATIENCE_S)
        place.hub.away, place.hub.held = True, False
        time.sleep(2.5)  # the run is over and several looks have found no answer
        place.hub.away = False
        self._wait_for_end(place)
        assert self._state(place, "anna", run) == "done"


@pytest.mark.ci
class TestOnPostgres(QueueContract):
    """The contract with the database of the larger shapes."""

    @pytest.fixture
    def place(self, tmp_path: Path, postgres_url: str) -> Iterator[ServicePlace]:
        with ServicePlace(tmp_path, postgres_url, run_s=0.05) as place:
            yield place
