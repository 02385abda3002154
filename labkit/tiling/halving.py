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

_WIDER = {"uint8": np.uint16, "uint16": np.uint32, "int8": np.int16, "int16": np.int32, "int32": np.int64, "uint32": np.int64}


def halve(block: NDArray[Any], role: Role, *, alpha: bool = False, nodata: float | None = None) -> NDArray[Any]:
    """Return `block` at half its size by the rule of its role: ``image`` the mean, ``labels`` the mode.

    Parameters
    ----------
    block : ndarray, shape (..., y, x)
        Pixels.
    role : {"image", "labels"}
        What they are.
    alpha : bool
        Whether the last channel is alpha, which weighs the others.
    nodata : float, optional
        A value that does not count.
    """
    if role == "labels":
        return halve_mode(block)
    if alpha:
        return _halve_weighted(block)
    if nodata is not None and not np.isnan(nodata):
        return _halve_valid(block, block == np.asarray(nodata).astype(block.dtype), np.asarray(nodata).astype(block.dtype))
    if block.dtype.kind == "f":
        missing = np.isnan(block)
        if missing.any():
            return _halve_valid(block, missing, np.asarray(np.nan, dtype=block.dtype))
    return halve_mean(block)


def halve_mean(block: NDArray[Any]) -> NDArray[Any]:
    """Average 2 x 2 pixels, integers rounded half to even.

    Parameters
    ----------
    block : ndarray, shape (..., y, x)
        Integers or floats.

    Returns
    -------
    ndarray, shape (..., ceil(y / 2), ceil(x / 2))
        Same dtype.
    """
    even = _even_sides(block)
    if even.dtype.kind == "f":
        rows = even[..., 0::2, :] * 0.5 + even[..., 1::2, :] * 0.5
        return np.asarray(rows[..., 0::2] * 0.5 + rows[..., 1::2] * 0.5, dtype=block.dtype)
    if even.dtype.itemsize == 8:
        return _halve_long(even)
    total = _sum_of_pairs(even) if even.dtype.kind == "u" and even.dtype.itemsize <= 2 else _sum_of_four_wide(even)
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


def _sum_of_pairs(even: NDArray[Any]) -> NDArray[Any]:
    """Add four neighbours of 8 or 16 bits.

    Two pixels of a row are seen as one number of twice the bits, so that memory is walked through in order, which is several
    times as fast as taking every second pixel.
    """
    bits = 8 * even.dtype.itemsize
    wide = np.ascontiguousarray(even).view(_WIDER[even.dtype.name])
    mask = wide.dtype.type(2**bits - 1)
    upper, lower = wide[..., 0::2, :], wide[..., 1::2, :]
    total = upper & mask
    total += lower & mask
    total += upper >> bits
    total += lower >> bits
    return np.asarray(total)


def _sum_of_four_wide(even: NDArray[Any]) -> NDArray[Any]:
    rows = np.add(even[..., 0::2, :], even[..., 1::2, :], dtype=_WIDER[even.dtype.name])
    return np.asarray(rows[..., 0::2] + rows[..., 1::2])


def _halve_long(even: NDArray[Any]) -> NDArray[Any]:
    """Average integers of 64 bits, whose sum may not fit: quarters are added, then what the division left over."""
    parts = [even[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]
    rest = sum((part & 3 for part in parts[1:]), parts[0] & 3)
    mean = sum((part >> 2 for part in parts[1:]), parts[0] >> 2) + (rest >> 2)
    rest &= 3
    return np.asarray(mean + ((rest == 3) | ((rest == 2) & (mean & 1 == 1))), dtype=even.dtype)


def _halve_weighted(block: NDArray[Any]) -> NDArray[Any]:
    """Average colours by their alpha, and alpha as it is; where nothing is visible, colours count alike."""
    even = _even_sides(block)
    colours, weight = even[:-1].astype(np.float64), even[-1].astype(np.float64)
    seen = _sum_of_four(weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = _sum_of_four(colours * weight) / seen
    plain = halve_mean(block)
    halved = np.where(seen > 0, np.rint(mean) if block.dtype.kind != "f" else mean, plain[:-1])
    return np.concatenate((halved.astype(block.dtype), plain[-1:]))


def _halve_valid(block: NDArray[Any], missing: NDArray[np.bool_], nodata: NDArray[Any]) -> NDArray[Any]:
    """Average the pixels that are there; where none is, `nodata`."""
    values = _even_sides(np.where(missing, np.zeros_like(block), block)).astype(np.float64)
    # On a far edge of odd length a repeated pixel counts twice in sum and number alike.
    number = _sum_of_four(_even_sides(~missing).astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = _sum_of_four(values) / number
    mean = np.rint(mean) if block.dtype.kind != "f" else mean
    found = np.where(number > 0, mean, 0.0).astype(block.dtype)
    return np.asarray(np.where(number > 0, found, nodata), dtype=block.dtype)


def _sum_of_four(values: NDArray[Any]) -> NDArray[Any]:
    rows = values[..., 0::2, :] + values[..., 1::2, :]
    return np.asarray(rows[..., 0::2] + rows[..., 1::2])


def _even_sides(block: NDArray[Any]) -> NDArray[Any]:
    odd = [(0, 0)] * (block.ndim - 2) + [(0, block.shape[-2] % 2), (0, block.shape[-1] % 2)]
    return np.pad(block, odd, mode="edge") if any(after for _, after in odd) else block
