"""Means and modes over 2 x 2 pixels."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction

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


def _reference(block: np.ndarray) -> np.ndarray:
    """Average the pixels that exist, one block after the other, in exact arithmetic."""
    height, width = block.shape
    out = np.empty((-(-height // 2), -(-width // 2)), dtype=block.dtype)
    for y, x in np.ndindex(*out.shape):
        part = [Fraction(int(v)) for v in block[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].ravel()]
        out[y, x] = round(sum(part) / len(part))  # Python rounds half to even
    return out


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"])
@pytest.mark.parametrize("shape", [(6, 8), (7, 9), (1, 5), (5, 1)])
def test_means_of_all_integers_are_exact(dtype: str, shape: tuple[int, int]) -> None:
    """Also at the ends of the range, where sums do not fit the type."""
    limits = np.iinfo(dtype)
    rng = np.random.default_rng(0)
    block = rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
    block[rng.random(shape) < 0.3] = limits.max
    block[rng.random(shape) < 0.3] = limits.min
    np.testing.assert_array_equal(halve_mean(block), _reference(block))


def test_six_levels_do_not_drift() -> None:
    """The mean of noise stays within half a grey level."""
    block = np.random.default_rng(0).integers(0, 256, (1024, 1024), dtype=np.uint8)
    top = block
    for _ in range(6):
        top = halve(top, "image")
    assert abs(float(top.mean()) - float(block.mean())) < 0.5


def test_a_view_that_is_not_contiguous_is_halved_as_it_is_seen() -> None:
    """Pairs of pixels are those of the picture, not those of memory."""
    block = np.random.default_rng(0).integers(0, 256, (40, 60), dtype=np.uint8)
    np.testing.assert_array_equal(halve_mean(block[::2, ::-1]), halve_mean(np.ascontiguousarray(block[::2, ::-1])))


def test_alpha_weighs_colours() -> None:
    """What cannot be seen does not count; half seen counts half; where nothing is seen colours count alike."""
    grey = np.array([[100, 200, 10, 30], [100, 200, 10, 30]], np.uint8)
    alpha = np.array([[255, 0, 0, 0], [255, 85, 0, 0]], np.uint8)
    halved = halve(np.stack([grey, alpha]), "image", alpha=True)
    np.testing.assert_array_equal(halved[0], [[114, 20]])  # (100 * 510 + 200 * 85) / 595 = 114.28
    np.testing.assert_array_equal(halved[1], [[149, 0]])


def test_nodata_does_not_count() -> None:
    """Means of what is there; nodata where nothing is."""
    block = np.array([[-9, 3, -9, -9], [5, -9, -9, -9]], np.int16)
    np.testing.assert_array_equal(halve(block, "image", nodata=-9), [[4, -9]])


def test_nan_and_infinity() -> None:
    """NaN does not count, infinity does, and large numbers do not overflow."""
    big = np.finfo(np.float32).max
    block = np.array([[np.nan, 1, np.nan, np.nan, big, big, np.inf, 1], [3, np.nan, np.nan, np.nan, big, big, 1, 1]], np.float32)
    halved = halve(block, "image")[0]
    assert halved[0] == 2
    assert np.isnan(halved[1])
    assert halved[2] == big
    assert np.isinf(halved[3])
