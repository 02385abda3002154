"""Specs, records and what a runner refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from labkit.errors import NotFound, RunFailed
from labkit.runs import LocalRunner, Run, RunRecord, RunSpec
from labkit.storage import RunLayout, save_record


@pytest.fixture
def queued_run(tmp_path: Path) -> Run:
    """A run's folder as it is before a supervisor has taken it."""
    spec = RunSpec(kind="train", notebook=tmp_path / "a.ipynb", config={})
    (tmp_path / spec.id).mkdir()
    save_record(tmp_path / spec.id / "spec.json", spec)
    return Run(RunLayout(tmp_path / spec.id))


@pytest.mark.parametrize(
    "wrong", [{"notebook": Path("relative.ipynb")}, {"device": "tpu"}, {"kind": "a/b"}, {"id": "../../etc"}, {"resumes": "x"}, {"extra": 1}]
)
def test_spec_is_strict(wrong: dict[str, object]) -> None:
    """A spec with a relative notebook, an unknown device, a kind or id that is no name, or more fields is refused."""
    with pytest.raises(ValidationError):
        RunSpec(**{"kind": "train", "notebook": Path("/a.ipynb"), "config": {}, **wrong})


def test_record_has_the_fields_of_the_contract() -> None:
    """run.json holds exactly the fields that other rooms were promised."""
    fields = "format id kind state reason device created started ended heartbeat exit_code resumes"
    assert list(RunRecord.model_fields) == fields.split()


def test_missing_notebook_leaves_nothing(tmp_path: Path) -> None:
    """A spec whose notebook does not exist is refused before anything is written."""
    with pytest.raises(NotFound):
        LocalRunner(tmp_path / "runs").submit(RunSpec(kind="train", notebook=tmp_path / "no.ipynb", config={}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("run_id", ["abcdefghijkl", "../outside", "", "ABCDEFGHIJKL"])
def test_unknown_run(tmp_path: Path, run_id: str) -> None:
    """An id that names no run here is refused in one line."""
    with pytest.raises(NotFound):
        LocalRunner(tmp_path).run(run_id)


def test_runs_skips_what_is_no_run(tmp_path: Path, queued_run: Run) -> None:
    """Only finished folders of runs are listed."""
    (tmp_path / ".incoming-x").mkdir()
    (tmp_path / "notes").mkdir()
    assert [run.id for run in LocalRunner(tmp_path).runs()] == [queued_run.id]
    assert LocalRunner(tmp_path / "nowhere").runs() == []


def test_queued_run_is_cancelled_at_once(queued_run: Run) -> None:
    """A run that no supervisor has taken is cancelled by whoever asks, and has no result."""
    assert queued_run.state == "queued"
    queued_run.cancel()
    assert queued_run.wait().state == "cancelled"
    with pytest.raises(RunFailed) as caught:
        queued_run.result()
    assert caught.value.facts["state"] == "cancelled"
    assert "log.txt" in caught.value.hint


def test_dead_supervisor_is_lost_for_good(queued_run: Run) -> None:
    """A record that says running while nobody holds the lock becomes lost, and stays so."""
    save_record(queued_run.layout.record, RunRecord.queued(queued_run.spec).model_copy(update={"state": "running"}))
    first = queued_run.record()
    assert (first.state, Run(queued_run.layout).record()) == ("lost", first)
    assert first.ended is not None
    assert [e.event.state for e in queued_run.events()] == ["lost"]
