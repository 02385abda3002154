"""What changed between two sets, and since one was built; versions of a name; sets of older programs."""

from __future__ import annotations

import json

import pytest

from labkit.annotations import new_object
from labkit.datasets import (
    PartBox,
    SetSpec,
    SplitSpec,
    TileRule,
    TrainingSetRecord,
    build_from_spec,
    build_training_set,
    changes_since,
    compare_sets,
    list_training_sets,
    open_training_set,
)
from labkit.geometry import Rectangle
from labkit.project import Project
from labkit.storage import load_record
from labkit.testing.commands import files_in

from .conftest import Drawer

BANDS = SplitSpec(kind="bands", gap_px=8)
SPEC = SetSpec(name="s", chip_px=16, split=BANDS)


def box(*edges: float) -> object:
    return new_object(Rectangle(*edges), class_id=1)


def test_nothing_changed(project: Project, drawn: Drawer) -> None:
    """A set is what its wish would give now; looking writes nothing."""
    drawn("a", box(0, 0, 20, 20), finished=True)
    data, before = build_from_spec(project, SPEC), files_in(project.path)
    found = changes_since(project, data)
    assert found.same
    assert found.lines == (f"{data.key} and s now have the same content.",)
    assert files_in(project.path) == before


def test_what_was_drawn_since_is_told(project: Project, drawn: Drawer) -> None:
    """A new object: annotated anew, with its pixels, and in no other part; a new image: added."""
    drawn("a", box(0, 0, 20, 20), finished=True)
    data = build_from_spec(project, SPEC)
    drawn("a", box(0, 140, 10, 150))
    drawn("b", finished=True)
    found = changes_since(project, data)
    assert ([c.name for c in found.annotated_anew], [c.name for c in found.added]) == (["a.tif"], ["b.tif"])
    assert (found.same, found.removed, found.moved, found.settings) == (False, (), (), ())
    [test] = [row for row in found.pixels if (row.part, row.class_id) == ("test", 1)]
    assert (test.before, test.after) == (0, 100)
    assert any("a.tif" in line and "revision 1" in line for line in found.lines)


def test_two_sets_are_compared_by_content_parts_and_settings(project: Project, drawn: Drawer) -> None:
    """Other boxes of one image, other tiles, other chips."""
    image = drawn("a", box(0, 0, 20, 20), finished=True)
    one = build_from_spec(project, SPEC)
    boxes = (PartBox(image=image.id, part="train", box=(0, 0, 128, 100)), PartBox(image=image.id, part="val", box=(0, 120, 128, 160)))
    wish = {"split": SplitSpec(kind="boxes", boxes=boxes), "tiles": TileRule(kind="annotated"), "chip_px": 32}
    other = build_from_spec(project, SPEC.model_copy(update=wish))
    found = compare_sets(one, other)
    assert [(c.before, c.after) for c in found.moved] == [("train and val and test", "train and val")]
    assert {"chip_px", "split.kind", "split.boxes", "tiles.kind"} <= {row.name for row in found.settings}
    assert not found.same
    assert compare_sets(one, one).same


def test_a_class_that_was_added_is_told(project: Project, drawn: Drawer) -> None:
    """The classes are part of a set's content."""
    drawn("a", finished=True)
    data = build_from_spec(project, SPEC)
    project.add_classes(["axon"])
    found = changes_since(project, data)
    assert [row.name for row in found.settings] == ["classes"]
    assert build_from_spec(project, SPEC).key != data.key


def test_a_set_that_could_not_be_built_any_more_says_why(project: Project, drawn: Drawer) -> None:
    """The image is gone; the set is still there."""
    image = drawn("a", box(0, 0, 20, 20), finished=True)
    data = build_from_spec(project, SPEC)
    project.layout.image(image.id).record.unlink()
    found = changes_since(project, data)
    assert (found.same, len(found.problems), [c.name for c in found.removed]) == (False, 1, ["a.tif"])
    assert found.lines[0].startswith("It could not be built now")
    assert len(data.chips("train")) > 0


def test_sets_of_a_name_are_counted(project: Project, drawn: Drawer) -> None:
    """1, 2, and for the same content again the one that is there; another name begins anew. Old ones stay as they are."""
    drawn("a", box(0, 0, 20, 20), finished=True)
    first = build_from_spec(project, SPEC)
    before = files_in(first.layout.root)
    drawn("a", box(0, 140, 10, 150))
    second, again = build_from_spec(project, SPEC), build_from_spec(project, SPEC)
    other = build_from_spec(project, SPEC.model_copy(update={"name": "t"}))
    assert [data.record.version for data in (first, second, again, other)] == [1, 2, 2, 1]
    assert files_in(first.layout.root) == before
    assert open_training_set(project, "s").key == second.key
    assert other.record.hash == second.record.hash


def test_the_wish_is_kept_so_that_it_means_the_same_to_others(project: Project, drawn: Drawer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks later, under another name, asks for the annotations of the same author."""
    image = drawn("a", box(0, 0, 20, 20), finished=True)
    data = build_training_set(project, "s", images=["a.tif"], chip_px=16, split=BANDS)
    assert data.record.spec == SPEC.model_copy(update={"author": "tester", "images": (image.id,)})
    monkeypatch.setenv("LABKIT_AUTHOR", "somebody else")
    assert changes_since(project, data).same


def test_a_manifest_of_an_older_program_still_opens(project: Project, drawn: Drawer) -> None:
    """Without wish, version and groups; and what changed since can be asked of it too."""
    drawn("a", box(0, 0, 20, 20), finished=True)
    data = build_from_spec(project, SPEC)
    old = json.loads(data.layout.manifest.read_text())
    del old["spec"], old["version"]
    for image in old["images"]:
        del image["group"]
    data.layout.manifest.write_text(json.dumps(old))
    [opened] = list_training_sets(project)
    assert (opened.record.spec, opened.record.version) == (None, 1)
    assert load_record(data.layout.manifest, TrainingSetRecord).hash == data.record.hash
    assert changes_since(project, opened).same
    drawn("a", box(0, 140, 10, 150))
    assert [c.name for c in changes_since(project, opened).annotated_anew] == ["a.tif"]
