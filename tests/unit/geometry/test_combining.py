"""Areas are put together and cut apart, holes and painted pixels included."""

from __future__ import annotations

import numpy as np
import pytest

from labkit.errors import InvalidInput
from labkit.geometry import Box, Ellipse, Mask, Point, Rectangle, Region, Shape, rasterise, shape_area
from labkit.geometry.combining import buffered_path, difference, separated, simplified, split, union
from labkit.testing.shapes import lake_with_island, noise_labels, square, square_with_hole, star

FRAME = Box(-5, -5, 60, 60)


def _pixels(shape: Shape | None) -> np.ndarray:
    return np.zeros(FRAME.shape, dtype=bool) if shape is None else rasterise(shape, FRAME)


SHAPES: dict[str, Shape] = {
    "lake": lake_with_island(),
    "hole": square_with_hole(),
    "box": Rectangle(4, 4, 20, 9),
    "parts": Region((square(0, 0, 5, 5), square(20, 20, 30, 40))),
    "bow tie": Region((np.array([(0, 0.3), (30, 29.2), (0.4, 31), (29.1, 0)], dtype=float),)),
    "mask": Mask.from_array(noise_labels(1, (30, 30), 1).astype(bool), 3, 4),
    "star": star(3, (20, 20), (5, 18), 11),
}


@pytest.mark.parametrize("a", SHAPES)
@pytest.mark.parametrize("b", SHAPES)
def test_union_and_difference_are_those_of_pixels(a: str, b: str) -> None:
    """Shapes on whole pixels exactly, others but for centres on an edge."""
    one, other = SHAPES[a], SHAPES[b]
    np.testing.assert_array_equal(_pixels(union([one, other])), _pixels(one) | _pixels(other))
    np.testing.assert_array_equal(_pixels(difference(one, other)), _pixels(one) & ~_pixels(other))


def test_what_is_painted_stays_painted() -> None:
    """A mask that an outline joins is a mask."""
    assert isinstance(union([SHAPES["mask"], SHAPES["box"]]), Mask)
    assert isinstance(difference(SHAPES["box"], SHAPES["mask"]), Mask)
    assert isinstance(union([SHAPES["hole"], SHAPES["box"]]), Region)


def test_nothing_left_is_none() -> None:
    """Of a shape and itself."""
    for shape in SHAPES.values():
        assert difference(shape, shape) is None


def test_a_cut_gives_disjoint_pieces_of_the_whole() -> None:
    """The largest first; a line that ends inside is prolonged; a hole is cut through."""
    pieces = split(square_with_hole(), [(4, 2), (4, 8)])
    assert [shape_area(piece) for piece in pieces] == pytest.approx([28, 20])
    assert not (_pixels(pieces[0]) & _pixels(pieces[1])).any()
    np.testing.assert_array_equal(_pixels(pieces[0]) | _pixels(pieces[1]), _pixels(square_with_hole()))


def test_a_line_beside_cuts_nothing() -> None:
    """The shape comes back whole."""
    assert [shape_area(piece) for piece in split(Rectangle(0, 0, 4, 4), [(10, 0), (10, 9)])] == [16]


def test_parts_become_regions_of_their_own() -> None:
    """The largest first, holes with their part."""
    assert [shape_area(part) for part in separated(SHAPES["parts"])] == [200, 25]
    assert [shape_area(part) for part in separated(lake_with_island())] == [80, 16]


def test_a_brush_is_round() -> None:
    """A single place gives a disc, a path its neighbourhood."""
    assert shape_area(buffered_path([(5, 5)], 4)) == pytest.approx(shape_area(Ellipse(5, 5, 4, 4)), rel=0.01)
    assert shape_area(buffered_path([(5, 5), (5, 25)], 4)) == pytest.approx(16 * np.pi + 160, rel=0.01)


def test_fewer_vertices_stay_close() -> None:
    """A circle of many vertices needs few."""
    ring = Ellipse(50, 50, 30, 30).ring(1000)
    thin = simplified(Region((ring,)), 0.5)
    assert len(thin.rings[0]) < 40
    assert np.abs(np.hypot(*(thin.rings[0] - 50).T) - 30).max() < 1


def test_a_point_has_no_area() -> None:
    """It can be neither added nor cut."""
    with pytest.raises(InvalidInput):
        union([Point(1, 1), Rectangle(0, 0, 1, 1)])
