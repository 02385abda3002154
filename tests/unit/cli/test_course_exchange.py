"""A course from nbgrader to the hub and back: imported, released, handed in, graded, exported with the same points."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labkit.client.course_wire import AssignmentChange, ExtensionAsk, GradeItem, GroupAsk, HandScore, NewAssignment
from labkit.courses.exchange import CourseRecords, export_course, import_course
from labkit.courses.folder import load_assignment
from labkit.testing.assignments import write_assignment
from labkit.testing.commands import call_labkit
from labkit.testing.course_service import COURSE, CourseService, course_service
from labkit.testing.coursework import hand_in_as

NAMES = ("Übung 1 (a)", "ps2")


@dataclass(frozen=True)
class Exported:
    """A course of the hub, and what the command wrote of it."""

    said: dict[str, Any]
    folder: Path
    records: CourseRecords
    grades: dict[tuple[str, str], GradeItem]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CourseService]:
    with course_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def exported(service: CourseService, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Two assignments of nbgrader's, worked on at the hub; of the second one ada and ben hand in together."""
    place = tmp_path_factory.mktemp("exchange")
    prof = service.client("prof")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in service.environment("prof").items():
            patch.setenv(name, value)
        export_course([load_assignment(write_assignment(place / "authored", name)) for name in NAMES], place / "nbgrader")
        assert call_labkit("course", "import-nbgrader", "nbgrader", "--out", "course", cwd=place).exit_code == 0
        for name in NAMES:
            assert call_labkit("course", "release", f"course/assignments/{name}", cwd=place).exit_code == 0
        prof.create_assignment(COURSE, NewAssignment(name="draft"))
        first, second = (next(item for item in prof.assignments(COURSE) if item.name == name) for name in NAMES)
        prof.change_assignment(first.id, AssignmentChange(due="2030-10-25T12:00"))
        prof.extend(first.id, "ben", ExtensionAsk(due="2030-10-26T12:00"))
        prof.change_assignment(second.id, AssignmentChange(group_size=2))
        prof.set_group(second.id, "duo", GroupAsk(members=("ada", "ben")))
        handed_in = [(first, name, hand_in_as(service.client(name), first, place / name)) for name in ("ada", "ben")]
        handed_in.append((second, "ada", hand_in_as(service.client("ada"), second, place / "ada")))
        for item in (first, second):
            service.grade(item.id, {"ps1/test": 2, "/mean": 3}, page="<p>page</p>")
        for _, _, receipt in handed_in:
            prof.score(receipt.submission, HandScore(item="ps1/why", points=2.5, comment="Nearly."))
        ada = handed_in[0][2].submission
        prof.score(ada, HandScore(item="ps1/test", points=1, comment="One of two."))
        prof.score(ada, HandScore(item="", comment="=Well done."))
        done = call_labkit("course", "export-nbgrader", "--course", COURSE, "--out", "back", "--json", cwd=place)
        assert done.exit_code == 0, done.stderr
        records = import_course(place / "back", place / "again")
    grades = {(item.name, name): prof.grade(receipt.submission) for item, name, receipt in handed_in}
    grades["ps2", "ben"] = grades["ps2", "ada"]
    return Exported(done.json, place / "back", records, grades)


def test_scores_of_cells_are_those_of_the_hub(exported: Exported) -> None:
    """By the tests, by a person, and of a group for each of its people."""
    found = {(one.assignment, one.student): one for one in exported.records.submissions}
    assert found.keys() == exported.grades.keys()
    for key, grade in exported.grades.items():
        cells = {score.item.key: score.points for score in grade.scores if score.item.notebook}
        assert {one.item: one.points for one in found[key].grades if one.points is not None} == cells
    by_item = {one.item: one for one in found["Übung 1 (a)", "ada"].grades}
    assert (by_item["ps1/test"].auto, by_item["ps1/test"].manual) == (None, 1)
    assert (by_item["ps1/why"].manual, by_item["ps1/why"].comment) == (2.5, "Nearly.")
    assert {one.item: one for one in found["Übung 1 (a)", "ben"].grades}["ps1/test"].auto == 2


def test_people_times_and_files_go_along(exported: Exported) -> None:
    """Students by their names, due times with extensions, what was handed in and the pages."""
    assert [(one.id, one.first_name, one.last_name) for one in exported.records.students] == [
        ("ada", "", "Ada"),
        ("ben", "", "Ben"),
        ("zoë b", "Zoë", "B"),
    ]
    extended = {(one.assignment, one.student): one.extension_s for one in exported.records.submissions if one.extension_s}
    assert extended == {("Übung 1 (a)", "ben"): 24 * 3600}
    for name in ("ada", "ben"):
        assert name in (exported.folder / "submitted" / name / "Übung 1 (a)" / "ps1.ipynb").read_text()
        assert (exported.folder / "feedback" / name / "Übung 1 (a)" / "ps1.html").read_text() == "<p>page</p>"


def test_assignments_come_back_whole(exported: Exported) -> None:
    """With their solutions, hidden tests and checks, which are kept beside."""
    again = load_assignment(exported.folder.parent / "again" / "assignments" / "ps2")
    assert again.max_points == 9
    assert "HIDDEN TESTS" in (exported.folder / "source" / "ps2" / "ps1.ipynb").read_text()
    assert "HIDDEN TESTS" not in (exported.folder / "release" / "ps2" / "ps1.ipynb").read_text()


def test_what_has_no_cell_is_said_and_in_a_table(exported: Exported) -> None:
    """Scores of checks, comments on tests and on the whole; a draft is left out."""
    assert exported.said["table"] == str(exported.folder / "labkit" / "further-scores.csv")
    rows = list(csv.DictReader(Path(exported.said["table"]).read_text(encoding="utf-8-sig").splitlines()))
    checks = [(row["assignment"], row["student"], row["points"]) for row in rows if row["item"] == "/mean"]
    assert checks == [(name, student, "3.0") for name, student in sorted(exported.grades, key=lambda key: (NAMES.index(key[0]), key[1]))]
    assert [row["comment"] for row in rows if row["comment"]] == ["One of two.", "'=Well done."]
    notes = "\n".join(exported.said["notes"])
    assert "draft: it has not been released, and was left out." in notes
    assert "Übung 1 (a): 4 score(s) and comment(s) belong to no cell of nbgrader's." in notes
    assert "have no cell that nbgrader knows" not in notes


def test_students_cannot_export_a_course(service: CourseService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for staff, and nothing is written."""
    for name, value in service.environment("ada").items():
        monkeypatch.setenv(name, value)
    assert call_labkit("course", "export-nbgrader", "--course", COURSE, "--out", "out", cwd=tmp_path).exit_code != 0
    assert not (tmp_path / "out").exists()
