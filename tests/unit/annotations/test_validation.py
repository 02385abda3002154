"""What looks wrong is said of each object, and stops nothing."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from labkit.annotations import AnnotationObject, Document, new_object, validate, validation
from labkit.annotations.crossings import first_crossing
from labkit.annotations.validation import validation_report
from labkit.geometry import Ellipse, Mask, Point, Rectangle, Region, vectorise
from labkit.testing.shapes import fan, halves, lake_with_island, noise_labels, square, square_with_hole, star

BOW_TIE = np.array([(0, 0), (0, 10), (10, 0), (10, 10)], dtype=float)


def of(*objects):
    return Document("image1", "Ada", objects=objects)


def faults(image, *objects) -> list[tuple[str, str]]:
    return [(found.object_id, found.fault) for found in validation_report(of(*objects), image)]


def polygon(*rings, class_id=1, **facts):
    return new_object(Region(rings), class_id=class_id, **facts)


def test_a_fine_document_has_no_findings(image):
    """Holes, islands, painted masks, points, ellipses, areas without a class."""
    objects = [
        new_object(lake_with_island(), class_id=1),
        new_object(Mask.from_array(np.ones((3, 3), dtype=bool), 20, 20), class_id=1),
        new_object(Point(30, 30), class_id=2),
        new_object(Ellipse(30, 50, 5, 3, 0.4), class_id=2),
        new_object(Rectangle(0, 0, 40, 60), kind="area"),
    ]
    assert validation_report(of(*objects), image) == ()


def test_a_bow_tie_is_found_with_its_place(image):
    """It crosses in its middle; the words say where."""
    item = polygon(BOW_TIE)
    [found] = validation_report(of(item), image)
    assert (found.object_id, found.fault, found.level) == (item.id, "self-crossing", "warning")
    assert "y 5.0, x 5.0" in found.words
    assert validate(of(item), image) == (found.words,)


@pytest.mark.parametrize(
    "rings",
    [
        (square(0, 0, 5, 5), square(5, 5, 9, 9)),  # a common corner
        (square(0, 0, 5, 5), square(0, 5, 5, 9)),  # a common edge
        (square(0, 0, 9, 9), square(0, 2, 4, 4)),  # a hole that touches the edge from inside
        (np.array([(0, 0), (0, 9), (9, 9), (5, 0), (9, -9)], dtype=float),),
        (np.array([(0, 0), (0, 4), (2, 2), (4, 4), (4, 0), (2, 2)], dtype=float),),  # it comes to one vertex twice
        (np.array([(0, 0), (0, 6), (6, 6), (0, 3), (6, 0)], dtype=float),),  # a vertex on an edge, from one side
        (np.array([(0, 0), (0, 5), (5, 5), (5, 5), (5, 0)], dtype=float),),  # a vertex that is there twice
        (np.array([(0, 0), (0, 5), (0, 9), (0, 5), (5, 5)], dtype=float),),  # a spike: out and back
        (np.array([(3, 3), (3, 3), (3, 3)], dtype=float),),
    ],
)
def test_rings_that_touch_do_not_cross(rings):
    """At a vertex or along an edge, in themselves or one another."""
    assert first_crossing(rings) is None


@pytest.mark.parametrize(
    "rings",
    [
        (BOW_TIE,),
        (BOW_TIE + np.array((1e6 + 0.1, 0.3)),),
        (BOW_TIE * 1e-9,),
        (square(0, 0, 5, 5), square(3, 3, 9, 9)),
        (np.array([(0, 0), (4, 4), (4, 0), (2, 2), (0, 4)], dtype=float),),  # it passes through an edge at its own vertex
        (np.array([(0, 0), (0.1, 0.3), (0.3, 0.1), (0.1, 0.1), (0.05, 0.35)]),),
    ],
)
def test_rings_that_cross_are_found(rings):
    """Far from the origin, very small, one another, and where the place of crossing is a vertex."""
    assert first_crossing(rings) is not None


@pytest.mark.parametrize("seed", range(5))
def test_outlines_of_labels_and_stars_do_not_cross(seed):
    """Rings of pixels touch at corners; stars, their fans and zigzags have float ends and share edges."""
    for region in vectorise(noise_labels(seed, (40, 40), 2)).values():
        assert first_crossing(region.rings) is None
    shapes = [star(seed, (50, 50), (5, 40), 500), *halves(seed, 100, 30)]
    whole, triangles = fan(seed, (0.1, 0.7), (3, 9), 40)
    assert [first_crossing(shape.rings) for shape in (*shapes, whole, *triangles)] == [None] * 44
    assert first_crossing([triangle.rings[0] for triangle in triangles]) is None


def test_two_vertices_of_a_large_ring_that_changed_places_are_found():
    """Of 20,000 edges four are wrong."""
    ring = star(1, (0, 0), (1e4, 1e4 + 1e-3), 20_000).rings[0].copy()
    assert first_crossing([ring]) is None
    ring[[7000, 7003]] = ring[[7003, 7000]]
    y, x = first_crossing([ring])
    assert np.hypot(y - ring[7001, 0], x - ring[7001, 1]) < 50


def _crosses(ring) -> bool:
    """Decide by whole fractions, edge by edge: the definition, as simple as can be."""
    points = [tuple(map(Fraction, p)) for k, p in enumerate(ring.tolist()) if p != ring[k - 1].tolist()]
    n = len(points)

    def side(a, b, p):
        value = (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
        return (value > 0) - (value < 0)

    for i, j in combinations(range(n), 2):
        (a, b), (c, d) = ((points[k], points[(k + 1) % n]) for k in (i, j))
        if side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0:
            return True
    for k, i in ((k, i) for k in range(n) for i in range(n)):
        a, b, before, c, after = points[i], points[(i + 1) % n], points[k - 1], points[k], points[(k + 1) % n]
        inside = side(a, b, c) == 0 and min(a, b) < c < max(a, b)
        if inside and side(a, b, before) * side(a, b, after) < 0:
            return True
    return False


@pytest.mark.parametrize("offset", [0.0, 1e8 + 1 / 3])
@pytest.mark.parametrize("seed", range(3))
def test_it_decides_as_whole_fractions_do(seed, offset):
    """Random rings on a grid of five by five: most contacts that there can be, also where floats are coarse."""
    rng = np.random.default_rng(seed)
    for _ in range(150):
        ring = rng.integers(0, 5, (int(rng.integers(3, 8)), 2)) * 0.1 + offset
        if len({tuple(p) for p in ring.tolist()}) > 2:
            assert (first_crossing([ring]) is not None) == _crosses(ring), ring.tolist()


def test_rings_on_a_line_up_to_the_last_bit_are_decided_as_whole_fractions_do():
    """Vertices that leave a line by one bit or a few: products of rounded numbers get one ring in ten wrong."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        along = rng.choice([0.5, 12, 24, 6.25, 3.1], int(rng.integers(4, 7)))
        ring = np.stack((along, along), axis=1) + rng.integers(-8, 9, (len(along), 2)) * 2.0**-53 * rng.choice([1, 8, 32])
        if len({tuple(p) for p in ring.tolist()}) > 2:
            assert (first_crossing([ring]) is not None) == _crosses(ring), ring.tolist()


def test_small_objects_are_reported_and_the_rest_goes_on(image):
    """One pixel and two are notes, a sub-pixel object has no pixel; none of them stops the others."""
    sub = polygon(square(2.1, 2.1, 2.4, 2.4))
    one, two, three = (polygon(square(10, y, 11, y + n)) for y, n in ((0, 1), (10, 2), (20, 3)))
    outside, across = new_object(Rectangle(50, 0, 60, 9), class_id=1), new_object(Rectangle(30, 50, 45, 70), class_id=1)
    found = validation_report(of(sub, one, two, three, polygon(BOW_TIE), outside, across), image)
    assert [item.fault for item in found] == ["no-pixel", "tiny", "tiny", "self-crossing", "outside", "clipped"]
    assert [item.object_id for item in found[:3]] == [sub.id, one.id, two.id]
    assert [item.level for item in found] == ["warning", "note", "note", "warning", "warning", "warning"]
    assert "1 pixel" in found[1].words
    assert "2 pixels" in found[2].words


def test_a_point_is_not_tiny(image):
    """It has one pixel by its nature."""
    assert faults(image, new_object(Point(3, 3), class_id=1)) == []


def test_a_thin_ring_is_not_tiny(image):
    """Its middle is a hole: its pixels are counted around it."""
    assert faults(image, polygon(square(0, 0, 30, 30), square(1, 1, 29, 29))) == []


def test_duplicates_are_found_with_their_twin(image):
    """The same shape, nearly the same shape, and no more: another class, another plane, an IoU of 0.95."""
    first = polygon(square(0, 0, 20, 20))
    same = AnnotationObject(id=new_object(Point(0, 0)).id, kind="polygon", shape=first.shape, class_id=1)
    near = new_object(Rectangle(0, 0, 20, 20.6), class_id=1)  # 400 of 420 pixels would be 0.952
    other_class = polygon(square(0, 0, 20, 20), class_id=2)
    just_not = new_object(Rectangle(20, 20, 40, 40), class_id=1), new_object(Rectangle(20, 20, 39, 40), class_id=1)
    found = validation_report(of(first, same, near, other_class, *just_not), image)
    assert [(item.object_id, item.fault) for item in found] == [(same.id, "duplicate"), (near.id, "near-duplicate")]
    assert all(first.id in item.words for item in found)


def test_the_same_shape_in_another_plane_is_no_duplicate(image):
    """A stack has the object in each plane."""
    shape = Rectangle(0, 0, 9, 9)
    assert faults(image, new_object(shape, class_id=1, z=1), new_object(shape, class_id=1, z=2)) == []


def test_an_object_without_class_is_named(image):
    """An annotated area has none by its nature."""
    bare = new_object(square_with_hole())
    assert faults(image, bare, new_object(Rectangle(0, 0, 9, 9), kind="area")) == [(bare.id, "no-class")]


def test_only_accepted_objects_are_looked_at(image):
    """What a model proposes is not somebody's fault."""
    assert faults(image, polygon(BOW_TIE, status="proposed"), polygon(BOW_TIE, status="rejected")) == []


def test_an_object_that_cannot_be_checked_is_a_finding(image, monkeypatch):
    """Whatever goes wrong with one object, the others are checked."""
    bad, tie, bare = polygon(square(1, 1, 9, 9)), polygon(BOW_TIE), new_object(Point(1, 1))

    def failing(rings):
        if rings is bad.shape.rings:
            raise MemoryError("too many")
        return first_crossing(rings)

    monkeypatch.setattr(validation, "first_crossing", failing)
    assert faults(image, bad, tie, bare) == [(bad.id, "not-checked"), (tie.id, "self-crossing"), (bare.id, "no-class")]
