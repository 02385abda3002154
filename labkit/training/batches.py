"""From chips to batches: targets, normalising, and augmentation drawn from (seed, step, place in the batch) alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from labkit.datasets import IGNORE, Chips, Normalisation
from labkit.project import ClassRecord

_BORDER_REACH_PX = 2
_NO_OBJECT = 2**40  # above any id (uint32), and still exact where the filter computes in float64

__all__ = ["BatchSource", "class_indices", "make_targets", "normalise"]


def normalise(pixels: NDArray[Any], normalisation: Normalisation) -> NDArray[np.float32]:
    """Scale pixels (..., c, y, x) to about 0-1, in float32; NaN becomes 0."""
    low = np.array(normalisation.low, np.float32)[:, None, None]
    high = np.array(normalisation.high, np.float32)[:, None, None]
    scaled = (pixels.astype(np.float32) - low) / (high - low)
    return np.nan_to_num(scaled, nan=0.0, posinf=1.0, neginf=0.0)


def class_indices(classes: Sequence[ClassRecord]) -> NDArray[np.uint8]:
    """Return the table (256,) from class id to output of the network: 0 stays background, 255 and unknown ids ignore."""
    table = np.full(256, IGNORE, np.uint8)
    table[0] = 0
    for index, item in enumerate(classes, start=1):
        table[item.id] = index
    return table


def make_targets(chips: Chips, classes: Sequence[ClassRecord], border_index: int | None) -> NDArray[np.uint8]:
    """Return what the network is to answer (n, y, x): output indices, and 255 where nothing is known.

    With a `border_index`, known pixels that have two different objects within 2 px (rows and columns alike) become border:
    a thin wall where objects touch or nearly do, and nowhere else. An object that would have nothing left stays as it is.
    """
    targets = class_indices(classes)[chips.masks]
    if border_index is not None:
        for target, objects in zip(targets, chips.objects, strict=True):
            target[_between_objects(objects) & (target != IGNORE)] = border_index
    return targets


def _between_objects(objects: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return the pixels (y, x) of the walls between objects."""
    numbered = objects.astype(np.int64)
    size = 2 * _BORDER_REACH_PX + 1
    highest = ndimage.maximum_filter(numbered, size=size, mode="nearest")
    lowest = ndimage.minimum_filter(np.where(numbered > 0, numbered, _NO_OBJECT), size=size, mode="nearest")
    wall: NDArray[np.bool_] = (highest > 0) & (highest != lowest)
    swallowed = np.setdiff1d(numbered[wall], numbered[~wall])
    return wall & ~np.isin(numbered, swallowed[swallowed > 0])


class BatchSource:
    """Draws batches of a training part. The same seed and step give the same batch, whatever was drawn before.

    Parameters
    ----------
    pixels : ndarray (n, c, y, x) float32, normalised
    targets : ndarray (n, y, x) uint8
    batch_size, crop_px : int
    seed : int
    """

    def __init__(self, pixels: NDArray[np.float32], targets: NDArray[np.uint8], batch_size: int, crop_px: int, seed: int) -> None:
        self.pixels, self.targets = pixels, targets
        self.batch_size, self.crop_px, self.seed = batch_size, crop_px, seed

    def batch(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return pixels (b, c, crop, crop) float32 and targets (b, crop, crop) uint8 of one step."""
        drawn = [self._sample(step * self.batch_size + k) for k in range(self.batch_size)]
        return np.stack([p for p, _ in drawn]), np.stack([t for _, t in drawn])

    def _sample(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        # Sample `number` is the k-th of a pass over all chips, each pass in an order of its own: every chip is seen equally often.
        epoch, place = divmod(number, len(self.pixels))
        chip = np.random.default_rng((self.seed, 0, epoch)).permutation(len(self.pixels))[place]
        rng = np.random.default_rng((self.seed, 1, number))
        pixels, targets = _crop(self.pixels[chip], self.targets[chip], self.crop_px, rng)
        return _vary(pixels, targets, rng)


def _crop(
    pixels: NDArray[np.float32], targets: NDArray[np.uint8], crop_px: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    y, x = (int(rng.integers(0, side - crop_px + 1)) for side in targets.shape)
    return pixels[:, y : y + crop_px, x : x + crop_px], targets[y : y + crop_px, x : x + crop_px]


def _vary(
    pixels: NDArray[np.float32], targets: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Turn by quarter turns, mirror, and change gain, offset and noise a little; targets move along, untouched in value."""
    turns, mirror = int(rng.integers(4)), bool(rng.integers(2))
    pixels, targets = np.rot90(pixels, turns, axes=(1, 2)), np.rot90(targets, turns)
    if mirror:
        pixels, targets = pixels[:, :, ::-1], targets[:, ::-1]
    gain, offset, noise = rng.uniform(0.8, 1.25), rng.uniform(-0.08, 0.08), rng.uniform(0, 0.03)
    varied = pixels * np.float32(gain) + np.float32(offset)
    varied = varied + rng.standard_normal(varied.shape, dtype=np.float32) * np.float32(noise)
    return np.ascontiguousarray(varied), np.ascontiguousarray(targets)
