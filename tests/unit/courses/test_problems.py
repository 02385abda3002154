"""What is wrong with an assignment is found before students find it, and said in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.courses.folder import load_assignment
from labkit.courses.notebook import cell_where, place_of

MakeAssignment = Callable[..., Path]
Make = Callable[..., Any]


@pytest.fixture
def words(make_assignment: MakeAssignment, notebook: Make) -> Callable[..., list[str]]:
    """Give a function: the problems of an assignment whose notebook has these cells beside a good answer and test."""

    def problems_of(*cells: Any, files: dict[str, str | bytes] | None = None, sheet: str = "") -> list[str]:
        made = {"assignment.yaml": sheet} if sheet else {}
        root = make_assignment("a", files={**made, **(files or {})}, ps1=notebook(*cells))
        return [f"{problem.severity}: {problem.where}: {problem.text}" for problem in load_assignment(root).problems]

    return problems_of


def test_a_good_assignment_has_none(make_assignment: MakeAssignment) -> None:
    """Every kind of cell, and no complaint."""
    assignment = load_assignment(make_assignment())
    assert (assignment.problems, assignment.name, assignment.max_points) == ((), "Übung 1 (a) [x]+b", 14.5)


CASES = [
    ([("pass", "test", "t", 1), ("pass", "test", "t", 1)], "ps1.ipynb, cells 1, 2: The id t is given more than once."),
    ([("pass", "test", "t", None)], "cell 1 (t): The test has no points."),
    ([("pass", "test", "t", -2)], "cell 1 (t): The test has no points."),
    ([("pass", "test", "a b", 1)], "The id 'a b' is none that nbgrader allows."),
    ([("pass", "test", "", 1)], "It has no id."),
    ([("x", "answer", "q", None)], "Nothing in it earns points."),
    ([("### BEGIN SOLUTION\nx", "answer", "q", None)], "The solution region that begins in line 1 is never closed."),
    ([("x\n### END SOLUTION", "answer", "q", None)], "Line 2 ends a solution region that was never begun."),
    ([("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "answer", "q", None)], "Line 2 begins a solution region within"),
    (
        [("### BEGIN SOLUTION\n### BEGIN HIDDEN TESTS\n### END SOLUTION\n### END HIDDEN TESTS", "hand", "q", 1)],
        "cell 1 (q): The hidden tests region that begins in line 2 overlaps the solution region that begins in line 1.",
    ),
    ([("### BEGIN SOLUTION\nx=1\n### END SOLUTION", "locked", "q", None)], "A solution region stands in a locked cell."),
    ([("### BEGIN SOLUTION\nx=1\n### END SOLUTION", "", "", None)], "A solution region stands in a plain cell."),
    (
        [("### BEGIN HIDDEN TESTS\nx=1\n### END HIDDEN TESTS", "answer", "q", None)],
        "A hidden tests region stands in a cell of another kind.",
    ),
    ([("=== BEGIN MARK SCHEME ===\n=== END MARK SCHEME ===", "hand", "q", 1)], "A mark scheme region stands in"),
    ([("assert f(1)", "test", "t", 1), ("def f(x): return x", "answer", "q", None)], "The test uses f, which cell 2 (q) makes only later."),
    ([("open('hidden/labels/a.tif')", "", "", None)], "It names a file in hidden/."),
    ([("pass", "test", "t", 1), ("x = 'tests_hidden.py'", "", "", None)], "warning: ps1.ipynb, cell 2: It names tests_hidden.py"),
    ([("open('/home/me/a.csv')", "", "", None)], "warning: ps1.ipynb, cell 1: The path '/home/me/a.csv' is on your machine only."),
    ([("open('../a.csv')", "", "", None)], "leads out of the assignment."),
    ([("def f(:", "test", "t", 1)], "error: ps1.ipynb, cell 1 (t): It is no Python that can be read."),
    ([("### AUTOTEST f(1)", "test", "t", 1)], "AUTOTEST lines of nbgrader are not carried out here."),
    (
        [("### begin solution\nx=1\n### end solution", "answer", "q", None)],
        "cell 1 (q): Line 1 looks like a marker, and nothing is cut there.",
    ),
    ([("#BEGIN HIDDEN  TEST\nx=1", "test", "t", 1)], "cell 1 (t): Line 1 looks like a marker, and nothing is cut there."),
    ([("=== End\u00a0Mark Scheme ===\r\n", "task", "t", 1)], "cell 1 (t): Line 1 looks like a marker, and nothing is cut there."),
]


@pytest.mark.parametrize(("cells", "expected"), CASES)
def test_faults_of_cells(words: Callable[..., list[str]], cell: Make, cells: list[Any], expected: str) -> None:
    """Each is named with its cell."""
    found = words(*(cell(*one) for one in cells), files={"hidden/tests_hidden.py": "x"})
    assert any(expected in line for line in found), found


@pytest.mark.parametrize(
    ("kind", "cell_type", "expected"), [("test", "markdown", "must be a code cell"), ("task", "code", "must be a Markdown cell")]
)
def test_faults_of_types(words: Callable[..., list[str]], cell: Make, kind: str, cell_type: str, expected: str) -> None:
    """A test in words, a task in code."""
    assert expected in "".join(words(cell("x", kind, "t", 1, cell_type=cell_type)))


def test_regions_one_within_the_other(words: Callable[..., list[str]], cell: Make) -> None:
    """Both are cut whole."""
    text = "### BEGIN SOLUTION\nx = 1\n### BEGIN HIDDEN TESTS\nassert x\n### END HIDDEN TESTS\ny = 2\n### END SOLUTION"
    assert words(cell(text, "hand", "q", 1)) == []


@pytest.mark.parametrize(
    ("where", "place"),
    [
        (cell_where("Übung 1, cell 3 (b)", 6, "q-1"), ("Übung 1, cell 3 (b).ipynb", 6, "q-1")),
        (cell_where("ps1", 0), ("ps1.ipynb", 0, "")),
        ("ps1.ipynb, cells 4, 12", ("ps1.ipynb", 3, "")),
        ("assignment.yaml, line 3", ("assignment.yaml", None, "")),
        ("data/a, b.csv", ("data/a, b.csv", None, "")),
        ("", ("", None, "")),
    ],
)
def test_a_place_is_found_again(where: str, place: tuple[str, int | None, str]) -> None:
    """What is said for people leads to the file and the cell."""
    assert place_of(where) == place


def test_magics_and_shell_lines_are_no_fault(words: Callable[..., list[str]], cell: Make) -> None:
    """IPython's own lines are not Python's, and fine."""
    assert words(cell("%matplotlib inline\n!ls\nfiles = !ls\nx = 1\nx?", "locked", "s"), cell("assert x == 1", "test", "t", 1)) == []


CHECK = "exports: {n: 'ps1:n'}\nchecks:\n  - {id: c, kind: assertion, points: 1, function: 'tests.py:test_n', exports: [n]}\n"
METRIC = (
    "exports: {n: 'ps1:n'}\n"
    "checks:\n  - {id: c, kind: metric, metric: iou, points: 2, labels: truth, exports: [n], thresholds: [[0.5, 2]]}\n"
)
SHEETS = [
    ("titel: x", "", "assignment.yaml, line 1: The field titel: there is no such field."),
    ("title: x\nlimits:\n  cell_s: -3", "", "assignment.yaml, line 3: The field limits.cell_s: input should be greater than 0."),
    ("title: x\ntitle: y", "", "assignment.yaml, line 2: The field title is given twice."),
    ("title: [", "", "assignment.yaml, line"),
    ("a: &a [1]\nb: *a", "", "line 2: The reference *a is not understood"),
    ("- 1", "", "line 1: It is no list of 'field: value' lines."),
    ("checks:\n  - {id: c, kind: assertion, points: 1}", "", "line 2: The field checks.1: the check 'c' needs a function"),
    (CHECK, "", "The check c: hidden/tests.py has no function test_n."),
    (CHECK.replace("tests.py", "other.py"), "", "The check c: there is no file hidden/other.py."),
    (CHECK.replace("tests.py", "../a.py"), "", "The check c: the function '../a.py:test_n' is not understood."),
    (CHECK, "def test_n(:", "The check c: hidden/tests.py is no Python that can be read."),
    (CHECK, "def test_n(m): pass", "The check c: test_n needs m, which is not among its exports."),
    (CHECK, "def test_n(): pass", "The check c: test_n does not take n."),
    (CHECK.replace("ps1:n", "ps2:n"), "def test_n(n): pass", "The export n: there is no notebook ps2."),
    (CHECK.replace("ps1:n", "ps1:zz"), "def test_n(n): pass", "warning: assignment.yaml: The export n: ps1.ipynb makes no zz"),
    (CHECK.replace("ps1:n", "file:../n"), "def test_n(n): pass", "The export n: the path '../n' leads out of the submission."),
    (METRIC, "", "The check c: there are no files in hidden/truth."),
    (METRIC.replace("0.5, 2", "0.5, 3").replace("truth", "labels"), "", "The check c: a threshold gives 3 points, more than its 2."),
    ("data: ../data", "", "The data path '../data' leads out of what students get."),
    ("data: /data", "", "The data path '/data' leads out of what students get."),
    ("data: hidden", "", "The data path 'hidden' leads out of what students get."),
    ("required: [../m]", "", "The required file '../m' leads out of the submission."),
    ("rubric: [{item: ps1/q, text: good}]", "", "The rubric button 'good' is for 'ps1/q', which earns no points."),
]


@pytest.mark.parametrize(("sheet", "tests", "expected"), SHEETS)
def test_faults_of_the_sheet(words: Callable[..., list[str]], cell: Make, sheet: str, tests: str, expected: str) -> None:
    """Line and field are named; what it names must be there."""
    found = words(
        cell("n = 1", "answer", "q"),
        cell("pass", "test", "t", 1),
        sheet=sheet,
        files={"hidden/tests.py": tests, "hidden/labels/a.tif": b"x"},
    )
    assert any(expected in line for line in found), found


def test_names_that_are_there_already_are_not_too_early(words: Callable[..., list[str]], cell: Make) -> None:
    """A plain import before the test, and what Python has by itself, though a later answer makes them again."""
    later = cell("import math\ndef sum(x): return x", "answer", "q")
    assert words(cell("import math"), cell("assert sum([math.pi]) > 3", "test", "t", 1), later) == []


def test_a_word_about_hidden_things_is_no_leak(words: Callable[..., list[str]], cell: Make) -> None:
    """Prose may say hidden/visible; the name of a hidden file may not be said."""
    found = words(
        cell("hidden/visible neurons", cell_type="markdown"),
        cell("See hidden/tests.py", cell_type="markdown"),
        cell("pass", "test", "t", 1),
    )
    assert found == ["error: ps1.ipynb, cell 2: It names a file in hidden/."]


def test_a_check_that_fits_is_no_problem(words: Callable[..., list[str]], cell: Make) -> None:
    """The function is read and never run."""
    tests = "raise SystemExit('imported')\ndef test_n(n, *, more=1): pass"
    assert words(cell("n = 1", "answer", "q"), sheet=CHECK, files={"hidden/tests.py": tests}) == []


def test_files_that_would_tell(words: Callable[..., list[str]], cell: Make) -> None:
    """A public copy of a hidden file; a helper with a solution in it; a link."""
    files = {"hidden/labels/a.tif": b"truth", "data/b.tif": b"truth", "helper.py": "### BEGIN SOLUTION\n### END SOLUTION"}
    found = "".join(words(cell("pass", "test", "t", 1), files=files))
    assert "data/b.tif: It is the same as hidden/labels/a.tif" in found
    assert "helper.py: It holds a solution region" in found


def test_broken_notebooks_and_links_are_named(make_assignment: MakeAssignment, notebook: Make, cell: Make) -> None:
    """They are no reason to fail."""
    root = make_assignment("a", files={"bad.ipynb": "{", "old.ipynb": '{"nbformat": 3}'}, ps1=notebook(cell("pass", "test", "t", 1)))
    (root / "link").symlink_to("/etc/passwd")
    assert [problem.where for problem in load_assignment(root).problems] == ["link", "bad.ipynb", "old.ipynb"]


ALMOST_HIDDEN = [
    ("Hidden/tests.py", "x", "error: Hidden: It is handed out: only a folder that is called hidden stays hidden."),
    ("Feedback/read me.txt", "x", "error: Feedback/read me.txt: The name feedback is taken in the folders of students."),
    ("assignment.yml", "title: x", "error: assignment.yml: It is handed out, and nobody reads it."),
    ("ps1.ipynb.bak", '"### BEGIN SOLUTION"', "error: ps1.ipynb.bak: It holds a solution region"),
    ("more/big.ipynb", " " * 3_000_000 + '"### BEGIN SOLUTION"', "error: more/big.ipynb: It holds a solution region"),
    ("old/ps1.ipynb", '{"grade_id": "q", "solution": true}', "warning: old/ps1.ipynb: It is a notebook with answers"),
    ("solutions/q1.py", "x = 1", "warning: solutions/q1.py: It is called like a solution"),
    ("ps1-solution.ipynb", '{"nbformat": 4, "cells": []}', "warning: ps1-solution.ipynb: It is called like a solution"),
    ("ps1-Copy1.ipynb", '{"nbformat": 4, "cells": []}', "warning: ps1-Copy1.ipynb: It is called like a copy of ps1.ipynb."),
]


@pytest.mark.parametrize(("path", "text", "expected"), ALMOST_HIDDEN)
def test_what_is_handed_out_by_mistake(words: Callable[..., list[str]], cell: Make, path: str, text: str, expected: str) -> None:
    """Folders, sheets, copies and solutions under names that nothing keeps from being handed out."""
    found = words(cell("pass", "test", "t", 1), files={path: text})
    assert any(line.startswith(expected) for line in found), found


def test_names_that_only_sound_like_a_solution(words: Callable[..., list[str]], cell: Make) -> None:
    """Pictures have a resolution."""
    assert words(cell("pass", "test", "t", 1), files={"data/high-resolution.csv": "1", "dissolution.txt": "1"}) == []
