"""Runs that a hub carries out, against a stand-in for its service that starts real servers of runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.client import HubRunner, HubView
from labkit.client.client import HubClient
from labkit.testing.hub_service import StandInService, hub_service
from labkit.testing.runner_contract import RunnerContract


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's home, which the servers of runs see too."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def service(home: Path) -> Iterator[StandInService]:
    """The stand-in, with a free device."""
    with hub_service(home) as running:
        yield running


@pytest.fixture
def runner(home: Path, service: StandInService) -> HubRunner:
    """A runner of a project in the home."""
    return HubRunner(home / "cells" / "runs", HubView(HubClient(service.address, patience_s=1.0), fresh_s=0.05))


class TestHubRunner(RunnerContract):
    """The hub's runner does what every runner does."""

    @pytest.fixture
    def busy_runner(self, runner: HubRunner, service: StandInService) -> HubRunner:
        """The runner while the device is somebody else's."""
        service.is_taken = True
        return runner
