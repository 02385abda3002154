"""What is wrong with an annotation task of a sheet, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from labkit.courses.annotation_files import TASKS_FILE
from labkit.courses.assignment import HIDDEN, Assignment
from labkit.courses.picture_heads import head_of
from labkit.courses.records import AnnotationTask, Problem
from labkit.courses.sheet import SHEET_FILE
from labkit.formats.pictures import is_picture

__all__ = ["problems_of_task"]


def problems_of_task(assignment: Assignment, task: AnnotationTask) -> Iterator[Problem]:
    """Yield what a task names and what is not there, or does not fit."""
    gold = assignment.root / HIDDEN / task.gold
    if not task.gold:
        yield _problem(task, "it has no gold", f"Name a file in {HIDDEN}/ with the right annotations, such as {task.id}.geojson.")
    elif gold not in assignment.hidden:
        yield _problem(task, f"there is no file {HIDDEN}/{task.gold}", "Export your own annotations of the picture to it.")
    if "/" in task.image and task.image not in assignment.public:
        yield _problem(
            task, f"there is no file {task.image}", "Name a picture that students get, or an image of their project by its name."
        )
    if (picture := assignment.public.get(task.image)) and task.thumbnail not in assignment.public and not _can_be_shown(picture):
        text = "its picture is of a kind that is not read: at the hub outlines and comments will stand on a blank field"
        yield _problem(task, text, f"Put a small PNG of it into the folder as {task.thumbnail}.", is_error=False)
    if TASKS_FILE in assignment.public:
        yield _problem(task, f"the file {TASKS_FILE} is made when you release", "Call yours something else.")
    if task.measure in ("iou", "dice", "ap") and any(value > 1 for value, _ in task.thresholds):
        yield _problem(task, "a threshold is above 1, which nothing reaches", "Write [value, points]; the value is 0-1.")
    if any(not math.isfinite(value) for value, _ in task.thresholds):
        yield _problem(task, "a threshold is no number", "Write [value, points].")
    best = max((points for _, points in task.thresholds), default=task.points)
    if best > task.points:
        yield _problem(task, f"a threshold gives {best:g} points, more than its {task.points:g}", "Raise its points.")
    elif best < task.points:
        yield _problem(task, f"no threshold gives all of its {task.points:g} points", "Add one that does.", is_error=False)
    if len({name.strip().casefold() for name in task.classes}) != len(task.classes):
        yield _problem(task, "a class is named twice", "Upper and lower case are the same.")


def _can_be_shown(picture: Path) -> bool:
    """Whether browsers show it, or a preview can be made of it when it is released."""
    return head_of(picture) is not None or is_picture(picture)


def _problem(task: AnnotationTask, text: str, hint: str, *, is_error: bool = True) -> Problem:
    return Problem(severity="error" if is_error else "warning", where=SHEET_FILE, text=f"The annotation task {task.id}: {text}.", hint=hint)
