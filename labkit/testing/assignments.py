"""Assignments for tests: one folder as a professor writes it, with everything that can earn points."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["ASSIGNMENT", "DATA", "solve", "write_assignment"]

ASSIGNMENT = "Übung 1 (a) [x]+b"
DATA = "my data.csv"
_SHEET = """\
title: Means
exports:
  mean: "ps1:mean"
checks:
  - {id: mean, title: The mean of the data, kind: assertion, points: 3, exports: [mean], function: "tests.py:test_mean"}
rubric:
  - {item: ps1/why, text: Says that outliers pull the mean, points: 2}
limits: {cell_s: 20, submission_s: 120}
"""
_TESTS = """\
def test_mean(mean):
    assert abs(mean - 5.0) < 1e-9, f"The mean is {mean}, not 5."
"""


def write_assignment(parent: Path, name: str = ASSIGNMENT) -> Path:
    """Write an assignment of 2 (a test cell) + 4 (by hand) + 3 (a check on an exported value) points and return its folder.

    Its data lies beside the notebook, in a file with a space in its name.
    """
    folder = parent / name
    (folder / "data").mkdir(parents=True)
    (folder / "hidden").mkdir()
    (folder / "assignment.yaml").write_text(_SHEET, encoding="utf-8")
    (folder / "hidden" / "tests.py").write_text(_TESTS, encoding="utf-8")
    (folder / "data" / DATA).write_text("value\n4\n5\n6\n", encoding="utf-8")
    cells = [
        _cell("markdown", "head", "# Means"),
        _cell("code", "load", f'with open("data/{DATA}") as file:\n    values = [float(line) for line in file.readlines()[1:]]'),
        _cell(
            "code",
            "answer",
            "### BEGIN SOLUTION\nmean = sum(values) / len(values)\n### END SOLUTION",
            {"grade": False, "solution": True, "locked": False, "grade_id": "answer"},
        ),
        _cell(
            "code",
            "test",
            "assert mean > 0\n### BEGIN HIDDEN TESTS\nassert mean == 5\n### END HIDDEN TESTS",
            {"grade": True, "solution": False, "locked": True, "grade_id": "test", "points": 2},
        ),
        _cell("markdown", "why", "Outliers.", {"grade": True, "solution": True, "locked": False, "grade_id": "why", "points": 4}),
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "ps1.ipynb").write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    return folder


def _cell(kind: str, cell_id: str, source: str, nbgrader: dict[str, Any] | None = None) -> dict[str, Any]:
    metadata = {} if nbgrader is None else {"nbgrader": {"schema_version": 3, "task": False, "cell_type": kind, **nbgrader}}
    cell: dict[str, Any] = {"cell_type": kind, "id": cell_id, "metadata": metadata, "source": source}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def solve(notebook: Path, code: str = "mean = sum(values) / len(values)", words: str = "One large value pulls it up.") -> None:
    """Write an answer into the fetched notebook, as a student would."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        match cell["metadata"].get("nbgrader", {}).get("grade_id"):
            case "answer":
                cell["source"] = code
            case "why":
                cell["source"] = words
    notebook.write_text(json.dumps(content), encoding="utf-8")
