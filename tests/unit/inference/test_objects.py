"""Objects across seams are one, and equal to those of the whole picture."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from labkit.geometry import Box, iter_blocks
from labkit.inference import ObjectLabeller, grow_labels


def labelled(inside: NDArray[np.bool_], classes: NDArray[np.uint8], tile_px: int, min_area_px: int = 0) -> NDArray[np.uint32]:
    ids = np.zeros(inside.shape, np.uint32)
    labeller = ObjectLabeller(ids, classes)
    for block in iter_blocks(Box.of_shape(*inside.shape), tile_px, tile_px):
        labeller.add(block, inside[block.slices])
    return labeller.final_ids(min_area_px)[ids]


def discs() -> NDArray[np.bool_]:
    """Nine discs, on the seams of 50-pixel tiles and on a corner of four."""
    y, x = np.mgrid[:200, :200]
    centres = [(50, 25), (25, 50), (50, 100), (100, 50), (100, 100), (150, 75), (75, 150), (150, 150), (175, 120)]
    return np.any([(y - a) ** 2 + (x - b) ** 2 < 100 for a, b in centres], axis=0)


def test_nine_discs_on_seams_are_nine_objects() -> None:
    """Count and areas are those of the whole picture."""
    inside = discs()
    ids = labelled(inside, inside.astype(np.uint8), 50)
    whole, number = ndimage.label(inside)
    assert ids.max() == number == 9
    assert sorted(np.bincount(ids.ravel())[1:]) == sorted(np.bincount(whole.ravel())[1:])


@pytest.mark.parametrize("tile_px", [7, 16, 64])
def test_the_numbers_of_objects_do_not_depend_on_tiles(tile_px: int) -> None:
    """Objects of two classes are numbered row by row over the whole picture, however it was cut."""
    rng = np.random.default_rng(0)
    field = ndimage.gaussian_filter(rng.standard_normal((64, 90)), 1.2)
    inside, classes = np.abs(field) > 0.05, np.where(field > 0, 1, 2).astype(np.uint8)
    ids, whole = labelled(inside, classes, tile_px, min_area_px=3), labelled(inside, classes, 1000, min_area_px=3)
    assert np.array_equal(ids, whole)
    numbers, first = np.unique(ids.ravel(), return_index=True)
    assert np.array_equal(np.argsort(first[numbers > 0]), np.arange(len(numbers) - 1))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tile_px", [7, 16, 64])
def test_any_picture_gives_the_objects_of_the_whole(seed: int, tile_px: int) -> None:
    """Random blobs with long arms: the partition of pixels into objects is the same, whatever the tile."""
    rng = np.random.default_rng(seed)
    inside = ndimage.gaussian_filter(rng.standard_normal((64, 90)), 1.2) > 0.05
    ids, (whole, number) = labelled(inside, inside.astype(np.uint8), tile_px), ndimage.label(inside)
    pairs = set(zip(ids[inside].tolist(), whole[inside].tolist(), strict=True))
    assert len(pairs) == number == ids.max()


def test_touching_objects_of_two_classes_stay_apart() -> None:
    """Also across a seam."""
    classes = np.ones((10, 20), np.uint8)
    classes[:, 10:] = 2
    assert labelled(np.ones((10, 20), bool), classes, 10).max() == 2


def test_small_objects_are_dropped_by_their_whole_area() -> None:
    """An object cut by a seam counts with both halves."""
    inside = np.zeros((10, 20), bool)
    inside[4:6, 8:12] = True  # 8 px, 4 on each side
    inside[0, 0] = True
    assert labelled(inside, inside.astype(np.uint8), 10, min_area_px=5).max() == 1


def test_growth_stops_at_the_allowed_pixels_and_the_distance() -> None:
    """Nearest object wins, never more than the distance, never into the background."""
    ids = np.zeros((1, 12), np.uint32)
    ids[0, 0], ids[0, 9] = 1, 2
    allowed = np.ones((1, 12), bool)
    allowed[0, 11] = False
    assert grow_labels(ids, allowed, 3).tolist() == [[1, 1, 1, 1, 0, 0, 2, 2, 2, 2, 2, 0]]
