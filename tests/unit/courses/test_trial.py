"""A student's notebook tried before it is handed in: what passes, what fails, what is not reached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labkit.courses.trial import TrialStep, try_notebooks
from labkit.errors import InvalidInput


def _cell(source: str, grade_id: str = "", points: float = 1.0) -> dict[str, Any]:
    mark = {"schema_version": 3, "grade_id": grade_id, "grade": True, "solution": False, "locked": True, "points": points}
    metadata = {"nbgrader": mark} if grade_id else {}
    return {"cell_type": "code", "id": grade_id or "plain", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


def test_every_test_is_told_of(tmp_path: Path) -> None:
    """One passes, one fails, one earns a part; after the kernel's death the rest was not run. The folder is the assignment's."""
    (tmp_path / "my data.csv").write_text("30")
    cells = [
        _cell("value = int(open('my data.csv').read())"),
        _cell("assert value == 30", "right"),
        _cell("\nassert value == 31, 'one off'", "wrong"),
        _cell("0.5", "partly", 2),
        _cell("import os; os._exit(3)"),
        _cell("assert True", "late"),
    ]
    notebook = {"cells": [cell | {"id": f"c{k}"} for k, cell in enumerate(cells)], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "ps1.ipynb").write_text(json.dumps(notebook))
    steps: list[TrialStep] = []
    trial = try_notebooks(tmp_path, ("ps1.ipynb",), on_step=steps.append)
    [found] = trial.notebooks
    assert [(cell.grade_id, cell.state, cell.message) for cell in found.cells] == [
        ("right", "passed", ""),
        ("wrong", "failed", "AssertionError: one off"),
        ("partly", "failed", "0.5 of 2 points"),
        ("late", "not-run", ""),
    ]
    assert found.problem == "The kernel died in cell 5; what comes after it was not run."
    assert found.cells[1].line == "assert value == 31, 'one off'"
    assert not trial.passed
    assert steps[0].total == 6


def test_what_is_no_notebook(tmp_path: Path) -> None:
    """It is said before anything is run."""
    (tmp_path / "ps1.ipynb").write_text("{")
    with pytest.raises(InvalidInput, match="cut short"):
        try_notebooks(tmp_path, ("ps1.ipynb",), on_step=lambda step: None)


def test_odd_marks_of_cells_are_no_reason_to_fail(tmp_path: Path) -> None:
    """Whoever broke nbgrader's metadata gets the other tests run; points may be a text, as of old."""
    cells = [_cell("1", "right"), _cell("1", "odd") | {"metadata": {"nbgrader": "x"}}, _cell("0.5", "old")]
    cells[2]["metadata"]["nbgrader"] |= {"schema_version": 0, "points": "2"}
    notebook = {"cells": [cell | {"id": f"c{k}"} for k, cell in enumerate(cells)], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "ps1.ipynb").write_text(json.dumps(notebook))
    [found] = try_notebooks(tmp_path, ("ps1.ipynb",), on_step=lambda step: None).notebooks
    assert [(cell.grade_id, cell.state, cell.message) for cell in found.cells] == [
        ("right", "passed", ""),
        ("old", "failed", "0.5 of 2 points"),
    ]
