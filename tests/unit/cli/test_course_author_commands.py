"""`labkit course new|check|preview|import-nbgrader|export-nbgrader`: what an author does, without a hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.courses.folder import load_assignment
from labkit.courses.grading import Batch, solution
from labkit.courses.mending import mend
from labkit.courses.records import GradeResult
from labkit.courses.student import solved_version
from labkit.testing.commands import Done, files_in

LabKit = Callable[..., Done]


@pytest.fixture
def assignment(labkit: LabKit, tmp_path: Path) -> Path:
    """The sample assignment."""
    assert labkit("course", "new", "Übung 1 (a) [x]+b").exit_code == 0
    return tmp_path / "Übung 1 (a) [x]+b"


def test_the_sample_assignment_has_nothing_wrong(labkit: LabKit, assignment: Path) -> None:
    """Four kinds of items, 16 points."""
    done = labkit("course", "check", assignment, "--json")
    assert (done.exit_code, done.json["problems"], done.json["max_points"]) == (0, [], 16.0)
    assert {item["how"] for item in done.json["items"]} == {"cell", "hand", "assertion", "metric"}


def test_its_own_solution_passes_its_tests(assignment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All cells as they would be run of a submission with the author's answers, hidden tests and the check on counts included."""
    source = load_assignment(assignment).notebooks["nuclei"]
    names: dict[str, object] = {}
    monkeypatch.chdir(assignment)
    for cell in mend(solved_version(source), source).notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(cell["source"], names)
    checks: dict[str, Callable[..., None]] = {}
    exec((assignment / "hidden" / "tests.py").read_text(), checks)
    checks["test_counts"](names["counts"])


def test_author_tests_with_what_a_student_would_hand_in(labkit: LabKit, assignment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`labkit course test` grades the solution without hidden tests, as it would come back; the grading itself is played."""
    handed_in: dict[str, str] = {}

    def grade(job: Batch, **_: object) -> Iterator[GradeResult]:
        folder, _version = job.submissions["test"]
        handed_in["notebook"] = (folder / "nuclei.ipynb").read_text()
        yield GradeResult(submission="test", state="graded", isolation="process")

    monkeypatch.setattr(solution, "grade_batch", grade)
    assert labkit("course", "test", assignment).exit_code == 0
    assert "BEGIN SOLUTION" in handed_in["notebook"]
    assert "HIDDEN TESTS" not in handed_in["notebook"]


def test_solution_that_could_not_be_graded_has_not_earned_all(labkit: LabKit, assignment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no scores then, and so none that lacks points."""

    def grade(_job: Batch, **_: object) -> Iterator[GradeResult]:
        yield GradeResult(submission="test", state="failed", isolation="process")

    monkeypatch.setattr(solution, "grade_batch", grade)
    done = labkit("course", "test", assignment, "--json")
    assert (done.exit_code, done.json["full"]) == (1, False)


def test_what_is_kept_of_a_test_does_not_lie_in_the_assignment(labkit: LabKit, assignment: Path) -> None:
    """Executed solutions would be handed out with the next release."""
    done = labkit("course", "test", "--out", "graded", "--json", here=assignment)
    assert (done.exit_code, "handed out" in done.error["message"], (assignment / "graded").exists()) == (2, True, False)


def test_two_samples_are_the_same(labkit: LabKit, assignment: Path, tmp_path: Path) -> None:
    """Pictures are made from seeds, ids of cells are given."""
    labkit("course", "new", "other")
    assert [path.read_bytes() for path in sorted(assignment.rglob("*.*"))] == [
        path.read_bytes() for path in sorted((tmp_path / "other").rglob("*.*"))
    ]


def test_check_tells_a_person_what_is_wrong_and_exits_with_3(labkit: LabKit, assignment: Path) -> None:
    """One line and a hint for each problem, on standard error; items on standard output."""
    (assignment / "hidden" / "tests.py").unlink()
    done = labkit("course", "check", here=assignment)
    assert done.exit_code == 3
    assert done.stderr.startswith("error: assignment.yaml: The check counts: there is no file hidden/tests.py.\n  Write the file")
    assert "nuclei/limits: 3 points, by hand\n" in done.stdout


def test_preview_writes_what_students_get(labkit: LabKit, assignment: Path, tmp_path: Path) -> None:
    """Notebook and data; nothing of hidden/, no solution."""
    done = labkit("course", "preview", assignment, "--out", "out", "--json")
    assert [file["path"] for file in done.json["files"]] == ["data/alpha.tif", "data/beta.tif", "data/gamma.tif", "nuclei.ipynb"]
    text = (tmp_path / "out" / "nuclei.ipynb").read_text()
    assert not [secret for secret in ("np.cumsum", "default_rng", "1 point for outlines", "BEGIN", "uneven") if secret in text]


def test_preview_of_a_broken_assignment_makes_nothing(labkit: LabKit, assignment: Path, tmp_path: Path) -> None:
    """It is refused as a release would be."""
    (assignment / "assignment.yaml").write_text("title: [")
    done = labkit("course", "preview", assignment, "--out", "out")
    assert (done.exit_code, (tmp_path / "out").exists(), "assignment.yaml, line 1" in done.stderr) == (2, False, True)


def test_a_course_goes_to_nbgrader_and_comes_back(labkit: LabKit, assignment: Path, tmp_path: Path) -> None:
    """By command line alone: out with words on what stays behind, in with the same points, and out again from the records."""
    done = labkit("course", "export-nbgrader", assignment, "--course", "bio", "--out", "course", "--json")
    assert ["(x)_b" in done.json["notes"][0], "6 points" in done.json["notes"][1]] == [True, True]
    back = labkit("course", "import-nbgrader", "course", "--out", "back", "--json").json
    assert (back["course"], back["assignments"][0]["max_points"], back["notes"]) == ("bio", 10.0, [])
    assert load_assignment(tmp_path / "back" / back["assignments"][0]["folder"]).max_points == 16.0
    again = labkit("course", "export-nbgrader", "--records", "back", "--out", "again", "--json")
    assert again.json["assignments"] == ["Übung 1 (a) (x)_b"]
    assert sorted(files_in(tmp_path / "again")) == sorted(files_in(tmp_path / "course"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("new", "a/.hidden"),
        ("check", "nowhere"),
        ("preview", "nowhere", "--out", "x"),
        ("import-nbgrader", "nowhere", "--out", "x"),
        ("export-nbgrader", "--out", "x"),
        ("export-nbgrader", "--records", "nowhere", "--out", "x"),
    ],
)
def test_what_is_not_there_is_said(labkit: LabKit, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """One JSON error with a hint, exit code 2, nothing made."""
    done = labkit("course", *arguments, "--json")
    assert (done.exit_code, bool(json.loads(done.stdout)["error"]["hint"]), files_in(tmp_path)) == (2, True, {})
