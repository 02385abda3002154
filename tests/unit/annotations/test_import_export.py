"""Annotations come in from files and go out to files, and nothing is lost or doubled on the way."""

import json
import sys

import numpy as np
import pytest

from labkit.annotations import (
    Document,
    Editor,
    authors,
    export_annotations,
    import_annotations,
    new_object,
    open_document,
    rasterise_classes,
    rasterise_objects,
    save_document,
)
from labkit.annotations.edits import put
from labkit.errors import AlreadyExists, InvalidInput, LabKitError, NotFound, NotWritable, UnreadableImage, UnsupportedFormat
from labkit.events import Log
from labkit.formats.labels import read_labels, write_labels
from labkit.geometry import Box, Point, Rectangle, Region, shape_area
from labkit.project import Project
from labkit.testing.shapes import disc_labels, noise_labels, square, square_with_hole

PICTURE = Box(0, 0, 40, 60)


def save_labels(path, labels, dtype=np.uint16):
    write_labels(path, labels.shape, dtype, lambda box: labels[box.slices])
    return path


def feature(geometry, **more):
    return {"type": "Feature", "geometry": geometry, "properties": {}, **more}


def save_features(path, *features, **more):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **more}), encoding="utf-8")
    return path


SQUARE_XY = {"type": "Polygon", "coordinates": [[[10, 1], [14, 1], [14, 5], [10, 5], [10, 1]]]}


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_label_image_comes_in_and_goes_out_identical(project, image, tmp_path, suffix, seed):
    """Each id is an object with its id kept; noise with diagonals, holes and parts, and discs, come back to the pixel."""
    labels = noise_labels(3, (40, 60), 6) if seed else disc_labels(2, (40, 60), 9)
    report = import_annotations(project, image, save_labels(tmp_path / f"in{suffix}", labels), class_name="cell")
    ids = [int(k) for k in np.unique(labels) if k]
    assert (report.added, report.skipped, report.updated, report.revision, report.warnings) == (len(ids), 0, 0, 1, ())
    document = open_document(project, image.id, "Ada")
    assert [item.attributes["source_id"] for item in document.objects] == ids
    assert {(item.class_id, item.kind, item.source) for item in document.objects} == {(1, "polygon", f"import:{report.format}")}
    back = read_labels(export_annotations(project, image, tmp_path / f"out{suffix}"))
    assert np.array_equal(np.array([0, *ids])[back], labels)
    assert np.array_equal(rasterise_classes(document, PICTURE), (labels > 0).astype(np.uint8))


def test_a_label_image_counts_as_finished_unless_told_otherwise(project, image, tmp_path):
    """Its background is background; with finished=False nobody has looked there."""
    path = save_labels(tmp_path / "a.png", noise_labels(0, (40, 60), 2))
    assert not import_annotations(project, image, path, class_name="cell", author="Zoë", finished=False).finished
    assert import_annotations(project, image, path, class_name="cell").finished
    assert open_document(project, image.id, "Ada").finished


def test_the_same_file_twice_adds_nothing_and_changes_nothing(project, image, tmp_path):
    """What was edited since stays edited; the revision stays."""
    path = save_labels(tmp_path / "a.png", disc_labels(0, (40, 60), 5))
    import_annotations(project, image, path, class_name="cell")
    document = open_document(project, image.id, "Ada")
    edited = new_object(Point(3, 3)), document.objects[0]
    moved = type(edited[1])(id=edited[1].id, kind="point", shape=Point(9, 9), class_id=2, created=edited[1].created)
    saved = save_document(project, document.with_object(moved))
    report = import_annotations(project, image, path, class_name="cell")
    assert (report.added, report.updated, report.skipped) == (0, 0, len(document.objects))
    assert open_document(project, image.id, "Ada") == saved


def test_importing_adds_to_what_is_there(project, image, tmp_path):
    """Objects of two files and drawn ones stand together, in order of arrival."""
    drawn = new_object(square_with_hole(), class_id=2)
    save_document(project, Document(image.id, "Ada", objects=(drawn,)))
    for seed in (1, 2):
        import_annotations(project, image, save_labels(tmp_path / f"{seed}.png", disc_labels(seed, (40, 60), 3)), class_name="cell")
    document = open_document(project, image.id, "Ada")
    assert document.objects[0] == drawn
    assert len(document.objects) == 7
    assert document.revision == 3


def test_two_files_without_ids_do_not_merge(project, image, tmp_path):
    """Objects without an id are known by their file's content, so a second file adds its own."""
    a = save_features(tmp_path / "a.geojson", feature(SQUARE_XY))
    b = save_features(tmp_path / "b.geojson", feature({"type": "Point", "coordinates": [1, 2]}))
    for path in (a, b, a):
        import_annotations(project, image, path, class_name="cell")
    assert len(open_document(project, image.id, "Ada").objects) == 2


def test_labels_of_another_size_are_refused_with_both_sizes(project, image, tmp_path):
    """Nothing is made, not even the class."""
    path = save_labels(tmp_path / "a.png", noise_labels(0, (40, 61), 2))
    with pytest.raises(InvalidInput, match=r"40 x 61 .* 40 x 60"):
        import_annotations(project, image, path, class_name="new class")
    assert authors(project, image.id) == ()
    assert [c.name for c in Project.open(project.path).classes] == ["cell", "debris"]


def test_swapped_sides_are_named(project, image, tmp_path):
    """A label image that lies on its side is not taken for another picture."""
    path = save_labels(tmp_path / "a.png", noise_labels(0, (60, 40), 2))
    with pytest.raises(InvalidInput, match="swapped"):
        import_annotations(project, image, path, class_name="cell")


def test_labels_of_the_picture_as_stored_are_turned_with_it(project, make_image, tmp_path):
    """The picture was turned on import by its EXIF, its labels have none: both lie right, and a warning says so."""
    turned = make_image("turned", 4, 2, orientation=6)
    stored = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
    report = import_annotations(project, turned, save_labels(tmp_path / "a.png", stored), class_name="cell")
    assert "on its side" in report.warnings[0]
    upright = save_labels(tmp_path / "b.png", np.array([[5, 1], [6, 2], [7, 3], [8, 4]]))
    assert import_annotations(project, turned, upright, class_name="cell", author="Zoë").warnings == ()
    for author in ("Ada", "Zoë"):
        document = open_document(project, turned.id, author)
        ids = np.array([0, *(item.attributes["source_id"] for item in document.objects)])
        assert ids[rasterise_objects(document, Box(0, 0, 4, 2))].tolist() == [[5, 1], [6, 2], [7, 3], [8, 4]]


def test_a_label_image_needs_a_class(project, image, tmp_path):
    """Of several classes one must be named; the only one of a project is taken; an unknown one is made."""
    path = save_labels(tmp_path / "a.png", noise_labels(0, (40, 60), 2))
    with pytest.raises(InvalidInput, match="class") as caught:
        import_annotations(project, image, path)
    assert "cell, debris" in caught.value.hint
    import_annotations(project, image, path, class_name="Zellkern-ß 細胞")
    assert [c.name for c in Project.open(project.path).classes] == ["cell", "debris", "Zellkern-ß 細胞"]
    assert {item.class_id for item in open_document(project, image.id, "Ada").objects} == {3}


def test_a_file_of_qupath_comes_in(project, image, tmp_path):
    """Classes are made by name, foreign ids are kept, a line is left out by its number, other properties stay."""
    path = save_features(
        tmp_path / "Capture_décran.geojson",
        feature(SQUARE_XY, id=17, properties={"classification": {"name": "Tumor/α", "color": [1, 2, 3]}, "name": "first"}),
        feature(SQUARE_XY, id="f2a6c9a8-93f5-4f3e-9e7b-5a6f0c7b8d11", properties={"classification": {"name": "cell"}}),
        feature({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}),
        feature(SQUARE_XY),
    )
    events = []
    report = import_annotations(project, image, path, on_event=events.append)
    document = open_document(project, image.id, "Ada")
    assert (report.added, report.finished, report.format) == (3, False, "geojson")
    assert [item.class_id for item in document.objects] == [3, 1, None]
    assert Project.open(project.path).class_named("Tumor/α").id == 3
    assert document.objects[0].attributes == {"name": "first", "source_id": 17}
    assert document.objects[1].id == "f2a6c9a8-93f5-4f3e-9e7b-5a6f0c7b8d11"
    assert report.warnings == ("feature 3: a LineString covers no area; it was left out", "1 objects have no class")
    assert [event.text for event in events if isinstance(event, Log)] == list(report.warnings)
    assert [rasterise_objects(document, PICTURE)[y, x] for y, x in ((0, 10), (1, 9), (1, 10), (4, 13), (5, 13))] == [0, 0, 3, 3, 0]


def test_objects_without_a_pixel_are_kept_and_named(project, image, tmp_path):
    """A sub-pixel polygon and one wholly outside stay, with coordinates unchanged; the rest is not held up."""
    tiny = {"type": "Polygon", "coordinates": [[[2.1, 2.1], [2.4, 2.1], [2.4, 2.4], [2.1, 2.4], [2.1, 2.1]]]}
    outside = {"type": "Polygon", "coordinates": [[[-9, -9], [-5, -9], [-5, -5], [-9, -9]]]}
    report = import_annotations(
        project, image, save_features(tmp_path / "a.json", feature(tiny), feature(outside), feature(SQUARE_XY)), class_name="cell"
    )
    document = open_document(project, image.id, "Ada")
    assert document.objects[0].shape == Region((square(2.1, 2.1, 2.4, 2.4),))
    assert [item.id in text for item, text in zip(document.objects, report.warnings, strict=False)] == [True, True]
    assert all("rasterises to nothing" in text for text in report.warnings)
    events = []
    export_annotations(project, image, tmp_path / "out.png", on_event=events.append)
    assert [document.objects[k].id in events[k].text for k in (0, 1)] == [True, True]
    assert np.unique(read_labels(tmp_path / "out.png")).tolist() == [0, 3]


def test_a_document_that_is_sent_merges_by_id(project, image, tmp_path):
    """A student's file goes into the professor's copy under the student's name; sent again, it updates and adds."""
    first = new_object(square_with_hole(), class_id=2, author="Zoë", attributes={"note": "ß"})
    document = save_document(project, Document(image.id, "Zoë", objects=(first,)).with_task("outline"))
    sent = export_annotations(project, image, tmp_path / "sent.geojson", author="Zoë")
    copy = Project.create(tmp_path, "copy", classes=["debris"])
    copy.layout.image(image.id).root.mkdir(parents=True)
    copy.layout.image(image.id).record.write_bytes(project.layout.image(image.id).record.read_bytes())
    assert import_annotations(copy, image, sent).author == "Zoë"
    moved = type(first)(first.id, "polygon", Region((square(0, 0, 3, 3),)), 1, created=first.created)
    save_document(project, document.with_objects([moved, new_object(Point(5, 5))]).with_task())
    report = import_annotations(copy, image, export_annotations(project, image, sent, author="Zoë", overwrite=True))
    received = open_document(copy, image.id, "Zoë")
    assert (report.added, report.updated, report.skipped) == (1, 1, 0)
    assert received.completed_tasks == ("outline", "finished")
    names = {c.id: c.name for c in Project.open(copy.path).classes}
    assert [names.get(item.class_id) for item in received.objects] == ["cell", None]  # by name, whatever the number was
    assert received.objects[0].shape == moved.shape


def test_everything_survives_geojson(project, image, tmp_path):
    """All kinds, order, marks and attributes come back equal in another author's document, and again byte for byte."""
    objects = (
        new_object(square_with_hole(), class_id=1, author="Ada", attributes={"name": "a", "source_id": 4}),
        new_object(Rectangle(0.5, 1.25, 7, 9), class_id=2, author="Ada", source="model:unet"),
        new_object(Point(39.5, 0.1), author="Ada"),
        new_object(Rectangle(0, 0, 40, 60), kind="area", author="Ada"),
    )
    saved = save_document(project, Document(image.id, "Ada", completed_tasks=("finished",), objects=objects))
    path = export_annotations(project, image, tmp_path / "a.geojson")
    import_annotations(project, image, path, author="Zoë")
    received = open_document(project, image.id, "Zoë")
    assert (received.objects, received.completed_tasks) == (saved.objects, saved.completed_tasks)
    assert export_annotations(project, image, tmp_path / "b.geojson", author="Ada").read_bytes() == path.read_bytes()


def test_a_mask_holds_classes_by_the_background_rule(project, image, tmp_path):
    """0 only where background is known, 255 elsewhere."""
    objects = (new_object(Rectangle(0, 0, 10, 10), kind="area"), new_object(square_with_hole(), class_id=2))
    save_document(project, Document(image.id, "Ada", objects=objects))
    mask = read_labels(export_annotations(project, image, tmp_path / "mask.png", format="mask"))
    assert mask.dtype == np.uint8
    assert dict(zip(*np.unique(mask, return_counts=True), strict=True)) == {0: 52, 2: 48, 255: 2300}


def test_class_ids_do_not_depend_on_use(project, image, tmp_path):
    """Only the second class is used: it keeps its number in masks, also after its neighbour is deleted."""
    a, b = new_object(Point(1, 1), class_id=1), new_object(Point(2, 2), class_id=2)
    document = save_document(project, Document(image.id, "Ada", objects=(a, b)))
    save_document(project, document.without(a.id))
    mask = read_labels(export_annotations(project, image, tmp_path / "mask.png", format="mask"))
    assert np.unique(mask).tolist() == [2, 255]


@pytest.mark.parametrize("name", ["out.geojson", "out.tif", "out.png", "out.npy"])
def test_a_file_that_is_there_is_not_overwritten_unasked(project, image, tmp_path, name):
    """Neither a file nor a folder; on purpose it is, and the bytes repeat."""
    save_document(project, Document(image.id, "Ada", objects=(new_object(square_with_hole(), class_id=1),)))
    path = export_annotations(project, image, tmp_path / name)
    first = path.read_bytes()
    with pytest.raises(AlreadyExists):
        export_annotations(project, image, path)
    assert export_annotations(project, image, path, overwrite=True).read_bytes() == first
    (tmp_path / f"folder{path.suffix}").mkdir()
    with pytest.raises(AlreadyExists):
        export_annotations(project, image, tmp_path / f"folder{path.suffix}", overwrite=True)


def test_an_export_needs_a_format_and_a_document(project, image, tmp_path):
    """Unknown suffixes and formats, and authors without annotations, are refused with what is known."""
    with pytest.raises(NotFound) as missing:
        export_annotations(project, image, tmp_path / "a.geojson")
    assert "nobody" in missing.value.hint
    save_document(project, Document(image.id, "Zoë"))
    assert export_annotations(project, image, tmp_path / "a.geojson").is_file()  # the only document there is
    for name, wanted, text in (("a.xyz", None, "suffix"), ("a.png", "coco", "coco"), ("a.geojson", "mask", "label image")):
        with pytest.raises(InvalidInput, match=text):
            export_annotations(project, image, tmp_path / "out" / name, format=wanted)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_told(project, image, tmp_path):
    """A path through a file is the user's error, not ours."""
    save_document(project, Document(image.id, "Ada"))
    (tmp_path / "file").write_text("")
    for name in ("a.geojson", "a.tif", "a.png"):
        with pytest.raises((NotFound, NotWritable, AlreadyExists)):
            export_annotations(project, image, tmp_path / "file" / name)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", UnreadableImage),
        (b"hello", UnsupportedFormat),
        (b"\x89PNG\r\n\x1a\n", UnreadableImage),
        (b"II*\0", UnreadableImage),
        (b"{", InvalidInput),
        (b'{"type":"FeatureCollection","features":[5]}', InvalidInput),
        (b'{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"properties":{}}, {}]}', InvalidInput),
        (b"\xef\xbb\xbf \n[]x", InvalidInput),
        (None, NotFound),
    ],
)
def test_a_bad_file_changes_nothing(project, image, tmp_path, content, error):
    """One line, a hint, and neither a document nor a class is made."""
    path = tmp_path / "bad.geojson"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LabKitError) as caught:
        import_annotations(project, image, path, class_name="new class")
    assert type(caught.value) is error
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert authors(project, image.id) == ()
    assert len(Project.open(project.path).classes) == 2


def test_holes_are_not_objects(project, image, tmp_path):
    """The outer and inner square come in as one instance of 48 pixels and go out as one polygon."""
    labels = np.zeros((40, 60), np.uint16)
    labels[1:9, 1:9] = 1
    labels[3:7, 3:7] = 0
    import_annotations(project, image, save_labels(tmp_path / "a.png", labels), class_name="cell")
    (item,) = open_document(project, image.id, "Ada").objects
    assert shape_area(item.shape) == 48
    geometry = json.loads(export_annotations(project, image, tmp_path / "a.geojson").read_bytes())["features"][0]["geometry"]
    assert (geometry["type"], len(geometry["coordinates"])) == ("Polygon", 2)


def test_an_area_of_a_file_has_no_class(project, image, tmp_path):
    """class_name is for objects; an annotated area stays without."""
    save_document(project, Document(image.id, "Ada", objects=(new_object(Rectangle(0, 0, 4, 4), kind="area"),)))
    path = export_annotations(project, image, tmp_path / "a.geojson")
    import_annotations(project, image, path, author="Zoë", class_name="cell")
    (area,) = open_document(project, image.id, "Zoë").objects
    assert (area.kind, area.class_id) == ("area", None)


def test_a_save_in_between_is_merged_with(project, image, tmp_path, monkeypatch):
    """While a file is imported somebody saves another object: both are there."""
    drawn = new_object(Point(1, 1))
    importing = sys.modules["labkit.annotations.importing"]

    class EditorAfterSomebody(Editor):
        def change(self, edit_for, **kwargs):
            save_document(project, open_document(project, image.id, "Ada").with_object(drawn))
            return super().change(edit_for, **kwargs)

    monkeypatch.setattr(importing, "Editor", EditorAfterSomebody)
    report = import_annotations(project, image, save_features(tmp_path / "a.geojson", feature(SQUARE_XY)), class_name="cell")
    objects = open_document(project, image.id, "Ada").objects
    assert (report.added, report.revision, len(objects)) == (1, 2, 2)
    assert objects[0] == drawn


def test_an_import_is_one_step_that_can_be_undone(project, image, tmp_path):
    """What was drawn before stays, and can be undone too."""
    drawn = new_object(Point(1, 1))
    editor = Editor(project, image.id, "Ada")
    editor.apply(put(drawn))
    import_annotations(project, image, save_features(tmp_path / "a.geojson", feature(SQUARE_XY), feature(SQUARE_XY)), author="Ada")
    assert len(editor.refresh().objects) == 3
    editor.undo()
    assert editor.document.objects == (drawn,)
    editor.undo()
    assert editor.document.objects == ()
