"""Objects and documents are frozen nouns."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from labkit.annotations import AnnotationObject, Document, new_object
from labkit.errors import InvalidInput, NotFound
from labkit.geometry import Box, Point, Rectangle, Region
from labkit.testing.shapes import square, square_with_hole


@pytest.mark.parametrize(("shape", "kind"), [(square_with_hole(), "polygon"), (Rectangle(0, 0, 1, 1), "box"), (Point(0, 0), "point")])
def test_the_kind_follows_from_the_shape(shape, kind):
    """A region is a polygon, a rectangle a box."""
    assert new_object(shape).kind == kind


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "point"},
        {"kind": "circle"},
        {"class_id": 0},
        {"class_id": 255},
        {"attributes": {"labkit": 1}},
        {"attributes": {"classification": 1}},
    ],
)
def test_an_object_refuses_what_does_not_fit(wrong):
    """A kind of another shape, an unknown kind, ids that a mask needs for itself, names that the file needs for itself."""
    with pytest.raises(InvalidInput) as caught:
        new_object(square_with_hole(), **wrong)
    assert caught.value.hint


@pytest.mark.parametrize("object_id", ["", "7", "no-uuid", None])
def test_an_id_is_a_uuid(object_id):
    """Other ids would collide when documents merge."""
    with pytest.raises(InvalidInput):
        AnnotationObject(id=object_id, kind="point", shape=Point(0, 0))


def test_times_are_utc():
    """A time with another zone is the same instant."""
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    item = AnnotationObject(id="0" * 32, kind="point", shape=Point(0, 0), created=noon)
    assert item.created == noon
    assert item.created.tzinfo == UTC
    assert item.id == "00000000-0000-0000-0000-000000000000"


def test_a_change_is_a_new_document():
    """Adding puts on top, a known id is replaced in its place, removing removes; the old document stays."""
    a, b = new_object(Point(0, 0)), new_object(Point(1, 1))
    first = Document("image1", "Ada").with_objects([a, b])
    moved = AnnotationObject(id=a.id, kind="point", shape=Point(5, 5))
    second = first.with_object(moved)
    assert [item.id for item in second.objects] == [a.id, b.id]
    assert second.object_named(a.id) == moved
    assert first.object_named(a.id) == a
    assert second.without(a.id, "unknown").objects == (b,)


def test_an_id_stands_once():
    """A document with an id twice cannot be."""
    a = new_object(Point(0, 0))
    with pytest.raises(InvalidInput, match=a.id):
        Document("image1", "Ada", objects=(a, a))


def test_an_unknown_object_is_not_found():
    """Asking for it says so."""
    with pytest.raises(NotFound):
        Document("image1", "Ada").object_named("x")


def test_finished_is_a_mark_among_others():
    """Only the task called finished makes an image finished; the mark can go again."""
    document = Document("image1", "Ada", completed_tasks=("outline",))
    assert not document.finished
    assert document.with_task().completed_tasks == ("outline", "finished")
    assert not document.with_task().with_task(completed=False).finished


def test_only_objects_near_a_tile_are_looked_at():
    """The cull keeps those that may cover a pixel of the box, in order."""
    shapes = [Rectangle(0, 0, 4, 4), Point(9.5, 9.5), Region((square(2.1, 2.1, 2.4, 2.4),)), Rectangle(3, 3, 20, 20)]
    document = Document("image1", "Ada").with_objects([new_object(shape) for shape in shapes])
    assert document.numbers_within(Box(0, 0, 4, 4)) == [0, 3]
    assert document.numbers_within(Box(9, 9, 10, 10)) == [1, 3]
    assert document.numbers_within(Box(4, 0, 9, 2)) == []
