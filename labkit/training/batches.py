"""Batches of training samples. One depends on (seed, epoch, step) and the set alone, whatever was drawn before and by whom."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from labkit.datasets import TrainingSet
from labkit.training.augment import cut_sample
from labkit.training.blocks import BlockCache, BlockReader
from labkit.training.config import TrainPlan
from labkit.training.order import LANES, OPEN_BLOCKS, SampleOrder

__all__ = ["BatchSource"]

_CACHE_BYTES = 512 * 2**20  # shared out among workers


class BatchSource(Dataset[tuple[Tensor, Tensor]]):
    """The batches of a training by their number, for torch's `DataLoader` or as they are.

    Parameters
    ----------
    plan : TrainPlan
    data : TrainingSet
        Its train part is read block by block; a small one stays in memory.
    cache_bytes : int
        Memory for blocks. What must be open at a time is kept in any case.
    """

    def __init__(self, plan: TrainPlan, data: TrainingSet, cache_bytes: int = _CACHE_BYTES) -> None:
        self.plan = plan
        self.reader = BlockReader(data, "train", plan.classes, plan.border_index)
        self.order = SampleOrder(self.reader.bounds, plan.batch_size, plan.steps_per_epoch, plan.config.seed)
        workers = max(1, plan.workers)
        block_bytes = int(np.diff(self.reader.bounds).max()) * self.reader.chip_bytes
        lanes = max(1, LANES // workers)
        self.cache = BlockCache(self.reader, max(cache_bytes // workers, (lanes + 1) * OPEN_BLOCKS * block_bytes))

    def __len__(self) -> int:
        return self.plan.total_steps

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        """Return pixels (b, c, crop, crop) float32 and targets (b, crop, crop) uint8 of a step, counted from 0."""
        epoch, within = divmod(step, self.plan.steps_per_epoch)
        samples = []
        for place, chip in enumerate(self.order.batch(epoch, within)):
            number = self.order.block_of(int(chip))
            block = self.cache.block(number)
            row = int(chip) - int(self.reader.bounds[number])
            rng = np.random.default_rng((self.plan.config.seed, 1, step, place))
            augment = self.plan.config.augment
            samples.append(cut_sample(block.pixels[row], block.targets[row], self.plan.crop_px, self.plan.normalisation, augment, rng))
        pixels, targets = zip(*samples, strict=True)
        return torch.from_numpy(np.stack(pixels)), torch.from_numpy(np.stack(targets))
