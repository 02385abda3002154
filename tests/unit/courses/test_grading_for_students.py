"""What students read of an executed notebook: nothing of hidden tests; staff read all of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labkit.courses.grading import Batch, grade_batch
from labkit.courses.grading.checks import Checker
from labkit.courses.grading.for_students import HIDDEN_FAILED, student_view
from labkit.courses.records import AssignmentSheet, GradeResult
from labkit.testing.grading import Cell, answer, assignment, code, graded_test, notebook, replace_source, submission, write_notebook_file

SECRET = "assert mean([4, 8]) == 6, 'the secret is six'"
TEST = f"assert mean([1]) == 1, 'one alone'\n### BEGIN HIDDEN TESTS\n{SECRET}\n### END HIDDEN TESTS"


def _traceback(*lines: str) -> dict[str, Any]:
    """Return an error whose frames are at these lines, as IPython shows it: other lines around them, in colours."""
    frames = [f"\x1b[32mCell In[1], line 1\x1b[39m\n\x1b[32m----> \x1b[39m\x1b[32m1\x1b[39m {line}\n      2 {SECRET}" for line in lines]
    return {"output_type": "error", "ename": "AssertionError", "evalue": "the message", "traceback": frames}


def _stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def _executed(*outputs: dict[str, Any], other: dict[str, Any] | None = None) -> Any:
    """Return an executed notebook: a test with these outputs, then a cell of the student's."""
    test = graded_test("mean_test", TEST) | {"outputs": list(outputs)}
    cells: list[Cell] = [test, code("mine()") | {"outputs": [other] if other else []}]
    return nbformat.from_dict(notebook(cells))


def _text(view: Any) -> str:
    return nbformat.writes(view.notebook)


def test_notebook_without_hidden_tests_is_as_it_is() -> None:
    """There is no second one."""
    assert student_view(nbformat.from_dict(notebook([graded_test("t", "assert True")]))) is None


def test_source_is_what_was_handed_out_and_staff_keep_theirs() -> None:
    """The regions are cut, markers too."""
    executed = _executed()
    view = student_view(executed)
    assert view is not None
    assert view.notebook.cells[0].source == "assert mean([1]) == 1, 'one alone'"
    assert executed.cells[0].source == TEST


@pytest.mark.parametrize(
    ("frames", "show", "shown"),
    [
        (("assert mean([1]) == 1, 'one alone'",), False, "AssertionError: the message"),
        ((SECRET,), False, HIDDEN_FAILED),
        (("assert mean([1]) == 1, 'one alone'", SECRET), False, HIDDEN_FAILED),
        ((), False, HIDDEN_FAILED),
        ((SECRET,), True, "AssertionError: the message"),
    ],
)
def test_error_of_a_test_without_its_traceback(frames: tuple[str, ...], show: bool, shown: str) -> None:
    """Class and message of a visible line; of a hidden one, a line called by it, or where it cannot be seen, neither."""
    view = student_view(_executed(_traceback(*frames)), {0}, show_messages=show)
    assert view is not None
    (output,) = view.notebook.cells[0].outputs
    assert output.traceback == [shown]
    assert view.notes == ({0: HIDDEN_FAILED} if shown == HIDDEN_FAILED else {})
    assert "six" not in _text(view)


def test_error_that_is_not_among_the_outputs_is_not_told_either() -> None:
    """Where there were too many outputs, the score's note still knew its message."""
    view = student_view(_executed(), {0})
    assert view is not None
    assert view.notes == {0: HIDDEN_FAILED}


def test_test_shows_points_and_nothing_else() -> None:
    """What it prints may be a hidden line's; the number that it ends with is on the grade anyway."""
    number = {"output_type": "execute_result", "data": {"text/plain": "0.5"}, "metadata": {}, "execution_count": None}
    picture = {"output_type": "display_data", "data": {"image/png": "AAAA"}, "metadata": {}}
    view = student_view(_executed(_stream("it should be 6"), picture, number))
    assert view is not None
    assert [output.data for output in view.notebook.cells[0].outputs] == [{"text/plain": "0.5"}]


@pytest.mark.parametrize(
    "other",
    [
        _stream(repr([TEST])),
        _stream(f"  {SECRET}\n"),
        {"output_type": "display_data", "data": {"text/html": f"<b>{SECRET.replace(chr(39), '&#39;')}</b>"}, "metadata": {}},
        {"output_type": "display_data", "data": {"application/json": [TEST]}, "metadata": {}},
        _traceback("mine()"),
        _traceback(SECRET),
    ],
)
def test_other_cells_show_no_hidden_line(other: dict[str, Any]) -> None:
    """Printed, quoted, as HTML, as JSON, or beside a frame of a traceback."""
    view = student_view(_executed(other=other))
    assert view is not None
    assert "six" not in _text(view)


@pytest.mark.parametrize("other", [_stream("mean of 4 and 8 is 6\n"), _stream("")])
def test_other_cells_are_as_they_were(other: dict[str, Any]) -> None:
    """What shows no hidden line stays."""
    view = student_view(_executed(other=other))
    assert view is not None
    assert view.notebook.cells[1].outputs[0].text == other["text"]


@pytest.mark.parametrize(("show", "told"), [(False, "The check failed."), (True, None)])
def test_message_of_a_hidden_check_is_for_staff(tmp_path: Path, show: bool, told: str | None) -> None:
    """Unless the sheet shows it; that something was not exported is nobody's secret."""
    (tmp_path / "tests.py").write_text("def test_level(level):\n    assert level == 3, 'It is three.'\n")
    check = {"id": "level", "kind": "assertion", "points": 1, "exports": ["level"], "function": "tests.py:test_level"}
    sheet = AssignmentSheet.model_validate({"exports": {"level": "ps1:level"}, "checks": [check], "show_hidden_messages": show})
    missing = Checker(sheet, tmp_path).carry_out(sheet.checks[0], tmp_path)
    (tmp_path / "level.json").write_text("2")
    result = Checker(sheet, tmp_path).carry_out(sheet.checks[0], tmp_path)
    assert (result.note, result.student_note) == ("It is three.", told)
    assert (missing.note, missing.student_note) == ("level was not exported.", None)


@pytest.fixture
def grade(tmp_path: Path) -> Callable[[str], tuple[GradeResult, Path]]:
    """Grade a submission with this answer, and the student's own cell after the tests that prints all that was run."""

    def run(written: str) -> tuple[GradeResult, Path]:
        source = assignment(tmp_path / "source", checks=False)
        write_notebook_file(source / "ps1.ipynb", notebook([answer("mean", "mean = sum\n"), graded_test("mean_test", TEST)]))

        def change(book: dict[str, Any]) -> None:
            replace_source("mean", written)(book)
            book["cells"].append(code("print(In)") | {"id": "mine"})

        given = submission(source, tmp_path / "given", change)
        (result,) = grade_batch(Batch({1: source}, {"s": (given, 1)}, tmp_path / "out"))
        return result, tmp_path / "out" / "s"

    return run


def test_graded_submission_has_files_for_its_student(grade: Callable[[str], tuple[GradeResult, Path]]) -> None:
    """A real kernel's traceback and history: the secret is in what staff read, and in nothing that students do."""
    result, files = grade("def mean(values):\n    return values[0]\n")
    (outcome,), (score,) = result.notebooks, result.scores
    assert score.note == "AssertionError: the secret is six"
    assert score.for_student.note == HIDDEN_FAILED
    assert {path for path, _ in outcome.files} == {"ps1.ipynb", "ps1.html", "student/ps1.ipynb", "student/ps1.html"}
    for path, sha256 in outcome.files:
        assert ("secret is six" in (files / sha256).read_text()) is not path.startswith("student/")
