"""Every kind of object through every format: what comes back, and what is named because it cannot.

`docs/annotation-formats.md` is the table of what these tests see; with LABKIT_WRITE_ANNOTATION_FORMATS=1 it is written anew.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import zarr
from ome_zarr_models.v05.image_label import ImageLabel

from labkit.annotations import (
    EXPORT_FORMATS,
    AnnotationObject,
    Document,
    export_annotations,
    import_annotations,
    new_object,
    open_document,
    rasterise_objects,
    save_document,
)
from labkit.errors import AlreadyExists, Conflict, CorruptStore, InvalidInput, LabKitError, NotFound, UnreadableImage
from labkit.events import Event, Log
from labkit.geometry import Box, Ellipse, Mask, Point, Rectangle, Region, bounds, rasterise
from labkit.project import ImageRecord, Project
from labkit.storage import save_record, utc_now
from labkit.testing.shapes import square, star
from labkit.tiling import open_store, verify

_PAGE = Path(__file__).parents[3] / "docs" / "annotation-formats.md"
_WRITING = os.environ.get("LABKIT_WRITE_ANNOTATION_FORMATS") == "1"
PICTURE = Box(0, 0, 120, 150)
STRANGE = 'Zellkern-ß 細胞/"q"\n2'
KINDS = (
    "polygon",
    "hole",
    "two parts",
    "island",
    "box",
    "ellipse",
    "point",
    "mask",
    "annotated area",
    "plane z",
    "attributes",
    "proposal",
    "no class",
    "non-ASCII class",
)
FILES = {
    "geojson": "a.geojson",
    "labels": "a.tif",
    "mask": "a.png",
    "labeller": "a__labels.json",
    "coco": "a.json",
    "yolo": "a.txt",
    "yolo-seg": "a.txt",
    "voc": "a.xml",
    "ome-zarr": "a.zarr",
}


def _ring(y: float, x: float, side: float) -> np.ndarray:
    return square(y, x, y + side, x + side)


def _objects(class_ids: dict[str, int]) -> dict[str, AnnotationObject]:
    """Return an object of each kind, each of a class of its own and in a place of its own, so that it is known again in any format."""
    rng = np.random.default_rng(4)
    painted = rng.random((12, 14)) < 0.6
    shapes = {
        "polygon": star(3, (12, 12), (5, 10), 9),
        "hole": Region((_ring(2.25, 30.5, 20), _ring(7.75, 35.25, 8))),
        "two parts": Region((_ring(2.25, 60.5, 8), _ring(14.75, 70.25, 6))),
        "island": Region((_ring(2.25, 90.5, 20), _ring(5.25, 93.75, 14), _ring(9.5, 97.25, 6))),
        "box": Rectangle(30.25, 3.5, 44.75, 20.125),
        "ellipse": Ellipse(38, 42, 10, 6, 0.5),
        "point": Point(38.5, 68.25),
        "mask": Mask.from_array(painted, 30, 90),
        "plane z": Rectangle(60, 4, 70, 20),
        "attributes": Rectangle(60, 30, 70, 44),
        "proposal": Rectangle(60, 60, 70, 74),
        "no class": Rectangle(60, 90, 70, 104),
        "non-ASCII class": Rectangle(80, 4, 90, 20),
    }
    more = {
        "plane z": {"z": 2},
        "attributes": {"attributes": {"grade": 3, "notes": ["ü", None]}},
        "proposal": {"status": "proposed", "source": "model:m"},
    }
    found = {
        kind: new_object(shape, class_id=None if kind == "no class" else class_ids[_class_of(kind)], **more.get(kind, {}))
        for kind, shape in shapes.items()
    }
    return found | {"annotated area": new_object(Rectangle(100, 100, 118, 140), kind="area")}


def _class_of(kind: str) -> str:
    return STRANGE if kind == "non-ASCII class" else kind


@dataclass(frozen=True)
class Trip:
    """A document that went out in a format and came in again: what was told, and what there is now."""

    drawn: dict[str, AnnotationObject]
    told: tuple[str, ...]
    back: Document
    names: dict[int, str]
    numbers: dict[int, str]  # the number of an object in a label image, or of its class in a mask


@pytest.fixture(scope="module")
def trips(tmp_path_factory) -> dict[str, Trip]:
    """Take the same document through every format, each time in a project of its own."""
    return {name: _travel(tmp_path_factory.mktemp("trip"), name) for name in EXPORT_FORMATS}


def _travel(folder: Path, name: str) -> Trip:
    project = Project.create(folder, "study", classes=[_class_of(kind) for kind in KINDS if kind not in ("no class", "annotated area")])
    image = _add_image(project)
    drawn = _objects({item.name: item.id for item in project.classes})
    save_document(project, Document("a", "Ada", completed_tasks=("finished",), objects=tuple(drawn.values())))
    told: list[str] = []
    tell = partial(_note, told)
    path = export_annotations(project, image, folder / FILES[name], author="Ada", format=name, on_event=tell)
    import_annotations(project, image, path, author="Zoë", class_name="polygon" if name in ("labels", "mask") else None)
    numbers = dict(enumerate(drawn, 1))
    if name == "mask":
        numbers = {item.class_id: kind for kind, item in drawn.items() if item.class_id} | {255: "no class"}
    names = {item.id: item.name for item in Project.open(project.path).classes}
    return Trip(drawn, tuple(told), open_document(project, "a", "Zoë"), names, numbers)


def _add_image(project: Project) -> ImageRecord:
    record = ImageRecord(
        id="a",
        name="Capture_décran.png",
        sha256="0" * 64,
        axes=("y", "x"),
        shape=PICTURE.shape,
        dtype="uint8",
        levels=(PICTURE.shape,),
        software="test",
        imported=utc_now(),
    )
    save_record(project.layout.image("a").record, record)
    return record


def _note(told: list[str], event: Event) -> None:
    if isinstance(event, Log):
        told.append(event.text)


def _outcome(trip: Trip, name: str, kind: str) -> str:
    """Say what became of the object of a kind: a word of the page's table."""
    drawn = trip.drawn[kind]
    named = any(drawn.id in text for text in trip.told)
    back = _found(trip, name, kind)
    if back is None:
        if kind == "proposal":
            return "stays here"
        if (name, kind) == ("mask", "annotated area"):
            return "as background"
        assert named, f"{name} lost the {kind} without a word"
        return "named, left out"
    shape = _how_alike(drawn, back, outlined=name not in ("labels", "mask", "ome-zarr"))
    assert shape, f"{name} changed the {kind} beyond recognition: {back.shape!r}"
    if (kind == "plane z" and back.z != drawn.z) or (kind == "attributes" and not _has_attributes(back, drawn)):
        assert named, f"{name} lost the {kind} without a word"
        return f"shape {shape}, named"
    if name not in ("labels", "mask"):
        assert (back.kind == "area", back.class_id) == (drawn.kind == "area", drawn.class_id), f"{name} changed the class of the {kind}"
    if shape in ("as box", "as polygon"):
        assert named, f"{name} changed the {kind} without a word"
    return shape


def _has_attributes(back: AnnotationObject, drawn: AnnotationObject) -> bool:
    return drawn.attributes.items() <= back.attributes.items()


def _found(trip: Trip, name: str, kind: str) -> AnnotationObject | None:
    """Return the object that came back: by its id where the format keeps it, else by its number, else by its class."""
    objects = trip.back.objects
    if name in ("geojson", "labeller", "ome-zarr"):
        return next((item for item in objects if item.id == trip.drawn[kind].id), None)
    if name in ("labels", "mask"):
        return next((item for item in objects if trip.numbers.get(item.attributes["source_id"]) == kind), None)
    return next((item for item in objects if item.class_id and trip.names[item.class_id] == _class_of(kind)), None)


def _how_alike(drawn: AnnotationObject, back: AnnotationObject, *, outlined: bool) -> str:
    before, after = (rasterise(item.shape, PICTURE) for item in (drawn, back))
    if type(drawn.shape) is type(back.shape) and (drawn.shape == back.shape or _close(drawn, back)):
        return "exact"
    if isinstance(back.shape, Rectangle) and np.allclose(bounds(drawn.shape), bounds(back.shape), atol=1e-6):
        return "as box"
    if outlined and isinstance(back.shape, Region) and isinstance(drawn.shape, Ellipse | Rectangle):
        return "as polygon" if (before & after).sum() > 0.97 * (before | after).sum() else ""
    return "as pixels" if np.array_equal(before, after) else ""


def _close(drawn: AnnotationObject, back: AnnotationObject) -> bool:
    """Return whether two shapes differ by less than a millionth of a pixel: a format of decimal shares is as exact as that."""
    if isinstance(drawn.shape, Rectangle | Ellipse):
        return np.allclose(bounds(drawn.shape), bounds(back.shape), rtol=0, atol=1e-6)
    if isinstance(drawn.shape, Region) and len(drawn.shape.rings) == len(back.shape.rings):
        pairs = zip(drawn.shape.rings, back.shape.rings, strict=True)
        return all(a.shape == b.shape and np.allclose(a, b, rtol=0, atol=1e-6) for a, b in pairs)
    return False


def _table(trips: dict[str, Trip]) -> dict[str, dict[str, str]]:
    return {kind: {name: _outcome(trip, name, kind) for name, trip in trips.items()} for kind in KINDS}


def _page(table: dict[str, dict[str, str]]) -> str:
    """Return docs/annotation-formats.md."""
    lines = [
        "# Annotation formats",
        "",
        "What comes back of each kind of object that goes out in a format and comes in again.",
        "`tests/unit/annotations/test_formats.py` takes them through every format, fails when something is lost without a word, and",
        "writes this page with `LABKIT_WRITE_ANNOTATION_FORMATS=1`.",
        "",
        '"exact": to less than a millionth of a pixel. "as pixels": another kind of shape that covers the same pixels. "as polygon": an',
        'outline, for an ellipse one of 64 vertices. "as box": its extent. "named": an event names the object, and says what the format',
        "cannot hold. Proposals stay here, whatever the format.",
        "",
        f"| object | {' | '.join(EXPORT_FORMATS)} |",
        f"| --- |{' --- |' * len(EXPORT_FORMATS)}",
        *(f"| {kind} | {' | '.join(row[name] for name in EXPORT_FORMATS)} |" for kind, row in table.items()),
        "",
        "GeoJSON and Labeller keep the ids of objects, and OME-Zarr those of the objects that have a pixel; COCO keeps a number that",
        "follows from the id. In a label image (`labels`) objects have no class, in a `mask` all objects of a class are one, and an",
        "annotated area is background in an image that is not finished. A mark that everything is annotated is kept by GeoJSON,",
        "Labeller and OME-Zarr.",
        "",
        "## How it is meant",
        "",
        "- **Labeller** (Django Labeller): both roots and all legacy forms are read; the new one is written. What the file says of itself,",
        "  unknown keys and notes survive the round. A group becomes one object, the union of its parts, and goes out as a group unless it",
        "  was changed here. Outlines of automatic tools lie half a pixel too far up and left: `--shift-auto` moves them, once. An object",
        "  that comes again is known by its id, and stays as it is here.",
        "- **COCO**: several polygons of an annotation are a union when they come in: where they overlap, the object becomes a mask.",
        "  Objects with holes and painted ones go out as run lengths. Areas are counted in pixels; what leaves the image is",
        "  clipped at its border. A polygon with the corners of its own bbox comes in as a box.",
        "- **YOLO**: numbers are shares of the image with 12 decimals. `classes.txt` has a name per line; a name that a line cannot hold",
        "  stands in quotes, as JSON. An outline with holes or of several parts is left out whole.",
        "- **VOC**: pixels are counted from 1, and the last is part of the box; fractions are kept. A document type is refused.",
        "- **OME-Zarr**: object n has the value n; colours, classes and ids are in the metadata. Any label image of the size of the image",
        "  can come in; where it does not name classes, it needs one.",
    ]
    return "\n".join(lines) + "\n"


def test_the_page_says_what_comes_back(trips):
    """Nothing is lost without a word in any format, and the documentation says what becomes of each kind."""
    page = _page(_table(trips))
    if _WRITING:
        _PAGE.write_text(page, encoding="utf-8")
    assert _PAGE.read_text(encoding="utf-8") == page, "write it anew with LABKIT_WRITE_ANNOTATION_FORMATS=1"


def test_geojson_holds_everything_and_labeller_all_but_areas(trips):
    """These two are what people keep: shapes, classes, planes and attributes are exact."""
    table = _table(trips)
    assert {row["geojson"] for kind, row in table.items() if kind != "proposal"} == {"exact"}
    assert {row["labeller"] for kind, row in table.items() if kind not in ("proposal", "annotated area")} == {"exact"}


@pytest.mark.parametrize("name", EXPORT_FORMATS)
def test_a_proposal_and_a_rejected_object_leave_in_no_format(project, image, tmp_path, name):
    """Only what a person accepted goes out."""
    states = ("accepted", "proposed", "rejected")
    items = [new_object(Rectangle(1, 10 * k, 8, 10 * k + 8), class_id=1, status=state) for k, state in enumerate(states)]
    save_document(project, Document(image.id, "Ada", objects=tuple(items)))
    path = export_annotations(project, image, tmp_path / FILES[name], format=name)
    report = import_annotations(project, image, path, author="Zoë", class_name="cell", finished=False)
    wanted = rasterise(items[0].shape, Box(0, 0, 40, 60))
    back = open_document(project, image.id, "Zoë")
    covered = rasterise_objects(back, Box(0, 0, 40, 60)) > 0
    if name == "mask":  # what nobody has looked at is 255 there
        covered = rasterise_objects(Document("a", "Ada", objects=back.objects[:1]), Box(0, 0, 40, 60)) > 0
    assert (report.added, np.array_equal(covered, wanted)) == (2 if name == "mask" else 1, True)


@pytest.mark.parametrize("name", EXPORT_FORMATS)
def test_repeated_exports_are_byte_identical(project, image, tmp_path, name):
    """Also after the document was read again, and in a folder tree file by file."""
    drawn = tuple(_objects(dict.fromkeys([*KINDS, STRANGE], 1)).values())
    save_document(project, Document(image.id, "Ada", objects=drawn))
    for folder in ("one", "two"):
        export_annotations(project, image, tmp_path / folder / FILES[name], format=name)
    contents = [
        {path.relative_to(tmp_path / folder): path.read_bytes() for path in (tmp_path / folder).rglob("*") if path.is_file()}
        for folder in ("one", "two")
    ]
    assert contents[0] == contents[1]
    assert contents[0]


@pytest.mark.parametrize("name", EXPORT_FORMATS)
def test_an_import_of_the_same_file_twice_adds_nothing(project, image, tmp_path, name):
    """Ids follow from the file."""
    save_document(
        project, Document(image.id, "Ada", objects=(new_object(Rectangle(1, 1, 8, 8), class_id=1),), completed_tasks=("finished",))
    )
    path = export_annotations(project, image, tmp_path / FILES[name], format=name)
    first, second = (import_annotations(project, image, path, author="Zoë", class_name="cell") for _ in range(2))
    assert (first.added, second.added, second.revision) == (1, 0, first.revision)


@pytest.mark.parametrize("name", EXPORT_FORMATS)
def test_a_file_that_is_there_is_not_replaced_unasked(project, image, tmp_path, name):
    """With `overwrite` it is, and is whole."""
    save_document(project, Document(image.id, "Ada", objects=(new_object(Rectangle(1, 1, 8, 8), class_id=1),)))
    path = export_annotations(project, image, tmp_path / FILES[name], format=name)
    with pytest.raises(AlreadyExists):
        export_annotations(project, image, path, format=name)
    save_document(project, open_document(project, image.id, "Ada").with_objects([new_object(Rectangle(20, 20, 28, 28), class_id=1)]))
    export_annotations(project, image, path, format=name, overwrite=True)
    report = import_annotations(project, image, path, author="Zoë", class_name="cell", finished=False)
    assert report.added == 2
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("file", "format_"),
    [
        ("a.geojson", "geojson"),
        ("a.json", "geojson"),
        ("a__labels.json", "labeller"),
        ("a.txt", "yolo"),
        ("a.xml", "voc"),
        ("a.zarr", "ome-zarr"),
    ],
)
def test_the_ending_names_the_usual_format(project, image, tmp_path, file, format_):
    """And what comes in is told by its content."""
    save_document(project, Document(image.id, "Ada", objects=(new_object(Rectangle(1, 1, 8, 8), class_id=1),)))
    path = export_annotations(project, image, tmp_path / file)
    other = path if format_ in ("yolo", "ome-zarr") else path.rename(tmp_path / "x.bin")
    assert import_annotations(project, image, other, author="Zoë").format == format_


@pytest.mark.parametrize(("file", "format_"), [("a.png", "coco"), ("a.json", "voc"), ("classes.txt", "yolo"), ("a.tif", "ome-zarr")])
def test_a_name_that_does_not_fit_the_format_is_refused(project, image, tmp_path, file, format_):
    """Before anything is written."""
    save_document(project, Document(image.id, "Ada"))
    with pytest.raises(InvalidInput):
        export_annotations(project, image, tmp_path / file, format=format_)
    assert list(tmp_path.glob("*.*")) == []


# Files of other programs

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


@pytest.mark.parametrize("name", ["geojson", "labeller", "coco", "yolo", "voc"])
def test_a_file_that_is_cut_short_is_refused_or_read_whole_lines_only(project, image, tmp_path, name):
    """At any place: an error of ours, and never a traceback or another kind of object."""
    save_document(project, Document(image.id, "Ada", objects=(new_object(Rectangle(1, 1, 8, 8), class_id=1),)))
    data = export_annotations(project, image, tmp_path / FILES[name], format=name).read_bytes()
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


# OME-Zarr


def test_a_label_image_of_ome_zarr_is_as_the_specification_wants_it(project, image, tmp_path):
    """Accepted by its models and by our own verification, with the levels of the image, colours, classes and the place of the image."""
    items = (new_object(Rectangle(1, 1, 8, 8), class_id=1), new_object(Rectangle(10, 10, 20, 30), class_id=2))
    save_document(project, Document(image.id, "Ada", objects=items))
    path = export_annotations(project, image, tmp_path / "a.zarr")
    model = ImageLabel.from_zarr(zarr.open_group(path, mode="r"))
    facts = model.attributes.ome.image_label
    colours = [tuple(bytes.fromhex(item.colour[1:])) for item in project.classes]
    assert [(c.label_value, tuple(c.rgba)) for c in facts.colors] == [(k, (*rgb, 255)) for k, rgb in enumerate(colours, 1)]
    assert [(p.label_value, p.model_extra["class"], p.model_extra["object-id"]) for p in facts.properties] == [
        (1, "cell", items[0].id),
        (2, "debris", items[1].id),
    ]
    assert (path / facts.source.image).resolve() == project.layout.image(image.id).store.resolve()
    store = open_store(path)
    assert (store.role, store.dtype, store.levels) == ("labels", np.uint32, image.levels)
    assert np.array_equal(store.read(), rasterise_objects(Document("a", "Ada", objects=items), Box(0, 0, 40, 60)))
    assert verify(path).faults == ()


def test_objects_of_a_label_image_have_the_classes_and_ids_that_it_names(project, image, tmp_path):
    """And the mark of completion, where LabKit wrote it."""
    items = (new_object(Rectangle(1, 1, 8, 8), class_id=1), new_object(Rectangle(10, 10, 20, 30), class_id=2))
    save_document(project, Document(image.id, "Ada", objects=items))
    path = export_annotations(project, image, tmp_path / "a.zarr")
    report = import_annotations(project, image, path, author="Zoë")
    back = open_document(project, image.id, "Zoë").objects
    assert (report.format, report.finished) == ("ome-zarr", False)
    assert [(item.id, item.class_id) for item in back] == [(item.id, item.class_id) for item in items]


def test_a_foreign_label_image_of_version_0_4_comes_in(project, image, tmp_path):
    """Without properties it needs a class; its values are the ids."""
    labels = np.zeros((40, 60), dtype=np.uint16)
    labels[2:5, 3:9], labels[20:30, 40:50] = 7, 70
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    group.create_array("0", data=labels, chunks=(16, 16))
    axes = [{"name": name, "type": "space"} for name in "yx"]
    dataset = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1]}]}
    group.attrs.update({"multiscales": [{"version": "0.4", "axes": axes, "datasets": [dataset]}], "image-label": {"version": "0.4"}})
    with pytest.raises(InvalidInput, match="class"):
        import_annotations(project, image, tmp_path / "a.zarr")
    report = import_annotations(project, image, tmp_path / "a.zarr", class_name="cell")
    document = open_document(project, image.id, "Ada")
    assert (report.finished, [item.attributes["source_id"] for item in document.objects]) == (True, [7, 70])
    assert np.array_equal(np.array([0, 7, 70])[rasterise_objects(document, Box(0, 0, 40, 60))], labels)


def test_a_store_that_is_no_label_image_of_this_picture_is_refused(project, image, make_image, tmp_path):
    """An image names the label images in it; another size names both; a broken one is refused in words."""
    save_document(project, Document(image.id, "Ada", objects=(new_object(Rectangle(1, 1, 8, 8), class_id=1),)))
    path = export_annotations(project, image, tmp_path / "a.zarr")
    with pytest.raises(InvalidInput, match=r"40 x 60 .* 41 x 60"):
        import_annotations(project, make_image("image2", 41, 60), path)
    parent = zarr.open_group(tmp_path / "image.zarr", mode="w", attributes={"ome": {"multiscales": []}})
    shutil.copytree(path, tmp_path / "image.zarr" / "labels" / "cells")
    with pytest.raises(InvalidInput, match="no label image") as caught:
        import_annotations(project, image, Path(str(parent.store.root)))
    assert "labels/cells" in caught.value.hint
    (path / "zarr.json").write_text('{"attributes": {"ome": {"image-label": {}, "multiscales": [3]}}}', encoding="utf-8")
    with pytest.raises(UnreadableImage):
        import_annotations(project, image, path)


def test_only_a_label_image_is_ever_overwritten(project, image, tmp_path):
    """A folder with something else in it stays as it is."""
    save_document(project, Document(image.id, "Ada"))
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "precious").write_text("x", encoding="utf-8")
    with pytest.raises(AlreadyExists):
        export_annotations(project, image, tmp_path / "a.zarr", overwrite=True)
    assert (tmp_path / "a.zarr" / "precious").read_text(encoding="utf-8") == "x"
