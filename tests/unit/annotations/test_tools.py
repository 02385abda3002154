"""Tools are fed with what a hand does, and answer with edits; commands change what is there. No widget is needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from labkit.annotations import AnnotationObject, Document, commands, new_object
from labkit.annotations.edits import Edit, apply_edit
from labkit.annotations.scene import Outcome, PointerEvent, Scene, objects_at
from labkit.annotations.tools import TOOLS, Tool, tool_named
from labkit.errors import InvalidInput, NotFound
from labkit.geometry import Box, Ellipse, Mask, Point, Rectangle, Region, bounds, rasterise, shape_area
from labkit.testing.shapes import lake_with_island, square, square_with_hole

FRAME = Box(0, 0, 600, 800)


def _scene(*items: AnnotationObject, chosen: Iterable[AnnotationObject] = (), **facts: Any) -> Scene:
    document = Document("image1", "Ada", objects=items)
    return Scene(document, FRAME, tuple(item.id for item in chosen), class_id=1, author="Ada", **facts)


class Hand:
    """A hand that holds a tool, and carries out what it answers."""

    def __init__(self, tool: str, scene: Scene) -> None:
        self.tool: Tool = tool_named(tool)
        self.scene = scene
        self.last = Outcome()

    def does(self, kind: Any, y: float = 0, x: float = 0, *keys: str, key: str = "") -> Outcome:
        self.last = self.tool.feed(PointerEvent(kind, y, x, frozenset(keys), key), self.scene)
        selection = self.scene.selection if self.last.selection is None else self.last.selection
        self.scene = replace(self.scene, document=apply_edit(self.scene.document, self.last.edit), selection=selection)
        return self.last

    def clicks(self, *places: tuple[float, float]) -> None:
        for y, x in places:
            self.does("down", y, x)
            self.does("up", y, x)

    def drags(self, *places: tuple[float, float], keys: tuple[str, ...] = ()) -> None:
        self.does("down", *places[0], *keys)
        for place in places[1:]:
            self.does("move", *place, *keys)
        self.does("up", *places[-1], *keys)

    @property
    def objects(self) -> tuple[AnnotationObject, ...]:
        return self.scene.document.objects

    @property
    def only(self) -> AnnotationObject:
        (item,) = self.objects
        return item


SQUARE = ((10, 10), (10, 50), (50, 50), (50, 10))


@pytest.mark.parametrize("end", ["double", "enter", "first vertex"])
def test_clicks_make_a_polygon(end: str) -> None:
    """Closed in three ways; it has the class, and is chosen."""
    hand = Hand("polygon", _scene())
    hand.clicks(*SQUARE)
    match end:
        case "double":
            hand.does("double", 50, 10)
        case "enter":
            hand.does("key", key="Enter")
        case _:
            hand.does("down", 11, 11)
    assert hand.only.shape == Region((np.array(SQUARE, dtype=float),))
    assert (hand.only.class_id, hand.only.author, hand.only.source) == (1, "Ada", "manual")
    assert hand.scene.selection == (hand.only.id,)


def test_freehand_makes_a_polygon_with_few_vertices() -> None:
    """A circle of 400 moves is a circle still."""
    circle = Ellipse(300, 300, 100, 100).ring(400).tolist()
    hand = Hand("polygon", _scene())
    hand.drags(*circle)
    assert shape_area(hand.only.shape) == pytest.approx(np.pi * 10_000, rel=0.01)
    assert isinstance(hand.only.shape, Region)
    assert len(hand.only.shape.rings[0]) < 100


def test_a_vertex_can_be_taken_back_and_a_polygon_given_up() -> None:
    """Backspace and Escape."""
    hand = Hand("polygon", _scene())
    hand.clicks(*SQUARE, (400, 400))
    hand.does("key", key="Backspace")
    assert len(hand.last.preview) == 4
    hand.does("key", key="Escape")
    hand.does("key", key="Enter")
    assert hand.objects == ()


@pytest.mark.parametrize(("keys", "expected"), [((), (10, 20, 40, 80)), (("shift",), (10, 20, 70, 80)), (("alt",), (-20, -40, 40, 80))])
def test_a_box_is_dragged(keys: tuple[str, ...], expected: tuple[float, ...]) -> None:
    """From corner to corner, as a square, or from its centre."""
    hand = Hand("box", _scene())
    hand.drags((10, 20), (30, 30), (40, 80), keys=keys)
    assert hand.only.shape == Rectangle(*expected)


def test_an_ellipse_fills_its_box() -> None:
    """In any direction of the drag."""
    hand = Hand("ellipse", _scene())
    hand.drags((40, 80), (10, 20))
    assert hand.only.shape == Ellipse(25, 50, 30, 15)
    assert hand.only.kind == "ellipse"


def test_a_click_makes_a_point_but_no_box() -> None:
    """What has no size is no object."""
    for tool, count in (("point", 1), ("box", 0), ("ellipse", 0), ("split", 0)):
        hand = Hand(tool, _scene())
        hand.clicks((5.5, 6.5))
        assert len(hand.objects) == count


def test_a_brush_paints_across_tiles_and_onto_the_chosen_object() -> None:
    """A second stroke joins the first, since that is chosen; the frame cuts."""
    hand = Hand("brush", _scene(radius_px=10))
    hand.drags((250, 200), (260, 400))
    first = hand.only.shape
    assert isinstance(first, Mask)
    hand.drags((250, 300), (590, 300), (620, 300))
    assert hand.only.shape == first.union(hand.only.shape)  # type: ignore[arg-type]
    assert bounds(hand.only.shape)[2] == 600
    assert hand.only.kind == "mask"


def test_a_brush_begins_anew_away_from_the_chosen_object() -> None:
    """A stroke that does not touch it is another object, unless the mode says that it joins."""
    hand = Hand("brush", _scene(radius_px=10))
    hand.drags((50, 50), (60, 60))
    hand.drags((50, 150), (60, 160))
    assert len(hand.objects) == 2
    hand.scene = replace(hand.scene, mode="add")
    hand.drags((150, 150), (160, 160))
    assert len(hand.objects) == 2


def test_an_eraser_takes_pixels_and_at_last_the_object() -> None:
    """Of the topmost object under it when nothing is chosen."""
    below, above = new_object(Rectangle(0, 0, 50, 50), class_id=1), new_object(Rectangle(10, 10, 30, 30), class_id=2)
    hand = Hand("eraser", _scene(below, above, radius_px=5))
    hand.drags((15, 15), (20, 20))
    assert hand.objects[0] == below
    assert 0 < shape_area(hand.objects[1].shape) < 400
    hand.scene = replace(hand.scene, radius_px=100)
    hand.drags((20, 25), (20, 26))
    assert [item.id for item in hand.objects] == [below.id]


def test_shapes_join_and_leave_the_chosen_object() -> None:
    """By the mode at hand; a hole is a hole."""
    item = new_object(Rectangle(0, 0, 100, 100), class_id=2)
    hand = Hand("box", _scene(item, chosen=[item], mode="subtract"))
    hand.drags((40, 40), (60, 60))
    assert shape_area(hand.only.shape) == 9600
    hand.scene = replace(hand.scene, mode="add")
    hand.drags((50, 90), (60, 120))
    assert shape_area(hand.only.shape) == 9800
    assert (hand.only.id, hand.only.class_id, hand.only.kind) == (item.id, 2, "polygon")


def test_annotated_areas_have_no_class() -> None:
    """They say where background is background."""
    hand = Hand("box", _scene(kind="area"))
    hand.drags((0, 0), (100, 100))
    assert (hand.only.kind, hand.only.class_id) == ("area", None)


def test_clicks_choose_the_topmost() -> None:
    """Shift adds and takes away; a click beside chooses nothing; areas lie below all."""
    a, b = new_object(Rectangle(0, 0, 50, 50)), new_object(Rectangle(20, 20, 70, 70))
    area = new_object(Rectangle(0, 0, 500, 500), kind="area")
    hand = Hand("select", _scene(a, b, area))
    hand.clicks((30, 30))
    assert hand.scene.selection == (b.id,)
    hand.does("down", 5, 5, "shift")
    hand.does("up", 5, 5, "shift")
    assert hand.scene.selection == (b.id, a.id)
    hand.does("down", 60, 60, "shift")
    hand.does("up", 60, 60, "shift")
    assert hand.scene.selection == (a.id,)
    hand.clicks((400, 400))
    assert hand.scene.selection == (area.id,)
    hand.clicks((590, 790))
    assert hand.scene.selection == ()


def test_a_hole_is_not_hit() -> None:
    """Nor is what was rejected, or lies in another plane."""
    items = [
        new_object(square_with_hole()),
        new_object(Rectangle(20, 20, 30, 30), status="rejected"),
        new_object(Rectangle(20, 20, 30, 30), z=3),
    ]
    scene = _scene(*items, z=2)
    assert objects_at(scene, 5, 5) == []
    assert objects_at(scene, 2, 2) == [items[0]]
    assert objects_at(scene, 25, 25) == []
    assert objects_at(replace(scene, z=3), 25, 25) == [items[2]]


def test_what_lies_in_another_plane_is_out_of_reach() -> None:
    """Also for a hand that draws on all planes."""
    item = new_object(Rectangle(20, 20, 30, 30), z=3)
    assert objects_at(_scene(item, z=None, plane=2), 25, 25) == []
    assert objects_at(_scene(item, z=None, plane=3), 25, 25) == [item]


def test_a_frame_chooses_what_is_within() -> None:
    """Wholly; shift keeps what was chosen."""
    items = [new_object(Rectangle(k * 50, 0, k * 50 + 20, 20)) for k in range(4)]
    hand = Hand("select", _scene(*items))
    hand.drags((-1, 50), (75, -1))
    assert hand.scene.selection == (items[0].id, items[1].id)
    hand.drags((141, 50), (199, -1), keys=("shift",))
    assert hand.scene.selection == (items[0].id, items[1].id, items[3].id)


def test_dragging_moves_what_is_chosen() -> None:
    """Each kind of shape; a painted one by whole pixels."""
    shapes = (Rectangle(0, 0, 50, 50), Ellipse(30, 30, 5, 6), Point(20, 20), lake_with_island(), Mask.from_array(np.ones((9, 9), bool)))
    items = [new_object(shape) for shape in shapes]
    hand = Hand("select", _scene(*items, chosen=items))
    hand.drags((40, 40), (50, 60), (140.4, 239.6))
    for item, before in zip(hand.objects, shapes, strict=True):
        np.testing.assert_allclose(np.array(bounds(item.shape)) - bounds(before), (100.4, 199.6, 100.4, 199.6), atol=0.5)


def test_vertices_are_moved_inserted_and_removed() -> None:
    """By dragging one, dragging an edge, and alt."""
    item = new_object(Region((np.array(SQUARE, dtype=float),)))
    hand = Hand("edit", _scene(item, chosen=[item]))
    hand.drags((11, 11), (5, 5), (0, 0))
    assert hand.only.shape == Region((np.array([(0, 0), *SQUARE[1:]], dtype=float),))
    hand.drags((50, 30), (80, 30))
    assert isinstance(hand.only.shape, Region)
    assert hand.only.shape.rings[0].tolist()[3] == [80, 30]
    hand.does("down", 80, 30, "alt")
    assert isinstance(hand.only.shape, Region)
    assert hand.only.shape.rings[0].tolist() == [[0, 0], *([float(v) for v in place] for place in SQUARE[1:])]


def test_the_last_ring_of_three_stays() -> None:
    """An object does not vanish by its vertices; a hole does."""
    hole = new_object(Region((square(0, 0, 90, 90), np.array([(30, 30), (30, 60), (60, 30)], dtype=float))))
    hand = Hand("edit", _scene(hole, chosen=[hole]))
    hand.does("down", 30, 60, "alt")
    assert hand.only.shape == Region((square(0, 0, 90, 90),))
    triangle = new_object(Region((np.array([(30, 30), (30, 60), (60, 30)], dtype=float),)))
    hand = Hand("edit", _scene(triangle, chosen=[triangle]))
    hand.does("down", 30, 60, "alt")
    assert hand.only == triangle


def test_boxes_ellipses_and_points_are_edited_at_their_grips() -> None:
    """Corners and sides; ends of the axes; the place itself."""
    for shape, drag, expected in (
        (Rectangle(10, 10, 50, 80), ((50, 80), (60, 70)), Rectangle(10, 10, 60, 70)),
        (Rectangle(10, 10, 50, 80), ((30, 10), (35, 20)), Rectangle(10, 20, 50, 80)),
        (Rectangle(10, 10, 50, 80), ((10, 40), (70, 41)), Rectangle(50, 10, 70, 80)),
        (Ellipse(100, 100, 50, 20), ((100, 150), (160, 100)), Ellipse(100, 100, 60, 20, np.pi / 2)),
        (Ellipse(100, 100, 50, 20), ((120, 100), (140, 103)), Ellipse(100, 100, 50, 40)),
        (Ellipse(100, 100, 50, 20), ((100, 100), (7, 8)), Ellipse(7, 8, 50, 20)),
        (Point(5, 5), ((6, 6), (9, 8)), Point(9, 8)),
    ):
        item = new_object(shape)
        hand = Hand("edit", _scene(item, chosen=[item]))
        hand.drags(*drag)
        np.testing.assert_allclose(bounds(hand.only.shape), bounds(expected), atol=1e-9)


def test_a_line_cuts_what_lies_under_it() -> None:
    """The largest piece keeps the identity; the class goes along; other objects stay."""
    item, other = new_object(Rectangle(0, 0, 100, 100), class_id=2), new_object(Rectangle(200, 200, 300, 300))
    hand = Hand("split", _scene(item, other))
    hand.drags((30, -10), (30, 110))
    pieces = [i for i in hand.objects if i.id != other.id]
    assert [shape_area(p.shape) for p in pieces] == [7000, 3000]
    assert pieces[0].id == item.id
    assert {p.class_id for p in pieces} == {2}


def test_a_painted_object_is_cut_into_painted_ones() -> None:
    """Each pixel stays in one of them."""
    item = new_object(Mask.from_array(np.ones((40, 40), bool)))
    edit = commands.split_objects(Document("i", "A", objects=(item,)), [item.id], [(-3, -2), (44, 37)], author="Ada")
    pieces = [change.item.shape for change in edit.changes if change.item]
    assert all(isinstance(piece, Mask) for piece in pieces)
    assert sum(rasterise(piece, FRAME).astype(int) for piece in pieces).max() == 1  # type: ignore[union-attr]
    assert sum(shape_area(piece) for piece in pieces) == 1600


@pytest.mark.parametrize("tool", TOOLS)
def test_any_events_are_taken(tool: str) -> None:
    """Whatever comes in whatever order: no error, and the document stays sound."""
    rng = np.random.default_rng(3)
    hand = Hand(tool, _scene(new_object(Rectangle(0, 0, 300, 300)), new_object(lake_with_island())))
    for _ in range(400):
        kind = rng.choice(["down", "move", "move", "up", "double", "key", "cancel"])
        keys = [k for k in ("shift", "alt", "ctrl") if rng.random() < 0.1]
        hand.does(kind, *rng.uniform(-50, 650, 2), *keys, key=str(rng.choice(["Enter", "Escape", "Backspace", "a"])))


def test_events_without_a_place_are_refused() -> None:
    """Not a number is no place."""
    with pytest.raises(InvalidInput):
        PointerEvent("move", float("nan"), 1)
    with pytest.raises(InvalidInput, match="no tool"):
        tool_named("magic wand")


# Commands


def _after(document: Document, edit: Edit) -> Document:
    return apply_edit(document, edit)


@pytest.fixture
def document() -> Document:
    """Three boxes in a row, a point and an area."""
    boxes = [new_object(Rectangle(0, k * 20, 10, k * 20 + 10), class_id=1) for k in range(3)]
    return Document("image1", "Ada", objects=(*boxes, new_object(Point(5, 5)), new_object(Rectangle(0, 0, 99, 99), kind="area")))


def _ids(document: Document) -> list[str]:
    return [item.id for item in document.objects]


def test_merging_keeps_the_first(document: Document) -> None:
    """It covers what any of them covers, at its own place in the order."""
    ids = _ids(document)
    after = _after(document, commands.merge(document, [ids[2], ids[0]]))
    assert _ids(after) == [ids[0], ids[1], *ids[3:]]
    assert shape_area(after.objects[0].shape) == 200
    with pytest.raises(InvalidInput, match="two objects"):
        commands.merge(document, [ids[0], ids[3]])


def test_parts_become_objects(document: Document) -> None:
    """What was merged can be separated."""
    ids = _ids(document)
    merged = _after(document, commands.merge(document, ids[:3]))
    after = _after(merged, commands.separate(merged, [ids[0]], author="Ada"))
    assert sorted(shape_area(item.shape) for item in after.objects if item.kind == "polygon") == [100, 100, 100]


def test_copies_are_new_objects(document: Document) -> None:
    """With ids of their own, moved aside, in another image too; a class that is not there is left out."""
    ids = _ids(document)
    text = commands.copied(document, ids[:2])
    after = _after(Document("image2", "Bob"), commands.pasted(text, author="Bob", dy=5, dx=-3, class_ids=[7]))
    assert [item.shape for item in after.objects] == [Rectangle(5, -3, 15, 7), Rectangle(5, 17, 15, 27)]
    assert {item.author for item in after.objects} == {"Bob"}
    assert {item.class_id for item in after.objects} == {None}
    assert not set(_ids(after)) & set(ids)


@pytest.mark.parametrize("text", ["", "[]", "null", "hello", '{"labkit":"objects"}', '{"labkit":"objects","objects":[{}]}'])
def test_a_foreign_clipboard_is_said_to_be_one(text: str) -> None:
    """In words."""
    with pytest.raises(InvalidInput, match="clipboard"):
        commands.pasted(text, author="Ada")


def test_classes_are_set_but_for_areas(document: Document) -> None:
    """An annotated area has none."""
    after = _after(document, commands.set_class(document, _ids(document), 9))
    assert [item.class_id for item in after.objects] == [9, 9, 9, 9, None]


def test_the_order_of_drawing_is_changed(document: Document) -> None:
    """To the front and to the back, several in their order."""
    ids = _ids(document)
    front = _after(document, commands.bring_to_front(document, [ids[1], ids[0]]))
    assert _ids(front) == [*ids[2:], ids[0], ids[1]]
    assert _ids(_after(front, commands.send_to_back(front, [ids[0], ids[1]]))) == ids


def test_proposals_are_accepted_or_rejected() -> None:
    """Their source stays; what was accepted cannot be rejected, only deleted."""
    proposals = [new_object(Point(k, k), status="proposed", source="model:unet 3") for k in range(3)]
    document = Document("image1", "Ada", objects=tuple(proposals))
    after = _after(document, commands.accept(document, [proposals[0].id]))
    after = _after(after, commands.reject(after, [item.id for item in proposals[:2]]))
    assert [item.status for item in after.objects] == ["accepted", "rejected", "proposed"]
    assert {item.source for item in after.objects} == {"model:unet 3"}


def test_ids_that_are_not_there_change_nothing(document: Document) -> None:
    """Somebody else has deleted them meanwhile."""
    gone = new_object(Point(1, 1)).id
    for edit in (
        commands.delete(document, [gone]),
        commands.move(document, [gone], 1, 1),
        commands.set_class(document, [gone], 1),
        commands.subtract_shape(document, [gone], Rectangle(0, 0, 9, 9)),
    ):
        assert not edit
    with pytest.raises(NotFound):
        commands.add_shape(document, gone, Rectangle(0, 0, 1, 1))


def test_marks_are_set_and_taken_away(document: Document) -> None:
    """Nothing is written where nothing changes."""
    edit = commands.set_task(document, "finished")
    assert _after(document, edit).finished
    assert not commands.set_task(_after(document, edit), "finished")
    assert not _after(_after(document, edit), commands.set_task(_after(document, edit), "finished", completed=False)).finished


def test_a_corrected_proposal_is_accepted() -> None:
    """By adding, taking away, a vertex or a cut; its source stays, and one that the stroke missed stays a proposal."""
    one, other = (new_object(Rectangle(0, x, 10, x + 10), status="proposed", source="model:unet/3") for x in (0, 50))
    document = Document("image1", "Ada", objects=(one, other))
    corner = Rectangle(0, 0, 5, 5)
    for edit in (
        commands.add_shape(document, one.id, Rectangle(5, 5, 15, 15)),
        commands.subtract_shape(document, [one.id, other.id], corner),
        commands.split_objects(document, [one.id], [(5, -1), (5, 11)], author="Ada"),
    ):
        after = _after(document, edit)
        assert [(item.status, item.source) for item in after.objects if item.id == one.id] == [("accepted", "model:unet/3")]
        assert [item.status for item in after.objects if item.id == other.id] == ["proposed"]


def test_a_vertex_of_a_proposal_accepts_it() -> None:
    """The corner of a box is dragged."""
    item = new_object(Rectangle(0, 0, 10, 10), status="proposed", source="model:unet/3")
    scene = Scene(Document("image1", "Ada", objects=(item,)), FRAME, selection=(item.id,))
    tool = tool_named("edit")
    tool.feed(PointerEvent("down", 10, 10), scene)
    (change,) = tool.feed(PointerEvent("up", 20, 20), scene).edit.changes
    assert change.item is not None
    assert (change.item.status, change.item.source) == ("accepted", "model:unet/3")


@pytest.mark.parametrize("changes", [{"": 1}, {"a" * 101: 1}, {"labkit": "x"}, {"a": [1]}, {"a": float("nan")}, {"a": "x" * 10_001}])
def test_an_attribute_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    """In words."""
    item = new_object(Point(1, 1))
    with pytest.raises(InvalidInput):
        commands.set_attributes(Document("image1", "Ada", objects=(item,)), [item.id], changes)


def test_setting_an_attribute_that_is_so_already_changes_nothing() -> None:
    """There is no step to undo then."""
    item = new_object(Point(1, 1), attributes={"a": 1})
    assert not commands.set_attributes(Document("image1", "Ada", objects=(item,)), [item.id], {"a": 1, "b": None})
