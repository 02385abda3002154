"""An annotation assignment through the whole engine: released, handed in, scored where no student code is."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image

from labkit.courses.folder import load_assignment
from labkit.courses.grading import Batch, grade_batch
from labkit.courses.student import make_release, solution_submission

SHEET = """
annotations:
  - id: cells
    title: Two cells
    image: data/nuclei.png
    classes: [cell]
    points: 4
    gold: gold.geojson
    measure: ap
    shape: [60, 100]
"""


def geojson(*boxes) -> str:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]]},
            "properties": {"classification": {"name": "cell"}},
        }
        for y0, x0, y1, x1 in boxes
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


@pytest.fixture
def assignment(tmp_path):
    folder = tmp_path / "Cells"
    (folder / "hidden").mkdir(parents=True)
    (folder / "data").mkdir()
    said = {"grade": True, "solution": False, "locked": True, "task": False, "grade_id": "t1", "points": 1, "schema_version": 3}
    cell = {"cell_type": "code", "id": "a", "metadata": {"nbgrader": said}, "source": "assert 1", "outputs": [], "execution_count": None}
    book = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    (folder / "ps1.ipynb").write_text(json.dumps(book), encoding="utf-8")
    (folder / "assignment.yaml").write_text(SHEET, encoding="utf-8")
    Image.new("L", (100, 60)).save(folder / "data" / "nuclei.png")
    (folder / "hidden" / "gold.geojson").write_text(geojson((5, 5, 20, 20), (30, 40, 50, 60)), encoding="utf-8")
    return folder


def test_what_is_wrong_with_a_task_is_said(assignment):
    """A picture that nothing shows, a gold that is not there, a picture that is not released, thresholds that nobody reaches."""
    assert load_assignment(assignment).problems == ()
    (assignment / "data" / "nuclei.png").write_bytes(b"%PDF-1.7")
    assert ["its picture is of a kind that is not read" in problem.text for problem in load_assignment(assignment).problems] == [True]
    changed = SHEET.replace("gold.geojson", "none.geojson").replace("nuclei", "other") + "    thresholds: [[1.5, 3]]\n"
    (assignment / "assignment.yaml").write_text(changed, encoding="utf-8")
    texts = [problem.text for problem in load_assignment(assignment).problems]
    assert texts == [
        "The annotation task cells: there is no file hidden/none.geojson.",
        "The annotation task cells: there is no file data/other.png.",
        "The annotation task cells: a threshold is above 1, which nothing reaches.",
        "The annotation task cells: no threshold gives all of its 4 points.",
    ]


def test_documents_are_scored_by_the_engine(assignment, tmp_path):
    """The author's own solution earns all; half of it half, with a comment at what was missed; none of it nothing."""
    author = load_assignment(assignment)
    student, _ = make_release(author, tmp_path / "release")
    assert student.entry("annotations/tasks.json") is not None
    assert b"gold" not in (tmp_path / "release" / "student" / "annotations" / "tasks.json").read_bytes().replace(b'"gold": ""', b"")
    right = solution_submission(author, tmp_path / "right")
    half, none = tmp_path / "half", tmp_path / "none"
    for folder in (half, none):
        shutil.copytree(right, folder)
    (half / "annotations" / "cells.geojson").write_text(geojson((5, 5, 20, 20)), encoding="utf-8")
    (none / "annotations" / "cells.geojson").unlink()
    submissions = {path.name: (path, 1) for path in (right, half, none)}
    results = {result.submission: result for result in grade_batch(Batch({1: assignment}, submissions, tmp_path / "out"))}
    assert {name: result.points for name, result in results.items()} == {"right": 5, "half": 3, "none": 1}
    (check,) = results["half"].checks
    assert check.note == "The average precision is 0.5. 1 object was missed."
    assert [30 <= comment.y <= 50 and 40 <= comment.x <= 60 for comment in check.comments] == [True]
    assert next(score for score in results["half"].scores if score.item.id == "cells").trusted
    assert results["none"].checks[0].note.startswith("There are no annotations of data/nuclei.png")
