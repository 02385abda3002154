"""Which values a part of a picture holds: the window that "Auto" sets while somebody looks at it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.errors import InvalidInput
from labkit.geometry import Box
from labkit.tiling.eye import highest
from labkit.tiling.reading import Image

__all__ = ["seen_windows"]

_PERCENT = (1.0, 99.8)
_MOST_PX = 1024  # of either side of what is looked at: a million values tell a percentile well enough


def seen_windows(
    image: Image, box: Box, *, z: int | None = None, t: int | None = None, percent: tuple[float, float] = _PERCENT
) -> tuple[tuple[float, float], ...]:
    """Return (start, end) of each channel: percentiles of what is seen.

    Parameters
    ----------
    image : Image
        No label image.
    box : Box
        What is seen, in full-resolution pixels; parts outside the picture count for nothing.
    z, t : int, optional
        Plane and frame of a stack; by default the middle plane, and the first frame.
    percent : (float, float)
        Which percentiles. Values that are no number, or stand for "nothing was measured", are left out.

    Returns
    -------
    tuple of (float, float)
        For each channel; the end lies above the start. A channel without any value gets the range of the dtype.

    Raises
    ------
    InvalidInput
        The box does not touch the picture, or there is no such plane.
    """
    seen = box.intersect(Box.of_shape(image.height_px, image.width_px))
    if not seen.area_px:
        raise InvalidInput("Nothing of the picture is seen.", hint="Move the picture into sight.")
    planes = dict(image.stack)
    z = planes["z"] // 2 if z is None and "z" in planes else z
    t = 0 if t is None and "t" in planes else t
    level = next((k for k in range(len(image.levels)) if max(seen.shape) >> k <= _MOST_PX), len(image.levels) - 1)
    pixels = image.read(_at_level(seen, level, image), level, z=z, t=t)
    return tuple(_window(channel, image, percent) for channel in pixels.reshape(image.channels, -1))


def _at_level(box: Box, level: int, image: Image) -> Box:
    """Return the pixels of a level that a box of the full resolution touches; at least one."""
    height, width = image.levels[level]
    y0, x0 = min(box.y0 >> level, height - 1), min(box.x0 >> level, width - 1)
    y1, x1 = min(-(-box.y1 >> level), height), min(-(-box.x1 >> level), width)
    return Box(y0, x0, max(y1, y0 + 1), max(x1, x0 + 1))


def _window(values: NDArray[Any], image: Image, percent: tuple[float, float]) -> tuple[float, float]:
    valid = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, dtype=np.bool_)
    if image.nodata is not None:
        valid &= values != np.asarray(image.nodata).astype(values.dtype)
    if not valid.any():
        return 0.0, highest(image.dtype)
    low, high = (float(value) for value in np.percentile(values[valid], percent))
    return (low, high) if high > low else (low, low + (1.0 if image.dtype.kind in "iu" else max(abs(low), 1.0) * 1e-3))
