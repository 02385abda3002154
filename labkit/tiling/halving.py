"""Half the size: means of images, modes of labels, over blocks of 2 x 2 pixels.

Odd sides are halved upwards (5 -> 3). A pixel on a far edge then covers one row or column only; repeating that row or
column gives it the same mean, and the same mode, as taking only the pixels that exist.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.formats.ome_zarr import Role

__all__ = ["halve", "halve_mean", "halve_mode"]

_WIDER = {"uint8": np.uint16, "uint16": np.uint32, "int8": np.int16, "int16": np.int32}


def halve(block: NDArray[Any], role: Role) -> NDArray[Any]:
    """Return `block` at half its size by the rule of its role: ``image`` the mean, ``labels`` the mode."""
    return halve_mode(block) if role == "labels" else halve_mean(block)


def halve_mean(block: NDArray[Any]) -> NDArray[Any]:
    """Average 2 x 2 pixels, integers rounded half to even.

    Parameters
    ----------
    block : ndarray, shape (..., y, x)
        8 or 16 bit integers, or floats.

    Returns
    -------
    ndarray, shape (..., ceil(y / 2), ceil(x / 2))
        Same dtype.
    """
    even = _even_sides(block)
    if even.dtype.kind == "f":
        rows = even[..., 0::2, :] * 0.5 + even[..., 1::2, :] * 0.5
        return np.asarray(rows[..., 0::2] * 0.5 + rows[..., 1::2] * 0.5, dtype=block.dtype)
    wide = _WIDER.get(even.dtype.name, np.int64)
    rows = np.add(even[..., 0::2, :], even[..., 1::2, :], dtype=wide)  # along rows first: contiguous memory
    total = rows[..., 0::2] + rows[..., 1::2]
    odd = total >> 2
    odd &= 1
    total += odd  # with 1 added and the last two bits dropped: round half to even
    total += 1
    total >>= 2
    return np.asarray(total, dtype=block.dtype)


def halve_mode(labels: NDArray[Any]) -> NDArray[Any]:
    """Take the commonest of 2 x 2 ids; between equally common ones a non-zero before zero, then the smallest.

    Parameters
    ----------
    labels : ndarray of integers, shape (..., y, x)
        Object ids or classes.

    Returns
    -------
    ndarray, shape (..., ceil(y / 2), ceil(x / 2))
        Same dtype; no id that was not there.
    """
    even = _even_sides(labels)
    a, b = even[..., 0::2, 0::2], even[..., 0::2, 1::2]
    c, d = even[..., 1::2, 0::2], even[..., 1::2, 1::2]
    a, b = np.minimum(a, b), np.maximum(a, b)  # a sorting network of five exchanges
    c, d = np.minimum(c, d), np.maximum(c, d)
    a, c = np.minimum(a, c), np.maximum(a, c)
    b, d = np.minimum(b, d), np.maximum(b, d)
    b, c = np.minimum(b, c), np.maximum(b, c)
    low = np.where(a == 0, np.where(a == b, c, b), a)  # the smaller of the two first ids, zero last
    return np.asarray(np.select([b == c, (a == b) & (c != d), (c == d) & (a != b)], [b, a, c], low), dtype=labels.dtype)


def _even_sides(block: NDArray[Any]) -> NDArray[Any]:
    odd = [(0, 0)] * (block.ndim - 2) + [(0, block.shape[-2] % 2), (0, block.shape[-1] % 2)]
    return np.pad(block, odd, mode="edge") if any(after for _, after in odd) else block
