"""Pictures of what was found: the image with outlines drawn on it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

__all__ = ["PREDICTED_COLOUR", "TRUE_COLOUR", "as_png", "outlines", "overlay", "to_rgb"]

TRUE_COLOUR = (86, 180, 233)  # sky blue and orange of Okabe and Ito: told apart by colour-blind eyes
PREDICTED_COLOUR = (230, 159, 0)


def to_rgb(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return pixels (y, x) or (c, y, x) as RGB (y, x, 3); other than 8 bit is stretched between percentiles 0.5 and 99.8."""
    planes = pixels[None] if pixels.ndim == 2 else pixels
    planes = planes[:3] if len(planes) >= 3 else np.repeat(planes[:1], 3, axis=0)
    if planes.dtype != np.uint8:
        low, high = np.nanpercentile(planes, [0.5, 99.8])
        scaled = (planes.astype(np.float32) - low) / max(float(high - low), 1e-6)
        planes = (np.clip(np.nan_to_num(scaled), 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(planes.transpose(1, 2, 0))


def outlines(ids: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the pixels (y, x) of objects that have a 4-neighbour of another object or of none."""
    edge = np.zeros(ids.shape, bool)
    for axis in (0, 1):
        differs = np.diff(ids.astype(np.int64), axis=axis) != 0
        first, second = (slice(None, -1), slice(1, None))
        edge[(first, slice(None)) if axis == 0 else (slice(None), first)] |= differs
        edge[(second, slice(None)) if axis == 0 else (slice(None), second)] |= differs
    return edge & (ids > 0)


def overlay(pixels: NDArray[Any], predicted: NDArray[Any], truth: NDArray[Any] | None = None, *, scale: int = 1) -> NDArray[np.uint8]:
    """Return the picture (y, x, 3) with outlines: predicted objects orange, true ones sky blue below them.

    Parameters
    ----------
    scale : int
        How often each pixel is repeated, so that outlines of small pictures stay thin.
    """
    drawn = np.repeat(np.repeat(to_rgb(pixels), scale, axis=0), scale, axis=1)
    for ids, colour in ((truth, TRUE_COLOUR), (predicted, PREDICTED_COLOUR)):
        if ids is not None:
            drawn[outlines(np.repeat(np.repeat(ids, scale, axis=0), scale, axis=1))] = colour
    return drawn


def as_png(rgb: NDArray[np.uint8]) -> bytes:
    """Return an RGB picture as PNG."""
    buffer = io.BytesIO()
    Pillow.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()
