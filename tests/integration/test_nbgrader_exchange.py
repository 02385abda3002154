"""nbgrader 0.9.6 itself, in an environment of its own: its quickstart course comes in with the same points, and it opens what we write.

Its quickstart is made, released, handed in by two students and graded by it; imported; exported; opened, released and graded by it anew.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.peers import peers_python
from labkit.courses.cells import graded_cells
from labkit.courses.exchange import CourseRecords, export_course, import_course
from labkit.courses.folder import load_assignment
from labkit.courses.notebook import read_notebook
from labkit.courses.student import student_version

pytestmark = [pytest.mark.network, pytest.mark.ci]

_JUDGE = Path(__file__).with_name("nbgrader_judge.py")
_TIMEOUT_S = 240


def _judge(what: str, course: Path) -> dict[str, Any]:
    """Let nbgrader act on a course, and return what it says."""
    try:
        python = peers_python("peers_nbgrader")
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"the environment of the peers cannot be made: {error}")
    environment = os.environ | {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "JUPYTER_PLATFORM_DIRS": "1"}
    command = [str(python), "-W", "ignore", str(_JUDGE), what, str(course)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The quickstart course, released and graded by nbgrader, and what it says of it."""
    course = tmp_path_factory.mktemp("theirs") / "course101"
    course.mkdir()
    return course, _judge("make", course)


@pytest.fixture(scope="module")
def imported(theirs: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CourseRecords]:
    """That course, imported."""
    out = tmp_path_factory.mktemp("imported") / "course"
    return out, import_course(theirs[0], out)


@pytest.fixture(scope="module")
def opened(imported: tuple[Path, CourseRecords], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What nbgrader says of the course that we exported."""
    folder, records = imported
    out = tmp_path_factory.mktemp("ours") / "course101"
    export_course([load_assignment(folder / "assignments" / "ps1")], out, records=records, files=folder)
    return _judge("open", out)


def test_its_course_comes_in_with_the_same_points(theirs: tuple[Path, dict[str, Any]], imported: tuple[Path, CourseRecords]) -> None:
    """Each student's points, the most there are, the times; nothing is left to say."""
    folder, records = imported
    points = {
        one.student: [one.points, records.assignments[0].max_points, f"{one.submitted:%Y-%m-%d %H:%M:%S.%f}"] for one in records.submissions
    }
    assert (points, records.course, records.notes) == (theirs[1], "course101", ())
    assignment = load_assignment(folder / "assignments" / "ps1")
    assert (assignment.max_points, assignment.problems) == (13.0, ())
    assert {item.key for item in assignment.items} == {item.key for item in records.assignments[0].items}


@pytest.mark.parametrize("name", ["problem1", "problem2"])
def test_our_student_version_is_its_release(theirs: tuple[Path, dict[str, Any]], imported: tuple[Path, CourseRecords], name: str) -> None:
    """Cell for cell the same text and metadata, checksums included."""
    ours = student_version(load_assignment(imported[0] / "assignments" / "ps1").notebooks[name])
    release = read_notebook((theirs[0] / "release" / "ps1" / f"{name}.ipynb").read_bytes())
    assert [cell["source"] for cell in ours["cells"]] == [cell["source"] for cell in release["cells"]]
    assert [cell["metadata"] for cell in ours["cells"]] == [cell["metadata"] for cell in release["cells"]]
    assert len(graded_cells(ours)) == len(graded_cells(release))


def test_it_opens_what_we_export_with_the_same_points(theirs: tuple[Path, dict[str, Any]], opened: dict[str, Any]) -> None:
    """Its gradebook, its export and its list of submissions say what they said before."""
    assert opened["before"] == theirs[1]
    assert opened["assignments"] == {"ps1": 13.0}
    assert opened["submissions"] == {student: row[0] for student, row in theirs[1].items()}


def test_it_releases_and_grades_what_we_export(theirs: tuple[Path, dict[str, Any]], opened: dict[str, Any]) -> None:
    """A submission graded anew, from our source, has the same points; a solved notebook passes its validation."""
    assert opened["after"] == theirs[1]
    assert opened["valid"] == {}
