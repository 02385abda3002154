"""Seeing the class."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape

import pytest

from labkit.courses.annotation_files import write_tasks
from labkit.courses.records import AnnotationTask
from labkit_hub.service.tables import RunRow, UsageRow


def row_of(school, name: str) -> dict:
    view = school.done("tom", "GET", f"/courses/{school.course}/class")
    return next(row for row in view["students"] if row["person"] == name)


def test_who_is_stuck_and_where(school, clock) -> None:
    """The last word counts: since when, how often; a cell that goes well ends it."""
    made = school.assignment()
    school.done("ada", "GET", f"/assignments/{made}/releases/1")
    begun = clock.time
    for _ in range(3):
        school.done("ada", "POST", f"/assignments/{made}/activity", json={"cell": "ps1, q1", "error": "NameError: x", "passed": 1})
        clock.later(minutes=5)
    cell = row_of(school, "ada")["cells"][0]
    assert (cell["fetched"], cell["stuck_cell"], cell["stuck_error"], cell["stuck_times"]) == (1, "ps1, q1", "NameError: x", 3)
    assert cell["stuck_since"] == begun.isoformat().replace("+00:00", "Z")
    school.done("ada", "POST", f"/assignments/{made}/activity", json={"cell": "ps1, q1", "passed": 2})
    cell = row_of(school, "ada")["cells"][0]
    assert (cell["stuck_cell"], cell["stuck_since"], cell["passed"]) == ("", None, 2)


def test_what_was_computed_is_counted(school, house, clock) -> None:
    """Trainings and hours on devices, of this course."""
    run = {"owner": "ada", "path": "p/runs", "profile": "gpu-run", "rank": 1.0, "state": "done", "attempts": 0, "submitted": clock.time}
    lease = {
        "device_key": "fake-0",
        "username": "ada",
        "server_name": "run-x",
        "taken": clock.time,
        "freed": clock.time + timedelta(minutes=90),
    }
    with house.database.transaction() as session:
        for course, run_id, kind in ((school.course, "a1", "train"), (school.course, "a2", "predict"), ("other", "a3", "train")):
            session.add(RunRow(id=run_id, course_id=course, kind=kind, server_name=f"run-{run_id}", **run))
            session.add(UsageRow(course_id=course, run_id=run_id, **lease))
    found = row_of(school, "ada")
    assert (found["trainings"], found["device_hours"]) == (1, 3.0)


def test_the_class_is_for_its_staff(school) -> None:
    """Everybody is on it, whatever they did; what staff try out is kept nowhere."""
    made = school.assignment()
    school.submit("ben", made)
    school.done("tom", "POST", f"/assignments/{made}/activity", json={"cell": "1", "error": "E"})
    view = school.done("prof", "GET", f"/courses/{school.course}/class")
    assert [row["person"] for row in view["students"]] == ["ben", "ada", "zoë b"]  # by name; one begins with a sign
    assert [row["cells"][0]["state"] for row in view["students"]] == ["submitted", "", ""]
    assert [school.ask(name, "GET", f"/courses/{school.course}/class").status_code for name in ("ada", "eve")] == [404, 404]


def drawn(*kinds: str) -> bytes:
    """Return a document with objects and annotated areas."""
    square = {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 0]]]}
    features = [{"type": "Feature", "geometry": square, "properties": {"labkit": {"kind": kind}}} for kind in kinds]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


@pytest.fixture
def pictures(school) -> str:
    """An assignment with two pictures to annotate, which people may hand in together."""
    made = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": "Cells"})["id"]
    tasks = write_tasks([AnnotationTask(id=name, image=f"{name}.png", points=5) for name in ("nuclei", "axons")])
    school.release(made, student=school.send("prof", {**school.student_files, "annotations/tasks.json": tasks}))
    school.done("prof", "PATCH", f"/assignments/{made}", json={"group_size": 3})
    return made


def annotated(school, name: str) -> tuple[int | None, int | None, int]:
    cell = row_of(school, name)["cells"][0]
    return cell["pictures"], cell["objects"], cell["pictures_asked"]


def test_who_has_annotated(school, pictures) -> None:
    """By the last word of somebody's JupyterLab, which says nothing of cells; before there is any, nothing is known."""
    assert annotated(school, "ada") == (None, None, 2)
    school.done("ada", "POST", f"/assignments/{pictures}/activity", json={"cell": "ps1/q1", "error": "E"})
    school.done("ada", "POST", f"/assignments/{pictures}/activity", json={"started": False, "pictures": 1, "objects": 7})
    assert annotated(school, "ada") == (1, 7, 2)
    assert row_of(school, "ada")["cells"][0]["stuck_cell"] == "ps1/q1"
    school.done("ben", "POST", f"/assignments/{pictures}/activity", json={"started": False, "pictures": 0, "objects": 0})
    assert (annotated(school, "ben"), row_of(school, "ben")["cells"][0]["started"]) == ((0, 0, 2), None)
    school.done("tom", "POST", f"/assignments/{pictures}/activity", json={"started": False, "pictures": 2, "objects": 9})
    page = school.house.browse("tom").get("/courses/image-ai/class")
    told = unescape(" ".join(re.sub(r"<[^>]+>", " ", page.text).split()))
    assert "S A · · working 7 objects in 1 of 2 pictures" in told
    assert 'aria-label="started, annotated"' in page.text
    assert ",1,7," in school.house.browse("tom").get("/courses/image-ai/class.csv").text


def test_what_is_handed_in_says_how_much_is_annotated(school, pictures) -> None:
    """Objects of the documents that are asked for; of a group's, whoever draws alone keeps the own number."""
    school.done("prof", "PUT", f"/assignments/{pictures}/groups/G", json={"members": ["ada", "ben", "zoë b"]})
    school.done("ben", "POST", f"/assignments/{pictures}/activity", json={"started": False, "pictures": 2, "objects": 30})
    files = {"ps1.ipynb": school.notebook("x = 1"), "annotations/nuclei.geojson": drawn("object", "object", "area")}
    school.submit("ada", pictures, files | {"annotations/mine.geojson": drawn("object")})
    assert [annotated(school, name)[:2] for name in ("ada", "ben", "zoë b")] == [(1, 2), (2, 30), (1, 2)]
    other = school.assignment()
    school.submit("ada", other, files)
    cell = next(cell for cell in row_of(school, "ada")["cells"] if cell["assignment"] == other)
    assert (cell["pictures"], cell["objects"], cell["pictures_asked"]) == (None, None, 0)  # it asks for nothing, whatever is handed in
