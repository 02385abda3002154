"""Files of other programs come in and go out: what they say of themselves, what is refused, and what is said in words."""

from __future__ import annotations

import json

import pytest

from labkit.annotations import (
    Document,
    export_annotations,
    import_annotations,
    new_object,
    open_document,
    save_document,
)
from labkit.errors import Conflict, CorruptStore, InvalidInput, LabKitError, NotFound
from labkit.geometry import Point, Rectangle
from labkit.project import Project

LABELLER = {
    "image_filename": "image1.png",
    "complete": True,
    "microscope": {"gain": 2},
    "labels": [
        {
            "label_type": "polygon",
            "label_class": "lake",
            "object_id": 3,
            "vertices": [{"x": 1, "y": 1}, {"x": 9, "y": 1}, {"x": 9, "y": 9}],
        },
        {"label_type": "composite", "label_class": None, "components": [3]},
    ],
}


def save_json(path, root):
    path.write_text(json.dumps(root), encoding="utf-8")
    return path


def test_a_labeller_file_comes_in_and_goes_out_of_a_project(project, image, tmp_path):
    """The class is made, the mark of completion kept, and what the file says of itself lies in the snapshot until it goes out again."""
    report = import_annotations(project, image, save_json(tmp_path / "a.json", LABELLER))
    assert (report.format, report.added, report.finished) == ("labeller", 1, True)
    document = open_document(project, image.id, "Ada")
    assert document.objects[0].attributes["source_id"] == 3
    assert Project.open(project.path).class_named("lake").id == document.objects[0].class_id
    out = json.loads(export_annotations(project, image, tmp_path / "out__labels.json").read_bytes())
    assert (out["microscope"], out["completed_tasks"]) == ({"gain": 2}, ["finished"])
    assert out["labels"][1]["components"] == [out["labels"][0]["object_id"]]
    again = import_annotations(project, image, tmp_path / "out__labels.json")
    assert (again.added, again.skipped, again.revision) == (0, 1, report.revision)


def test_metadata_is_in_the_snapshot_only_where_there_is_any(project, image, tmp_path):
    """A document without it is written as before."""
    save_document(project, Document(image.id, "Ada"))
    snapshot = project.layout.annotation(image.id, "Ada").snapshot
    assert b"metadata" not in snapshot.read_bytes()
    import_annotations(project, image, save_json(tmp_path / "a.json", LABELLER))
    assert open_document(project, image.id, "Ada").metadata["labeller"]["microscope"] == {"gain": 2}


def test_metadata_travels_with_a_document_of_ours(project, image, tmp_path):
    """GeoJSON holds everything, so that Labeller's file can still be made from it elsewhere."""
    import_annotations(project, image, save_json(tmp_path / "a.json", LABELLER))
    path = export_annotations(project, image, tmp_path / "a.geojson")
    import_annotations(project, image, path, author="Zoë")
    assert open_document(project, image.id, "Zoë").metadata == open_document(project, image.id, "Ada").metadata


def test_two_labeller_files_in_one_document_lose_nothing(project, image, tmp_path):
    """What is here stays, what it lacks is added: keys of the file, and composites."""
    other = {"stain": "HE", "microscope": {"gain": 9}, "labels": [label | {} for label in LABELLER["labels"]]}
    other["labels"][0] = other["labels"][0] | {"object_id": 4}
    other["labels"][1] = other["labels"][1] | {"components": [4]}
    for name, root in (("a.json", LABELLER), ("b.json", other)):
        import_annotations(project, image, save_json(tmp_path / name, root))
    out = json.loads(export_annotations(project, image, tmp_path / "out__labels.json").read_bytes())
    assert (out["microscope"], out["stain"]) == ({"gain": 2}, "HE")
    polygons, composites = out["labels"][:2], out["labels"][2:]
    assert [composite["components"] for composite in composites] == [[polygon["object_id"]] for polygon in polygons]


def test_a_snapshot_with_broken_metadata_is_no_document(project, image):
    """It is refused in words, as every snapshot that is not as it was written."""
    save_document(project, Document(image.id, "Ada", metadata={"labeller": {"a": 1}}))
    snapshot = project.layout.annotation(image.id, "Ada").snapshot
    snapshot.write_bytes(snapshot.read_bytes().replace(b'{"labeller":{"a":1}}', b'"labeller"'))
    with pytest.raises(CorruptStore):
        open_document(project, image.id, "Ada")


def test_finished_can_be_said_otherwise(project, image, tmp_path):
    """The caller's word counts more than the mark of the file."""
    path = save_json(tmp_path / "a.json", LABELLER)
    assert not import_annotations(project, image, path, author="Zoë", finished=False).finished


def test_an_automatic_outline_is_moved_on_demand(project, image, tmp_path):
    """By half a pixel, off by default."""
    point = {"label_type": "point", "label_class": "cell", "position": {"x": 3, "y": 4}, "source": "auto:dextr"}
    path = save_json(tmp_path / "a.json", [point])
    import_annotations(project, image, path)
    import_annotations(project, image, path, author="Zoë", shift_auto=True)
    shapes = [open_document(project, image.id, author).objects[0].shape for author in ("Ada", "Zoë")]
    assert shapes == [Point(4, 3), Point(4.5, 3.5)]


def yolo_file(folder, text="1 .5 .5 .5 .5\n", **beside):
    folder.mkdir(exist_ok=True)
    for name, content in beside.items():
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8")
    path = folder / "a.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_yolo_takes_its_names_from_beside_the_file(project, image, tmp_path):
    """From `classes.txt` or the names of `data.yaml`; without either it needs a class."""
    for author, beside in (("Ada", {"classes_txt": "x\nlake\n"}), ("Zoë", {"data_yaml": "names: [x, lake]\n"})):
        import_annotations(project, image, yolo_file(tmp_path / author, **beside), author=author)
        (item,) = open_document(project, image.id, author).objects
        assert (item.shape, item.class_id) == (Rectangle(10, 15, 30, 45), Project.open(project.path).class_named("lake").id)
    with pytest.raises(InvalidInput, match="no names beside it") as caught:
        import_annotations(project, image, yolo_file(tmp_path / "none"))
    assert "classes.txt" in caught.value.hint
    assert "--class" in caught.value.hint


def test_yolo_classes_that_all_become_one_are_named(project, image, tmp_path):
    """A class given by hand stands for every number of the file."""
    path = yolo_file(tmp_path, "1 .5 .5 .5 .5\n4 .1 .1 .1 .1\n")
    report = import_annotations(project, image, path, class_name="cell")
    assert report.warnings == ("the classes 1, 4 of the file all became one",)


def test_yolo_writes_the_names_beside_the_file_and_never_over_others(project, image, tmp_path):
    """The same names may be there; with others nothing is written."""
    save_document(project, Document(image.id, "Ada", objects=(new_object(Rectangle(1, 1, 8, 8), class_id=2),)))
    for name in ("a.txt", "b.txt"):
        export_annotations(project, image, tmp_path / name, format="yolo")
    assert (tmp_path / "classes.txt").read_text(encoding="utf-8") == "cell\ndebris\n"
    assert (tmp_path / "a.txt").read_text(encoding="utf-8").startswith("1 ")
    project.add_classes(["lake"])
    with pytest.raises(Conflict, match=r"classes\.txt"):
        export_annotations(project, image, tmp_path / "c.txt", format="yolo")
    assert not (tmp_path / "c.txt").exists()
    assert (tmp_path / "classes.txt").read_text(encoding="utf-8") == "cell\ndebris\n"


def test_a_broken_file_adds_no_class(project, image, tmp_path):
    """What may be refused is refused before anything is made."""
    labels = [{"label_type": "point", "label_class": f"new {k}", "position": {"x": 1, "y": y}} for k, y in enumerate((1, "2"))]
    with pytest.raises(InvalidInput, match="label 2"):
        import_annotations(project, image, save_json(tmp_path / "a.json", labels))
    assert [item.name for item in Project.open(project.path).classes] == ["cell", "debris"]


def test_a_reserved_attribute_or_an_endless_class_is_named_with_the_file(project, image, tmp_path):
    """What our objects refuse is told with the place in the file."""
    notes = {"labkit": {"attributes": {"classification": 1}}}
    label = {"label_type": "point", "label_class": "cell", "position": {"x": 1, "y": 1}}
    with pytest.raises(InvalidInput, match=r"a\.json: object 1: "):
        import_annotations(project, image, save_json(tmp_path / "a.json", [label | {"anno_data": notes}]))
    with pytest.raises(InvalidInput, match=r"a\.json: "):
        import_annotations(project, image, save_json(tmp_path / "a.json", [label | {"label_class": "x" * 300}]))


@pytest.mark.parametrize(
    ("name", "file"), [("geojson", "a.geojson"), ("labeller", "a__labels.json"), ("coco", "a.json"), ("yolo", "a.txt"), ("voc", "a.xml")]
)
def test_a_file_that_is_cut_short_is_refused_or_read_whole_lines_only(project, image, tmp_path, name, file):
    """At any place: an error of ours, and never a traceback or another kind of object."""
    save_document(project, Document(image.id, "Ada", objects=(new_object(Rectangle(1, 1, 8, 8), class_id=1),)))
    data = export_annotations(project, image, tmp_path / file, format=name).read_bytes()
    path = tmp_path / ("cut.txt" if name == "yolo" else "cut.json")
    for length in range(1, len(data) - 3, 7):
        path.write_bytes(data[:length])
        try:
            report = import_annotations(project, image, path, author="Zoë")
        except LabKitError:
            continue
        assert (name, report.added <= 1) == ("yolo", True)


def test_a_picture_or_a_text_is_refused_with_what_would_do(project, image, tmp_path):
    """The message names the formats."""
    path = tmp_path / "a.txt"
    path.write_text("hello world", encoding="utf-8")
    with pytest.raises(LabKitError, match="COCO"):
        import_annotations(project, image, path)
    with pytest.raises(NotFound):
        import_annotations(project, image, tmp_path)


@pytest.mark.parametrize(
    "root",
    [
        {"image_filename": "other.png", "labels": []},
        {"images": [{"id": 1, "file_name": "train/other.png"}], "annotations": [], "categories": []},
    ],
)
def test_a_file_of_another_image_is_named(project, image, tmp_path, root):
    """Somebody may have taken the wrong one; it comes in all the same."""
    (warning,) = import_annotations(project, image, save_json(tmp_path / "a.json", root)).warnings
    assert "other.png, not for image1.png" in warning


@pytest.mark.parametrize(
    ("root", "words"),
    [
        ([{"image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}], "results of COCO"),
        ({"shapes": []}, "no FeatureCollection"),
    ],
)
def test_json_that_is_no_file_of_annotations_is_refused(project, image, tmp_path, root, words):
    """Results of COCO have neither classes nor images; of others the hint says what would do."""
    with pytest.raises(InvalidInput, match=words) as caught:
        import_annotations(project, image, save_json(tmp_path / "a.json", root))
    assert "COCO instances" in caught.value.hint
