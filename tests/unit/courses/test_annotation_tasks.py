"""Annotation assignments: out of a student's project, compared with a hidden document, and back with comments."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image as Picture

from labkit.annotations import add_comment, change_state, import_annotations, load_review, new_object, open_document, save_document
from labkit.annotations.records import document_bytes
from labkit.courses import annotation_files
from labkit.courses.annotation_files import check_annotations, check_document, read_tasks, write_tasks
from labkit.courses.annotation_findings import place_of
from labkit.courses.annotation_tasks import (
    comments_of,
    export_document,
    image_of,
    return_document,
    score_annotation,
    score_files,
    submitted_document,
)
from labkit.courses.records import AnnotationTask, AssignmentSheet, FileEntry, Manifest, PinnedComment
from labkit.errors import InvalidInput, NotFound
from labkit.geometry import Point, Rectangle, Region
from labkit.project import ImageRecord, Project
from labkit.storage import save_record, utc_now

SHAPE = (60, 100)
BOXES = [(5, 5, 20, 20), (5, 40, 20, 60), (35, 10, 50, 30)]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_AUTHOR", "ada")
    return Project.create(tmp_path, "mine", classes=["cell", "debris"])


@pytest.fixture
def image(project):
    record = ImageRecord(
        id="image1",
        name="nuclei.png",
        sha256="0" * 64,
        axes=("y", "x"),
        shape=SHAPE,
        dtype="uint8",
        levels=(SHAPE,),
        software="test",
        imported=utc_now(),
    )
    save_record(project.layout.image("image1").record, record)
    return record


@pytest.fixture
def draw(project, image):
    """Give a function that draws boxes of a class into ada's document, and saves it."""

    def drawn(*boxes, class_id=1, **more):
        document = open_document(project, image.id, "ada")
        objects = [new_object(Rectangle(*box), class_id=class_id, author="ada", **more) for box in boxes]
        return save_document(project, document.with_objects(objects))

    return drawn


def task(**more) -> AnnotationTask:
    facts = {"id": "cells", "image": "data/nuclei.png", "classes": ("cell",), "points": 10, "gold": "cells.geojson", "shape": SHAPE}
    return AnnotationTask(**(facts | more))


def geojson(*boxes, class_name="cell", area=None) -> bytes:
    """Return annotations as another program writes them."""

    def feature(y0, x0, y1, x1, name, **labkit):
        ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
        properties = {"classification": {"name": name}} if name else {}
        return {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": properties | ({"labkit": labkit} if labkit else {}),
        }

    features = [feature(*box, class_name) for box in boxes] + ([feature(*area, "", kind="area")] if area else [])
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


GOLD = geojson(*BOXES)


@pytest.mark.parametrize(("measure", "value"), [("iou", 1.0), ("dice", 1.0), ("ap", 1.0), ("count_error", 0.0)])
def test_the_right_annotations_earn_all_points(measure, value):
    """Whatever is measured."""
    result = score_annotation(GOLD, GOLD, task(measure=measure))
    assert (result.value, result.points, result.comments) == (value, 10, ())


def test_what_is_missing_extra_and_off_is_said_where_it_is():
    """One is right, one is missed, one is badly outlined, one is too many: each has words and a place on the object."""
    given = geojson(BOXES[0], (35, 10, 50, 18), (52, 70, 58, 90))
    result = score_annotation(given, GOLD, task(measure="ap"))
    assert result.value == pytest.approx(1 / 5)
    said = {comment.text: (comment.y, comment.x) for comment in result.comments}
    assert said.keys() == {
        "An object is missing here (cell).",
        "The outline does not fit: it shares 40 % with the right one (IoU).",
        "There is no such object here.",
    }
    assert 5 < said["An object is missing here (cell)."][0] < 20
    assert 52 < said["There is no such object here."][0] < 58
    assert result.note.endswith("1 object was missed. 1 object is too many. 1 object is badly outlined, or of another class.")


def test_pixels_that_were_not_looked_at_count_as_background():
    """Marking one easy object and leaving the rest unfinished gains nothing."""
    result = score_annotation(geojson(BOXES[0]), GOLD, task(measure="iou"))
    assert result.value == pytest.approx(225 / (225 + 300 + 300))


def test_only_what_the_gold_knows_is_judged():
    """In a document with an annotated area what lies outside of it is neither right nor wrong."""
    gold = geojson(BOXES[0], area=(0, 0, 30, 30))
    given = geojson(BOXES[0], (35, 10, 50, 30))
    assert score_annotation(given, gold, task(measure="ap")).value == 1.0
    assert score_annotation(given, gold, task(measure="iou")).value == 1.0
    assert score_annotation(geojson(BOXES[0], (22, 22, 28, 28)), gold, task(measure="ap")).value == 0.5


def test_thresholds_give_points_and_without_them_the_value_does():
    """0.27 of 1: nothing of the thresholds, 2.7 of ten in proportion."""
    given = geojson(BOXES[0])
    assert score_annotation(given, GOLD, task(thresholds=((0.2, 3), (0.5, 10)))).points == 3
    assert score_annotation(given, GOLD, task()).points == pytest.approx(10 * 225 / 825)
    assert score_annotation(given, GOLD, task(measure="count_error")).points == pytest.approx(10 / 3)
    assert score_annotation(given, GOLD, task(measure="count_error", thresholds=((0.7, 4), (0.1, 10)))).points == 4


def test_classes_are_told_apart():
    """The right outline of another class is said so, and is no match."""
    gold = json.loads(geojson(BOXES[0]))
    gold["features"] += json.loads(geojson(BOXES[1], class_name="debris"))["features"]
    both = task(measure="ap", classes=("cell", "debris"))
    result = score_annotation(geojson(BOXES[0], BOXES[1], class_name="Cell "), json.dumps(gold).encode(), both)
    assert result.value == pytest.approx(1 / 3)
    assert [comment.text for comment in result.comments] == ["This is debris, not cell."]


def test_points_match_by_their_distance():
    """Points lie near one another or not; the nearest takes its partner."""

    def points(*places):
        features = [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [x, y]}, "properties": {}} for y, x in places]
        return json.dumps({"type": "FeatureCollection", "features": features}).encode()

    gold = points((10, 10), (10, 16), (50, 50))
    result = score_annotation(points((11, 10), (10, 17), (50, 70)), gold, task(measure="ap", tolerance_px=8))
    assert result.value == pytest.approx(2 / 4)
    assert {(comment.y, comment.x) for comment in result.comments} == {(50, 50), (50, 70)}


def test_gold_may_be_a_label_image():
    """A PNG with an id for each object; its shape is that of the image."""
    labels = np.zeros(SHAPE, np.uint8)
    for number, (y0, x0, y1, x1) in enumerate(BOXES, 1):
        labels[y0:y1, x0:x1] = number
    buffer = io.BytesIO()
    Picture.fromarray(labels).save(buffer, "PNG")
    assert score_annotation(GOLD, buffer.getvalue(), task(shape=None, measure="ap")).value == 1.0


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "is empty (0 bytes)"),
        (b'{"type": "FeatureColl', "is no JSON"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b"[" * 5000 + b"]" * 5000, "annotations/cells.geojson"),
        (b'{"type": "Polygon"}', "holds no FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": [7]}', "feature 1: it is not a Feature"),
        (geojson((float("nan"), 0, 1, 1)), "a coordinate is not a number"),
        (geojson(), "Nothing is annotated in it."),
        (geojson(*BOXES, class_name="Zelle"), "3 objects of the class 'Zelle' do not count."),
        (geojson((500, 500, 600, 600)), "1 object outside of the picture does not count."),
        (geojson((1e12, 0, 2e12, 9)), "beyond 1,000,000,000 pixels"),
    ],
)
def test_odd_documents_get_words_and_no_points(document, words):
    """Nothing that is handed in ends the scorer."""
    result = score_annotation(document, GOLD, task(measure="ap"))
    assert words in result.note
    assert result.points == 0


def test_what_nobody_accepted_does_not_count(project, image, draw):
    """Proposals of a model are no answer, in whatever file they come."""
    draw(*BOXES, status="proposed")
    proposed = document_bytes(open_document(project, image.id, "ada"), project.classes)
    assert "3 objects that nobody accepted do not count." in score_annotation(proposed, GOLD, task()).note


def test_a_hundred_thousand_vertices_are_scored(monkeypatch):
    """A very fine outline is fine; more than the bound (here a smaller one) is refused in words, and many more before they are read."""
    angle = np.linspace(0, 2 * np.pi, 100_000, endpoint=False)
    radius = 20 + 3 * np.sin(900 * angle)
    ring = np.stack([50 + radius * np.cos(angle), 30 + radius * np.sin(angle)], axis=1).tolist()
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}, "properties": {}}
    document = json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()
    assert check_document(document, "x").vertices == 100_001
    assert score_annotation(document, document, task(measure="ap")).value == 1.0
    monkeypatch.setattr(annotation_files, "MOST_VERTICES", 100_000)
    with pytest.raises(InvalidInput, match="100,001 vertices"):
        check_document(document, "x")
    monkeypatch.setattr(annotation_files, "MOST_VERTICES", 1000)
    with pytest.raises(InvalidInput, match="more than 50,00"):
        check_document(document, "x")


def test_a_hidden_file_that_cannot_be_used_is_nobody_elses_fault(tmp_path):
    """It is raised, so that the teacher's own test says so."""
    with pytest.raises(NotFound, match=r"no hidden/cells\.geojson"):
        score_files(None, tmp_path / "none", task())
    with pytest.raises(InvalidInput, match="does not say how large"):
        score_annotation(GOLD, geojson(), task(shape=None))


# The way there and back


def test_a_document_travels_with_author_and_review(project, image, draw, tmp_path):
    """What is handed in holds the objects, who drew them, and what was said."""
    draw(*BOXES)
    draw((0, 0, 3, 3), status="proposed")
    add_comment(project, image.id, "ada", "Is this one cell or two?", by="ada", place=(12, 12))
    path = export_document(project, task(), tmp_path / "hand-in")
    data = path.read_bytes()
    assert path == tmp_path / "hand-in" / "annotations" / "cells.geojson"
    assert check_document(data, "x").classes == {"cell": 3}
    facts = json.loads(data)["labkit"]
    assert facts["author"] == "ada"
    assert [comment["text"] for comment in facts["review"]["comments"]] == ["Is this one cell or two?"]
    assert data == submitted_document(project, image)
    assert score_annotation(data, GOLD, task()).points == 10


def test_staff_import_it_comment_and_send_it_back(project, image, draw, tmp_path, monkeypatch):
    """The document opens under its author's name; pinned comments of staff come out with their places."""
    draw(*BOXES)
    handed_in = export_document(project, task(), tmp_path / "hand-in")
    monkeypatch.setenv("LABKIT_AUTHOR", "prof")
    staff = Project.create(tmp_path, "staff", classes=[])
    save_record(staff.layout.image(image.id).record, image)
    import_annotations(staff, image, handed_in)
    drawn = open_document(staff, image.id, "ada").objects
    add_comment(staff, image.id, "ada", "Very good here.", by="prof", place=(30.0, 40.0))
    add_comment(staff, image.id, "ada", "Too large.", by="prof", object_id=drawn[0].id)
    found = comments_of(staff, image, "ada", by="prof")
    assert found[0] == PinnedComment(text="Very good here.", y=30.0, x=40.0, by="prof")
    y, x = found[1].y, found[1].x
    assert 5 <= y <= 20
    assert 5 <= x <= 20
    review = return_document(project, image, found)
    assert [(comment.text, comment.author) for comment in review.comments] == [("Very good here.", "prof"), ("Too large.", "prof")]


def test_returning_twice_pins_nothing_twice(project, image, draw):
    """The review shows each comment at its place, once, and the document is returned to its author."""
    draw(BOXES[0])
    result = score_annotation(submitted_document(project, image), GOLD, task(measure="ap"))
    return_document(project, image, result.comments)
    review = return_document(project, image, result.comments)
    assert review == load_review(project, image.id, "ada")
    assert review.state == "returned"
    assert [(c.y, c.x, c.author) for c in review.comments] == [(c.y, c.x, "grading") for c in result.comments]
    assert len(review.comments) == 2


def test_an_accepted_document_stays_accepted(project, image, draw):
    """Comments come to it all the same."""
    draw(BOXES[0])
    for state in ("in-review", "accepted"):
        change_state(project, image.id, "ada", state, by="prof")
    assert return_document(project, image, [PinnedComment(text="Well done.")]).state == "accepted"


def test_an_image_is_found_by_name_or_by_its_file(project, image):
    """And what is not there is said, with what is."""
    assert image_of(project, task()) == image
    assert image_of(project, task(image="nuclei.png")) == image
    with pytest.raises(NotFound, match=r"no image other.png") as caught:
        image_of(project, task(image="other.png"))
    assert "nuclei.png" in caught.value.hint


# Beside the document


def test_a_submission_is_looked_at_before_it_is_taken():
    """A broken document is an error; what earns nothing is a warning."""
    tasks = (task(), task(id="two"), task(id="three"), task(id="four"))
    files = {
        "annotations/cells.geojson": b"{",
        "annotations/two.geojson": geojson(),
        "annotations/three.geojson": geojson((0, 0, 9, 9), class_name="x"),
    }
    manifest = Manifest(files=tuple(FileEntry(path=path, sha256="0" * 64, size=len(data)) for path, data in files.items()))
    objects, problems = check_annotations(tasks, manifest, lambda entry: files[entry.path])
    assert objects == {"annotations/two.geojson": 0, "annotations/three.geojson": 1}
    assert [(problem.severity, problem.where[12:-8]) for problem in problems] == [
        ("error", "cells"),
        ("warning", "two"),
        ("warning", "three"),
        ("warning", "four"),
    ]
    assert "1 of the class 'x'" in problems[2].text


def test_students_get_the_task_without_what_is_hidden():
    """The file in the release names picture, classes and points, not the gold."""
    data = write_tasks((task(), task(id="two", points=3)))
    assert b"cells.geojson" not in data
    assert [(one.id, one.points, one.classes) for one in read_tasks(data)] == [("cells", 10, ("cell",)), ("two", 3, ("cell",))]
    with pytest.raises(InvalidInput, match="not as it was handed out"):
        read_tasks(b"[{}]")


def test_ids_are_unique_over_checks_and_tasks():
    """Both earn points under their id."""
    with pytest.raises(ValueError, match="same id"):
        AssignmentSheet(annotations=(task(), task()))
    with pytest.raises(ValueError, match="upper and lower case"):
        AssignmentSheet(annotations=(task(), task(id="Cells")))


def test_a_pin_never_stands_in_a_hole():
    """The place of a ring is on the ring."""
    ring = Region([[(0, 0), (0, 20), (20, 20), (20, 0)], [(2, 2), (2, 18), (18, 18), (18, 2)]])
    y, x = place_of(ring)
    assert not (2 <= y <= 18 and 2 <= x <= 18)
    assert place_of(Point(3.5, 4.5)) == (3.5, 4.5)
