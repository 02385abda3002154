"""What a wish becomes with the data in hand, what is refused, and what a person is warned of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from labkit.datasets import Chips, TrainingSet
from labkit.errors import InvalidInput
from labkit.testing.learning import chips_of_discs, store_chips, tiny_plan
from labkit.training import AugmentSpec, TrainConfig, TrainPlan, resolve
from labkit.training.memory import batch_that_fits


def with_masks(chips: Chips, masks: np.ndarray) -> Chips:
    return Chips(chips.pixels, masks.astype(np.uint8), chips.objects, chips.positions)


@pytest.fixture
def lopsided(tmp_path: Path) -> TrainingSet:
    """Ten chips: background, very little of class 1, nothing of class 2; validation without class 1."""
    chips = chips_of_discs(10)
    masks = np.zeros_like(chips.masks)
    masks[0, 0, :20] = 1
    val = chips_of_discs(2, seed=1)
    return store_chips(
        tmp_path / "lopsided", {"train": with_masks(chips, masks), "val": with_masks(val, val.masks * 0)}, ["rare", "absent"]
    )


def test_balanced_weights_are_finite_and_bounded(lopsided: TrainingSet) -> None:
    """Counts of ten thousand, twenty and none: the rare and the absent class are capped, and named."""
    plan = tiny_plan(lopsided, class_weights="balanced")
    background, rare, absent, border = plan.class_weights
    assert 0.4 < background < 0.6
    assert (rare, absent) == (10.0, 10.0)
    assert border == 2.0
    assert any("rare (20 px), absent (0 px)" in line for line in plan.warnings)


def test_weights_balance_the_classes(tmp_path: Path) -> None:
    """Weighted, each class has as many pixels as another."""
    chips = chips_of_discs(10, classes=2)
    data = store_chips(tmp_path / "set", {"train": chips}, ["one", "two"])
    plan = tiny_plan(data, class_weights="balanced", separate_objects=False)
    weighted = np.array(plan.class_weights) * np.bincount(chips.masks.ravel())
    assert weighted == pytest.approx([weighted[0]] * 3)
    assert weighted.sum() == pytest.approx(chips.masks.size)


def test_a_person_is_warned_of_what_is_missing(lopsided: TrainingSet) -> None:
    """A class that cannot be learned, and one whose score nobody will know."""
    warnings = "\n".join(tiny_plan(lopsided).warnings)
    assert "cannot be learned: absent." in warnings
    assert "its score is not known: rare." in warnings


def test_patience_without_validation_is_warned_of(tmp_path: Path) -> None:
    """Few chips, no validation part, and a patience that can never end."""
    warnings = "\n".join(tiny_plan(store_chips(tmp_path / "set", {"train": chips_of_discs(3)}), patience=2).warnings)
    assert "only 3 training chips" in warnings
    assert "no validation part" in warnings
    assert "patience never ends" in warnings


def test_a_good_set_is_warned_of_nothing(discs: TrainingSet) -> None:
    """A warning that always comes is not read."""
    assert tiny_plan(discs, class_weights="balanced").warnings == ()


def test_a_plan_that_does_not_fit_is_refused_with_one_that_does(discs: TrainingSet) -> None:
    """The batch that is named fits, and one more would not, by the same estimate."""
    plan = tiny_plan(discs, batch_size=64)
    memory = plan.memory_bytes // 2
    with pytest.raises(InvalidInput) as caught:
        resolve(plan.config, discs, cuda_available=False, device_memory_bytes=memory)
    fits = batch_that_fits(plan, memory)
    assert f"batch size of {fits}" in caught.value.hint
    smaller = plan.config.model_copy(update={"batch_size": fits})
    assert resolve(smaller, discs, cuda_available=False, device_memory_bytes=memory).memory_bytes <= memory
    assert 16 < fits < 32


def test_a_plan_that_nearly_fills_the_memory_is_warned_of(discs: TrainingSet) -> None:
    """An estimate is no promise."""
    plan = tiny_plan(discs)
    close = resolve(plan.config, discs, cuda_available=False, device_memory_bytes=int(1.1 * plan.memory_bytes))
    assert any("estimated to need" in line for line in close.warnings)


def test_memory_grows_with_the_batch_and_the_crop(discs: TrainingSet) -> None:
    """Twice the batch is nearly twice the memory beyond the weights; so are twice the pixels."""
    small, more, larger = (tiny_plan(discs, **w) for w in ({"batch_size": 8}, {"batch_size": 16}, {"batch_size": 32, "crop_px": 16}))
    weights = 16 * small.parameters
    assert more.memory_bytes - weights == pytest.approx(2 * (small.memory_bytes - weights), rel=0.01)
    assert larger.memory_bytes == pytest.approx(small.memory_bytes, rel=0.01)


@pytest.mark.parametrize(("wish", "workers"), [(None, 0), (0, 0), (1, 1), (3, 2), (4, 4), (9, 4)])
def test_workers_are_as_many_as_share_the_reading(discs: TrainingSet, wish: int | None, workers: int) -> None:
    """Three would read blocks twice."""
    assert tiny_plan(discs, workers=wish).workers == workers


def test_a_gpu_gets_workers_and_mixed_precision(discs: TrainingSet) -> None:
    """Unless it was asked for otherwise; a CPU cannot have it."""
    config = TrainConfig(project="none", training_set=discs.key, crop_px=32)
    plan = resolve(config, discs, cuda_available=True)
    assert (plan.device, plan.precision) == ("cuda:0", "mixed")
    assert plan.workers in (1, 2, 4)
    assert resolve(config.model_copy(update={"precision": "float32"}), discs, cuda_available=True).precision == "float32"
    with pytest.raises(InvalidInput, match="GPU"):
        tiny_plan(discs, precision="mixed")


def test_words_stand_for_augmentations() -> None:
    """As they are written on a command line; a config that was saved comes back as it was."""
    config = TrainConfig.model_validate({"project": "p", "training_set": "t", "augment": "none"})
    assert config.augment == AugmentSpec(turns=False, mirror=False, gain=0, brightness=0, noise=0)
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    "wish",
    [
        {"augment": "some"},
        {"patience": 0},
        {"results_url": "http://host/x"},
        {"encoder_licence": "MIT"},
        {"encoder_sha256": "abc"},
        {"workers": -1},
    ],
)
def test_wishes_that_mean_nothing_are_refused(wish: dict[str, object]) -> None:
    """Before anything is started."""
    with pytest.raises(ValidationError):
        TrainConfig.model_validate({"project": "p", "training_set": "t", **wish})


def test_a_plan_of_an_earlier_version_still_opens(discs: TrainingSet) -> None:
    """Models outlive versions: what is new has a default."""
    new = {"precision", "workers", "memory_bytes", "warnings"}
    wishes = {"project", "training_set", "epochs", "steps_per_epoch", "batch_size", "crop_px", "seed", "device"}
    old = tiny_plan(discs).model_dump(mode="json", exclude=new)
    old["config"] = {k: v for k, v in old["config"].items() if k in wishes}
    assert TrainPlan.model_validate(old).precision == "float32"
