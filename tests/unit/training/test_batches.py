"""Batches: the same whoever prepares them and from where on, and bounded memory for a set of any size."""

from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from labkit.datasets import TrainingSet
from labkit.errors import CorruptStore
from labkit.testing.learning import chips_of_discs, store_chips, tiny_plan
from labkit.training.batches import BatchSource
from labkit.training.blocks import BlockCache, BlockReader, iter_chips
from labkit.training.loading import open_batches


def all_batches(data: TrainingSet, device: str, workers: int, first_step: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    plan = tiny_plan(data, crop_px=16, steps_per_epoch=7).model_copy(update={"workers": workers})
    with open_batches(BatchSource(plan, data), first_step=first_step, device=device) as batches:
        return [(pixels.cpu().numpy(), targets.cpu().numpy()) for pixels, targets in batches]


@pytest.fixture
def prepared(discs: TrainingSet, device: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """All batches of two epochs of seven steps, as the thread prepares them."""
    return all_batches(discs, device, workers=0)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers_prepares_the_same(
    discs: TrainingSet, device: str, prepared: list[tuple[np.ndarray, np.ndarray]], workers: int
) -> None:
    """The same crops of the same chips with the same noise, in the same order."""
    others = all_batches(discs, device, workers)
    assert len(others) == len(prepared) == 14
    assert all((a == c).all() and (b == d).all() for (a, b), (c, d) in zip(prepared, others, strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_after_a_break_the_batches_go_on(
    discs: TrainingSet, device: str, prepared: list[tuple[np.ndarray, np.ndarray]], workers: int
) -> None:
    """In the middle of an epoch."""
    rest = all_batches(discs, device, workers, first_step=4)
    assert all((a == c).all() and (b == d).all() for (a, b), (c, d) in zip(prepared[4:], rest, strict=True))


def test_no_two_samples_are_the_same(prepared: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Neither across workers nor across epochs: each has randomness of its own."""
    samples = {sample.tobytes() for pixels, _ in prepared for sample in pixels}
    assert len(samples) == 14 * 4


@pytest.mark.parametrize("workers", [0, 2])
def test_who_prepares_batches_has_ended_when_they_are_closed(discs: TrainingSet, workers: int) -> None:
    """Also where nobody took them all."""
    plan = tiny_plan(discs, crop_px=16).model_copy(update={"workers": workers})
    with open_batches(BatchSource(plan, discs), first_step=0, device="cpu") as batches:
        next(batches)
    assert not [t for t in threading.enumerate() if t.name == "batches"]
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_set_is_told_by_its_own_error(discs: TrainingSet, workers: int) -> None:
    """Not by a traceback of a worker."""
    plan = tiny_plan(discs, crop_px=16, steps_per_epoch=40).model_copy(update={"workers": workers})
    (discs.layout.store / "train" / "masks" / "c" / "1" / "0" / "0").unlink()
    source, missing = BatchSource(plan, discs), r"masks/c/1/0/0 is damaged: it is missing\.$"
    with pytest.raises(CorruptStore, match=missing), open_batches(source, first_step=0, device="cpu") as batches:
        list(batches)


def test_kept_blocks_take_a_bounded_memory(discs: TrainingSet) -> None:
    """Going through all blocks, no more than the capacity is kept, and what was used last stays."""
    reader = BlockReader(discs, "train", discs.record.classes, None)
    cache = BlockCache(reader, capacity_bytes=3 * int(np.diff(reader.bounds).max()) * reader.chip_bytes)
    for number in range(len(reader.bounds) - 1):
        cache.block(number)
        assert sum(b.size_bytes for b in cache._kept.values()) <= cache.capacity_bytes
    last = len(reader.bounds) - 2
    assert cache.block(last) is cache.block(last)


def test_five_tiles_make_full_batches_of_four(tmp_path: Path) -> None:
    """The last batch is topped up; one tile alone is drawn again and again."""
    for count in (5, 1):
        data = store_chips(tmp_path / str(count), {"train": chips_of_discs(count)})
        plan = tiny_plan(data, crop_px=16, batch_size=4, steps_per_epoch=2)
        assert [tuple(batch[0].shape) for batch in (BatchSource(plan, data)[step] for step in range(4))] == [(4, 1, 16, 16)] * 4


def test_all_chips_of_a_part_come_in_order(discs: TrainingSet) -> None:
    """Some at a time."""
    pixels = np.concatenate([chips.pixels for chips in iter_chips(discs, "val")])
    assert (pixels == discs.chips("val").pixels).all()


def test_targets_come_as_bytes_and_pixels_as_floats(discs: TrainingSet) -> None:
    """What travels to the device is small."""
    pixels, targets = BatchSource(tiny_plan(discs, crop_px=16), discs)[0]
    assert (pixels.dtype, targets.dtype) == (torch.float32, torch.uint8)
