"""Matching and measuring, against values known beforehand."""

import math

import numpy as np
import pytest

from labkit.analysis import ObjectMatcher, ObjectMeasurer, objects_csv, otsu_threshold, outlines
from labkit.geometry import Box, iter_blocks


def test_a_perfect_prediction_matches_all() -> None:
    """Ids may differ."""
    truth = np.zeros((10, 10), np.uint32)
    truth[1:4, 1:4], truth[6:9, 6:9] = 1, 2
    matcher = ObjectMatcher()
    matcher.add(truth, np.where(truth > 0, truth + 7, 0))
    assert matcher.scores().average_precision == 1.0


def test_a_split_object_is_one_miss_and_two_inventions() -> None:
    """Two halves of equal size match nothing above one half."""
    truth, guess = np.ones((4, 10), np.uint32), np.ones((4, 10), np.uint32)
    guess[:, 5:] = 2
    matcher = ObjectMatcher()
    matcher.add(truth, guess)
    scores = matcher.scores(0.6)
    assert (scores.true_positives, scores.false_positives, scores.false_negatives) == (0, 2, 1)


def test_at_one_half_each_object_is_matched_once() -> None:
    """Both halves have an IoU of exactly one half; only one may count."""
    truth, guess = np.ones((4, 10), np.uint32), np.ones((4, 10), np.uint32)
    guess[:, 5:] = 2
    matcher = ObjectMatcher()
    matcher.add(truth, guess)
    assert matcher.scores(0.5).true_positives == 1


def test_without_objects_there_is_no_score() -> None:
    """0 / 0 is None, not 0 and not 1."""
    matcher = ObjectMatcher()
    matcher.add(np.zeros((3, 3), np.uint32), np.zeros((3, 3), np.uint32))
    assert matcher.scores().average_precision is None


def measured(ids: np.ndarray, tile_px: int) -> ObjectMeasurer:
    measurer = ObjectMeasurer(int(ids.max()))
    for tile in iter_blocks(Box.of_shape(*ids.shape), tile_px, tile_px):
        part = ids[tile.slices]
        measurer.add(tile, part, (part > 0).astype(np.uint8), np.full(part.shape, 7.0))
    return measurer


def test_a_rectangle_has_its_known_measures() -> None:
    """20 x 40 pixels of 0.5 x 0.25 um: area, centre, box, axes of the ellipse of equal moments (4 / sqrt(12) of the side)."""
    ids = np.zeros((60, 80), np.uint32)
    ids[10:30, 20:60] = 1
    (row,) = measured(ids, 1000).rows((0.5, 0.25))
    assert (row.area_px, row.area_um2) == (800, 100.0)
    assert (row.centroid_y_px, row.centroid_x_px) == (20.0, 40.0)
    assert (row.bbox_y0_px, row.bbox_x0_px, row.bbox_y1_px, row.bbox_x1_px) == (10, 20, 30, 60)
    assert row.major_axis_px == pytest.approx(40 * 4 / math.sqrt(12))
    assert row.minor_axis_px == pytest.approx(20 * 4 / math.sqrt(12))
    assert row.mean_intensity == 7.0


def test_tiles_do_not_change_a_measure() -> None:
    """An object over four tiles is measured as one."""
    ids = np.zeros((60, 80), np.uint32)
    ids[10:30, 20:60] = 1
    whole, (row,) = measured(ids, 1000).rows(None)[0], measured(ids, 16).rows(None)
    assert row.model_dump() == pytest.approx(whole.model_dump())


def test_an_unknown_pixel_size_is_an_empty_cell() -> None:
    """No invented micrometres."""
    table = objects_csv(measured(np.ones((2, 2), np.uint32), 10).rows(None))
    header, line = table.splitlines()
    assert dict(zip(header.split(","), line.split(","), strict=True))["area_um2"] == ""


def test_otsu_parts_two_heaps() -> None:
    """The threshold lies between them."""
    assert 10 <= otsu_threshold(np.array([9, 10, 11, 90, 91, 92])) < 90


def test_outlines_part_touching_objects() -> None:
    """Both sides of a common border are drawn, the inside is not."""
    ids = np.ones((7, 8), np.uint32)
    ids[:, 4:] = 2
    edge = outlines(ids)
    assert edge[3].tolist() == [False, False, False, True, True, False, False, False]
