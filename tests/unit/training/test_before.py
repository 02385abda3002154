"""Trainings that were done before, and trainings for the hub: nothing here computes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labkit.client import ProjectRunner
from labkit.errors import InvalidInput, NotFound
from labkit.notebooks import check_notebook
from labkit.project import Project
from labkit.runs import Run, RunRecord, RunSpec
from labkit.storage import RunLayout, save_record
from labkit.testing.trained import trained_project
from labkit.training import TrainConfig, retire_model
from labkit.work import KINDS, start_training, trained_before


@pytest.fixture
def trained(tmp_path: Path) -> Project:
    """A project with the training set ``nuclei`` and the model ``tiny/1``."""
    return trained_project(tmp_path, steps=1)[0]


@pytest.fixture
def config(trained: Project) -> TrainConfig:
    """What the done run was asked for."""
    return TrainConfig(project=str(trained.path), training_set="nuclei", epochs=3)


@pytest.fixture
def done(trained: Project, config: TrainConfig) -> Run:
    """A run that is done, and says that it made ``tiny/1``."""
    notebook = KINDS["train"].notebook_path
    spec = RunSpec(kind="train", notebook=notebook, notebook_sha256=check_notebook(notebook).sha256, config=config.model_dump(mode="json"))
    layout = RunLayout(trained.layout.runs / spec.id)
    layout.root.mkdir(parents=True)
    save_record(layout.spec, spec)
    save_record(layout.record, RunRecord.queued(spec).model_copy(update={"state": "done"}))
    layout.result.write_text(json.dumps({"model": "tiny/1"}))
    return Run(layout)


@pytest.mark.parametrize("change", [{}, {"model": "mine"}, {"device": "cpu"}, {"workers": 2}])
def test_the_same_is_taken(trained: Project, config: TrainConfig, done: Run, change: dict[str, object]) -> None:
    """A name, a device and the number of workers do not change what comes out; nothing is started."""
    found = start_training(trained, config.model_copy(update=change), reuse=True)
    assert found.id == done.id
    assert [run.id for run in ProjectRunner(trained.layout.runs).runs()] == [done.id]


@pytest.mark.parametrize("change", [{"seed": 1}, {"epochs": 4}, {"crop_px": 32}, {"encoder_weights": "x"}, {"licence": "MIT"}])
def test_something_else_is_not_taken(trained: Project, config: TrainConfig, done: Run, change: dict[str, object]) -> None:
    """Any setting that changes the model, or its card, makes it another training."""
    assert trained_before(trained, config) is not None
    assert trained_before(trained, config.model_copy(update=change)) is None


def test_a_retired_model_is_not_taken(trained: Project, config: TrainConfig, done: Run) -> None:
    """What is not to be used any more is trained anew."""
    retire_model(trained, "tiny/1", "It learned from the wrong pictures.")
    assert trained_before(trained, config) is None


def test_another_notebook_is_another_training(trained: Project, config: TrainConfig, done: Run, tmp_path: Path) -> None:
    """It is the same to the byte, or it is not."""
    mine = tmp_path / "mine.ipynb"
    mine.write_text(KINDS["train"].notebook_path.read_text() + "\n")
    assert trained_before(trained, config, mine) is None


@pytest.mark.parametrize(("wish", "kept", "device"), [("auto", "auto", "cuda:0"), ("cuda", "auto", "cuda:0"), ("cpu", "cpu", "cpu")])
def test_a_training_for_the_hub_needs_no_device_here(
    trained: Project, config: TrainConfig, monkeypatch: pytest.MonkeyPatch, wish: str, kept: str, device: str
) -> None:
    """Its device is found out where it is carried out; course and kind of server go along."""
    specs: list[RunSpec] = []
    monkeypatch.setattr(ProjectRunner, "submit", lambda runner, spec: specs.append(spec))
    start_training(trained, config.model_copy(update={"device": wish}), where="hub", course="cells", profile="gpu-run")
    (spec,) = specs
    assert (spec.where, spec.course, spec.profile, spec.device, spec.config["device"]) == ("hub", "cells", "gpu-run", device, kept)


def test_what_no_hub_can_do_is_refused(trained: Project, config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no hub, and what only a hub knows."""
    monkeypatch.delenv("LABKIT_SERVICE_URL", raising=False)
    with pytest.raises(NotFound, match="no hub"):
        start_training(trained, config, where="hub")
    with pytest.raises(InvalidInput, match="course"):
        start_training(trained, config, course="cells")
    assert not trained.layout.runs.exists() or list(trained.layout.runs.iterdir()) == []
