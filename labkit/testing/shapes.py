"""Shapes and label images made from a seed, for the tests of every room that draws or measures objects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labkit.geometry import Region

__all__ = ["disc_labels", "fan", "halves", "lake_with_island", "noise_labels", "square", "square_with_hole", "star"]


def square(y0: float, x0: float, y1: float, x1: float) -> NDArray[np.float64]:
    """Return the ring of an upright rectangle, shape (4, 2)."""
    return np.array([(y0, x0), (y0, x1), (y1, x1), (y1, x0)], dtype=np.float64)


def square_with_hole() -> Region:
    """Return the square 1..9 with the hole 3..7: 48 pixels."""
    return Region((square(1, 1, 9, 9), square(3, 3, 7, 7)))


def lake_with_island() -> Region:
    """Return the square 0..12 with the hole 2..10 and in it the island 4..8: 96 pixels."""
    return Region((square(0, 0, 12, 12), square(2, 2, 10, 10), square(4, 4, 8, 8)))


def noise_labels(seed: int, shape: tuple[int, int], ids: int) -> NDArray[np.uint16]:
    """Return a label image of ids 0..`ids` at random: single pixels, diagonals, holes and parts, up to the border."""
    return np.random.default_rng(seed).integers(0, ids + 1, shape).astype(np.uint16)


def disc_labels(seed: int, shape: tuple[int, int], count: int, radius_px: tuple[int, int] = (5, 14)) -> NDArray[np.uint32]:
    """Return a label image of `count` discs, later ones over earlier ones, some of them cut by the border."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, dtype=np.uint32)
    y, x = np.ogrid[: shape[0], : shape[1]]
    for number in range(1, count + 1):
        cy, cx, r = int(rng.integers(shape[0])), int(rng.integers(shape[1])), int(rng.integers(*radius_px))
        near = np.s_[max(cy - r, 0) : cy + r + 1, max(cx - r, 0) : cx + r + 1]
        labels[near][(y[near[0]] - cy) ** 2 + (x[:, near[1]] - cx) ** 2 <= r * r] = number
    return labels


def star(seed: int, centre: tuple[float, float], radius_px: tuple[float, float], vertices: int) -> Region:
    """Return a ring around `centre` with `vertices` at random angles and distances."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, vertices))
    radius = rng.uniform(*radius_px, vertices)
    return Region((np.stack((centre[0] + radius * np.sin(angle), centre[1] + radius * np.cos(angle)), axis=1),))


def fan(seed: int, centre: tuple[float, float], radius_px: tuple[float, float], count: int) -> tuple[Region, tuple[Region, ...]]:
    """Return a star, and the triangles from its centre to each of its edges: neighbours share an edge with float ends."""
    whole = star(seed, centre, radius_px, count)
    ring = whole.rings[0]
    triangles = (Region((np.array((centre, ring[k], ring[(k + 1) % count])),)) for k in range(count))
    return whole, tuple(triangles)


def halves(seed: int, size: int, bends: int) -> tuple[Region, Region]:
    """Return the two parts of the square 0..`size` on the sides of a zigzag with `bends` inner vertices at random places."""
    rng = np.random.default_rng(seed)
    cut = np.stack((np.linspace(0, size, bends + 2), rng.uniform(0, size, bends + 2)), axis=1)
    cut[1:-1, 0] += rng.uniform(-0.4, 0.4, bends) * size / (bends + 1)
    left = np.concatenate((cut, [(size, 0), (0, 0)]))
    right = np.concatenate((cut[::-1], [(0, size), (size, size)]))  # the same vertices the other way round
    return Region((left,)), Region((right,))
