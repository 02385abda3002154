"""Models on the shelf: cards, versions, what a name stands for, and comparisons."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from labkit.datasets import Confusion
from labkit.errors import CorruptStore, InvalidInput, NotFound
from labkit.events import Event, Log
from labkit.inference import predict
from labkit.project import Project
from labkit.storage import CheckpointLayout, ModelLayout, file_sha256, load_record
from labkit.testing.trained import trained_project
from labkit.training import (
    Model,
    ModelCard,
    PartScores,
    compare_models,
    compare_runs,
    curves_figure,
    list_models,
    open_model,
    promote_model,
    register_model,
    restore_model,
    retire_model,
)

OLD_CARD = Path(__file__).with_name("card_of_0.1.json")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Model]:
    """A project with a model ``tiny/1``."""
    return trained_project(tmp_path_factory.mktemp("registry"), steps=2)


def _another(project: Project, model: Model, name: str, **settings: object) -> Model:
    config = model.card.plan.config.model_copy(update={"model": name, **settings})
    plan = model.card.plan.model_copy(update={"config": config})
    confusion = Confusion(2)
    confusion.counts[:] = [[5, 1], [2, 8]]
    return register_model(project, model.layout.weights, plan, model.card.result, {"test": PartScores.of(confusion)}, run=None)


def test_a_card_says_what_the_model_has_seen_and_was_made_with(trained: tuple[Project, Model]) -> None:
    """Data with hashes and split, versions, threads, confusion: enough to judge the model and to repeat it."""
    project, model = trained
    card = _another(project, model, "full", licence="CC-BY-4.0").card
    assert card.data is not None
    assert (card.data.key, len(card.data.images[0].sha256)) == (card.plan.training_set, 64)
    assert card.data.parts["train"].chips == card.plan.training_chips
    assert {b.part for b in card.data.split} == {"train", "val", "test"}
    assert card.versions["torch"] == torch.__version__
    assert {"python", "numpy", "labkit", "cpu"} <= set(card.versions)
    assert (card.licence, card.threads) == ("CC-BY-4.0", card.plan.threads)
    assert card.scores["test"].confusion == ((5, 1), (2, 8))
    assert load_record(ModelLayout(project.layout.model("full", 1).root).card, ModelCard) == card


def test_a_card_of_the_first_version_still_opens() -> None:
    """What was written before there were licences and encoders stays readable."""
    card = load_record(OLD_CARD, ModelCard)
    assert (card.key, card.data, card.licence, card.limits.tile_invariant) == ("tiny/1", None, "", True)


def test_weights_that_are_not_those_of_the_card_are_refused(trained: tuple[Project, Model]) -> None:
    """A file that was replaced in place gives an error, not another model's answers."""
    project, model = trained
    other = _another(project, model, "replaced")
    other.layout.weights.write_bytes(other.layout.weights.read_bytes()[:-1] + b"\1")
    with pytest.raises(CorruptStore, match="replaced/1"):
        other.network()


def test_a_name_stands_for_the_promoted_version_else_for_the_newest_in_use(trained: tuple[Project, Model]) -> None:
    """Promoting, retiring and restoring change which one it is; the cards stay as they are."""
    project, model = trained
    for _ in range(3):
        _another(project, model, "shelf")
    before = {p: p.read_bytes() for p in project.layout.models.glob("shelf/*/*")}

    def stands_for() -> str:
        return open_model(project, "shelf").key

    assert stands_for() == "shelf/3"
    assert promote_model(project, "shelf/1").promoted
    assert stands_for() == "shelf/1"
    assert retire_model(project, "shelf/1", "It confuses debris with nuclei.").retired == "It confuses debris with nuclei."
    assert stands_for() == "shelf/3"  # a retired version is not promoted any more
    retire_model(project, "shelf/3", "Trained on the wrong set.")
    assert stands_for() == "shelf/2"
    restore_model(project, "shelf/3")
    assert stands_for() == "shelf/3"
    assert open_model(project, "shelf/1").retired  # by its version it is still there
    assert {p: p.read_bytes() for p in before} == before


def test_where_all_versions_are_retired_the_error_says_why(trained: tuple[Project, Model]) -> None:
    """The name alone finds none; the hint names one that can be restored."""
    project, model = trained
    _another(project, model, "gone")
    retire_model(project, "gone/1", "Too old.")
    with pytest.raises(NotFound, match="Too old") as caught:
        open_model(project, "gone")
    assert "gone/1" in caught.value.hint


def test_what_makes_no_sense_on_the_shelf_is_refused(trained: tuple[Project, Model]) -> None:
    """Promoting a retired version, retiring without a reason, restoring one in use, a name without a version."""
    project, model = trained
    _another(project, model, "odd")
    with pytest.raises(InvalidInput, match="reason"):
        retire_model(project, "odd/1", "  ")
    with pytest.raises(InvalidInput, match="not retired"):
        restore_model(project, "odd/1")
    with pytest.raises(InvalidInput, match="names no version"):
        promote_model(project, "odd")
    retire_model(project, "odd/1", "Wrong.")
    with pytest.raises(InvalidInput, match="Wrong"):
        promote_model(project, "odd/1")


def test_a_program_killed_while_registering_leaves_whole_versions_only(trained: tuple[Project, Model]) -> None:
    """Wherever SIGKILL hits, each version that is seen has its card and the weights that it names."""
    project, model = trained
    _another(project, model, "killed")
    for seed in range(8):
        child = os.fork()
        if child == 0:
            while True:
                _another(project, model, "killed")
        time.sleep(random.Random(seed).uniform(0.02, 0.15))  # the moment of the kill, not a wait for anything
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for found in list_models(project):
            if found.card.name == "killed":
                found.check()
    open_model(project, "killed").check()


def test_a_comparison_shows_what_was_set_otherwise_first(trained: tuple[Project, Model]) -> None:
    """Then what came out, and the curves."""
    project, model = trained
    one, two = _another(project, model, "one"), _another(project, model, "two", learning_rate=0.1)
    found = compare_models(project, [one.key, two.key])
    assert [(r.name, r.values) for r in found.settings if r.differs] == [("learning_rate", (0.003, 0.1))]
    assert found.settings[0].name == "learning_rate"
    metrics = {row.name: row.values for row in found.metrics}
    assert metrics["Dice on test: nucleus"] == (pytest.approx(16 / 19), pytest.approx(16 / 19))
    assert [p.epoch for p in found.curves["train_loss"][0]] == [1]
    assert "learning_rate" in found.lines[1]
    assert len(curves_figure(found).axes) == len(found.curves)


def test_one_training_is_no_comparison(trained: tuple[Project, Model]) -> None:
    """Nor is the same one twice; an unknown run is named."""
    project, model = trained
    with pytest.raises(InvalidInput, match="1 training"):
        compare_models(project, [model.key, model.key])
    with pytest.raises(NotFound, match="nothing"):
        compare_runs(project, ["nothing", "else"])


def test_a_trained_network_that_sees_everything_carries_its_warning(trained: tuple[Project, Model], tmp_path: Path) -> None:
    """From the plan into the card: the answer depends on the tiles."""
    from labkit.datasets import open_training_set
    from labkit.training import resolve, train

    project, model = trained
    data = open_training_set(project, "nuclei")
    config = model.card.plan.config.model_copy(update={"architecture": "lraspp-mobilenet", "model": "far", "steps_per_epoch": 2})
    plan = resolve(config, data, cuda_available=False)
    assert any("depends on the tiles" in line for line in plan.warnings)
    files = CheckpointLayout(tmp_path)
    far = register_model(project, files.best_weights, plan, train(plan, data, files), {}, run=None)
    card, events = far.card, list[Event]()
    assert (card.limits.tile_invariant, card.limits.warnings) == (False, plan.warnings)
    assert card.weights_sha256 == file_sha256(files.best_weights)
    prediction = predict(project, "nuclei-0.tif", far, tile_px=64, on_event=events.append)
    assert prediction.labels.levels[0] == (128, 160)
    assert [e.text for e in events if isinstance(e, Log) and e.level == "warning"] == list(plan.warnings)
