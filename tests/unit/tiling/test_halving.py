"""Means and modes over 2 x 2 pixels."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from labkit.testing.pictures import noise_picture
from labkit.tiling.halving import halve, halve_mean, halve_mode


def _plain_mean(picture: np.ndarray) -> np.ndarray:
    """Average by the definition: only existing pixels, rounded half to even."""
    height, width = picture.shape
    out = np.empty((-(-height // 2), -(-width // 2)), dtype=picture.dtype)
    for y, x in np.ndindex(out.shape):
        block = picture[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].astype(np.int64)
        out[y, x] = np.rint(block.sum() / block.size)
    return out


def _plain_mode(labels: np.ndarray) -> np.ndarray:
    """Take the mode by the definition."""
    out = np.empty((-(-labels.shape[0] // 2), -(-labels.shape[1] // 2)), dtype=labels.dtype)
    for y, x in np.ndindex(out.shape):
        counts = Counter(labels[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].ravel().tolist())
        out[y, x] = min(counts, key=lambda i: (-counts[i], i == 0, i))
    return out


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2), (5, 4), (4, 5), (9, 11)])
def test_mean_is_that_of_the_existing_pixels(dtype: str, shape: tuple[int, int]) -> None:
    """Every pixel is the mean of its own block, at odd edges of the rest of it, up to the highest value of the dtype."""
    picture = noise_picture(*shape, dtype=dtype)
    np.testing.assert_array_equal(halve_mean(picture), _plain_mean(picture))
    highest = np.full(shape, np.iinfo(dtype).max, dtype=dtype)
    assert (halve_mean(highest) == np.iinfo(dtype).max).all()


def test_mean_rounds_half_to_even() -> None:
    """All blocks of four small values agree with rounding by the definition."""
    blocks = np.array(list(itertools.product(range(5), repeat=4)), dtype=np.uint8).reshape(-1, 2, 2)
    picture = np.concatenate(list(blocks), axis=1)
    np.testing.assert_array_equal(halve_mean(picture), _plain_mean(picture))


def test_mean_works_per_channel() -> None:
    """A channel axis in front is left alone."""
    picture = noise_picture(9, 10, channels=3).transpose(2, 0, 1)
    np.testing.assert_array_equal(halve_mean(picture), np.stack([_plain_mean(plane) for plane in picture]))


def test_means_do_not_drift() -> None:
    """Over six levels of noise the mean moves by at most half a grey level, and a constant picture stays constant."""
    picture = noise_picture(512, 512)
    small = picture
    for _ in range(6):
        small = halve_mean(small)
    assert abs(float(small.mean()) - float(picture.mean())) <= 0.5
    assert (halve_mean(np.full((6, 6), 77, np.uint8)) == 77).all()


def test_checkerboard_is_middle_grey() -> None:
    """0 and 255 in equal parts are 127 or 128."""
    board = np.indices((8, 8)).sum(0) % 2 * np.uint8(255)
    assert set(np.unique(halve_mean(board.astype(np.uint8)))) <= {127, 128}


def test_mode_is_that_of_the_definition() -> None:
    """Every block of four ids out of {0, 1, 2, 3} gives the commonest, a tie a non-zero, then the smallest."""
    blocks = np.array(list(itertools.product(range(4), repeat=4)), dtype=np.uint16).reshape(-1, 2, 2)
    labels = np.concatenate(list(blocks), axis=1)
    np.testing.assert_array_equal(halve_mode(labels), _plain_mode(labels))


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (5, 7), (3, 3)])
def test_mode_at_odd_edges_uses_the_existing_pixels(shape: tuple[int, int]) -> None:
    """A half block at the edge is decided by its own pixels."""
    labels = np.random.default_rng(3).integers(0, 3, shape).astype(np.uint32)
    np.testing.assert_array_equal(halve_mode(labels), _plain_mode(labels))


def test_ids_above_2_to_24_survive() -> None:
    """Ids go through no float: odd blocks of 7 and 16777217 hold nothing else afterwards, and the dtype stays."""
    labels = np.where(np.indices((7, 9)).sum(0) % 3 == 0, 7, 2**24 + 1).astype(np.uint32)
    small = halve(labels, "labels")
    assert small.dtype == np.uint32
    assert set(np.unique(small)) <= {7, 2**24 + 1}
