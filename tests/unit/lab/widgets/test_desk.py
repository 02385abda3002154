"""What the annotator answers to a browser: plain messages, without a kernel."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labkit.annotations import Editor, assistants, load_review, new_object, open_document, save_document
from labkit.annotations.edits import put
from labkit.errors import NotFound
from labkit.geometry import Box, Ellipse, Mask, Point, Rectangle, shape_area
from labkit.project import ImageRecord, Project
from labkit.storage import utc_now
from labkit.testing.pictures import noise_picture, write_png
from labkit.testing.shapes import square_with_hole
from labkit.tiling import import_image
from labkit_lab.widgets.annotator import Annotator, open_annotator
from labkit_lab.widgets.desk import Desk, Message
from labkit_lab.widgets.display import display_list

SQUARE = [(0, 10, 10, 0), (2, 10, 10, 0), (0, 10, 50, 0), (2, 10, 50, 0), (0, 50, 50, 0), (2, 50, 50, 0), (4, 0, 0, 0)]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("LABKIT_PROJECTS", str(tmp_path / "projects"))
    monkeypatch.setenv("LABKIT_AUTHOR", "Ada")
    return Project.create(tmp_path / "projects", "cells", classes=["cell", "debris"])


@pytest.fixture
def image(project: Project, tmp_path: Path) -> ImageRecord:
    return import_image(project, write_png(tmp_path / "a.png", noise_picture(300, 400)))


class Browser:
    """A browser that keeps the list of objects as the messages say, as the page does."""

    def __init__(self, project: Project, image: ImageRecord, client: str = "tab") -> None:
        self.heard: list[Message] = []
        self.desk = Desk(project, image.id, send=self._hear)
        self.client = client
        self.number = 0
        self.ids: list[str] = []
        self.revision = -1
        self.says("hello")

    def _hear(self, message: Message) -> None:
        self.heard.append(message)
        content = message.content
        if content["type"] == "scene":
            self.ids, self.revision = [o["id"] for o in content["objects"]], content["revision"]
        elif content["type"] == "patch":
            assert content["from_revision"] == self.revision
            put_ids = [o["id"] for o in content["objects"]]
            self.ids = [i for i in self.ids if i not in content["removed"] and i not in put_ids]
            for item in sorted(content["objects"], key=lambda o: o["place"]):
                self.ids.insert(item["place"], item["id"])
            self.revision = content["revision"]

    def says(self, kind: str, buffers: tuple[bytes, ...] = (), **content: Any) -> Message:
        self.desk.take({"type": kind, "client": self.client, **content}, buffers)
        return self.heard[-1]

    def draws(self, tool: str, rows: list[tuple[float, ...]], *keys: str, **content: Any) -> Message:
        self.number += 1
        facts = {"tool": tool, "number": self.number, "class_id": 1, "selection": [], "keys": list(keys), "reach_px": 2.0}
        return self.says("gesture", (np.array(rows, dtype="<f8").tobytes(),), **{**facts, **content})

    def commands(self, name: str, *ids: str, **args: Any) -> Message:
        self.number += 1
        return self.says("command", name=name, number=self.number, ids=list(ids), args=args)


def test_a_gesture_becomes_an_object_on_the_disk(project: Project, image: ImageRecord) -> None:
    """The patch comes first, then the acknowledgement with the new selection; the document on the disk has it."""
    browser = Browser(project, image)
    answer = browser.draws("polygon", SQUARE, "Enter")
    (item,) = open_document(project, image.id, "Ada").objects
    assert shape_area(item.shape) == 800
    facts = {"type": "ack", "client": "tab", "number": 1, "revision": 1, "changed": True, "selection": [item.id], "note": None}
    assert answer.content == facts
    assert browser.heard[-2].content["type"] == "patch"
    assert browser.ids == [item.id]


def test_a_brush_paints(project: Project, image: ImageRecord) -> None:
    """With its radius, onto the chosen object the second time."""
    browser = Browser(project, image)
    browser.draws("brush", [(0, 50, 50, 0), (1, 50, 300, 0), (2, 50, 300, 0)], radius_px=10)
    browser.draws("brush", [(0, 50, 300, 0), (2, 200, 300, 0)], radius_px=10, selection=browser.ids)
    (item,) = open_document(project, image.id, "Ada").objects
    assert isinstance(item.shape, Mask)
    assert item.shape.box == Box(40, 40, 210, 310)


def test_a_plane_is_drawn_in_and_reached_for(project: Project, image: ImageRecord) -> None:
    """What is drawn lies in the plane that is named; what lies in another than the one seen is not chosen."""
    browser = Browser(project, image)
    browser.draws("box", [(0, 10, 10, 0), (2, 40, 40, 0)], z=3, plane=3)
    (item,) = open_document(project, image.id, "Ada").objects
    assert item.z == 3
    click = [(0.0, 20.0, 20.0, 0.0), (2.0, 20.0, 20.0, 0.0)]
    assert browser.draws("select", click, z=None, plane=2).content["selection"] == []
    assert browser.draws("select", click, z=None, plane=3).content["selection"] == [item.id]


def test_commands_change_and_undo(project: Project, image: ImageRecord) -> None:
    """Class, place, order, deletion; undo and redo of each; the page follows."""
    browser = Browser(project, image)
    for x in (10, 100, 200):
        browser.draws("box", [(0, 10, x, 0), (2, 40, x + 30, 0)])
    a, b, c = browser.ids
    browser.commands("set_class", a, b, class_id=2)
    browser.commands("move", b, dy=5, dx=-3)
    browser.commands("send_to_back", c)
    assert browser.ids == [c, a, b]
    browser.commands("delete", a)
    assert browser.ids == [c, b]
    for _ in range(2):
        browser.commands("undo")
    assert browser.ids == [a, b, c]
    assert browser.heard[-2].content["can_redo"]
    browser.commands("redo")
    browser.commands("set_task", task="finished")
    document = open_document(project, image.id, "Ada")
    assert [item.id for item in document.objects] == browser.ids == [c, a, b]
    assert document.finished
    assert [item.class_id for item in document.objects] == [1, 2, 2]


def test_a_gesture_that_comes_again_changes_nothing(project: Project, image: ImageRecord) -> None:
    """After a reload, and by a new kernel too; it is acknowledged again."""
    browser = Browser(project, image)
    browser.draws("polygon", SQUARE, "Enter")
    other = Browser(project, image)
    answer = other.draws("polygon", SQUARE, "Enter")
    assert (answer.content["type"], answer.content["changed"]) == ("ack", False)
    assert len(open_document(project, image.id, "Ada").objects) == 1


def test_copies_are_pasted_beside(project: Project, image: ImageRecord) -> None:
    """And are chosen."""
    browser = Browser(project, image)
    browser.draws("box", [(0, 10, 10, 0), (2, 40, 40, 0)])
    text = browser.says("copy", ids=browser.ids).content["text"]
    answer = browser.commands("paste", text=text)
    first, second = open_document(project, image.id, "Ada").objects
    assert (first.shape, second.shape) == (Rectangle(10, 10, 40, 40), Rectangle(20, 20, 50, 50))
    assert answer.content["selection"] == [second.id]


def test_the_assistant_outlines(project: Project, tmp_path: Path) -> None:
    """By a click and by a box, as gestures that are journalled like any other."""
    picture = np.full((300, 400), 30, np.uint8)
    picture[100:140, 200:260] = 220
    image = import_image(project, write_png(tmp_path / "b.png", picture))
    browser = Browser(project, image)
    click = browser.draws("assist", [(0, 120, 230, 0), (2, 120, 230, 0)], zoom=2.0)
    box = browser.draws("assist", [(0, 90, 190, 0), (2, 150, 270, 0)])
    objects = open_document(project, image.id, "Ada").objects
    assert [shape_area(item.shape) for item in objects] == pytest.approx([2400, 2400], rel=0.1)
    assert click.content["selection"] == [objects[0].id]
    assert box.content["selection"] == [objects[1].id]
    assert {item.source for item in objects} == {"assistant:watershed"}
    assert browser.draws("assist", [(0, 900, 190, 0), (2, 900, 190, 0)]).content["type"] == "refused"


@pytest.mark.parametrize(
    "content",
    [
        {"type": "dance"},
        {"type": "gesture", "number": 1, "tool": "wand"},
        {"type": "gesture", "number": 1, "tool": "polygon"},
        {"type": "gesture", "tool": "polygon"},
        {"type": "command", "number": 1, "name": "explode"},
        {"type": "command", "number": 1, "name": "set_class", "args": {"class_id": 99}},
        {"type": "command", "number": 0, "name": "undo"},
        {"type": "command", "number": 1, "name": "delete", "ids": [1]},
        {"type": "command", "number": 1, "name": "move", "args": {"dy": float("nan")}},
        {"type": "command", "number": 1, "name": "paste", "args": {"text": "hello"}},
        {"type": "command", "number": 1, "name": "merge", "ids": []},
        {"type": "command", "number": 1, "name": "set_attributes", "args": {"attributes": 3}},
        {"type": "describe", "id": "nobody"},
        {"type": "propose"},
        {},
    ],
)
def test_nonsense_is_refused_in_words(project: Project, image: ImageRecord, content: dict[str, Any]) -> None:
    """Nothing is changed, and the next message is taken."""
    browser = Browser(project, image)
    browser.desk.take({"client": "tab", **content})
    refused = browser.heard[-1].content
    assert (refused["type"], refused["retry"]) == ("refused", False)
    assert refused["message"]
    assert refused["hint"]
    assert browser.draws("polygon", SQUARE, "Enter").content["type"] == "ack"


@pytest.mark.parametrize("rows", [[(9, 1, 1, 0)], [(0, float("nan"), 1, 0)], [(0.5, 1, 1, 0)]])
def test_events_that_are_none_are_refused(project: Project, image: ImageRecord, rows: list[tuple[float, ...]]) -> None:
    """An unknown kind, or a place that is no number."""
    assert Browser(project, image).draws("polygon", rows).content["type"] == "refused"


def test_a_full_disk_asks_for_another_try(project: Project, image: ImageRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gesture stays with the browser, and is taken when there is room."""
    browser = Browser(project, image)
    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", _no_room)
        refused = browser.draws("polygon", SQUARE, "Enter").content
    assert (refused["type"], refused["retry"], refused["number"]) == ("refused", True, 1)
    browser.number = 0
    assert browser.draws("polygon", SQUARE, "Enter").content["changed"]


def test_a_later_stroke_waits_for_one_that_could_not_be_saved(
    project: Project, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the journal would take the earlier one for done when it comes again: nothing is lost, and the order is kept."""
    browser = Browser(project, image)
    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", _no_room)
        browser.draws("box", [(0, 10, 10, 0), (2, 40, 40, 0)])
    early = browser.draws("box", [(0, 50, 50, 0), (2, 90, 90, 0)]).content
    assert (early["type"], early["retry"], early["number"]) == ("refused", True, 2)
    browser.number = 0
    assert browser.draws("box", [(0, 10, 10, 0), (2, 40, 40, 0)]).content["changed"]
    assert browser.draws("box", [(0, 50, 50, 0), (2, 90, 90, 0)]).content["changed"]
    assert [item.shape for item in open_document(project, image.id, "Ada").objects] == [
        Rectangle(10, 10, 40, 40),
        Rectangle(50, 50, 90, 90),
    ]


def test_a_stroke_that_is_given_up_holds_nothing_up(project: Project, image: ImageRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser forgets it, and the next one is saved."""
    browser = Browser(project, image)
    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", _no_room)
        browser.draws("box", [(0, 10, 10, 0), (2, 40, 40, 0)])
    browser.says("forget", number=1)
    assert browser.draws("box", [(0, 50, 50, 0), (2, 90, 90, 0)]).content["changed"]


def test_two_tabs_send_what_an_earlier_page_left(project: Project, image: ImageRecord) -> None:
    """Both find the same strokes in the browser and send them, in turn: each is done once, in order, and both hear that it is."""
    one, other = Browser(project, image, "one"), Browser(project, image, "other")
    one.client = other.client = "left"
    for k in range(1, 4):
        for tab in (one, other) if k % 2 else (other, one):
            tab.number = k - 1
            answer = tab.draws("box", [(0, 10 * k, 10, 0), (2, 10 * k + 5, 40, 0)]).content
            assert (answer["type"], answer["number"]) == ("ack", k)
    assert one.ids == other.ids == [item.id for item in open_document(project, image.id, "Ada").objects]
    assert len(one.ids) == 3


def test_strokes_on_an_object_that_is_gone_are_not_lost_silently(project: Project, image: ImageRecord) -> None:
    """What adds becomes an object of its own, and that is said; what only changes is refused in words."""
    browser = Browser(project, image)
    browser.draws("box", [(0, 10, 10, 0), (2, 40, 40, 0)])
    gone = browser.ids
    browser.commands("delete", *gone)
    for tool, rows in (("eraser", [(0, 20, 20, 0), (2, 60, 60, 0)]), ("edit", [(0, 10, 10, 0), (2, 30, 30, 0)])):
        refused = browser.draws(tool, rows, selection=gone).content
        assert (refused["type"], refused["conflict"], refused["retry"]) == ("refused", True, False)
        assert "removed" in refused["message"]
    assert browser.commands("set_class", *gone, class_id=2).content["conflict"]
    assert browser.commands("delete", *gone).content["type"] == "ack"
    painted = browser.draws("brush", [(0, 50, 50, 0), (2, 50, 90, 0)], selection=gone).content
    assert "object of its own" in painted["note"]
    assert len(browser.ids) == 1


def test_nothing_chosen_to_subtract_from_is_said(project: Project, image: ImageRecord) -> None:
    """Instead of swallowing what was drawn."""
    assert Browser(project, image).draws("box", [(0, 1, 1, 0), (2, 9, 9, 0)], mode="subtract").content["type"] == "refused"


def test_what_came_before_is_done_even_if_its_object_is_gone(project: Project, image: ImageRecord) -> None:
    """An eraser that took the whole object away, sent again after a reload, is acknowledged."""
    browser = Browser(project, image)
    browser.draws("box", [(0, 10, 10, 0), (2, 20, 20, 0)])
    rows = [(0, 5, 15, 0), (1, 15, 15, 0), (2, 25, 15, 0)]
    chosen = browser.ids
    browser.draws("eraser", rows, radius_px=20, selection=chosen)
    assert browser.ids == []
    browser.number -= 1
    assert browser.draws("eraser", rows, radius_px=20, selection=chosen).content["type"] == "ack"


def test_an_object_is_described_and_its_attributes_change(project: Project, image: ImageRecord) -> None:
    """Area in pixels, and no micrometres where nobody knows them; an attribute is set, taken away and brought back by undo."""
    browser = Browser(project, image)
    browser.draws("box", [(0, 10, 10, 0), (2, 20, 30, 0)])
    (object_id,) = browser.ids
    browser.commands("set_attributes", object_id, attributes={"stage": "late", "count": 2})
    facts = browser.says("describe", id=object_id).content
    assert (facts["area_px"], facts["area_um2"], facts["attributes"]) == (200, None, {"stage": "late", "count": 2})
    browser.commands("set_attributes", object_id, attributes={"stage": None})
    assert browser.says("describe", id=object_id).content["attributes"] == {"count": 2}
    browser.commands("undo")
    assert dict(open_document(project, image.id, "Ada").objects[0].attributes) == {"stage": "late", "count": 2}
    assert browser.commands("set_attributes", object_id, attributes={"labkit": "x"}).content["type"] == "refused"


def test_somebodys_own_assistant_is_offered_and_its_faults_are_said(
    project: Project, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name, from the next time that a page asks; a bug in it costs a sentence, and no stroke waits for it."""
    monkeypatch.setattr("labkit.annotations.assistants.ASSISTANTS", {})
    monkeypatch.setattr("labkit_lab.widgets.desk.ASSISTANTS", assistants.ASSISTANTS)
    assistants.register_assistant("half", lambda pixels, prompt: pixels[0] > 2)
    assistants.register_assistant("broken", lambda pixels, prompt: 1 / 0)  # type: ignore[arg-type, return-value]
    browser = Browser(project, image)
    browser.says("options")
    assert [m.content["assistants"] for m in browser.heard if m.content["type"] == "options"][-1] == ["half", "broken"]
    click = [(0, 120, 230, 0), (2, 120, 230, 0)]
    assert "finds no object" in browser.draws("assist", click, assistant="half").content["message"]
    broken = browser.draws("assist", click, assistant="broken").content
    assert "ZeroDivisionError" in broken["message"]
    assert not broken["retry"]


def _no_room(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_fault_of_ours_costs_no_stroke(project: Project, image: ImageRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser is told to keep it, and the fault is raised where it is logged."""
    browser = Browser(project, image)
    with monkeypatch.context() as patch:
        patch.setattr("labkit_lab.widgets.desk.tool_named", lambda name: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            browser.draws("polygon", SQUARE, "Enter")
    refused = browser.heard[-1].content
    assert (refused["type"], refused["retry"], refused["number"]) == ("refused", True, 1)
    assert "division" not in refused["message"]


def test_what_somebody_else_has_just_changed_is_not_written_over(
    project: Project, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and writing another program moves the object: the gesture is refused, and succeeds when it is sent again."""
    browser = Browser(project, image)
    browser.draws("box", [(0, 10, 10, 0), (2, 40, 40, 0)])
    (item,) = open_document(project, image.id, "Ada").objects
    seen = browser.desk.editor.document
    theirs = Editor(project, image.id, "Ada")
    theirs.apply(put(replace(item, shape=Rectangle(100, 100, 130, 130))))
    with monkeypatch.context() as patch:
        patch.setattr(browser.desk.editor, "refresh", lambda: seen)
        refused = browser.commands("move", item.id, dy=5, dx=5).content
    assert (refused["type"], refused["retry"]) == ("refused", True)
    browser.number -= 1
    assert browser.commands("move", item.id, dy=5, dx=5).content["changed"]
    (moved,) = open_document(project, image.id, "Ada").objects
    assert moved.shape == Rectangle(105, 105, 135, 135)


def test_two_tabs_show_one_document(project: Project, image: ImageRecord) -> None:
    """What is drawn in one appears in the other at once, and in no other image or author's document; a closed one hears nothing more."""
    one, other = Browser(project, image, "one"), Browser(project, image, "other")
    reviewer = Desk(project, image.id, "Bob", send=lambda message: None)
    one.draws("polygon", SQUARE, "Enter")
    assert other.ids == one.ids != []
    other.draws("box", [(0, 100, 100, 0), (2, 140, 140, 0)])
    assert one.ids == other.ids == [item.id for item in open_document(project, image.id, "Ada").objects]
    assert reviewer.editor.document.objects == ()
    other.desk.close()
    heard = len(other.heard)
    one.commands("undo")
    assert len(other.heard) == heard


def test_others_are_seen(project: Project, image: ImageRecord) -> None:
    """What another program saved appears with the next message, and nothing is lost."""
    browser = Browser(project, image)
    browser.draws("polygon", SQUARE, "Enter")
    theirs = new_object(Point(5, 5))
    document = open_document(project, image.id, "Ada")
    save_document(project, document.with_object(theirs))
    browser.draws("box", [(0, 100, 100, 0), (2, 140, 140, 0)])
    assert browser.ids == [item.id for item in open_document(project, image.id, "Ada").objects]
    assert len(browser.ids) == 3


def test_work_is_timed_without_its_pauses(project: Project, image: ImageRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three messages 20 s apart, a pause of an hour, and two more: a minute in all, counted when the widget goes at the latest."""
    browser = Browser(project, image)
    begin = utc_now() - timedelta(hours=2)
    browser.desk._moments = []
    for k, seconds in enumerate((0, 20, 40, 3640, 3660)):
        monkeypatch.setattr("labkit_lab.widgets.desk.utc_now", lambda at=begin + timedelta(seconds=seconds): at)
        browser.commands("set_task", task=f"step {k}")
    browser.desk.close()
    (spent,) = load_review(project, image.id, "Ada").time_spent
    assert (spent.author, spent.seconds) == ("Ada", 60)


def test_the_display_list_holds_every_kind() -> None:
    """Rings relative to the centre, in float32; holes and parts are rings of their own, a point is a ring of one."""
    objects = [
        new_object(square_with_hole(), class_id=1),
        new_object(Point(5, 6), z=3),
        new_object(Ellipse(50, 60, 10, 5), status="proposed"),
        new_object(Mask.from_array(np.ones((2, 3), bool), 8, 9)),
    ]
    facts, (starts, owners, vertices) = display_list(objects, Box(0, 0, 100, 200))
    assert np.frombuffer(starts, "<u4").tolist() == [0, 4, 8, 9, 73, 77]
    assert np.frombuffer(owners, "<u4").tolist() == [0, 0, 1, 2, 3]
    places = np.frombuffer(vertices, "<f4").reshape(-1, 2) + facts["origin"]
    assert places[8].tolist() == [5, 6]
    assert sorted(places[73:].tolist()) == [[8, 9], [8, 12], [10, 9], [10, 12]]
    assert [(o["kind"], o["z"], o["status"]) for o in facts["objects"]][1:3] == [("point", 3, "accepted"), ("ellipse", None, "proposed")]


def test_an_empty_display_list() -> None:
    """Of an image that nobody has drawn in."""
    facts, (starts, owners, vertices) = display_list([], Box(0, 0, 10, 10))
    assert (facts["objects"], np.frombuffer(starts, "<u4").tolist(), owners, vertices) == ([], [0], b"", b"")


def test_the_widget_says_what_it_shows(project: Project, image: ImageRecord) -> None:
    """All that a page needs before it asks; and it takes messages."""
    project.add_classes(["late"])
    widget = open_annotator(project.id, image.id)
    assert (widget.project_id, widget.image_id, widget.author) == (project.id, image.id, "Ada")
    assert widget.image["levels"] == [[300, 400], [150, 200]]
    assert [c["name"] for c in widget.classes] == ["cell", "debris", "late"]
    widget._take(widget, {"type": "command", "client": "a", "number": 1, "name": "set_task", "args": {"task": "finished"}}, [])
    assert widget.document.finished
    widget.close()
    assert project.layout.annotation(image.id, "Ada").snapshot.is_file()


def test_a_project_that_is_not_there_is_said(project: Project, image: ImageRecord) -> None:
    """By the panel's words too."""
    with pytest.raises(NotFound):
        open_annotator("nothing", image.id)
    with pytest.raises(NotFound):
        Annotator(project, "nothing.png")


def test_looking_from_another_thread_does_not_block(project: Project, image: ImageRecord) -> None:
    """A notebook reads the document while gestures come."""
    browser = Browser(project, image)
    editor = Editor(project, image.id, "Ada")
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            browser.desk.editor.refresh()

    thread = threading.Thread(target=look)
    thread.start()
    for k in range(30):
        editor.apply(put(new_object(Point(k, k))))
        browser.draws("box", [(0, k, k, 0), (2, k + 5, k + 5, 0)])
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    browser.says("hello")
    assert len(browser.ids) == 60


def test_somebody_elses_document_is_looked_at_not_drawn_in(project: Project, image: ImageRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gestures and commands are refused in words; the scene is shown. One's own and the consensus are drawn in."""
    editor = Editor(project, image.id, "Bo")
    editor.apply(put(new_object(Point(3, 3), class_id=1)))
    annotator = open_annotator(project.id, image.id, "Bo")
    heard: list[dict[str, Any]] = []
    monkeypatch.setattr(annotator, "send", lambda content, buffers=None: heard.append(content))
    annotator._take(annotator, {"type": "hello", "client": "tab"}, [])
    annotator._take(annotator, {"type": "command", "client": "tab", "number": 1, "name": "undo", "ids": [], "args": {}}, [])
    answer = heard[-1]
    assert "scene" in [message["type"] for message in heard]
    assert (answer["type"], answer["number"], answer["retry"], "Bo's annotations" in answer["message"]) == ("refused", 1, False, True)
    assert len(editor.refresh().objects) == 1
    assert [open_annotator(project.id, image.id, name).read_only for name in (None, "Ada", "consensus", "Bo")] == [
        False,
        False,
        False,
        True,
    ]
