"""What a network gets and is to answer: scaled pixels, and output indices with walls between objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.datasets import IGNORE, Normalisation
from labkit.project import ClassRecord

__all__ = ["class_indices", "make_targets", "normalise"]


def normalise(pixels: NDArray[Any], normalisation: Normalisation) -> NDArray[np.float32]:
    """Scale pixels (..., c, y, x) to about 0-1, in float32; NaN becomes 0."""
    low = np.array(normalisation.low, np.float32)[:, None, None]
    high = np.array(normalisation.high, np.float32)[:, None, None]
    scaled = pixels.astype(np.float32)
    scaled -= low
    scaled /= high - low
    if not np.issubdtype(pixels.dtype, np.integer):
        np.nan_to_num(scaled, copy=False, nan=0.0, posinf=1.0, neginf=0.0)
    return scaled


def class_indices(classes: Sequence[ClassRecord]) -> NDArray[np.uint8]:
    """Return the table (256,) from class id to output of the network: 0 stays background, 255 and unknown ids ignore."""
    table = np.full(256, IGNORE, np.uint8)
    table[0] = 0
    for index, item in enumerate(classes, start=1):
        table[item.id] = index
    return table


def make_targets(
    masks: NDArray[np.uint8], objects: NDArray[np.uint32] | None, classes: Sequence[ClassRecord], border_index: int | None
) -> NDArray[np.uint8]:
    """Return what the network is to answer (n, y, x): output indices, and 255 where nothing is known.

    Parameters
    ----------
    masks : ndarray (n, y, x) uint8
        Class ids.
    objects : ndarray (n, y, x) uint32, optional
        Object numbers, unique within a chip; needed for borders only.
    classes : sequence of ClassRecord
        What is taught.
    border_index : int or None
        Known pixels that have two different objects within 2 px (rows and columns alike) get this index: a thin wall where objects
        touch or nearly do, and nowhere else. An object that would have nothing left stays as it is.
    """
    targets = class_indices(classes)[masks]
    if border_index is not None and objects is not None:
        for target, numbers in zip(targets, objects, strict=True):
            target[_between_objects(numbers) & (target != IGNORE)] = border_index
    return targets


def _between_objects(objects: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return the pixels (y, x) of the walls between the objects of a chip."""
    # The largest of x and of -x (modulo 2^16 or 2^32, where 0, no object, stays the least) are the highest and the lowest number
    # nearby: where there is one object only, or none, they add up to 0.
    numbers: NDArray[Any] = objects.astype(np.uint16) if objects.max() < 2**16 else objects
    nearby = _largest_nearby(np.stack([numbers, -numbers]))
    wall: NDArray[np.bool_] = nearby[0] + nearby[1] != 0
    if wall.any():
        if numbers.dtype != np.uint16:  # to be counted, they must be small
            numbers = np.unique(objects, return_inverse=True)[1].reshape(objects.shape)
        everywhere = np.bincount(numbers.ravel())
        swallowed = everywhere == np.bincount(numbers[wall], minlength=len(everywhere))
        swallowed[numbers[objects == 0][:1]] = False  # background is no object
        if swallowed.any():
            wall &= ~swallowed[numbers]
    return wall


def _largest_nearby(values: NDArray[Any]) -> NDArray[Any]:
    """Return the largest value within the reach of each pixel (n, y, x): by columns, then by rows, each in steps of 2, of 4, of 5."""
    count, height, width = values.shape
    rows = np.zeros((count, height + 4, width + 4), values.dtype)
    rows[:, 2:-2, 2:-2] = values
    of_two = np.maximum(rows[:, :, :-1], rows[:, :, 1:])
    of_four = np.maximum(of_two[:, :, :-2], of_two[:, :, 2:])
    columns = np.maximum(of_four[:, :, :-1], rows[:, :, 4:])
    of_two = np.maximum(columns[:, :-1], columns[:, 1:])
    of_four = np.maximum(of_two[:, :-2], of_two[:, 2:])
    return np.maximum(of_four[:, :-1], columns[:, 4:])
