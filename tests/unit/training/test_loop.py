"""What the loop does when things go wrong, what it tells, and that it learns, on the device that is there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from labkit.datasets import IGNORE, Chips, TrainingSet
from labkit.errors import Diverged, OutOfMemory
from labkit.events import Artefact, Event, Metric, Progress
from labkit.storage import CheckpointLayout
from labkit.testing.learning import chips_of_discs, store_chips, tiny_plan
from labkit.training import Network, TrainResult, evaluate, train
from labkit.training.checkpoints import start_training
from labkit.training.loop import train_step
from labkit.training.memory import explain_out_of_memory
from labkit.training.validation import validate


@pytest.fixture
def told() -> list[Event]:
    """Events, as they come."""
    return []


@dataclass(frozen=True)
class Trained:
    """A training, and all that it said."""

    result: TrainResult
    folder: CheckpointLayout
    told: list[Event]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A training of three epochs of twenty steps."""
    root, told = tmp_path_factory.mktemp("trained"), list[Event]()
    data = store_chips(root / "discs", {"train": chips_of_discs(150), "val": chips_of_discs(6, seed=1)})
    plan = tiny_plan(data, epochs=3, steps_per_epoch=20, device="cuda:0" if torch.cuda.is_available() else "cpu")
    folder = CheckpointLayout(root / "checkpoints")
    return Trained(train(plan, data, folder, on_event=told.append), folder, told)


def test_a_training_learns(trained: Trained) -> None:
    """Bright discs on noise are found after sixty steps; loss and score are there for each epoch."""
    result = trained.result
    assert (result.best_score or 0) > 0.8
    assert result.history[-1].train_loss < 0.7 * result.history[0].train_loss
    assert all(e.val_loss is not None and len(e.dice) == len(e.iou) == 2 for e in result.history)


def test_a_training_tells_how_it_goes(trained: Trained) -> None:
    """Numbers after each epoch, what remains, and where the pictures lie; the last step is always told."""
    names = [e.name for e in trained.told if isinstance(e, Metric) and e.epoch == 3]
    assert {"loss", "train_loss", "learning_rate", "val_dice", "val_loss", "steps_per_s"} <= set(names)
    assert [(e.done, e.remaining_s) for e in trained.told if isinstance(e, Progress)][-1] == (60, 0.0)
    assert ("samples", "checkpoints/samples.png") in [(e.name, e.path) for e in trained.told if isinstance(e, Artefact)]


def test_the_strip_shows_pictures_beside_truth_and_answer(trained: Trained) -> None:
    """Four rows of three panels; the truth is outlined in the colour of the class, the picture is not."""
    strip = np.asarray(Image.open(trained.folder.samples))
    assert strip.shape == (4 * 32 + 3 * 4, 3 * 32 + 2 * 4, 3)
    orange = (strip == (230, 159, 0)).all(axis=-1)
    assert orange[:, 36:68].any()
    assert not orange[:, :32].any()


def test_several_classes_are_scored_one_by_one(device: str, told: list[Event], tmp_path: Path) -> None:
    """Each under its name."""
    parts = {"train": chips_of_discs(20, classes=2), "val": chips_of_discs(6, classes=2, seed=1)}
    data = store_chips(tmp_path / "two", parts, ["dim", "bright"])
    train(tiny_plan(data, epochs=1, device=device), data, CheckpointLayout(tmp_path / "out"), on_event=told.append)
    names = {e.name for e in told if isinstance(e, Metric)}
    assert {"val_dice:background", "val_dice:dim", "val_dice:bright", "val_iou:bright"} <= names


def test_validation_and_the_network_count_the_same(discs: TrainingSet, device: str) -> None:
    """Batches of chips in the loop, and chips one by one as a prediction sees them."""
    plan = tiny_plan(discs, device=device, precision="float32")
    module = start_training(plan).module
    network = Network.from_plan(plan, {k: v.cpu() for k, v in module.state_dict().items()}, device)
    ours = validate(module, plan, discs).confusion.counts
    theirs = evaluate(network, plan, discs.chips("val")).counts
    assert ours.sum() == theirs.sum() == 6 * 32 * 32
    assert abs(ours - theirs).sum() <= 0.001 * ours.sum()  # sums in another order may turn a tie


def test_a_training_on_nothing_known_stays_finite(device: str, tmp_path: Path) -> None:
    """Batches without a known pixel: loss 0, and weights that are numbers."""
    chips = chips_of_discs(4)
    blank = Chips(chips.pixels, np.full_like(chips.masks, IGNORE), chips.objects, chips.positions)
    data = store_chips(tmp_path / "blank", {"train": blank, "val": blank})
    folder = CheckpointLayout(tmp_path / "out")
    result = train(tiny_plan(data, device=device, class_weights="balanced"), data, folder)
    assert [e.train_loss for e in result.history] == [0.0, 0.0]
    assert [(e.score, e.val_loss) for e in result.history] == [(None, None)] * 2


def test_a_loss_that_is_no_number_is_told_and_moves_no_weight(discs: TrainingSet, device: str) -> None:
    """With what to do; the weights are those before the step."""
    plan = tiny_plan(discs, device=device, precision="float32")
    training = start_training(plan)
    before = {k: v.clone() for k, v in training.module.named_parameters()}
    pixels = torch.full((4, 1, 32, 32), math.nan, device=device)
    targets = torch.zeros((4, 32, 32), dtype=torch.uint8, device=device)
    with pytest.raises(Diverged) as caught:
        train_step(training, plan, pixels, targets, torch.ones(3, device=device), 0.1)
    assert "0.0003" in caught.value.hint
    assert all(bool((v == before[k]).all()) for k, v in training.module.named_parameters())


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError()]
)
def test_too_little_memory_names_a_smaller_batch(discs: TrainingSet, error: Exception) -> None:
    """However torch says it."""
    plan = tiny_plan(discs, batch_size=2)
    with pytest.raises(OutOfMemory) as caught, explain_out_of_memory(plan):
        raise error
    assert "batch size of 1" in caught.value.hint


def test_other_errors_are_not_explained_away(discs: TrainingSet) -> None:
    """A fault of ours stays visible."""
    with pytest.raises(RuntimeError, match="sizes differ"), explain_out_of_memory(tiny_plan(discs)):
        raise RuntimeError("sizes differ")


if torch.cuda.is_available():  # a test that cannot be on this machine is not one that is skipped on it

    def test_a_gpu_that_is_too_small_says_so(discs: TrainingSet, tmp_path: Path) -> None:
        """A real batch that does not fit."""
        plan = tiny_plan(discs, device="cuda:0", batch_size=1024)
        torch.cuda.set_per_process_memory_fraction(0.002)
        try:
            with pytest.raises(OutOfMemory, match="The GPU has too little memory"):
                train(plan, discs, CheckpointLayout(tmp_path / "out"))
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
