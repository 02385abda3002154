"""The queue and the hub's runner on a real hub with its real service, whose servers are processes.

With ``LABKIT_REPEAT=20`` and above fifty runs are handed in at once, and the service is killed three times meanwhile.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from labkit.client import HubRunner, HubView
from labkit.testing.process_place import ProcessPlace, process_place
from labkit.testing.queue_contract import QueueContract
from labkit.testing.repetitions import repetitions
from labkit.testing.runner_contract import RunnerContract

pytestmark = [pytest.mark.slow, pytest.mark.ci]

IS_FULL = repetitions(1, full=20) >= 20


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessPlace]:
    with process_place(tmp_path_factory.mktemp("process")) as place:
        yield place


class TestQueueOnProcesses(QueueContract):
    """What holds on every hub holds here."""

    submissions = 50 if IS_FULL else 10
    kills = 3 if IS_FULL else 1
    timeout_s = 400.0

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
