"""nbgrader's metadata of every version are read without loss, and written as version 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.courses.cells import checksum, read_cell, untouched, write_cell

MakeCell = Callable[..., dict[str, Any]]


def _with(cell: MakeCell, said: dict[str, Any], cell_type: str = "code") -> dict[str, Any]:
    return cell("pass", cell_type=cell_type) | {"metadata": {"nbgrader": said}}


@pytest.mark.parametrize(
    ("said", "kind", "points"),
    [
        ({"grade": True, "grade_id": "a", "points": "2"}, "test", 2.0),  # version 0
        ({"grade": True, "grade_id": "a", "points": ""}, "test", 0.0),
        ({"grade": True, "grade_id": "a", "points": -1}, "test", 0.0),
        ({"grade": True, "grade_id": "a"}, "test", 0.0),
        ({"schema_version": 1, "grade": True, "solution": True, "grade_id": "a", "points": 3}, "hand", 3.0),
        ({"schema_version": 2, "grade": False, "solution": True, "locked": False, "grade_id": "a"}, "answer", None),
        ({"schema_version": 2, "grade": True, "solution": False, "locked": False, "grade_id": "a", "points": 0.5}, "test", 0.5),
        ({"schema_version": 3, "task": True, "grade": False, "solution": False, "locked": True, "grade_id": "a", "points": 4}, "task", 4.0),
        ({"schema_version": 3, "grade": False, "solution": False, "locked": True, "grade_id": "a", "points": 4}, "locked", None),
        ({"schema_version": 3, "grade": True, "solution": False, "locked": False, "grade_id": "a"}, "test", None),
        ({"schema_version": 3, "grade": True, "grade_id": "a", "points": float("inf")}, "test", None),
    ],
)
def test_every_version_is_read(cell: MakeCell, said: dict[str, Any], kind: str, points: float | None) -> None:
    """Kind and points are as nbgrader's own upgrade gives them."""
    found = read_cell(_with(cell, said))
    assert found is not None
    assert (found.kind, found.points, found.grade_id) == (kind, points, "a")


@pytest.mark.parametrize("said", [{}, {"grade": False, "solution": False, "locked": False, "grade_id": "a"}, None, 3])
def test_a_cell_of_which_nothing_is_said_is_plain(cell: MakeCell, said: Any) -> None:
    """Empty metadata, as nbgrader leaves them on copies, are no grading."""
    assert read_cell(_with(cell, said)) is None


@pytest.mark.parametrize("kind", ["test", "hand", "answer", "task", "locked"])
def test_what_is_written_reads_the_same(cell: MakeCell, kind: str) -> None:
    """Version 3 and back."""
    made = cell("pass", kind, "q1", None if kind in ("answer", "locked") else 2.0)
    found = read_cell(made)
    assert found is not None
    assert read_cell(write_cell(made, found)) == found


def test_an_upgrade_keeps_what_version_3_has_no_place_for(cell: MakeCell) -> None:
    """An unknown key is kept beside, where nbgrader does not refuse it."""
    made = _with(cell, {"schema_version": 2, "grade": True, "grade_id": "a", "points": 1, "mine": "x"})
    found = read_cell(made)
    assert found is not None
    metadata = write_cell(made, found)["metadata"]
    assert (metadata["nbgrader"].get("mine"), metadata["labkit"]) == (None, {"nbgrader": {"mine": "x"}})


@pytest.mark.parametrize(
    ("text", "cell_type", "said", "expected"),
    [  # as nbgrader 0.9.6 wrote them into the release of its quickstart
        (
            "YOUR ANSWER HERE",
            "markdown",
            {"grade": True, "solution": True, "grade_id": "part-a", "points": 1},
            "6d5a9eb99c3e76354b6e360ce228580a",
        ),
        (
            "# YOUR CODE HERE\nraise NotImplementedError()",
            "code",
            {"grade": True, "solution": True, "grade_id": "sum_of_squares_application", "points": 2},
            "5a96910dbc324f5565edf92f5c98af1b",
        ),
        (
            "For this problem set, we'll be using the Jupyter notebook:\n\n![](jupyter.png)",
            "markdown",
            {"locked": True, "grade_id": "jupyter"},
            "535c21960d4663d5edac398cb445d087",
        ),
        (
            "---\n## Part E (4 points)\n\nState the formulae for an arithmetic and geometric sum and verify them numerically for an "
            "example of your choice.",
            "markdown",
            {"locked": True, "task": True, "grade_id": "cell-938593c4a215c6cc", "points": 4},
            "987adcce9e8e5119f9c00f2db459fd97",
        ),
    ],
)
def test_checksums_are_nbgraders(cell: MakeCell, text: str, cell_type: str, said: dict[str, Any], expected: str) -> None:
    """Otherwise its `validate` and `autograde` would call our cells changed."""
    made = cell(text, cell_type=cell_type) | {"metadata": {"nbgrader": {"schema_version": 3, **said}}}
    found = read_cell(made)
    assert found is not None
    assert checksum(made, found) == expected


def test_an_answer_that_was_not_touched_is_told(cell: MakeCell) -> None:
    """A single letter makes it an answer."""
    made = cell("YOUR ANSWER HERE", "hand", "a", 1, cell_type="markdown")
    found = read_cell(made)
    assert found is not None
    handed_out = write_cell(made, found, with_checksum=True)
    assert (untouched(handed_out), untouched(handed_out | {"source": "YOUR ANSWER HERE!"})) == (True, False)
