"""`labkit doctor` tells what is broken, and never breaks itself."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit import checkup
from labkit.checkup import Finding, examine
from labkit.testing.commands import call_labkit


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Keep only some of the checks: the others start programs and take seconds."""

    def keep(*names: str) -> None:
        monkeypatch.setattr(checkup, "_CHECKS", tuple(c for c in checkup._CHECKS if c[0] in names))

    return keep


def _finding(name: str) -> Finding:
    [found] = examine()
    assert found.name == name
    return found


def _answers(monkeypatch: pytest.MonkeyPatch, returncode: int, stdout: str = "", stderr: str = "") -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, returncode, stdout, stderr)

    monkeypatch.setattr(subprocess, "run", run)


def test_a_check_that_breaks_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a check raises is what the doctor was called for; the others are still made."""

    def breaks(name: str) -> Finding:
        raise RuntimeError("boom")

    monkeypatch.setattr(checkup, "_CHECKS", (("odd", breaks), *(c for c in checkup._CHECKS if c[0] == "python")))
    odd, python = examine()
    assert (odd.state, odd.detail, python.state) == ("fault", "RuntimeError: boom", "ok")
    assert odd.hint


def test_storage_is_tried_for_real(only: Callable[..., None]) -> None:
    """A sharded array is written and read back."""
    only("storage")
    assert _finding("storage").state == "ok"


def test_a_projects_folder_need_not_exist_yet(only: Callable[..., None]) -> None:
    """Before the first project the folder is missing, and that is fine: the disk it would lie on is looked at."""
    only("projects folder")
    found = _finding("projects folder")
    assert found.state == "ok"
    assert os.environ["LABKIT_PROJECTS"] in found.detail


def test_little_room_is_a_fault(only: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where imports will fail for want of room, the doctor says so beforehand."""
    only("projects folder")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 4_000_000_000})())
    found = _finding("projects folder")
    assert found.state == "fault"
    assert "4 GB free" in found.detail
    assert found.hint


def test_a_cache_that_cannot_be_written_is_a_fault(only: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file lies where the cache should be."""
    (tmp_path / "cache").write_text("mine")
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    only("cache folder")
    assert _finding("cache folder").state == "fault"


def test_a_torch_that_does_not_load_is_a_fault(only: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch and torchvision of two builds fail at import: the last line of the traceback and the cure are shown."""
    only("learning")
    _answers(monkeypatch, 1, stderr="Traceback ...\nRuntimeError: operator torchvision::nms does not exist\n")
    found = _finding("learning")
    assert (found.state, found.detail) == ("fault", "RuntimeError: operator torchvision::nms does not exist")
    assert "torchvision" in found.hint


def test_a_program_that_is_killed_without_a_word_is_a_fault(only: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that dies silently is told by its exit code."""
    only("learning")
    _answers(monkeypatch, -9)
    assert _finding("learning").detail == "exit -9"


def test_a_missing_lab_extension_is_a_fault(only: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """JupyterLab without our panels is not what somebody wants to find out in the browser."""
    only("jupyterlab")
    _answers(monkeypatch, 0, stdout="JupyterLab v4.6.6\n")
    found = _finding("jupyterlab")
    assert (found.state, found.detail) == ("fault", "the extension is not installed")
    assert found.hint


@pytest.mark.parametrize("name", ["learning", "jupyterlab", "hub"])
def test_an_optional_part_may_be_absent(only: Callable[..., None], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What is not installed and not needed is no fault; the hint says how to get it."""
    only(name)
    monkeypatch.setattr(checkup, "_version", lambda package: "-")
    found = _finding(name)
    assert found.state == "absent"
    assert "pip install" in found.hint


@pytest.mark.parametrize(("fault", "exit_code"), [(False, 0), (True, 3)])
def test_doctor_exits_3_when_something_is_broken(
    only: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: bool, exit_code: int
) -> None:
    """The answer lists every finding; only a fault changes the exit code."""
    only("python", "cache folder", "hub")
    monkeypatch.setattr(checkup, "_version", lambda package: "-")
    if fault:
        (tmp_path / "cache").write_text("mine")
        monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    done = call_labkit("doctor", "--json", cwd=tmp_path)
    assert done.exit_code == exit_code
    assert done.json["ok"] is not fault
    assert [f["name"] for f in done.json["findings"]] == ["python", "cache folder", "hub"]
    plain = call_labkit("doctor", cwd=tmp_path)
    assert plain.exit_code == exit_code
    assert ("FAULT   cache folder" in plain.stdout) is fault
    assert "absent  hub" in plain.stdout


@pytest.mark.slow
def test_this_environment_is_healthy() -> None:
    """Every check is made for real here, where everything is installed; torch is tried in a program of its own."""
    found = {finding.name: finding for finding in examine()}
    faults = [f for f in found.values() if f.state == "fault" and f.name != "projects folder"]  # that one is about this disk
    assert faults == []
    assert found["learning"].detail.startswith("torch ")
    assert json.loads(found["hub"].model_dump_json())["state"] == "ok"
