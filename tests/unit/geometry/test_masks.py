"""Painted masks are sets of pixels: of any place and size, changed by set operations, equal when their pixels are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from labkit.errors import InvalidInput
from labkit.geometry import Box, Mask, bounds, covering_box, mask_of, moved, outline_of, rasterise, shape_area
from labkit.testing.shapes import lake_with_island, noise_labels

FRAME = Box(-300, -300, 900, 1000)


def _noise(seed: int, height: int = 600, width: int = 700) -> NDArray[np.bool_]:
    return noise_labels(seed, (height, width), 1).astype(bool)


@pytest.mark.parametrize("place", [(0, 0), (-255, 17), (255, 256), (200, -3)])
def test_pixels_come_back(place: tuple[int, int]) -> None:
    """Across tiles, at negative places too."""
    inside = _noise(1)
    mask = Mask.from_array(inside, *place)
    expected = np.zeros(FRAME.shape, dtype=bool)
    y, x = place[0] - FRAME.y0, place[1] - FRAME.x0
    expected[y : y + 600, x : x + 700] = inside
    np.testing.assert_array_equal(mask.read(FRAME), expected)
    assert mask.area_px == shape_area(mask) == inside.sum()


def test_bounds_are_those_of_the_pixels() -> None:
    """Empty rows and columns around do not count."""
    inside = np.zeros((700, 900), dtype=bool)
    inside[300, 5] = inside[400, 777] = inside[555, 300] = True
    mask = Mask.from_array(inside, 10, -20)
    assert mask.box == covering_box(mask) == Box(310, -15, 566, 758)
    assert bounds(mask) == (310.0, -15.0, 566.0, 758.0)


def test_masks_with_the_same_pixels_are_equal() -> None:
    """However they were made."""
    inside = _noise(2)
    wide = np.zeros((1200, 1300), dtype=bool)
    wide[100:700, 200:900] = inside
    assert Mask.from_array(inside, 100, 200) == Mask.from_array(wide)
    assert hash(Mask.from_array(inside, 100, 200)) == hash(Mask.from_array(wide))


def test_set_operations_are_those_of_pixels() -> None:
    """Union, difference and intersection of two masks that overlap in part."""
    a, b = Mask.from_array(_noise(3), 0, 0), Mask.from_array(_noise(4), 250, 300)
    one, other = a.read(FRAME), b.read(FRAME)
    np.testing.assert_array_equal(a.union(b).read(FRAME), one | other)
    for found, expected in ((a.difference(b), one & ~other), (a.intersection(b), one & other)):
        assert found is not None
        np.testing.assert_array_equal(found.read(FRAME), expected)


def test_nothing_left_is_none() -> None:
    """A mask minus itself is no object, and a mask without pixels cannot be made."""
    mask = Mask.from_array(_noise(5))
    far = Mask.from_array(np.ones((3, 3), dtype=bool), 5000, 5000)
    assert mask.difference(mask) is None
    assert mask.intersection(far) is None
    with pytest.raises(InvalidInput, match="without a pixel"):
        Mask.from_array(np.zeros((4, 4), dtype=bool))


@pytest.mark.parametrize("shift", [(0, 0), (1, -1), (256, 512), (-300, 77)])
def test_a_moved_mask_has_its_pixels_elsewhere(shift: tuple[int, int]) -> None:
    """There and back is the same mask."""
    mask = Mask.from_array(_noise(6), 20, 30)
    there = moved(mask, *shift)
    assert isinstance(there, Mask)
    np.testing.assert_array_equal(there.read(FRAME.shift(*shift)), mask.read(FRAME))
    assert there.moved(-shift[0], -shift[1]) == mask


def test_the_outline_is_exact() -> None:
    """The rings along pixel edges give the identical mask back."""
    mask = Mask.from_array(_noise(7, 300, 300), 250, 250)
    assert mask_of(outline_of(mask), FRAME) == mask
    assert mask_of(lake_with_island(), FRAME) == Mask.from_array(rasterise(lake_with_island(), Box(0, 0, 12, 12)))


def test_a_mask_of_what_is_outside_is_none() -> None:
    """The frame cuts."""
    assert mask_of(lake_with_island(), Box(20, 20, 40, 40)) is None
    part = mask_of(Mask.from_array(np.ones((10, 10), dtype=bool)), Box(5, 5, 40, 40))
    assert part is not None
    assert part.box == Box(5, 5, 10, 10)
