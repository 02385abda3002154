"""Assignments and submissions for tests of grading, made by code."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["answer", "assignment", "code", "graded_test", "notebook", "replace_source", "submission", "write_notebook_file"]

Cell = dict[str, Any]
Notebook = dict[str, Any]

ANSWERS = {
    "mean": "def mean(values):\n    ### BEGIN SOLUTION\n    return sum(values) / len(values)\n    ### END SOLUTION\n",
    "threshold": "import numpy as np\nlevel = None\n### BEGIN SOLUTION\nlevel = 3\n### END SOLUTION\n"
    "mask = np.arange(16).reshape(4, 4) > level\n",
    "table": 'with open("data/my table.csv") as file:\n    rows = file.read().split()\n'
    "### BEGIN SOLUTION\ntotal = sum(map(int, rows))\n### END SOLUTION\n",
}
TESTS = {
    "mean_test": "assert mean([1, 2, 3]) == 2\n### BEGIN HIDDEN TESTS\nassert mean([4]) == 4\n### END HIDDEN TESTS\n",
    "threshold_test": "assert mask.sum() == 12\n",
    "table_test": "assert total == 6\n",
}


def _nbgrader(
    grade_id: str, *, grade: bool = False, solution: bool = False, locked: bool = False, points: float | None = None
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
    }
    return {"nbgrader": said if points is None else said | {"points": points}}


def code(source: str, **metadata: Any) -> Cell:
    """Return a code cell."""
    return {"cell_type": "code", "id": "", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


def answer(grade_id: str, source: str) -> Cell:
    """Return a cell that students fill in."""
    return code(source, **_nbgrader(grade_id, solution=True))


def graded_test(grade_id: str, source: str, points: float = 1.0) -> Cell:
    """Return a cell of tests."""
    return code(source, **_nbgrader(grade_id, grade=True, locked=True, points=points))


def hand_cell(grade_id: str, source: str, points: float = 2.0) -> Cell:
    """Return an answer in words, which a person scores."""
    cell = code(source, **_nbgrader(grade_id, grade=True, solution=True, points=points))
    return {key: value for key, value in cell.items() if key not in ("outputs", "execution_count")} | {"cell_type": "markdown"}


def notebook(cells: Sequence[Cell]) -> Notebook:
    """Return a notebook of these cells."""
    numbered = [cell | {"id": f"c{number}"} for number, cell in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": numbered, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def write_notebook_file(path: Path, book: Notebook) -> None:
    """Write a notebook."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(book))


def assignment(folder: Path, *, limits: str = "", checks: bool = True) -> Path:
    """Make the assignment ``ps1``: three independent questions, a hand-graded one, and checks on what is exported."""
    cells = [code("seed = 0\ndata = ''\ntime_s = 0\ndevice = ''\n", tags=["parameters"])]
    for (name, source), (test, asserted) in zip(ANSWERS.items(), TESTS.items(), strict=True):
        cells += [answer(name, source), graded_test(test, asserted)]
    cells.append(hand_cell("why", "Say why.\n### BEGIN SOLUTION\nBecause.\n### END SOLUTION\n"))
    write_notebook_file(folder / "ps1.ipynb", notebook(cells))
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "my table.csv").write_text("1\n2\n3\n")
    (folder / "helper.py").write_text("def rule():\n    return 'ours'\n")
    sheet = "title: Problem set 1\nseed: 7\n" + limits
    if checks:
        sheet += (
            "exports:\n  mask: ps1:mask\n  level: ps1:level\nchecks:\n"
            "  - {id: level_check, kind: assertion, points: 2, exports: [level], function: 'tests.py:check_level'}\n"
            "  - {id: mask_check, kind: metric, points: 4, exports: [mask], metric: dice, labels: labels,"
            " thresholds: [[0.5, 2], [0.95, 4]]}\n"
        )
        (folder / "hidden" / "labels").mkdir(parents=True)
        np.save(folder / "hidden" / "labels" / "picture.npy", (np.arange(16).reshape(4, 4) > 3).astype(np.uint8))
        (folder / "hidden" / "tests.py").write_text("def check_level(level):\n    assert level == 3, 'The level is not 3.'\n")
    (folder / "assignment.yaml").write_text(sheet)
    return folder


def submission(source: Path, folder: Path, change: Callable[[Notebook], Notebook | None] | None = None) -> Path:
    """Make a submission of what was handed out, filled in as the author would; `change` gets the notebook to spoil it."""
    from labkit.courses.notebook import write_notebook
    from labkit.courses.student import student_version

    book = json.loads((source / "ps1.ipynb").read_text())
    handed_out = student_version(book)
    for cell, authored in zip(handed_out["cells"], book["cells"], strict=True):
        if authored["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = "".join(line for line in authored["source"].splitlines(keepends=True) if "### " not in line)
    handed_out = copy.deepcopy(handed_out)
    if change is not None:
        handed_out = change(handed_out) or handed_out
    folder.mkdir(parents=True)
    (folder / "ps1.ipynb").write_bytes(write_notebook(handed_out))
    shutil.copytree(source / "data", folder / "data")
    shutil.copyfile(source / "helper.py", folder / "helper.py")
    return folder


def replace_source(grade_id: str, source: str) -> Callable[[Notebook], None]:
    """Return a change that writes something else into a cell."""

    def change(book: Notebook) -> None:
        for cell in book["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
                cell["source"] = source

    return change
