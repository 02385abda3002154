"""Scores of cells, out of how they went."""

from __future__ import annotations

import nbformat
import pytest

from labkit.courses.cells import GradedCell, write_cell
from labkit.courses.grading.engine import CellStory
from labkit.courses.grading.scoring import cell_scores, check_scores, missing_scores
from labkit.courses.records import CheckResult, Item
from labkit.testing.grading import graded_test, hand_cell, notebook

TEST = Item(id="t", notebook="ps1", how="cell", max_points=3)
HAND = Item(id="h", notebook="ps1", how="hand", max_points=2)


def _scored(story: CellStory | None) -> tuple[float | None, str]:
    book = nbformat.from_dict(notebook([graded_test("t", "assert True", 3)]))
    (score,) = cell_scores([TEST], book, {} if story is None else {0: story})
    assert not score.trusted
    return score.points, score.note


@pytest.mark.parametrize(
    ("story", "points"),
    [
        (CellStory("ok"), 3),
        (CellStory("ok", result="1.5"), 1.5),
        (CellStory("ok", result="99"), 3),
        (CellStory("ok", result="-1"), 0),
        (CellStory("ok", result="nan"), 0),
        (CellStory("ok", result="inf"), 0),
        (CellStory("ok", result="True"), 3),
        (CellStory("ok", result="'1'"), 3),
        (CellStory("ok", result="9" * 100), 3),
        (CellStory("error", error="AssertionError: no"), 0),
        (CellStory("timeout"), 0),
        (CellStory("died"), 0),
        (CellStory("not-run"), 0),
        (None, 0),
    ],
)
def test_points_of_a_test(story: CellStory | None, points: float) -> None:
    """All of them if nothing was raised, a number that it ends with within its bounds, otherwise none."""
    assert _scored(story)[0] == points


def test_note_is_the_first_line_of_the_error() -> None:
    """A traceback is not for a table."""
    assert _scored(CellStory("error", error="AssertionError: no\nmore"))[1] == "AssertionError: no"


def test_what_people_score_waits_for_them() -> None:
    """No points are not zero points."""
    (score,) = cell_scores([HAND], nbformat.from_dict(notebook([hand_cell("h", "Because.")])), {})
    assert score.points is None


def test_a_task_waits_for_a_person_whose_answer_stands_in_other_cells() -> None:
    """Its own cell is as it was handed out in every submission, and says nothing of whether there is an answer."""
    source = {"cell_type": "markdown", "id": "h", "metadata": {}, "source": "## Show a figure below."}
    task = write_cell(source, GradedCell(kind="task", grade_id="h", points=2), with_checksum=True)
    (score,) = cell_scores([HAND], nbformat.from_dict(notebook([task])), {})
    assert score.points is None


def test_notebook_that_is_missing_earns_nothing() -> None:
    """Each of its items says why."""
    assert [(score.points, score.note) for score in missing_scores([TEST, HAND], "gone")] == [(0, "gone"), (0, "gone")]


def test_checks_are_trusted_and_never_above_their_points() -> None:
    """Student code has no part in them."""
    item = Item(id="c", how="assertion", max_points=2)
    (score,) = check_scores([item], {"c": CheckResult(check="c", points=5)})
    assert (score.points, score.trusted) == (2, True)
    (score,) = check_scores([item], {})
    assert (score.points, score.trusted) == (0, True)
