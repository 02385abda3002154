"""Scores of cells. What a test cell's kernel says is a claim: it is scored, and marked as not to be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from labkit.courses.cells import read_cell, untouched
from labkit.courses.grading.engine import CellStory
from labkit.courses.records import CellScore, CheckResult, Item

__all__ = ["cell_scores", "check_scores", "missing_scores"]

_NUMBER_CHARS = 64


def cell_scores(
    items: Iterable[Item], notebook: Any, stories: Mapping[int, CellStory], student_notes: Mapping[int, str] | None = None
) -> list[CellScore]:
    """Return a score for each item of one executed notebook.

    A test that raised nothing earns all its points, or the number that it ends with, as in nbgrader. What a person scores has no
    points yet, but for an answer that is still what was handed out: it earns none. `student_notes` are what students read of cells, by
    their number, where that is not what staff read.
    """
    places: dict[str, int] = {}
    for index, cell in enumerate(notebook.cells):
        graded = read_cell(cell)
        if graded is not None and graded.scored:
            places.setdefault(graded.grade_id, index)
    return [_score(item, places.get(item.id), notebook, stories, student_notes or {}) for item in items]


def _score(item: Item, index: int | None, notebook: Any, stories: Mapping[int, CellStory], student_notes: Mapping[int, str]) -> CellScore:
    if item.how == "hand":
        if index is not None and untouched(notebook.cells[index]):
            return CellScore(item=item, points=0.0, note="Nothing was written here.")
        return CellScore(item=item, points=None)
    if index is None or index not in stories:
        return CellScore(item=item, points=0.0, note="There is no such cell.")
    story = stories[index]
    if story.state != "ok":
        told = student_notes.get(index) if story.state == "error" else None
        return CellScore(item=item, points=0.0, note=_first_line(story.error) or "It failed.", student_note=told)
    return _claimed(item, story.result)


def _claimed(item: Item, result: str) -> CellScore:
    """Return the points of a test that raised nothing."""
    text = result.strip()
    try:
        number = float(text) if text and len(text) <= _NUMBER_CHARS else None
    except ValueError:
        number = None
    if number is None:
        return CellScore(item=item, points=item.max_points)
    if not math.isfinite(number):
        return CellScore(item=item, points=0.0, note=f"The test gave {text}, which is no number of points.")
    points = min(max(number, 0.0), item.max_points)
    return CellScore(item=item, points=points, note="" if points == number else f"The test gave {text}, of {item.max_points:g} points.")


def missing_scores(items: Iterable[Item], why: str) -> list[CellScore]:
    """Return no points for each item of a notebook that could not be executed."""
    return [CellScore(item=item, points=0.0, note=why[:2000]) for item in items]


def check_scores(items: Iterable[Item], results: Mapping[str, CheckResult]) -> list[CellScore]:
    """Return the score of each check of the sheet: student code had no part in it."""
    scores = []
    for item in items:
        result = results.get(item.id)
        result = result or CheckResult(check=item.id, points=0.0, note="It was not carried out.")
        points = min(result.points, item.max_points)
        scores.append(CellScore(item=item, points=points, trusted=True, note=result.note, student_note=result.student_note))
    return scores


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0][:500]
