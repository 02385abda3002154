"""Students get nothing that they must not see, and everything else; the same assignment is the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.courses.cells import graded_cells
from labkit.courses.folder import load_assignment
from labkit.courses.student import lay_out_student, make_release, manifest_of, solution_submission, student_version
from labkit.errors import AlreadyExists, InvalidInput

MakeAssignment = Callable[..., Path]


def _sources(notebook: dict[str, Any]) -> dict[str, str]:
    return {graded.grade_id: cell["source"] for _, cell, graded in graded_cells(notebook)}


def test_no_secret_is_in_any_byte_that_students_get(make_assignment: MakeAssignment, tmp_path: Path) -> None:
    """Solutions, hidden tests, mark schemes, outputs, metadata, attachments, hidden files: searched for in every file."""
    student, source = make_release(load_assignment(make_assignment()), tmp_path / "out")
    assert [file.path for file in student.files] == ["data/my data.csv", "ps1.ipynb"]
    assert not [path for path in (tmp_path / "out" / "student").rglob("*") if path.is_file() and b"SECRET" in path.read_bytes()]
    assert {file.path for file in source.files} == {"data/my data.csv", "hidden/tests.py", "ps1.ipynb"}


def test_what_is_handed_out_can_be_worked_on(ps1: dict[str, Any]) -> None:
    """Stubs stand where solutions stood, indented; tests and shown attachments are there."""
    made = student_version(ps1)
    sources = _sources(made)
    assert sources["q1"] == "def square(n):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert (sources["q2"], sources["why"]) == ("# YOUR CODE HERE\nraise NotImplementedError()", "YOUR ANSWER HERE")
    assert sources["q1_test"] == "assert square(2) == 4"
    assert made["cells"][9]["attachments"] == {"shown.png": {"image/png": "AAAA"}}
    assert [cell["metadata"].get("editable") for cell in made["cells"][1:3]] == [False, None]


def test_the_same_assignment_is_the_same_release(make_assignment: MakeAssignment, tmp_path: Path) -> None:
    """Hash for hash, read and written twice."""
    root = make_assignment()
    assert make_release(load_assignment(root), tmp_path / "a") == make_release(load_assignment(root), tmp_path / "b")


def test_a_release_never_replaces_one(make_assignment: MakeAssignment, tmp_path: Path) -> None:
    """A folder that is there stays as it is."""
    (tmp_path / "out").mkdir()
    with pytest.raises(AlreadyExists):
        make_release(load_assignment(make_assignment()), tmp_path / "out")


def test_an_assignment_with_errors_is_not_released(
    make_assignment: MakeAssignment, tmp_path: Path, notebook: Callable[..., Any], cell: Callable[..., Any]
) -> None:
    """The first error is told, and nothing is left behind."""
    root = make_assignment("bad", ps1=notebook(cell("### BEGIN SOLUTION\nSECRET", "answer", "q1"), cell("pass", "test", "t", 1)))
    with pytest.raises(InvalidInput, match="never closed"):
        make_release(load_assignment(root), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_authors_solution_can_be_handed_in(make_assignment: MakeAssignment, tmp_path: Path) -> None:
    """Answers are in, hidden tests are not; a file in hidden/solution/ lies where a student would have it."""
    root = make_assignment(files={"hidden/solution/model.txt": "weights"})
    out = solution_submission(load_assignment(root), tmp_path / "out")
    text = (out / "ps1.ipynb").read_text()
    assert ("SECRET_SOLUTION" in text, "SECRET_TEST" in text, (out / "model.txt").read_text()) == (True, False, "weights")
    assert json.loads(text)["cells"][4]["outputs"] == []


def test_a_picture_whose_name_has_a_space_stays(notebook: Callable[..., Any], cell: Callable[..., Any]) -> None:
    """However the text writes it; what is not shown goes."""
    pictures = {"my pic.png": {"image/png": "AA"}, "two words.png": {"image/png": "BB"}, "not shown.png": {"image/png": "CC"}}
    text = "![a](attachment:my%20pic.png) ![b](attachment:two words.png)"
    (shown,) = student_version(notebook(cell(text, cell_type="markdown", attachments=pictures)))["cells"]
    assert sorted(shown["attachments"]) == ["my pic.png", "two words.png"]


def test_nothing_is_laid_out_within_the_assignment(make_assignment: MakeAssignment) -> None:
    """It would be handed out with the next release, solutions and all."""
    assignment = load_assignment(make_assignment())
    for lay_out in (make_release, lay_out_student, solution_submission):
        with pytest.raises(InvalidInput, match="would be handed out with it"):
            lay_out(assignment, assignment.root / "out")
    assert not (assignment.root / "out").exists()


def test_a_preview_is_what_students_get(make_assignment: MakeAssignment, tmp_path: Path) -> None:
    """File for file, the tasks of those who annotate among them."""
    sheet = "annotations: [{id: cells, image: data/a.png, points: 4, gold: gold.geojson}]"
    files: dict[str, str | bytes] = {"assignment.yaml": sheet, "data/a.png": "picture", "hidden/gold.geojson": "{}"}
    assignment = load_assignment(make_assignment(files=files))
    student, _ = make_release(assignment, tmp_path / "release")
    assert manifest_of(lay_out_student(assignment, tmp_path / "preview")) == student
    assert student.entry("annotations/tasks.json") is not None
