"""What a network gets and is to answer: scaled pixels, and output indices with walls between objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.datasets import IGNORE, Normalisation
from labkit.project import ClassRecord

__all__ = ["class_indices", "make_targets", "normalise"]

_BORDER_REACH_PX = 2
_NO_OBJECT = np.uint32(2**32 - 1)  # as high as the highest id: where it is the lowest number, there is no second object


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
        targets[_between_objects(objects) & (targets != IGNORE)] = border_index
    return targets


def _between_objects(objects: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return the pixels (n, y, x) of the walls between objects."""
    highest = _nearby(objects, np.maximum)
    lowest = _nearby(np.where(objects > 0, objects, _NO_OBJECT), np.minimum)
    wall: NDArray[np.bool_] = (highest > 0) & (highest != lowest)
    for number in np.flatnonzero(wall.any(axis=(1, 2))):
        inside, ids = wall[number], objects[number]
        swallowed = np.setdiff1d(ids[inside], ids[~inside & np.isin(ids, ids[inside])])
        inside &= ~np.isin(ids, swallowed[swallowed > 0])
    return wall


def _nearby(values: NDArray[np.uint32], better: np.ufunc) -> NDArray[np.uint32]:
    """Return the best value within the reach of each pixel (n, y, x), by rows and then by columns."""
    for axis in (1, 2):
        best = values.copy()
        for distance in range(1, _BORDER_REACH_PX + 1):
            near: list[slice] = [slice(None)] * 3
            far: list[slice] = [slice(None)] * 3
            near[axis], far[axis] = slice(None, -distance), slice(distance, None)
            for here, there in ((tuple(near), tuple(far)), (tuple(far), tuple(near))):
                better(best[here], values[there], out=best[here])
        values = best
    return values
