"""In which order chips are learned from: a pure function of (seed, epoch), that visits the store block by block.

Chips that lie beside one another in the store are read together, as a *block*. Blocks are permuted, some are open at a time (a
*group*), and their chips take turns, so that neighbours in a batch come from different blocks. The order of an epoch is cut into
a few *lanes* of whole batches, and the lanes take turns: a worker that prepares every second batch follows one half of the lanes,
and needs only the blocks that lie on them. So each block is read once, or twice where a lane ends in it, by any number of workers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["LANES", "OPEN_BLOCKS", "SampleOrder", "block_bounds"]

LANES = 4  # numbers of workers that divide it read no block twice
OPEN_BLOCKS = 8  # of a lane
_MAX_BLOCK_CHIPS = 32
_OPEN_BYTES = 256 * 2**20  # of all open blocks together


def block_bounds(chips: int, chip_bytes: int) -> NDArray[np.int64]:
    """Return where blocks begin, and after them the number of chips: block k holds chips bounds[k] to bounds[k + 1].

    Blocks are of one size (or one chip more), small enough that all that are open at a time take a bounded memory, and, where
    there are so many chips, enough of them to be mixed.
    """
    size = max(1, min(_MAX_BLOCK_CHIPS, _OPEN_BYTES // (LANES * OPEN_BLOCKS * chip_bytes)))
    count = min(chips, max(OPEN_BLOCKS, math.ceil(chips / size)))
    return np.linspace(0, chips, count + 1).round().astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class SampleOrder:
    """Which chip stands where in each batch of each epoch.

    Attributes
    ----------
    bounds : ndarray (blocks + 1,) int64
        Of `block_bounds`.
    batch_size, steps_per_epoch : int
        An epoch has ``batch_size * steps_per_epoch`` samples. Where these are more than there are chips, it goes through all of
        them again, in another order: no batch is cut short, and none is left out.
    seed : int
    """

    bounds: NDArray[np.int64]
    batch_size: int
    steps_per_epoch: int
    seed: int

    def batch(self, epoch: int, step: int) -> NDArray[np.int64]:
        """Return the chips of one step (counted from 0 within its epoch)."""
        rank = lane_start(self.steps_per_epoch, step % LANES) + step // LANES
        chips = int(self.bounds[-1])
        places = np.arange(rank * self.batch_size, (rank + 1) * self.batch_size)
        rounds = [_one_round(self.bounds.tobytes(), self.seed, epoch, int(k)) for k in np.unique(places // chips)]
        order: NDArray[np.int64] = np.concatenate(rounds)[places - places[0] // chips * chips]
        return order

    def block_of(self, chip: int) -> int:
        """Return the block that holds a chip."""
        return int(np.searchsorted(self.bounds, chip, side="right")) - 1


def lane_start(steps: int, lane: int) -> int:
    """Return how many batches the lanes before `lane` take of an epoch of `steps` batches."""
    return sum((steps - before + LANES - 1) // LANES for before in range(lane))


@lru_cache(maxsize=8)
def _one_round(bounds: bytes, seed: int, epoch: int, number: int) -> NDArray[np.int64]:
    """Return all chips once, group by group of blocks, the blocks of a group taking turns."""
    starts = np.frombuffer(bounds, np.int64)
    rng = np.random.default_rng((seed, 0, epoch, number))
    blocks = rng.permutation(len(starts) - 1)
    groups = np.array_split(blocks, math.ceil(len(blocks) / OPEN_BLOCKS))
    return np.concatenate([_take_turns(starts, group, rng) for group in groups])


def _take_turns(starts: NDArray[np.int64], group: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    sizes = starts[group + 1] - starts[group]
    longest_first = group[np.argsort(-sizes, kind="stable")]  # so that the last turn, of them alone, repeats no block within a batch
    turns = np.full((int(sizes.max()), len(group)), -1, np.int64)
    for column, block in enumerate(longest_first):
        chips = np.arange(starts[block], starts[block + 1])
        turns[: len(chips), column] = rng.permutation(chips)
    return turns[turns >= 0]
