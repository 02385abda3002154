"""Reading training batches: block by block as LabKit does, against one zarr read a chip, taking turns.

Both give the very same batches: the same chips and masks in the same order, the same crops, by the same code; what is done to them
afterwards (walls between objects, augmentation) costs both the same and is left out. What differs is how chips come out of the store.
The set is read once from front to back by neither: a pass is an epoch of a set that is larger than what is kept in memory, so that no
chip is read twice by luck.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import zarr

from labkit.datasets import Chips, TrainingSet
from labkit.testing.learning import store_chips
from labkit.training import AugmentSpec, TrainConfig, TrainPlan, resolve
from labkit.training.augment import cut_sample
from labkit.training.batches import BatchSource
from labkit.training.loading import open_batches
from labkit.training.targets import make_targets

__all__ = ["measure", "retina_chips"]

_CHIP_PX, _CROP_PX, _BATCH = 256, 128, 16
_OBJECT_PX = 32


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return rates in chips per second, and how many blocks a batch mixes."""
    chips, rounds, naive_steps = (192, 1, 4) if quick else (4096, 5, 24)
    with tempfile.TemporaryDirectory() as folder:
        data = store_chips(Path(folder) / "set", {"train": retina_chips(chips)})
        plan = _plan(data)
        ours, naive = [], []
        for _ in range(rounds):
            ours.append(_rate(lambda: _blockwise(plan, data), plan.steps_per_epoch))
            naive.append(_rate(lambda: _chipwise(plan, data, naive_steps), naive_steps))
        source = BatchSource(plan, data)
        mixed = [len({source.order.block_of(int(c)) for c in source.order.batch(0, step)}) for step in range(plan.steps_per_epoch)]
    return {
        "chips": chips,
        "chip_px": _CHIP_PX,
        "crop_px": _CROP_PX,
        "batch_size": _BATCH,
        "chips_per_s": round(statistics.median(ours), 1),
        "naive_chips_per_s": round(statistics.median(naive), 1),
        "ratio_naive": round(statistics.median(ours) / statistics.median(naive), 2),
        "blocks_per_batch": min(mixed),
        "distribution": "the same batches: each chip once an epoch, every crop position equally likely",
    }


def retina_chips(count: int) -> Chips:
    """Return pieces of a real picture (retina, CC0), with squares as objects."""
    picture = skimage.data.retina().transpose(2, 0, 1)
    rng = np.random.default_rng(0)
    corners = rng.integers(0, [picture.shape[1] - _CHIP_PX, picture.shape[2] - _CHIP_PX], (count, 2))
    pixels = np.stack([picture[:, y : y + _CHIP_PX, x : x + _CHIP_PX] for y, x in corners])
    across = _CHIP_PX // _OBJECT_PX
    there = rng.integers(0, 2, (count, across, across), np.uint8)
    numbers = there.astype(np.uint32) * np.arange(1, across**2 + 1, dtype=np.uint32).reshape(across, across)
    masks, objects = (np.kron(values, np.ones((1, _OBJECT_PX, _OBJECT_PX), values.dtype)) for values in (there, numbers))
    return Chips(pixels, masks, objects, np.zeros((count, 3), np.int64))


def _plan(data: TrainingSet) -> TrainPlan:
    config = TrainConfig(
        project="none",
        training_set=data.key,
        epochs=1,
        batch_size=_BATCH,
        crop_px=_CROP_PX,
        device="cpu",
        separate_objects=False,
        augment=AugmentSpec.none(),
        steps_per_epoch=data.record.parts["train"].chips // _BATCH,
    )
    return resolve(config, data, cuda_available=False)


def _rate(batches: Callable[[], Iterator[Any]], steps: int) -> float:
    """Return chips per second over `steps` batches."""
    started = time.perf_counter()
    count = sum(1 for _ in batches())
    assert count == steps
    return count * _BATCH / (time.perf_counter() - started)


def _blockwise(plan: TrainPlan, data: TrainingSet) -> Iterator[Any]:
    with open_batches(BatchSource(plan, data), first_step=0, device="cpu") as batches:
        yield from batches


def _chipwise(plan: TrainPlan, data: TrainingSet, steps: int) -> Iterator[Any]:
    """Give the same batches, each chip by one read of each array."""
    folder = data.layout.store / "train"
    pixels, masks = (zarr.open_array(folder / key, mode="r") for key in ("chips", "masks"))
    order = BatchSource(plan, data).order
    for step in range(steps):
        samples = []
        for place, chip in enumerate(order.batch(0, step)):
            targets = make_targets(np.asarray(masks[chip])[None], None, plan.classes, plan.border_index)[0]
            rng = np.random.default_rng((plan.config.seed, 1, step, place))
            samples.append(cut_sample(np.asarray(pixels[chip]), targets, plan.crop_px, plan.normalisation, plan.config.augment, rng))
        yield tuple(np.stack(parts) for parts in zip(*samples, strict=True))
