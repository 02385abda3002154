"""A training as a run: cancelled, resumed, and refused where it would be another one."""

from pathlib import Path

import nbformat
import pytest

from labkit.datasets import PartBox, SplitSpec, build_training_set
from labkit.errors import Cancelled, InvalidInput
from labkit.events import CancelToken, Event, Metric
from labkit.project import Project
from labkit.runs import Run, run_story, wake
from labkit.testing.commands import call_labkit
from labkit.testing.learning import annotated_image, tiny_training_set
from labkit.testing.runs import WRITE_RESULT, programs_of, wait_until, write_notebook
from labkit.training import TrainConfig, compare_runs, list_models, open_model
from labkit.work import result_of, resume_training, runner_for, start_training

pytestmark = pytest.mark.slow


@pytest.fixture
def config(project: Project, tmp_path: Path) -> TrainConfig:
    """Three short epochs on a small set."""
    annotated_image(project, tmp_path)
    data = tiny_training_set(project)
    return TrainConfig(project=str(project.path), training_set=data.key, epochs=3, steps_per_epoch=4, crop_px=32, device="cpu")


@pytest.fixture
def cancelled_run(project: Project, config: TrainConfig) -> Run:
    """A run that was cancelled after its first epoch."""
    run, token = start_training(project, config), CancelToken()

    def stop(event: Event) -> None:
        if isinstance(event, Metric) and event.name == "train_loss":
            token.cancel()

    try:
        result_of(run, on_event=stop, cancel=token)
    except Cancelled:
        return run
    pytest.fail("the training was faster than the request to stop")


def test_a_run_leaves_a_model_and_a_notebook_with_pictures(project: Project, config: TrainConfig) -> None:
    """The card names the run; the executed notebook shows balance, chips, variants, curves, confusion and the worst pieces."""
    run = start_training(project, config)
    model = open_model(project, str(result_of(run)["model"]))
    assert model.card.run == run.id
    cells = nbformat.read(run.layout.notebook, as_version=4).cells
    pictures = [o for c in cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})]
    assert len(pictures) == 6


@pytest.mark.ci
def test_a_cancelled_training_goes_on(project: Project, cancelled_run: Run) -> None:
    """A cancelled training, which made no model, goes on by its id alone; its story has the curves from the beginning."""
    assert list_models(project) == ()
    before = cancelled_run.layout.checkpoints.history.read_text()
    run = resume_training(project, cancelled_run.id, time_limit_s=300)
    assert run.layout.checkpoints.history.read_text().startswith(before.splitlines()[0])  # there from the start
    assert [e.epoch for e in open_model(project, str(result_of(run)["model"])).card.result.history] == [1, 2, 3]
    assert (run.spec.resumes, run.spec.attempt, run.spec.time_limit_s) == (cancelled_run.id, 2, 300)
    assert run.spec.config == cancelled_run.spec.config | {"resume_from": cancelled_run.id}
    assert [point.epoch for point in run_story(run).curves["train_loss"].points] == [1, 2, 3]
    found = compare_runs(project, [cancelled_run.id, run.id])
    earlier, later = ([p.epoch for p in points] for points in found.curves["train_loss"])
    assert (earlier, later) == ([1, 2, 3][: len(earlier)], [1, 2, 3])  # the curve of the earlier run comes before its own
    assert [row.name for row in found.settings if row.differs] == []
    with pytest.raises(InvalidInput, match="is done"):
        resume_training(project, run.id)


@pytest.mark.ci
def test_other_settings_are_no_resuming(project: Project, config: TrainConfig, cancelled_run: Run) -> None:
    """The error names the setting, and no run is started."""
    runs = len(list(project.layout.runs.iterdir()))
    with pytest.raises(InvalidInput, match="learning_rate"):
        start_training(project, config.model_copy(update={"resume_from": cancelled_run.id, "learning_rate": 0.1}))
    assert len(list(project.layout.runs.iterdir())) == runs


@pytest.mark.ci
def test_a_killed_training_is_taken_up_again(project: Project, config: TrainConfig) -> None:
    """When everything is killed after the first epoch, the training goes on by itself once LabKit is started, and makes its model."""
    run = start_training(project, config.model_copy(update={"epochs": 6}))
    wait_until(run.layout.checkpoints.resume_state.exists, timeout_s=120)
    for program in programs_of(run):
        program.kill()
    wait_until(lambda: run.state == "lost")
    wake()
    wait_until(lambda: len(runner_for(project).runs()) == 2)
    following = runner_for(project).runs()[-1]
    model = open_model(project, str(result_of(following)["model"]))
    assert [e.epoch for e in model.card.result.history] == [1, 2, 3, 4, 5, 6]
    assert following.spec.config["resume_from"] == following.spec.resumes == run.id


def test_without_a_checkpoint_there_is_no_resuming(project: Project, config: TrainConfig) -> None:
    """A run that has not ended, and one that was cancelled before its first epoch, are refused in words."""
    run = start_training(project, config)
    with pytest.raises(InvalidInput, match="has not ended"):
        resume_training(project, run.id)
    run.cancel()
    run.wait()
    if not run.layout.checkpoints.resume_state.exists():
        with pytest.raises(InvalidInput, match="no checkpoint"):
            resume_training(project, run.id)


@pytest.mark.ci
def test_another_notebook(project: Project, config: TrainConfig, tmp_path: Path) -> None:
    """A professor's notebook is carried out with the same settings; one that breaks the contract starts nothing."""
    cell = "from labkit.notebooks import read_config\nfrom labkit.training import TrainConfig\nread_config(config_path, TrainConfig)"
    mine = write_notebook(tmp_path / "mine.ipynb", cell, WRITE_RESULT)
    run = start_training(project, config, notebook=mine, time_limit_s=120)
    assert result_of(run) == {"answer": 42}
    with pytest.raises(InvalidInput, match="write_result"):
        start_training(project, config, notebook=write_notebook(tmp_path / "bad.ipynb", cell))
    assert [r.id for r in runner_for(project).runs()] == [run.id]


@pytest.mark.ci
def test_detached_from_the_command_line(project: Project, config: TrainConfig) -> None:
    """`train --detach` answers at once with the run, which `run watch` follows to its end."""
    command = ("train", config.training_set, "--epochs", "1", "--steps-per-epoch", "3", "--device", "cpu", "--time-limit", "5m", "--detach")
    answer = call_labkit(*command, "--json", cwd=project.path).json
    assert answer["state"] in ("queued", "starting", "running")
    watched = call_labkit("run", "watch", answer["run"], "--json", cwd=project.path)
    assert (watched.exit_code, watched.json["state"], watched.json["time_limit_s"]) == (0, "done", 300)
    assert watched.json["curves"]["train_loss"]


@pytest.mark.ci
def test_the_notebook_copes_with_what_is_not_there(project: Project, tmp_path: Path) -> None:
    """No val and no test part, three classes of which two never occur, a network that sees everything: a model, and no score."""
    image = annotated_image(project, tmp_path)
    project.add_classes(["debris", "fibre"])
    boxes = (PartBox(image=image.id, part="train", box=(0, 0, 128, 160)),)
    data = build_training_set(project, "bare", chip_px=32, split=SplitSpec(kind="boxes", boxes=boxes))
    settings = {"epochs": 1, "steps_per_epoch": 2, "crop_px": 32, "device": "cpu", "architecture": "lraspp-mobilenet"}
    run = start_training(project, TrainConfig(project=str(project.path), training_set=data.key, **settings))
    model = open_model(project, str(result_of(run)["model"]))
    assert (model.card.scores, model.card.limits.tile_invariant) == ({}, False)
    text = run.layout.notebook.read_text()
    assert "depends on the tiles" in text
    assert "nothing was measured" in text
