"""Areas that are joined or clipped for a format: the same pixels as before, and the same vertices wherever that is possible."""

from __future__ import annotations

import numpy as np
import pytest

from labkit.formats.exchange import clip_area, same_name, union_of
from labkit.geometry import Box, Ellipse, Mask, Point, Rectangle, Region, rasterise, shape_area
from labkit.testing.shapes import square, square_with_hole, star

PICTURE = Box(0, 0, 30, 40)


def inside(shape):
    return rasterise(shape, PICTURE)


@pytest.mark.parametrize("seed", range(20))
def test_a_clipped_area_has_the_pixels_that_it_had_in_the_picture(seed):
    """Stars over each side and corner, some of them concave: even-odd filling of what is left is exact."""
    rng = np.random.default_rng(seed)
    shape = star(seed, (rng.uniform(-5, 35), rng.uniform(-5, 45)), (5, 25), 17)
    rings = clip_area(shape, PICTURE)
    assert np.array_equal(inside(Region(rings)), inside(shape)) if rings else not inside(shape).any()
    assert all((ring >= 0).all() and (ring <= (30, 40)).all() for ring in rings)


def test_the_triangle_of_the_reports_is_cut_along_the_border():
    """25 square pixels; moving its vertices to the border would leave 12.5."""
    triangle = Region((np.array([(5.0, -10.0), (-10.0, 5.0), (5.0, 5.0)]),))
    assert shape_area(Region(clip_area(triangle, PICTURE))) == 25


def test_what_lies_inside_is_not_touched():
    """The very vertices, holes included; a hole that lies outside is gone."""
    rings = clip_area(square_with_hole(), PICTURE)
    assert Region(rings) == square_with_hole()
    assert len(clip_area(Region((square(-20, -20, 9, 9), square(-10, -10, -5, -5))), PICTURE)) == 1
    assert clip_area(Rectangle(-9, -9, -1, -1), PICTURE) == ()


@pytest.mark.parametrize("seed", range(8))
def test_a_union_covers_what_any_part_covers(seed):
    """Of stars, boxes, ellipses, points and painted areas that lie over one another."""
    rng = np.random.default_rng(seed)
    parts = [star(seed + k, (rng.uniform(5, 25), rng.uniform(5, 35)), (2, 9), 9) for k in range(3)]
    parts += [Rectangle(3, 3, 9, 12), Ellipse(15, 20, 9, 4, seed), Point(2.5, 2.5), Mask.from_array(rng.random((9, 9)) < 0.5, 12, 12)]
    chosen = [parts[k] for k in rng.permutation(len(parts))[: 2 + seed % 5]]
    wanted = np.any([inside(part) for part in chosen], axis=0)
    assert np.array_equal(inside(union_of(chosen, PICTURE)), wanted)


def test_a_union_of_parts_that_touch_keeps_their_vertices():
    """Neighbours share an edge and no pixel."""
    union = union_of([Rectangle(1.25, 1, 5, 5), Rectangle(1.25, 5, 5, 9)], PICTURE)
    assert isinstance(union, Region)
    assert np.array_equal(union.rings[0], Rectangle(1.25, 1, 5, 5).ring)


def test_a_union_of_one_is_itself_and_of_none_nothing():
    """An ellipse stays an ellipse."""
    ellipse = Ellipse(5, 5, 3, 2)
    assert union_of([ellipse], PICTURE) is ellipse
    assert union_of([], PICTURE) is None
    assert union_of([Point(-3, -3), Point(-4, -4)], PICTURE) is None


def test_names_of_one_picture():
    """The whole name counts first, then the name without its ending; letters may be composed or not, folders do not matter."""
    assert same_name("a.png", ["a.jpg", "x/a.png", "b"]) == [1]
    assert same_name("a.png", ["x\\a.jpg", "b.png", "a.tif"]) == [0, 2]
    assert same_name("d\u00e9cran.png", ["de\u0301cran.tif"]) == [0]
    assert same_name("a.png", ["ab.png"]) == []
