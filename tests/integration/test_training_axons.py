"""Three classes of a generated picture, learned by the library's whole way from a picture to a score."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.formats.checkpoint import load_weights
from labkit.project import Project
from labkit.storage import CheckpointLayout
from labkit.testing.learning import axon_set
from labkit.training import Network, TrainConfig, evaluate, iter_chips, resolve, train

pytestmark = pytest.mark.ci


def test_axons_and_myelin_are_told_apart(tmp_path: Path) -> None:
    """After a hundred steps, the mean IoU of background, axon and myelin on the part that nobody looked at is 0.85 at least."""
    project = Project.create(tmp_path, "axons", classes=["axon", "myelin"])
    data = axon_set(project, tmp_path)
    wish = {"epochs": 4, "steps_per_epoch": 25, "separate_objects": False, "device": "cpu"}
    config = TrainConfig.model_validate({"project": str(project.path), "training_set": data.key, **wish})
    plan = resolve(config, data, cuda_available=False)
    files = CheckpointLayout(tmp_path / "checkpoints")
    train(plan, data, files)
    network = Network.from_plan(plan, load_weights(files.best_weights), plan.device)
    scores = [value or 0.0 for value in evaluate(network, plan, iter_chips(data, "test")).iou()]
    assert len(scores) == 3
    assert sum(scores) / 3 >= 0.85
