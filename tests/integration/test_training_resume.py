"""A training that was broken off goes on as if nothing had happened."""

from pathlib import Path

import pytest

from labkit.datasets import TrainingSet
from labkit.errors import Cancelled
from labkit.events import CancelToken, Event, Metric
from labkit.formats.checkpoint import load_weights
from labkit.project import Project
from labkit.storage import CheckpointLayout
from labkit.testing.learning import annotated_image, tiny_training_set
from labkit.training import TrainConfig, TrainPlan, learning_rate, resolve, train

EPOCHS = 4


@pytest.fixture
def data(project: Project, tmp_path: Path) -> TrainingSet:
    """A small training set."""
    annotated_image(project, tmp_path)
    return tiny_training_set(project)


@pytest.fixture
def plan(project: Project, data: TrainingSet) -> TrainPlan:
    """Four epochs of five steps."""
    config = TrainConfig(project=str(project.path), training_set=data.key, epochs=EPOCHS, steps_per_epoch=5, crop_px=32, device="cpu")
    return resolve(config, data, cuda_available=False)


def stop_after(epoch: int, token: CancelToken) -> object:
    def sink(event: Event) -> None:
        if isinstance(event, Metric) and event.name == "loss" and event.epoch == epoch + 1 and event.step % 5 == 3:
            token.cancel()  # in the middle of the next epoch

    return sink


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_resumed_training_is_the_uninterrupted_one_to_the_bit(plan: TrainPlan, data: TrainingSet, tmp_path: Path, epoch: int) -> None:
    """Losses, rates, scores, the kept epoch and its weights are equal on the CPU."""
    whole = train(plan, data, CheckpointLayout(tmp_path / "whole"))
    token = CancelToken()
    with pytest.raises(Cancelled):
        train(plan, data, CheckpointLayout(tmp_path / "first"), on_event=stop_after(epoch, token), cancel=token)  # type: ignore[arg-type]
    resumed = train(plan, data, CheckpointLayout(tmp_path / "second"), resume_from=CheckpointLayout(tmp_path / "first"))
    strip = {"seconds"}
    assert [e.model_dump(exclude=strip) for e in resumed.history] == [e.model_dump(exclude=strip) for e in whole.history]
    assert resumed.best_epoch == whole.best_epoch
    one, two = (load_weights(CheckpointLayout(tmp_path / name).best_weights) for name in ("whole", "second"))
    assert all(bool((one[key] == two[key]).all()) for key in one)


def test_a_training_that_is_resumed_leaves_the_first_folder_alone(plan: TrainPlan, data: TrainingSet, tmp_path: Path) -> None:
    """A run's folder never changes after its end."""
    token = CancelToken()
    with pytest.raises(Cancelled):
        train(plan, data, CheckpointLayout(tmp_path / "first"), on_event=stop_after(1, token), cancel=token)  # type: ignore[arg-type]
    before = {p.name: p.read_bytes() for p in (tmp_path / "first").iterdir()}
    train(plan, data, CheckpointLayout(tmp_path / "second"), resume_from=CheckpointLayout(tmp_path / "first"))
    assert {p.name: p.read_bytes() for p in (tmp_path / "first").iterdir()} == before


def test_the_rate_warms_up_and_falls(plan: TrainPlan) -> None:
    """It peaks at the asked-for rate and ends near one hundredth of it."""
    rates = [learning_rate(step, plan) for step in range(plan.total_steps)]
    assert max(rates) == plan.config.learning_rate
    assert rates[-1] < 0.05 * plan.config.learning_rate
    peak = rates.index(max(rates))
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
