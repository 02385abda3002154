"""Pixels as people see them: 8 bits, colours for ids, white where nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["coloured", "eight_bit", "for_the_eye", "highest", "over_white"]


def for_the_eye(pixels: NDArray[Any], windows: Sequence[tuple[float, float]]) -> NDArray[np.uint8]:
    """Return channels as red, green and blue of 8 bits; grey where there is one, the first three of more.

    Parameters
    ----------
    pixels : ndarray, shape (c, y, x)
        Of any type, without alpha.
    windows : sequence of (float, float)
        Range of each channel that is shown; one for fewer than three stands for all.

    Returns
    -------
    ndarray, shape (3, y, x)
    """
    if len(pixels) == 2:
        pixels = pixels[[0, 1, 1]]
    elif len(pixels) == 1:
        pixels = pixels[[0, 0, 0]]
    ranges = windows[:3] if len(windows) >= 3 else (windows[0],) * 3
    return np.stack([eight_bit(channel, ranges[k]) for k, channel in enumerate(pixels[:3])])


def eight_bit(pixels: NDArray[Any], window: tuple[float, float]) -> NDArray[np.uint8]:
    """Return values as 0 to 255, stretched between the ends of `window`; what is not a number is 0."""
    if pixels.dtype == np.uint8 and window == (0.0, 255.0):
        return pixels
    low, high = window
    scaled = (pixels.astype(np.float32) - low) * (255.0 / max(high - low, 1e-12))
    return np.asarray(np.clip(np.rint(np.nan_to_num(scaled)), 0, 255), dtype=np.uint8)


def highest(dtype: np.dtype[Any]) -> float:
    """Return the value that is full brightness, or full opacity, in a dtype; 1 for fractions."""
    return float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0


def coloured(labels: NDArray[Any]) -> NDArray[np.uint8]:
    """Give each id a colour of its own that depends on the id only; 0 stays black."""
    ids = labels.astype(np.uint32)
    mixed = ids * np.uint32(2654435761)  # Knuth's multiplicative hash spreads neighbouring ids
    rgb = np.stack([(mixed >> shift & np.uint32(0xFF)) | np.uint32(0x40) for shift in (8, 16, 24)], axis=-1).astype(np.uint8)
    rgb[ids == 0] = 0
    return rgb


def over_white(picture: NDArray[np.uint8], alpha: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a picture (y, x, 3) on white, as far as `alpha` (y, x; 0 is transparent) lets it through."""
    share = eight_bit(alpha, (0.0, highest(alpha.dtype))).astype(np.uint16)[..., np.newaxis]
    return np.asarray((picture * share + 255 * (255 - share) + 127) // 255, dtype=np.uint8)
