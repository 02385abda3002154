"""The background rule: nobody looked is not the same as nothing there."""

import numpy as np
import pytest

from labkit.annotations import Document, new_object, rasterise_classes, rasterise_objects
from labkit.geometry import Box, Point, Rectangle, Region, vectorise
from labkit.testing.shapes import disc_labels, square, square_with_hole

TEN = Box(0, 0, 10, 10)


def document_of(*objects, finished=False):
    return Document("image1", "Ada", completed_tasks=("finished",) if finished else (), objects=objects)


def test_unfinished_background_is_ignored():
    """A pixel without an object is 255 as long as the image is not finished."""
    mask = rasterise_classes(document_of(new_object(square_with_hole(), class_id=3)), TEN)
    assert mask.dtype == np.uint8
    assert dict(zip(*np.unique(mask, return_counts=True), strict=True)) == {3: 48, 255: 52}


def test_finished_background_is_background():
    """It is 0 once the image is finished, the hole too."""
    mask = rasterise_classes(document_of(new_object(square_with_hole(), class_id=3), finished=True), TEN)
    assert dict(zip(*np.unique(mask, return_counts=True), strict=True)) == {0: 52, 3: 48}


def test_an_annotated_area_makes_background_known_inside():
    """Wherever the area stands in the order, it lies below all objects."""
    cell = new_object(Rectangle(1, 1, 4, 4), class_id=1)
    area = new_object(Rectangle(0, 0, 5, 5), kind="area")
    for objects in ((cell, area), (area, cell)):
        mask = rasterise_classes(document_of(*objects), TEN)
        assert dict(zip(*np.unique(mask, return_counts=True), strict=True)) == {0: 16, 1: 9, 255: 75}


def test_later_objects_cover_earlier_ones_and_unclassified_ones_are_ignored():
    """The order of the document is the order of the layers; an object without a class is 255 where it lies."""
    objects = [new_object(Rectangle(0, 0, 4, 4), class_id=1), new_object(Rectangle(2, 0, 4, 4), class_id=2), new_object(Point(0, 0))]
    mask = rasterise_classes(document_of(*objects, finished=True), Box(0, 0, 4, 4))
    assert mask[0, 0] == 255
    assert (mask[:2].reshape(-1)[1:] == 1).all()
    assert (mask[2:] == 2).all()


def test_object_numbers_count_from_one_in_order():
    """Number n is the n-th object, an annotated area is none."""
    objects = [new_object(Rectangle(0, 0, 2, 2)), new_object(Rectangle(0, 0, 9, 9), kind="area"), new_object(Point(5, 5))]
    labels = rasterise_objects(document_of(*objects), TEN)
    assert labels.dtype == np.uint32
    assert dict(zip(*np.unique(labels, return_counts=True), strict=True)) == {0: 95, 1: 4, 3: 1}


@pytest.mark.parametrize("seed", range(5))
def test_tiles_fit_together(seed):
    """Tiles of any place and size show what the whole picture shows, also across the border."""
    labels = disc_labels(seed, (120, 150), 60)
    objects = [new_object(region, class_id=1 + k % 3) for k, region in vectorise(labels).items()]
    document = document_of(*objects, finished=seed % 2 == 0)
    frame = Box(-20, -20, 140, 170)
    for rasterise_all in (rasterise_objects, rasterise_classes):
        whole = rasterise_all(document, frame)
        for y0, x0, h, w in np.random.default_rng(seed).integers((-20, -20, 1, 1), (100, 100, 40, 60), (20, 4)):
            box = Box(int(y0), int(x0), int(y0 + h), int(x0 + w))
            assert np.array_equal(rasterise_all(document, box), whole[box.shift(20, 20).slices])
    numbers = rasterise_objects(document, Box.of_shape(*labels.shape))
    assert np.array_equal(np.array([0, *vectorise(labels)])[numbers], labels)


def test_neighbours_meet_without_overlap():
    """Two adjacent squares have 16 pixels each."""
    objects = [new_object(Region((square(1, 1, 5, 5),))), new_object(Region((square(1, 5, 5, 9),)))]
    assert np.bincount(rasterise_objects(document_of(*objects), TEN).reshape(-1)).tolist() == [68, 16, 16]
