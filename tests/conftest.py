"""What all tests share: a home of their own, so that none touches the one of the person who runs them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from labkit.config import PATIENT_THREADS
from labkit.project import Project

os.environ.update(PATIENT_THREADS)  # two tests at a time share the cores; read when torch is loaded


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test that skips fail where nothing may be missing (``LABKIT_REQUIRE_ALL=1``), whatever its reason."""
    report = yield
    if report.skipped and os.environ.get("LABKIT_REQUIRE_ALL") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"LABKIT_REQUIRE_ALL=1, but: {reason}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the files that probably take longest first where several programs share the tests: a long one at the end would be alone.

    A file stays whole and in its order. ``make test`` says ``--no-loadscope-reorder``, or those with the most tests would be first.
    """
    if hasattr(config, "workerinput"):
        durations_s: Counter[Path] = Counter()
        for item in items:
            durations_s[item.path] += _guess_s(item)
        items.sort(key=lambda item: (-durations_s[item.path], item.path))


def _guess_s(item: pytest.Item) -> float:
    if any(item.get_closest_marker(name) for name in ("slow", "browser", "ci")):
        return 10.0
    return 0.1 if "unit" in item.path.parts else 3.0


@pytest.fixture(scope="session")
def sample_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where sample pictures are kept: fetched once a session, never taken from the person's own cache."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What lives longer than a test has a queue of runs of its own, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path_factory: pytest.TempPathFactory, sample_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LABKIT_PROJECTS", str(home / "projects"))
    monkeypatch.setenv("LABKIT_STATE", str(home / "state"))  # a queue of runs of its own
    monkeypatch.setenv("LABKIT_AUTHOR", "tester")
    monkeypatch.setenv("LABKIT_CACHE", str(sample_cache))
    monkeypatch.setenv("LABKIT_QUOTA_GB", "20")  # else a machine with little free disk would refuse every import
    monkeypatch.setenv("IPYTHONDIR", str(home / ".ipython"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project with one class."""
    return Project.create(tmp_path / "projects", "cells", classes=["nucleus"])
