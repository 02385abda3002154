"""A course goes out to nbgrader's layout and comes back the same; what cannot be taken is said."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labkit.courses.exchange import CellGrade, CourseRecords, StudentRecord, SubmissionRecord, export_course, import_course
from labkit.courses.exchange.records import AssignmentRecord
from labkit.courses.folder import load_assignment
from labkit.courses.student import student_version
from labkit.errors import AlreadyExists, InvalidInput, NotFound

MakeAssignment = Callable[..., Path]
WHEN = datetime(2026, 2, 2, 15, 58, 23, 948203, tzinfo=UTC)


@pytest.fixture
def records() -> CourseRecords:
    """A student's scores, comments, extension and penalty."""
    grades = (
        CellGrade(item="ps1/q1_test", auto=5.0, manual=4.0, extra=0.5),
        CellGrade(item="ps1/q2_test", auto=0.0),
        CellGrade(item="ps1/why", manual=2.0, comment="Good – but short.", auto_comment="No response."),
        CellGrade(item="ps1/essay", waits=True),
    )
    submission = SubmissionRecord(
        assignment="Übung 1",
        student="zoë b",
        submitted=WHEN,
        extension_s=7200,
        penalty=1.5,
        grades=grades,
        comments={"ps1/q1": "Nice."},
        files="in/zoë b",
    )
    return CourseRecords(
        course="bio 101",
        students=(StudentRecord(id="ana", first_name="Ana", last_name="Ö", email="a@x"), StudentRecord(id="zoë b", lms_user_id="7")),
        assignments=(AssignmentRecord(name="Übung 1", due=WHEN),),
        submissions=(submission,),
    )


@pytest.fixture
def course(make_assignment: MakeAssignment, records: CourseRecords, tmp_path: Path) -> Path:
    """That course, exported."""
    (tmp_path / "in" / "zoë b").mkdir(parents=True)
    (tmp_path / "in" / "zoë b" / "ps1.ipynb").write_text("{}")
    assignment = load_assignment(make_assignment("Übung 1", files={"assignment.yaml": "title: One\n"}))
    assert export_course([assignment], tmp_path / "course", records=records, files=tmp_path) == []
    return tmp_path / "course"


def test_a_course_comes_back_as_it_went(course: Path, records: CourseRecords, tmp_path: Path) -> None:
    """People, times, scores, comments, notebooks, hidden files and the sheet."""
    found = import_course(course, tmp_path / "back")
    expected = records.submissions[0].model_copy(update={"files": "submissions/Übung 1/zoë b"})
    assert (found.course, found.students, found.submissions, found.notes) == ("bio 101", records.students, (expected,), ())
    assignment = load_assignment(tmp_path / "back" / found.assignments[0].folder)
    assert (found.assignments[0].due, found.assignments[0].max_points, assignment.max_points) == (WHEN, 14.5, 14.5)
    assert (assignment.sheet.title, [path.name for path in assignment.hidden], list(assignment.public)) == (
        "One",
        ["tests.py"],
        ["data/my data.csv"],
    )


def test_points_are_those_of_a_person_and_what_was_given_on_top(records: CourseRecords) -> None:
    """As nbgrader counts: by hand before by test, plus extra credit, nothing for what waits."""
    assert records.submissions[0].points == 4.0 + 0.5 + 0.0 + 2.0


def test_nothing_hidden_is_in_what_nbgrader_would_hand_out(course: Path) -> None:
    """Its release/ has no secret, and source/ no hidden file: nbgrader would copy that."""
    assert not [path for path in (course / "release").rglob("*") if path.is_file() and b"SECRET" in path.read_bytes()]
    assert not [path for path in (course / "source").rglob("*") if path.is_file() and b"SECRET_HIDDEN" in path.read_bytes()]


def test_the_gradebook_keeps_hidden_tests_and_no_solutions(course: Path) -> None:
    """What autograde puts back into a submission."""
    with closing(sqlite3.connect(course / "gradebook.db")) as database:
        sources = " ".join(row[0] for row in database.execute("SELECT source FROM source_cell"))
    assert ("SECRET_TEST" in sources, "SECRET_SOLUTION" in sources) == (True, False)


def test_a_course_that_was_only_handed_out_keeps_what_stands_around_an_answer(ps1: dict[str, Any], tmp_path: Path) -> None:
    """Without source/ the student version is taken; what LabKit makes of it is the same student version."""
    handed_out = student_version(ps1)
    folder = tmp_path / "course" / "release" / "ps1"
    folder.mkdir(parents=True)
    (folder / "ps1.ipynb").write_text(json.dumps(handed_out))
    found = import_course(tmp_path / "course", tmp_path / "back")
    again = student_version(load_assignment(tmp_path / "back" / "assignments" / "ps1").notebooks["ps1"])
    assert [cell["source"] for cell in again["cells"]] == [cell["source"] for cell in handed_out["cells"]]
    assert "in release/ only" in found.notes[1]


def test_scores_of_a_csv_stand_in_for_a_missing_gradebook(course: Path, tmp_path: Path) -> None:
    """Totals and times are taken; the missing gradebook is said."""
    (course / "gradebook.db").unlink()
    head = "assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,late_submission_penalty,score,max_score\n"
    (course / "grades.csv").write_text(
        head + f"Übung 1,,{WHEN:%Y-%m-%d %H:%M:%S.%f},zoë b,,,,6.5,1.5,5.0,14.5\nÜbung 1,,,ana,,,,0.0,0.0,0.0,14.5\n"
    )
    found = import_course(course, tmp_path / "back")
    assert [(one.student, one.points, one.penalty, one.submitted) for one in found.submissions] == [("zoë b", 6.5, 1.5, WHEN)]
    assert "There is no gradebook.db" in found.notes[0]


def test_a_csv_that_differs_is_said(course: Path, tmp_path: Path) -> None:
    """The gradebook counts."""
    (course / "grades.csv").write_text("assignment,student_id,raw_score,timestamp\nÜbung 1,zoë b,3.0,x\n")
    assert import_course(course, tmp_path / "back").notes == ("grades.csv differs from gradebook.db in 1 row(s); the gradebook counts.",)


@pytest.mark.parametrize("data", [b"", b"no database at all", b"SQLite format 3\0" + b"x" * 2000])
def test_a_broken_gradebook_loses_scores_and_not_notebooks(course: Path, tmp_path: Path, data: bytes) -> None:
    """It is said, and the rest is taken."""
    (course / "gradebook.db").write_bytes(data)
    found = import_course(course, tmp_path / "back")
    assert (found.assignments[0].max_points, "gradebook.db" in found.notes[0]) == (14.5, True)


def test_settings_links_and_odd_names_are_said(course: Path, tmp_path: Path) -> None:
    """What changes notebooks, what leads elsewhere, and what nbgrader's own header file is."""
    with open(course / "nbgrader_config.py", "a") as file:
        file.write('c.ClearSolutions.begin_solution_delimeter = "X"\nc.Exchange.root = "/y"\nc.IncludeHeaderFooter.header = "../h.ipynb"\n')
        file.write('c.CourseDirectory.feedback_directory = "/etc"\n')
    (course / "source" / "Übung 1" / "passwd").symlink_to("/etc/passwd")
    notes = " ".join(import_course(course, tmp_path / "back").notes)
    assert "ClearSolutions.begin_solution_delimeter is not carried over" in notes
    assert "source/Übung 1/passwd is a link" in notes
    assert "the header ../h.ipynb lies outside" in notes
    assert "the feedback directory /etc lies outside" in notes
    assert "Exchange" not in notes


def test_an_old_course_is_upgraded(tmp_path: Path, notebook: Callable[..., Any], cell: Callable[..., Any]) -> None:
    """Metadata before version 1, from the first years of nbgrader, become version 3 with the same points."""
    old = cell("assert True") | {"metadata": {"nbgrader": {"grade": True, "solution": False, "grade_id": "t", "points": "2"}}}
    (tmp_path / "course" / "source" / "ps1").mkdir(parents=True)
    (tmp_path / "course" / "source" / "ps1" / "ps1.ipynb").write_text(json.dumps(notebook(old)))
    assert import_course(tmp_path / "course", tmp_path / "back").assignments[0].max_points == 2.0
    said = json.loads((tmp_path / "back" / "assignments" / "ps1" / "ps1.ipynb").read_text())["cells"][0]["metadata"]["nbgrader"]
    assert (said["schema_version"], said["points"], said["locked"]) == (3, 2.0, False)


def test_a_gradebook_of_before_task_cells_is_read(course: Path, records: CourseRecords, tmp_path: Path) -> None:
    """Cells were in tables of their own, grades without extra credit, students without a number of the LMS."""
    with closing(sqlite3.connect(course / "gradebook.db")) as database, database:
        for old, new in (("grade_cell", "grade_cells"), ("solution_cell", "solution_cells")):
            database.execute(
                f"CREATE TABLE {old} AS SELECT base_cell.name, base_cell.notebook_id, {new}.* FROM {new} JOIN base_cell USING (id)"
            )
        for new in ("base_cell", "grade_cells", "solution_cells", "task_cells", "course", "alembic_version"):
            database.execute(f"DROP TABLE {new}")
        database.execute("ALTER TABLE grade DROP COLUMN extra_credit")
        database.execute("ALTER TABLE student DROP COLUMN lms_user_id")
    found = import_course(course, tmp_path / "back")
    assert [(grade.item, grade.points) for grade in found.submissions[0].grades] == [
        ("ps1/q1_test", 4.0),
        ("ps1/q2_test", 0.0),
        ("ps1/why", 2.0),
    ]
    assert found.submissions[0].comments == {"ps1/q1": "Nice."}


def test_headers_are_put_where_nbgrader_puts_them(
    course: Path, tmp_path: Path, notebook: Callable[..., Any], cell: Callable[..., Any]
) -> None:
    """The source itself has none; what is handed out begins with it."""
    with open(course / "nbgrader_config.py", "a") as file:
        file.write('c.IncludeHeaderFooter.header = "source/header.ipynb"\n')
    (course / "source" / "header.ipynb").write_text(json.dumps(notebook(cell("NAME = ''"))))
    import_course(course, tmp_path / "back")
    assert load_assignment(tmp_path / "back" / "assignments" / "Übung 1").notebooks["ps1"]["cells"][0]["source"] == "NAME = ''"


def test_checks_and_names_that_nbgrader_does_not_know_are_said(make_assignment: MakeAssignment, tmp_path: Path) -> None:
    """The points of checks stay with LabKit; a name with + and brackets is another there."""
    sheet = "exports: {n: 'ps1:math'}\nchecks: [{id: c, kind: assertion, points: 3, function: 'tests.py:t', exports: [n]}]\n"
    root = make_assignment(files={"assignment.yaml": sheet, "hidden/tests.py": "def t(n): pass"})
    notes = export_course([load_assignment(root)], tmp_path / "course")
    assert ["Übung 1 (a) (x)_b" in notes[0], "1 of them with 3 points" in notes[1]] == [True, True]


def test_what_cannot_be_done_makes_nothing(make_assignment: MakeAssignment, tmp_path: Path, notebook: Callable[..., Any]) -> None:
    """No course, an assignment with errors, a folder that is there."""
    with pytest.raises(NotFound):
        import_course(tmp_path, tmp_path / "back")
    with pytest.raises(InvalidInput):
        export_course([load_assignment(make_assignment("bad", ps1=notebook()))], tmp_path / "course")
    with pytest.raises(AlreadyExists):
        export_course([load_assignment(make_assignment("good"))], tmp_path / "good")
    assert [path.name for path in tmp_path.iterdir() if path.name in ("back", "course")] == []
