"""Ctrl-C: exit 130, one line, nothing left running, nothing half-made; what was finished is kept."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from labkit.events import Metric
from labkit.project import Project
from labkit.runs import Run
from labkit.storage import RunLayout
from labkit.testing.commands import Done, call_labkit, end_of, files_in, start_labkit
from labkit.testing.learning import annotated_image, tiny_model, tiny_training_set
from labkit.testing.pictures import noise_picture, write_tiff
from labkit.testing.runs import programs_of, wait_until
from labkit.tiling import import_image, verify


def _interrupt_when(program: subprocess.Popen[str], reached: Callable[[], object]) -> Done:
    """Wait for a state and press Ctrl-C: the signal goes to the whole group, as from a terminal."""
    try:
        wait_until(lambda: reached() or program.poll() is not None, timeout_s=120)
        assert program.poll() is None, end_of(program)
        os.killpg(program.pid, signal.SIGINT)
    except BaseException:
        program.kill()
        raise
    return end_of(program)


def _whole(store: Path) -> list[Path]:
    """Return the shards of a store that are there; one that was being written when the program ended has another name."""
    return [path for path in store.rglob("c/*/*") if path.is_file() and not path.name.startswith(".")]


def _is_a_cancel(done: Done) -> bool:
    return (done.exit_code, done.error["type"]) == (130, "Cancelled") and "Traceback" not in done.stderr


def test_import_stops_and_goes_on_later(project: Project, tmp_path: Path) -> None:
    """An import that is cancelled is no image yet; called again it goes on and ends as if nothing had been."""
    picture = tmp_path / "large.tif"
    row = noise_picture(2048, 12288)
    tifffile.imwrite(picture, np.concatenate([row] * 5), tile=(512, 512), photometric="minisblack", metadata=None)
    images = project.path / "images"
    program = start_labkit("import", picture, "--json", cwd=project.path)
    done = _interrupt_when(program, lambda: any(ledger.stat().st_size for ledger in images.glob(".incoming-*/ledger.jsonl")))
    assert _is_a_cancel(done)
    assert project.images() == ()
    [incoming] = (ledger.parent for ledger in images.glob(".incoming-*/ledger.jsonl"))
    kept = {path.relative_to(incoming): path.stat().st_mtime_ns for path in _whole(incoming)}
    record = import_image(project, picture)
    assert [image.id for image in project.images()] == [record.id]
    again = [path for path, written in kept.items() if (images / record.id / path).stat().st_mtime_ns != written]
    assert len(again) < len(kept)  # those in the ledger were not made again
    assert not list(images.glob(".*"))
    assert verify(project.path).ok


@pytest.mark.ci
def test_train_stops_with_its_run(project: Project, tmp_path: Path) -> None:
    """A training that is cancelled ends its run: the state says so, no program of it lives, and no model is made."""
    annotated_image(project, tmp_path)
    data = tiny_training_set(project)
    options = ("--epochs", "10000", "--steps-per-epoch", "2", "--batch-size", "2", "--json")
    program = start_labkit("train", data.key, *options, cwd=project.path)

    def learns() -> bool:
        return any(isinstance(e.event, Metric) for folder in (project.path / "runs").glob("[a-z]*") for e in _run(folder).events())

    done = _interrupt_when(program, learns)
    assert _is_a_cancel(done)
    [folder] = (project.path / "runs").glob("[a-z]*")
    run = _run(folder)
    assert run.state == "cancelled"
    assert programs_of(run) == []
    assert run.id in done.error["hint"] or not run.layout.checkpoints.resume_state.exists()
    assert not (project.path / "models").exists() or not any((project.path / "models").iterdir())


def _run(folder: Path) -> Run:
    return Run(RunLayout(folder))


def test_predict_leaves_nothing(project: Project, tmp_path: Path) -> None:
    """A prediction that is cancelled leaves no file; called again it is made."""
    annotated_image(project, tmp_path)
    tiny_model(project, tiny_training_set(project), tmp_path / "training", steps=3)
    large = write_tiff(tmp_path / "large.tif", noise_picture(4096, 4096, dtype="uint16"))
    image = import_image(project, large)
    before = files_in(project.path)
    predictions = project.path / "predictions" / image.id
    program = start_labkit("predict", image.id, "--model", "tiny", "--json", cwd=project.path)
    done = _interrupt_when(program, lambda: list(predictions.glob(".incoming-*/scratch/ids")))
    assert _is_a_cancel(done)
    assert files_in(project.path) == before
    assert list(predictions.iterdir()) == []


@pytest.mark.ci
def test_demo_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo that is cancelled in its training stops the run and takes its folder with it."""
    monkeypatch.setenv("LABKIT_OFFLINE", "1")
    out = tmp_path / "demo"
    runs: list[Run] = []

    def learns() -> bool:
        for folder in (out / "project" / "runs").glob("[a-z]*/events.jsonl"):
            run = _run(folder.parent)
            if any(isinstance(e.event, Metric) for e in run.events()):
                runs.append(run)
        return bool(runs)

    done = _interrupt_when(start_labkit("demo", "--out", out, "--json", cwd=tmp_path), learns)
    assert _is_a_cancel(done)
    assert programs_of(runs[0]) == []
    assert not out.exists()


def test_ctrl_c_twice_ends_at_once(project: Project, tmp_path: Path) -> None:
    """Somebody who does not want to wait is not made to; what is left is swept up by the next call."""
    picture = tmp_path / "large.tif"
    row = noise_picture(2048, 12288)
    tifffile.imwrite(picture, np.concatenate([row] * 5), tile=(512, 512), photometric="minisblack", metadata=None)
    program = start_labkit("import", picture, cwd=project.path)
    images = project.path / "images"
    wait_until(lambda: list(images.glob(".incoming-*/image.ome.zarr")) or program.poll() is not None)
    os.killpg(program.pid, signal.SIGINT)
    assert program.stderr is not None
    assert "again" in program.stderr.readline() + program.stderr.readline()
    os.killpg(program.pid, signal.SIGINT)
    done = end_of(program)
    assert done.exit_code == 130
    assert "Traceback" not in done.stderr
    assert project.images() == ()
    assert call_labkit("import", picture, cwd=project.path).exit_code == 0
    assert not list(images.glob(".*"))
