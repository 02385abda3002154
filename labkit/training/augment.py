"""Chips, varied: cut at any place, turned, mirrored, scaled, brightened, made noisy. Class values move, and never mix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.datasets import IGNORE, Chips, Normalisation
from labkit.project import ClassRecord
from labkit.training.config import AugmentSpec
from labkit.training.targets import class_indices, normalise

__all__ = ["augment_preview", "cut_sample"]

_LOW_PERCENT, _HIGH_PERCENT = 1.0, 99.8


def cut_sample(
    pixels: NDArray[Any],
    targets: NDArray[np.uint8],
    crop_px: int,
    normalisation: Normalisation,
    spec: AugmentSpec,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return one training sample out of a chip.

    Parameters
    ----------
    pixels : ndarray (c, y, x)
        A chip, in the images' dtype.
    targets : ndarray (y, x) uint8
        What is to be learned there.
    crop_px : int
        Side of the sample, at most that of the chip. Each place in the chip is equally likely.
    normalisation : Normalisation
        How grey values become 0-1.
    spec : AugmentSpec
    rng : Generator
        All that is random is drawn from it.

    Returns
    -------
    ndarray (c, crop, crop) float32, ndarray (crop, crop) uint8
        Targets by nearest neighbour, so no value occurs that was not there; what lies outside the chip is 255.
    """
    y, x = (int(rng.integers(0, side - crop_px + 1)) for side in targets.shape)
    turns = int(rng.integers(4)) if spec.turns else 0
    mirror = bool(rng.integers(2)) if spec.mirror else False
    if spec.rotate_deg or spec.scale:
        angle = np.deg2rad(rng.uniform(-spec.rotate_deg, spec.rotate_deg))
        varied, moved = _warp(pixels, targets, (y, x), crop_px, angle, _factor(spec.scale, rng), normalisation)
    else:
        window = (slice(y, y + crop_px), slice(x, x + crop_px))
        varied, moved = normalise(pixels[:, *window], normalisation), targets[window]
    _shade(varied, spec, rng)
    varied, moved = np.rot90(varied, turns, axes=(1, 2)), np.rot90(moved, turns)
    if mirror:
        varied, moved = varied[:, :, ::-1], moved[:, ::-1]
    return np.ascontiguousarray(varied), np.ascontiguousarray(moved)


def augment_preview(
    chips: Chips, classes: Sequence[ClassRecord], spec: AugmentSpec, *, variants: int, seed: int
) -> list[tuple[NDArray[Any], NDArray[np.uint8]]]:
    """Return varied chips, to look at: `variants` of the first chip, then of the second, and so on.

    Parameters
    ----------
    chips : Chips
        As they are in the set.
    classes : sequence of ClassRecord
        What would be taught; other ids become 255.
    spec : AugmentSpec
    variants : int
        Pictures of each chip.
    seed : int
        The same seed gives the same pictures.

    Returns
    -------
    list of (ndarray (c, y, x), ndarray (y, x) uint8)
        Pixels in the chips' dtype; masks of class ids, 255 where nothing is known or the picture ends.
    """
    if not len(chips):
        return []
    known = np.where(class_indices(classes) == IGNORE, IGNORE, np.arange(256)).astype(np.uint8)
    values = chips.pixels.transpose(1, 0, 2, 3).reshape(chips.pixels.shape[1], -1).astype(np.float64)
    low, high = np.nanpercentile(values, [_LOW_PERCENT, _HIGH_PERCENT], axis=1)
    high = np.where(high > low, high, low + 1)
    scaling = Normalisation(low=tuple(low.tolist()), high=tuple(high.tolist()))
    found = []
    for number, (pixels, mask) in enumerate(zip(chips.pixels, chips.masks, strict=True)):
        for variant in range(variants):
            rng = np.random.default_rng((seed, number, variant))
            varied, moved = cut_sample(pixels, known[mask], mask.shape[0], scaling, spec, rng)
            found.append((_as_dtype(varied * (high - low)[:, None, None] + low[:, None, None], pixels.dtype), moved))
    return found


def _factor(share: float, rng: np.random.Generator) -> float:
    """Draw a factor between 1 / (1 + share) and 1 + share; larger and smaller are equally likely."""
    return float(np.exp(rng.uniform(-1, 1) * np.log1p(share)))


def _shade(pixels: NDArray[np.float32], spec: AugmentSpec, rng: np.random.Generator) -> None:
    """Change gain, brightness and noise, in place."""
    if spec.gain:
        pixels *= np.float32(_factor(spec.gain, rng))
    if spec.brightness:
        pixels += np.float32(rng.uniform(-spec.brightness, spec.brightness))
    if spec.noise:
        pixels += rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(rng.uniform(0, spec.noise))


def _warp(
    pixels: NDArray[Any],
    targets: NDArray[np.uint8],
    corner: tuple[int, int],
    crop_px: int,
    angle: float,
    factor: float,
    normalisation: Normalisation,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Turn and scale about the centre of a crop: pixels by bilinear interpolation, targets by nearest neighbour."""
    height, width = targets.shape
    offset = np.arange(crop_px) + 0.5 - crop_px / 2
    dy, dx = offset[:, None] / factor, offset[None, :] / factor
    cosine, sine = np.cos(angle), np.sin(angle)
    y = corner[0] + crop_px / 2 + cosine * dy - sine * dx  # in pixel edges: pixel i covers i to i + 1
    x = corner[1] + crop_px / 2 + sine * dy + cosine * dx
    row, column = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    moved = np.where(inside, targets[row.clip(0, height - 1), column.clip(0, width - 1)], np.uint8(IGNORE))
    # Bilinear between pixel centres; beyond the outermost ones their values go on.
    top, left = np.clip(y - 0.5, 0, height - 1), np.clip(x - 0.5, 0, width - 1)
    y0, x0 = top.astype(np.intp), left.astype(np.intp)
    y1, x1 = np.minimum(y0 + 1, height - 1), np.minimum(x0 + 1, width - 1)
    down, right = (top - y0).astype(np.float32), (left - x0).astype(np.float32)
    first, last_y, last_x = (int(y0.min()), int(x0.min())), int(y1.max()) + 1, int(x1.max()) + 1
    scaled = normalise(pixels[:, first[0] : last_y, first[1] : last_x], normalisation)
    y0, y1, x0, x1 = y0 - first[0], y1 - first[0], x0 - first[1], x1 - first[1]
    upper = scaled[:, y0, x0] * (1 - right) + scaled[:, y0, x1] * right
    lower = scaled[:, y1, x0] * (1 - right) + scaled[:, y1, x1] * right
    return upper * (1 - down) + lower * down, moved


def _as_dtype(values: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    if not np.issubdtype(dtype, np.integer):
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)
