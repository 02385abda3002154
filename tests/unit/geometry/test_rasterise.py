"""Pixels by the centre rule: exact, without gap or overlap, clipped and never clamped."""

import sys

import numpy as np
import pytest

from labkit.geometry import Box, Point, Rectangle, Region, covering_box, rasterise
from labkit.testing.shapes import fan, halves, lake_with_island, square, square_with_hole, star

TEN = Box(0, 0, 10, 10)


def slow_mask(region, box):
    """Ask each pixel centre by itself, in exact arithmetic on fractions."""
    from fractions import Fraction

    def crossings(y, x):
        count = 0
        for ring in region.rings:
            for (ya, xa), (yb, xb) in zip(ring.tolist(), np.roll(ring, -1, axis=0).tolist(), strict=True):
                ya, xa, yb, xb = map(Fraction, (ya, xa, yb, xb))
                if ya == yb or not min(ya, yb) <= y < max(ya, yb):
                    continue
                count += xa + (y - ya) * (xb - xa) / (yb - ya) <= x
        return count

    half = Fraction(1, 2)
    return np.array([[crossings(i + half, j + half) % 2 == 1 for j in range(box.x0, box.x1)] for i in range(box.y0, box.y1)])


@pytest.mark.parametrize(
    ("shape", "pixels"),
    [
        (Region((square(1, 1, 4, 4),)), 9),
        (Region((square(1, 1, 4, 4)[::-1],)), 9),
        (square_with_hole(), 48),
        (lake_with_island(), 96),
        (Region((square(0, 0, 3, 3), square(0, 8, 3, 11))), 18),
        (Region((square(2.1, 2.1, 2.4, 2.4),)), 0),
        (Rectangle(1, 1, 4, 4), 9),
        (Rectangle(2.1, 2.1, 2.4, 2.4), 0),
        (Rectangle(20, 10, 40, 40), 600),
        (Point(3.0, 2.0), 1),
    ],
)
def test_known_shapes_have_their_known_number_of_pixels(shape, pixels):
    """Values of the reports: no outline thickens a square, holes are empty, islands are full."""
    assert rasterise(shape, Box(0, 0, 50, 50)).sum() == pixels


@pytest.mark.parametrize("shape", [Region((square(0.5, 0.5, 2.5, 2.5),)), Rectangle(0.5, 0.5, 2.5, 2.5)])
def test_a_centre_on_an_edge_belongs_to_the_top_left(shape):
    """A centre exactly on a left or top edge is inside, on a right or bottom edge outside."""
    expected = np.zeros((4, 4), dtype=bool)
    expected[0:2, 0:2] = True
    assert np.array_equal(rasterise(shape, Box(0, 0, 4, 4)), expected)


def test_a_point_covers_the_pixel_that_it_lies_in():
    """Also on the pixel's own top left corner, and left of the picture."""
    assert covering_box(Point(3.0, 2.0)) == Box(3, 2, 4, 3)
    assert covering_box(Point(3.99, 2.99)) == Box(3, 2, 4, 3)
    assert covering_box(Point(-0.5, 0)) == Box(-1, 0, 0, 1)
    assert not rasterise(Point(-0.5, 0), TEN).any()


def test_a_triangle_across_the_border_is_clipped():
    """The triangle (-10, 5) (5, -10) (5, 5) in a 10 x 10 picture covers 25 square pixels; moving its vertices would give 12.5."""
    triangle = Region(([(5, -10), (-10, 5), (5, 5)],))
    mask = rasterise(triangle, TEN)
    assert mask.sum() == 25
    assert mask[:5, :5].all()


@pytest.mark.parametrize("offset", [(-30, 0), (0, -30), (30, 0), (0, 30), (-30, -30)])
def test_a_shape_outside_covers_nothing(offset):
    """No index wraps around, on any side."""
    ring = square(2, 2, 9, 9) + offset
    assert not rasterise(Region((ring,)), TEN).any()


def test_a_shape_around_the_whole_box_fills_it():
    """Edges left of the box still count."""
    assert rasterise(Region((square(-99, -99, 99, 99),)), TEN).all()


@pytest.mark.parametrize("seed", range(40))
def test_any_tile_is_that_part_of_the_whole(seed):
    """What a tile shows does not depend on where the tile lies."""
    shape = star(seed, (20, 24), (2, 30), 17)
    whole = rasterise(shape, Box(-10, -10, 60, 60))
    y0, x0, h, w = np.random.default_rng(seed).integers((-10, -10, 1, 1), (30, 30, 30, 30))
    box = Box(int(y0), int(x0), int(y0 + h), int(x0 + w))
    assert np.array_equal(rasterise(shape, box), whole[box.shift(10, 10).slices])


@pytest.mark.parametrize("seed", range(25))
def test_rasterising_agrees_with_exact_arithmetic(seed):
    """Crossing, slanted and vertical edges on the grid of eighths of a pixel, many through pixel centres."""
    rng = np.random.default_rng(seed)
    region = Region(tuple(rng.integers(-24, 120, (int(rng.integers(3, 9)), 2)) / (1, 2, 4, 8)[seed % 4] for _ in range(3)))
    box = Box(-2, -3, 16, 17)
    assert np.array_equal(rasterise(region, box), slow_mask(region, box))


@pytest.mark.parametrize("seed", range(60))
def test_neighbours_share_no_pixel_and_leave_none_out(seed):
    """Both sides of a random zigzag with float vertices together are the square, each pixel once."""
    left, right = (rasterise(part, Box(0, 0, 40, 40)) for part in halves(seed, 40, 1 + seed % 9))
    assert not (left & right).any()
    assert (left | right).all()


@pytest.mark.parametrize("seed", range(60))
def test_triangles_around_a_vertex_tile_their_star(seed):
    """A fan of slivers covers each pixel of the whole exactly once."""
    whole, triangles = fan(seed, (30 + seed / 7, 30 + seed / 3), (5, 30), 3 + seed)
    box = Box(0, 0, 90, 90)
    count = sum(rasterise(triangle, box).astype(int) for triangle in triangles)
    # Beyond a half turn between two vertices a triangle lies outside the star: count by parity then, as rings combine.
    assert np.array_equal(count % 2 == 1, rasterise(whole, box))


def test_four_by_four_squares_side_by_side():
    """16 + 16 pixels, overlap 0, gap 0."""
    left, right = rasterise(Rectangle(1, 1, 5, 5), TEN), rasterise(Region((square(1, 5, 5, 9),)), TEN)
    assert (left.sum(), right.sum(), (left & right).sum()) == (16, 16, 0)
    assert (left | right)[1:5, 1:9].all()


def test_an_ellipse_has_no_hole():
    """Each row and column of an ellipse in 12 x 12 is one run of pixels."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    mask = rasterise(Region((np.stack((6 + 5 * np.sin(angle), 6 + 4 * np.cos(angle)), axis=1),)), Box(0, 0, 12, 12))
    for lines in (mask, mask.T):
        assert (np.abs(np.diff(lines.astype(int), axis=1, prepend=0, append=0)).sum(axis=1) <= 2).all()
    assert mask.sum() == pytest.approx(np.pi * 20, abs=4)


def test_a_ring_that_zigzags_over_everything_is_scanned_in_pieces(monkeypatch):
    """The memory bound on crossings changes no pixel."""
    shape = star(1, (50, 50), (1, 60), 400)
    whole = rasterise(shape, Box(0, 0, 100, 100))
    monkeypatch.setattr(sys.modules["labkit.geometry.rasterise"], "_MAX_CROSSINGS", 37)
    assert np.array_equal(rasterise(shape, Box(0, 0, 100, 100)), whole)
