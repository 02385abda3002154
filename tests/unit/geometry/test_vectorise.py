"""Label images become outlines and come back identical."""

import sys

import numpy as np
import pytest

from labkit.errors import InvalidInput
from labkit.geometry import Box, Region, rasterise, shape_area, vectorise
from labkit.testing.shapes import disc_labels, noise_labels, square, square_with_hole


def drawn(regions, shape, dtype):
    """Rasterise regions to a label image, and count how often each pixel is covered."""
    labels, count = np.zeros(shape, dtype), np.zeros(shape, int)
    for number, region in regions.items():
        inside = rasterise(region, Box.of_shape(*shape))
        labels[inside] = number
        count += inside
    return labels, count


@pytest.mark.parametrize("seed", range(120))
def test_noise_comes_back_identical(seed):
    """Single pixels, diagonals, holes, parts and borders of up to five ids, in many shapes and types."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 20, 2))
    labels = noise_labels(seed, shape, 1 + seed % 5).astype((np.uint8, np.uint16, np.int32, np.uint64)[seed % 4])
    back, count = drawn(vectorise(labels), shape, labels.dtype)
    assert np.array_equal(back, labels)
    assert count.max(initial=0) <= 1


def test_discs_come_back_identical():
    """A crowded picture of touching, overlapping and cut discs, with an area for each that is its number of pixels."""
    labels = disc_labels(0, (300, 400), 200)
    regions = vectorise(labels)
    assert np.array_equal(drawn(regions, labels.shape, labels.dtype)[0], labels)
    assert {k: shape_area(r) for k, r in regions.items()} == {int(k): (labels == k).sum() for k in np.unique(labels[labels > 0])}


@pytest.mark.parametrize("seed", range(40))
def test_rings_are_simple_and_have_vertices_at_corners_only(seed):
    """No ring comes to a point twice, and edges run down and across in turn."""
    for region in vectorise(noise_labels(seed, (12, 15), 2)).values():
        for ring in region.rings:
            assert len(np.unique(ring, axis=0)) == len(ring)
            steps = np.roll(ring, -1, axis=0) - ring
            assert ((steps != 0).sum(axis=1) == 1).all()
            assert ((steps[:, 0] != 0) != (np.roll(steps, 1, axis=0)[:, 0] != 0)).all()


def test_a_single_pixel_becomes_a_ring_of_area_one():
    """The pixel at (3, 2) covers [3, 4) x [2, 3)."""
    labels = np.zeros((6, 6), dtype=np.uint8)
    labels[3, 2] = 7
    assert vectorise(labels) == {7: Region((square(3, 2, 4, 3),))}


def test_a_hole_is_a_ring():
    """The 48 pixels of the report come back as two rings of four vertices."""
    labels = rasterise(square_with_hole(), Box(0, 0, 10, 10))
    assert vectorise(labels) == {1: square_with_hole()}


def test_pixels_that_touch_at_a_corner_are_rings_that_touch():
    """A diagonal line of one object is one region of as many rings as pixels."""
    (region,) = vectorise(np.eye(5, dtype=np.uint8)[::-1]).values()
    assert [shape_area(Region((ring,))) for ring in region.rings] == [1] * 5


def test_the_offset_moves_the_outline():
    """A tile's objects get coordinates of the whole picture."""
    labels = np.ones((2, 3), dtype=np.uint8)
    assert vectorise(labels, offset=(100, 20)) == {1: Region((square(100, 20, 102, 23),))}


def test_ids_stay_exact():
    """Ids beyond 2 ** 24 and beyond 2 ** 53 do not pass through floats."""
    ids = [2**24 + 1, 2**53 + 1, 2**63 + 3]
    assert list(vectorise(np.array([ids], dtype=np.uint64))) == ids


def test_bands_of_rows_join(monkeypatch):
    """The memory bound on rows changes no outline."""
    labels = noise_labels(5, (40, 11), 3)
    whole = vectorise(labels)
    monkeypatch.setattr(sys.modules["labkit.geometry.vectorise"], "_BAND_PX", 25)
    assert vectorise(labels) == whole


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (4, 4)])
def test_nothing_has_no_outline(shape):
    """An empty picture, or one of background only, gives no region."""
    assert vectorise(np.zeros(shape, dtype=np.int32)) == {}


@pytest.mark.parametrize("labels", [np.zeros((2, 2)), np.zeros((2, 2, 3), dtype=int), np.zeros(3, dtype=int)])
def test_what_is_no_label_image_is_refused(labels):
    """Fractions, three dimensions, one dimension."""
    with pytest.raises(InvalidInput):
        vectorise(labels)
