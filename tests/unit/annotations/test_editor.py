"""An editor journals before it acknowledges, undoes everything exactly, and never loses what others did."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from labkit.annotations import Document, Editor, new_object, open_document, save_document
from labkit.annotations.edits import Change, Edit, apply_edit, edit_between, inverse_of, put, removed
from labkit.annotations.journal import read_journal
from labkit.errors import Conflict, CorruptStore, InvalidInput, StorageFull
from labkit.geometry import Box, Ellipse, Mask, Point, Rectangle, Region
from labkit.project import ImageRecord, Project
from labkit.testing.annotations import random_edits
from labkit.testing.shapes import square


def _editor(project: Project, image: ImageRecord) -> Editor:
    return Editor(project, image.id, "Ada")


def _content(document: Document) -> tuple[object, ...]:
    return document.objects, document.completed_tasks


def test_looking_makes_no_document(project: Project, image: ImageRecord) -> None:
    """Who opens an image and draws nothing is not one of its authors."""
    editor = _editor(project, image)
    editor.close()
    assert not project.layout.annotation(image.id, "Ada").exists


def test_an_acknowledged_edit_is_there_for_everybody(project: Project, image: ImageRecord) -> None:
    """Without a snapshot, to whoever opens the document."""
    item = new_object(Rectangle(1, 2, 3, 4), class_id=1)
    acknowledged = _editor(project, image).apply(put(item))
    document = open_document(project, image.id, "Ada")
    assert (document.objects, document.revision) == ((item,), acknowledged.revision)
    assert project.layout.is_annotated(image.id)


@pytest.mark.parametrize("seed", range(20))
def test_undo_all_and_redo_all_are_exact(project: Project, image: ImageRecord, seed: int) -> None:
    """Any edits, of any kinds of objects, in any order of drawing."""
    editor = _editor(project, image)
    states = [_content(editor.document)]
    for edit in random_edits(seed, 40):
        if editor.apply(edit(editor.document)).changed:
            states.append(_content(editor.document))
    for state in states[-2::-1]:
        editor.undo()
        assert _content(editor.document) == state
    assert not editor.can_undo
    for state in states[1:]:
        editor.redo()
        assert _content(editor.document) == state
    assert not editor.can_redo


def test_history_outlives_its_editor(project: Project, image: ImageRecord) -> None:
    """After closing, or a kill, the steps can still be undone and redone."""
    first = _editor(project, image)
    items = [new_object(Point(k, k)) for k in range(5)]
    for item in items:
        first.apply(put(item))
    first.undo()
    for editor in (_editor(project, image), first):
        editor.close()
        again = _editor(project, image)
        assert again._history.depth == (4, 1)
    again.redo()
    again.undo()
    again.undo()
    assert again.document.objects == tuple(items[:3])


def test_an_edit_after_undo_ends_redo(project: Project, image: ImageRecord) -> None:
    """What was undone is given up when something else is drawn."""
    editor = _editor(project, image)
    editor.apply(put(new_object(Point(1, 1))))
    editor.undo()
    editor.apply(put(new_object(Point(2, 2))))
    assert not editor.can_redo
    assert not editor.redo().changed


def test_repeated_numbers_change_nothing(project: Project, image: ImageRecord) -> None:
    """A gesture that is sent again after a reconnect, or to a new kernel, is known by client and number."""
    editor = _editor(project, image)
    edits = [put(new_object(Point(k, k))) for k in range(3)]
    for number, edit in enumerate(edits, 1):
        editor.apply(edit, client="tab", number=number)
    again = Editor(project, image.id, "Ada")
    for number, edit in enumerate(edits, 1):
        assert not again.apply(edit, client="tab", number=number).changed
    assert again.apply(edits[0], client="other tab", number=1).changed
    assert len(again.document.objects) == 3


def test_two_editors_see_each_other(project: Project, image: ImageRecord) -> None:
    """Both objects are there, whoever writes; the one that only looks is told by refresh."""
    seen: list[int] = []
    one, other = _editor(project, image), Editor(project, image.id, "Ada", on_change=lambda document: seen.append(document.revision))
    one.apply(put(new_object(Point(1, 1))))
    other.apply(put(new_object(Point(2, 2))))
    one.apply(put(new_object(Point(3, 3))))
    assert len(one.document.objects) == 3
    assert other.refresh() == one.document
    assert seen[-1] == 3


def test_a_stale_edit_of_a_changed_object_is_refused(project: Project, image: ImageRecord) -> None:
    """Of two who saw the same revision the second is told what changed; what concerns other objects is taken."""
    item = new_object(Rectangle(0, 0, 5, 5))
    one, other = _editor(project, image), _editor(project, image)
    seen = one.apply(put(item)).revision
    one.apply_to(seen, removed([item.id]))
    with pytest.raises(Conflict) as caught:
        other.apply_to(seen, put(item))
    assert caught.value.facts["objects"] == [item.id]
    assert other.apply_to(seen, put(new_object(Point(9, 9)))).changed
    assert [i.kind for i in one.refresh().objects] == ["point"]


def test_a_save_from_outside_is_taken_up(project: Project, image: ImageRecord) -> None:
    """An import into the same document keeps what the editor had, the editor goes on from there, and older steps are forgotten."""
    editor = _editor(project, image)
    editor.apply(put(new_object(Point(1, 1))))
    document = open_document(project, image.id, "Ada")
    saved = save_document(project, document.with_object(new_object(Point(2, 2))))
    assert editor.refresh() == saved
    assert not editor.can_undo
    editor.apply(put(new_object(Point(3, 3))))
    assert len(open_document(project, image.id, "Ada").objects) == 3
    again = _editor(project, image)
    assert again._history.depth == (1, 0)


def test_a_snapshot_is_written_now_and_then(project: Project, image: ImageRecord) -> None:
    """So that opening replays few edits; the steps before it can still be undone."""
    editor = _editor(project, image)
    for k in range(450):
        editor.apply(put(new_object(Point(k, k))))
    layout = project.layout.annotation(image.id, "Ada")
    assert layout.snapshot.is_file()
    again = _editor(project, image)
    assert again.document == editor.document
    assert again._history.depth == (450, 0)


def test_a_long_journal_is_shortened(project: Project, image: ImageRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last steps, and the numbers of all clients, are kept."""
    monkeypatch.setattr("labkit.annotations.editor._LONGEST_JOURNAL_BYTES", 20_000)
    editor = _editor(project, image)
    for k in range(1, 401):
        editor.apply(put(new_object(Point(k, k))), client="early" if k < 10 else "late", number=k)
    again = _editor(project, image)
    assert again.document == editor.document
    assert 200 <= again._history.depth[0] < 400
    assert not again.apply(put(new_object(Point(1, 1))), client="early", number=9).changed
    again.undo()
    assert len(again.document.objects) == 399


def test_an_unfinished_line_is_cut_off(project: Project, image: ImageRecord) -> None:
    """Whoever died while writing had nothing acknowledged."""
    editor = _editor(project, image)
    editor.apply(put(new_object(Point(1, 1))))
    journal = project.layout.annotation(image.id, "Ada").journal
    with open(journal, "ab") as file:
        file.write(b'{"revision":2,"kind":"ed')
    assert len(open_document(project, image.id, "Ada").objects) == 1
    editor.apply(put(new_object(Point(2, 2))))
    assert len(read_journal(journal).entries) == 2


def test_a_broken_line_is_said(project: Project, image: ImageRecord) -> None:
    """Nothing is guessed, and nothing is written over."""
    _editor(project, image).apply(put(new_object(Point(1, 1))))
    journal = project.layout.annotation(image.id, "Ada").journal
    journal.write_bytes(b"{nonsense}\n" + journal.read_bytes())
    with pytest.raises(CorruptStore, match="cannot be read"):
        _editor(project, image)
    assert journal.read_bytes().startswith(b"{nonsense}")


def test_missing_edits_are_said(project: Project, image: ImageRecord) -> None:
    """A line that somebody took out of the middle is not passed over."""
    editor = _editor(project, image)
    for k in range(3):
        editor.apply(put(new_object(Point(k, k))))
    journal = project.layout.annotation(image.id, "Ada").journal
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + lines[2])
    with pytest.raises(CorruptStore, match="lacks edits"):
        open_document(project, image.id, "Ada")


def test_a_full_disk_leaves_the_document_as_it_was(project: Project, image: ImageRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """The edit is refused in words, can be tried again, and no half line stands in the journal."""
    editor = _editor(project, image)
    editor.apply(put(new_object(Point(1, 1))))
    before = editor.document
    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", _no_room)
        with pytest.raises(StorageFull):
            editor.apply(put(new_object(Point(2, 2))))
    assert editor.document == before
    assert open_document(project, image.id, "Ada") == before
    assert editor.apply(put(new_object(Point(2, 2)))).revision == 2


def _no_room(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("seed", range(30))
def test_an_edit_and_its_inverse_lead_back(seed: int) -> None:
    """And the difference of two documents makes the one of the other, order included."""
    document = Document("image1", "Ada")
    for edit in random_edits(seed, 25):
        change = edit(document)
        after = apply_edit(document, change)
        assert apply_edit(after, inverse_of(document, change)) == document
        assert apply_edit(document, edit_between(document, after)) == after
        assert apply_edit(after, edit_between(after, document)) == document
        document = after


def test_an_object_can_be_put_below_others() -> None:
    """A place is one in the finished order."""
    a, b, c = (new_object(Point(k, k)) for k in range(3))
    document = Document("image1", "Ada", objects=(a, b, c))
    assert apply_edit(document, Edit((Change(c.id, c, 0),))).objects == (c, a, b)
    assert apply_edit(document, Edit((Change(a.id, None), Change(c.id, c, 0)))).objects == (c, b)


def test_an_edit_names_an_object_once() -> None:
    """Else what is undone would depend on chance."""
    item = new_object(Point(1, 1))
    with pytest.raises(InvalidInput, match="twice"):
        Edit((Change(item.id, item), Change(item.id, None)))


@pytest.mark.parametrize(
    "shape",
    [
        Region((square(0.1, 1 / 3, 7, 9), square(2, 2, 3, 3.000000000000001))),
        Rectangle(0.1, 0.2, 1e8, 1e8 + 1 / 3),
        Ellipse(1, 2, 3, 4, 5),
        Point(-1e-9, 12.5),
        Mask.from_array(np.random.default_rng(1).random((600, 300)) > 0.5, -20, 250),
    ],
    ids=lambda shape: type(shape).__name__,
)
def test_every_shape_comes_back_from_the_journal(project: Project, image: ImageRecord, shape: object) -> None:
    """To the last bit."""
    item = new_object(shape, class_id=2, z=4, status="proposed", attributes={"note": '細胞 "/', "n": [1, None]})  # type: ignore[arg-type]
    _editor(project, image).apply(put(item))
    assert open_document(project, image.id, "Ada").objects == (item,)


@pytest.mark.parametrize("value", [float("nan"), "\ud83d", {1, 2}])
def test_an_attribute_that_cannot_be_written_is_refused(project: Project, image: ImageRecord, value: object) -> None:
    """Before the edit is journalled, not when the snapshot is due."""
    editor = _editor(project, image)
    with pytest.raises(InvalidInput, match="attribute"):
        editor.apply(put(new_object(Point(1, 1), attributes={"note": value})))
    assert editor.document.revision == 0


def test_painted_pixels_are_read_by_the_rasteriser(project: Project, image: ImageRecord) -> None:
    """A mask object counts like a drawn one."""
    from labkit.annotations import rasterise_classes

    inside = np.zeros((40, 60), dtype=bool)
    inside[3:9, 5:20] = True
    _editor(project, image).apply(put(new_object(Mask.from_array(inside), class_id=2)))
    classes = rasterise_classes(open_document(project, image.id, "Ada"), Box(0, 0, 40, 60))
    np.testing.assert_array_equal(classes == 2, inside)
    assert set(np.unique(classes)) == {2, 255}


def test_rejected_and_proposed_objects_count_nowhere(project: Project, image: ImageRecord) -> None:
    """Until a person accepts them."""
    from labkit.annotations import rasterise_objects

    for status in ("proposed", "rejected"):
        _editor(project, image).apply(put(new_object(Rectangle(0, 0, 9, 9), class_id=1, status=status)))
    assert not rasterise_objects(open_document(project, image.id, "Ada"), Box(0, 0, 40, 60)).any()


def test_edits_are_different_every_time() -> None:
    """The generator of the tests makes all kinds of edits, else they would prove little."""
    document, kinds = Document("image1", "Ada"), set()
    for edit in random_edits(1, 300):
        change = edit(document)
        kinds |= {(c.item is None, c.place is None) for c in change.changes} | ({"tasks"} if change.tasks is not None else set())
        document = apply_edit(document, change)
    assert kinds == {(True, True), (False, True), (False, False), "tasks"}
    assert {item.kind for item in document.objects} == {"polygon", "box", "ellipse", "point", "mask", "area"}


def test_random_is_seeded() -> None:
    """The same seed gives the same edits, ids included."""
    states = []
    for _ in range(2):
        document = Document("image1", "Ada")
        for edit in random_edits(5, 50):
            document = apply_edit(document, edit(document))
        states.append(document)
    assert states[0] == states[1]
    assert random.Random(0).random() == random.Random(0).random()


def test_the_folder_holds_snapshot_and_journal_only(project: Project, image: ImageRecord) -> None:
    """And the lock."""
    editor = _editor(project, image)
    editor.apply(put(new_object(Point(1, 1))))
    editor.close()
    folder: Path = project.layout.annotation(image.id, "Ada").root
    assert sorted(p.name for p in folder.iterdir()) == [".lock", "journal.jsonl", "snapshot.geojson"]
