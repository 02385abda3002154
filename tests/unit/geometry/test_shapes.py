"""Shapes refuse what is no shape, and know their extent and area."""

import pickle

import numpy as np
import pytest

from labkit.errors import InvalidInput
from labkit.geometry import Box, Point, Rectangle, Region, bounds, polygons_of, rasterise, shape_area, vectorise
from labkit.testing.shapes import disc_labels, lake_with_island, noise_labels, square, square_with_hole


@pytest.mark.parametrize(
    "rings",
    [
        (),
        ([(0, 0), (1, 1)],),
        ([(0, 0, 0), (1, 1, 1), (2, 2, 2)],),
        ([(0, 0), (np.nan, 1), (2, 2)],),
        ([(0, 0), (np.inf, 1), (2, 2)],),
        ([(0, 0), (0, 2e9), (2, 2)],),
        ("abc",),
    ],
)
def test_a_region_refuses_what_encloses_nothing(rings):
    """No ring, two vertices, three coordinates, not a number, beyond all pictures, text."""
    with pytest.raises(InvalidInput) as caught:
        Region(rings)
    assert caught.value.hint


def test_a_rectangle_cannot_end_before_it_begins():
    """The corners are in order."""
    with pytest.raises(InvalidInput):
        Rectangle(5, 0, 4, 9)


def test_a_region_cannot_change_under_its_owner():
    """Neither the given array nor the kept one alters a frozen region."""
    given = square(0, 0, 2, 2)
    region = Region((given,))
    given[0] = 99
    with pytest.raises(ValueError, match="read-only"):
        region.rings[0][0] = 99
    assert bounds(region) == (0, 0, 2, 2)


def test_regions_compare_by_their_vertices():
    """Equal vertices are equal regions with equal hashes, also after pickling."""
    assert square_with_hole() == square_with_hole() == pickle.loads(pickle.dumps(square_with_hole()))
    assert hash(square_with_hole()) == hash(square_with_hole())
    assert square_with_hole() != Region(square_with_hole().rings[:1])


@pytest.mark.parametrize(
    ("shape", "area", "extent"),
    [
        (square_with_hole(), 48, (1, 1, 9, 9)),
        (lake_with_island(), 96, (0, 0, 12, 12)),
        (Rectangle(0.5, 1, 2, 5), 6, (0.5, 1, 2, 5)),
        (Point(3.25, 2.5), 0, (3.25, 2.5, 3.25, 2.5)),
        (Region((square(0, 0, 3, 3), square(0, 8, 3, 11)[::-1])), 18, (0, 0, 3, 11)),
    ],
)
def test_area_and_extent(shape, area, extent):
    """Holes do not count, islands and parts do, whatever their winding."""
    assert shape_area(shape) == pytest.approx(area, abs=1e-9)
    assert bounds(shape) == extent


def test_an_island_in_a_lake_is_a_second_polygon():
    """Rings group by containment, whatever their order and winding."""
    outer, lake, island = lake_with_island().rings
    polygons = polygons_of((island, lake[::-1], outer))
    assert [len(polygon) for polygon in polygons] == [1, 2]
    assert polygons[0][0] is island
    assert polygons[1][0] is outer


def test_rings_that_touch_are_grouped_right():
    """A hole that touches its outer ring in a corner, and one with a vertex on its edge, stay holes."""
    outer = square(0, 0, 8, 8)
    corner, edge = np.array([(0.0, 0.0), (3, 1), (1, 3)]), np.array([(4.0, 8.0), (3, 6), (5, 6)])
    assert [len(polygon) for polygon in polygons_of((corner, outer, edge))] == [3]


@pytest.mark.parametrize("seed", range(20))
def test_each_hole_lies_in_its_own_polygon(seed):
    """Of noise with rings in rings, the polygons apart cover each pixel once, and together what the region covers."""
    region = vectorise(noise_labels(seed, (25, 25), 1))[1]
    count = np.zeros((25, 25), dtype=int)
    for shell, *holes in polygons_of(region.rings):
        outer = rasterise(Region((shell,)), Box(0, 0, 25, 25))
        for hole in holes:
            inner = rasterise(Region((hole,)), Box(0, 0, 25, 25))
            assert not (inner & ~outer).any()
            outer = outer & ~inner
        count += outer
    assert np.array_equal(count, rasterise(region, Box(0, 0, 25, 25)))


def test_disc_labels_holds_discs_up_to_the_border():
    """The generator gives what other tests build on: the same ids from the same seed."""
    labels = disc_labels(3, (80, 90), 12)
    assert np.array_equal(labels, disc_labels(3, (80, 90), 12))
    assert set(np.unique(labels)) <= set(range(13))
    assert len(np.unique(labels)) > 8
