"""Ellipses cover the pixels whose centres they hold, in any direction."""

from __future__ import annotations

import math

import numpy as np
import pytest

from labkit.errors import InvalidInput
from labkit.geometry import Box, Ellipse, bounds, moved, outline_of, rasterise, shape_area

FRAME = Box(0, 0, 60, 70)


@pytest.mark.parametrize("angle_rad", [0.0, 0.3, math.pi / 4, math.pi / 2, 2.2, -1.1])
def test_pixels_are_those_whose_centres_are_inside(angle_rad: float) -> None:
    """Against the equation of the ellipse, for each pixel on its own."""
    ellipse = Ellipse(28.3, 33.7, 21.2, 9.4, angle_rad)
    y, x = np.mgrid[: FRAME.y1, : FRAME.x1] + 0.5
    along = (x - ellipse.x) * math.cos(angle_rad) + (y - ellipse.y) * math.sin(angle_rad)
    across = -(x - ellipse.x) * math.sin(angle_rad) + (y - ellipse.y) * math.cos(angle_rad)
    expected = (along / ellipse.radius1) ** 2 + (across / ellipse.radius2) ** 2 < 1
    np.testing.assert_array_equal(rasterise(ellipse, FRAME), expected)


def test_an_ellipse_in_a_square_has_no_holes() -> None:
    """Of 12 x 12: each row is one piece, and the rows mirror one another."""
    mask = rasterise(Ellipse(6, 6, 6, 6), Box(0, 0, 12, 12))
    assert all(_one_piece(row) for row in mask)
    np.testing.assert_array_equal(mask, mask[::-1, ::-1])


def _one_piece(row: np.ndarray) -> bool:
    places = np.flatnonzero(row)
    return int(places[-1] - places[0] + 1) == len(places)


def test_a_centre_on_the_left_edge_is_inside_on_the_right_edge_outside() -> None:
    """As for all shapes, so that neighbours share no pixel."""
    assert rasterise(Ellipse(1.5, 1.5, 1, 1), Box(0, 0, 3, 3)).tolist() == [
        [False, False, False],
        [True, True, False],
        [False, False, False],
    ]


@pytest.mark.parametrize("angle_rad", [0.0, 0.7, 1.9])
def test_bounds_and_area_are_those_of_the_outline(angle_rad: float) -> None:
    """A ring of many vertices comes close to both."""
    ellipse = Ellipse(100, 200, 40, 15, angle_rad)
    ring = ellipse.ring(4096)
    np.testing.assert_allclose(bounds(ellipse), (*ring.min(axis=0), *ring.max(axis=0)), atol=1e-3)
    assert shape_area(ellipse) == pytest.approx(math.pi * 600)
    assert shape_area(outline_of(ellipse)) == pytest.approx(math.pi * 600, rel=0.01)


def test_a_moved_ellipse_is_as_large() -> None:
    """Only its centre changes."""
    assert moved(Ellipse(1, 2, 3, 4, 0.5), 10, -2.5) == Ellipse(11, -0.5, 3, 4, 0.5)


@pytest.mark.parametrize("radii", [(0, 1), (1, -2), (math.nan, 1), (math.inf, 1)])
def test_an_ellipse_without_size_is_refused(radii: tuple[float, float]) -> None:
    """Said in words."""
    with pytest.raises(InvalidInput):
        Ellipse(0, 0, *radii)
