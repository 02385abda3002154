"""A training as a run: cancelled, resumed, and refused where it would be another one."""

from pathlib import Path

import nbformat
import pytest

from labkit.datasets import PartBox, SplitSpec, build_training_set
from labkit.errors import Cancelled, InvalidInput
from labkit.events import CancelToken, Event, Metric
from labkit.project import Project
from labkit.runs import Run
from labkit.testing.learning import annotated_image, tiny_training_set
from labkit.training import TrainConfig, compare_runs, list_models, open_model
from labkit.work import result_of, start_training

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


def test_a_cancelled_training_goes_on(project: Project, config: TrainConfig, cancelled_run: Run) -> None:
    """The resumed run ends with all epochs and a model; the cancelled one made none."""
    assert list_models(project) == ()
    run = start_training(project, config.model_copy(update={"resume_from": cancelled_run.id}))
    model = open_model(project, str(result_of(run)["model"]))
    assert [e.epoch for e in model.card.result.history] == [1, 2, 3]
    assert run.record().resumes == cancelled_run.id
    found = compare_runs(project, [cancelled_run.id, run.id])
    assert [(r.state, r.model) for r in found.runs] == [("cancelled", None), ("done", model.key)]
    earlier, later = ([p.epoch for p in points] for points in found.curves["train_loss"])
    assert (earlier, later) == ([1, 2, 3][: len(earlier)], [1, 2, 3])  # the curve of the earlier run comes before its own
    assert [row.name for row in found.settings if row.differs] == []


def test_other_settings_are_no_resuming(project: Project, config: TrainConfig, cancelled_run: Run) -> None:
    """The error names the setting, and no run is started."""
    runs = len(list(project.layout.runs.iterdir()))
    with pytest.raises(InvalidInput, match="learning_rate"):
        start_training(project, config.model_copy(update={"resume_from": cancelled_run.id, "learning_rate": 0.1}))
    assert len(list(project.layout.runs.iterdir())) == runs


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
