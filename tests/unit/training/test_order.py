"""The order of samples: every chip once, blocks mixed, and each block read about once by any number of workers."""

from __future__ import annotations

import numpy as np
import pytest

from labkit.training.order import LANES, SampleOrder, block_bounds

CHIP_BYTES = 40_000


def order_of(chips: int, batch_size: int, *, steps: int | None = None, seed: int = 3) -> SampleOrder:
    return SampleOrder(block_bounds(chips, CHIP_BYTES), batch_size, steps or -(-chips // batch_size), seed)


def epoch_of(order: SampleOrder, epoch: int) -> np.ndarray:
    return np.stack([order.batch(epoch, step) for step in range(order.steps_per_epoch)])


@pytest.mark.parametrize("chips", [1, 5, 64, 65, 500, 2048])
@pytest.mark.parametrize("batch_size", [1, 4, 16])
def test_each_chip_comes_once_an_epoch_and_the_last_batch_is_topped_up(chips: int, batch_size: int) -> None:
    """No batch is short, no chip is left out, and none comes a second time before all have come."""
    drawn = epoch_of(order_of(chips, batch_size), 2)
    assert drawn.shape == (-(-chips // batch_size), batch_size)
    times = np.bincount(drawn.ravel(), minlength=chips)
    assert times.min() >= 1
    assert times.max() - times.min() <= 1


def test_epochs_longer_than_the_set_go_through_it_again() -> None:
    """Ten steps of four samples over eight chips are five passes."""
    assert (np.bincount(epoch_of(order_of(8, 4, steps=10), 0).ravel()) == 5).all()


@pytest.mark.parametrize("chips", [200, 520, 2048, 5000])
@pytest.mark.parametrize("batch_size", [4, 5, 16])
def test_a_batch_mixes_at_least_four_blocks(chips: int, batch_size: int) -> None:
    """All batches but the topped-up one, which two orders meet in."""
    order = order_of(chips, batch_size)
    for epoch in (0, 1):
        blocks = np.searchsorted(order.bounds, epoch_of(order, epoch), side="right")
        fewest = [len(np.unique(row)) for row in blocks]
        assert sum(number < 4 for number in fewest) <= (chips % batch_size != 0)


def test_neighbours_in_a_batch_are_no_neighbours_in_the_store() -> None:
    """Chips of one place look alike."""
    drawn = epoch_of(order_of(4096, 8), 0)
    assert np.mean(np.abs(np.diff(drawn, axis=1)) < 32) < 0.05


def test_seed_and_epoch_change_the_order_and_nothing_else_does() -> None:
    """Asked again, in any sequence, a batch is the same."""
    order = order_of(500, 4)
    first = order.batch(1, 7)
    epoch_of(order, 0)
    assert (order.batch(1, 7) == first).all()
    assert (order.batch(2, 7) != first).any()
    assert (order_of(500, 4, seed=4).batch(1, 7) != first).any()


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_block_is_read_about_once_an_epoch(workers: int) -> None:
    """A worker that keeps the blocks that are open on its lanes reads less than a tenth again."""
    order = order_of(20_000, 16)
    reads = 0
    for worker in range(workers):
        open_blocks: list[int] = []
        for step in range(worker, order.steps_per_epoch, workers):
            for block in (order.block_of(int(chip)) for chip in order.batch(0, step)):
                if block in open_blocks:
                    open_blocks.remove(block)
                else:
                    reads += 1
                open_blocks = [*open_blocks, block][-8 * (LANES // workers + 1) :]
    assert reads < 1.1 * (len(order.bounds) - 1)


def test_blocks_get_smaller_as_chips_get_larger() -> None:
    """So that those that are open at a time take a bounded memory."""
    for chip_bytes in (1_000, 300_000, 5_000_000, 40_000_000):
        sizes = np.diff(block_bounds(3000, chip_bytes))
        assert sizes.max() * chip_bytes * 8 * LANES <= max(256 * 2**20, 32 * chip_bytes)
