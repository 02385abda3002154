"""Grades an assignment with its author's own solution: what does not earn all its points is a fault of the assignment."""

from __future__ import annotations

from pathlib import Path

from labkit.courses.assignment import Assignment
from labkit.courses.grading.batch import Batch, grade_batch
from labkit.courses.grading.shapes import Shape
from labkit.courses.grading.steps import count_cells
from labkit.courses.records import CellScore, GradeResult
from labkit.courses.student import refuse_errors, solution_submission
from labkit.events import CancelToken, EventSink, Progress, ignore_events

__all__ = ["grade_solution", "lacking"]

_ID = "test"


def grade_solution(
    assignment: Assignment,
    scratch: Path,
    *,
    submission: Path | None = None,
    shape: Shape | None = None,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> tuple[GradeResult, Path]:
    """Return what the solution, or another `submission`, earns, and the folder with the files of the result.

    Parameters
    ----------
    scratch : Path
        An empty folder, in which the solution and the result are laid out.
    submission : Path, optional
        Graded in place of the solution.
    shape : Shape, optional
        Where the notebooks are executed; by default in programs of this machine.
    on_event : callable, optional
        Gets a `Progress` in cells of the notebooks, and then in checks of the sheet.

    Raises
    ------
    InvalidInput
        The assignment has errors.
    Cancelled
        `cancel` was set.
    """
    refuse_errors(assignment)
    on_event(Progress(0, sum(map(count_cells, assignment.notebooks.values())), "cells", "executing"))
    given = submission if submission is not None else solution_submission(assignment, scratch / "solution")
    batch = Batch({1: assignment.root}, {_ID: (given, 1)}, scratch / "out")
    (result,) = grade_batch(batch, shape=shape, workers=1, on_event=on_event, cancel=cancel)
    return result, scratch / "out" / _ID


def lacking(result: GradeResult) -> tuple[CellScore, ...]:
    """Return what was scored without a person and did not earn all its points."""
    scored = [score for score in result.scores if score.item.how != "hand" and score.points is not None]
    return tuple(score for score in scored if score.points is not None and score.points < score.item.max_points)
