"""An assignment for the tests: two notebooks' worth of every kind of cell, with secrets that must not come out."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cell = dict[str, Any]


def _cell(text: str, kind: str = "", grade_id: str = "", points: float | None = None, *, cell_type: str = "code", **more: Any) -> Cell:
    """Return a cell as nbgrader's toolbar writes it."""
    metadata: dict[str, Any] = {}
    if kind:
        flags = {"test": (1, 0, 1, 0), "hand": (1, 1, 0, 0), "answer": (0, 1, 0, 0), "task": (0, 0, 1, 1), "locked": (0, 0, 1, 0)}[kind]
        said = dict(zip(("grade", "solution", "locked", "task"), map(bool, flags), strict=True))
        metadata["nbgrader"] = {"schema_version": 3, "grade_id": grade_id, **said} | ({} if points is None else {"points": points})
    made: Cell = {"cell_type": cell_type, "id": f"id-{grade_id or zlib.crc32(text.encode())}", "metadata": metadata, "source": text}
    return made | ({"outputs": [], "execution_count": None} if cell_type == "code" else {}) | more


def _notebook(*cells: Cell) -> dict[str, Any]:
    """Return a notebook of these cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": list(cells), "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _ps1() -> dict[str, Any]:
    """Return a notebook with every kind of cell."""
    answer = "def square(n):\n    ### BEGIN SOLUTION\n    return n * n  # SECRET_SOLUTION\n    ### END SOLUTION"
    test = "assert square(2) == 4\n### BEGIN HIDDEN TESTS\nassert square(9) == 81  # SECRET_TEST\n### END HIDDEN TESTS"
    output = {"output_type": "stream", "name": "stdout", "text": ["SECRET_OUTPUT\n"]}
    scheme = "Explain. ![](attachment:shown.png)\n=== BEGIN MARK SCHEME ===\nSECRET_SCHEME\n=== END MARK SCHEME ==="
    made = _notebook(
        _cell("# Squares", cell_type="markdown"),
        _cell("import math", "locked", "setup"),
        _cell(answer, "answer", "q1", outputs=[output]),
        _cell("## Now see", cell_type="markdown"),
        _cell("square(3)", outputs=[output]),
        _cell(test, "test", "q1_test", 5),
        _cell("cube = None  # SECRET_SOLUTION", "answer", "q2"),
        _cell("assert cube(2) == 8", "test", "q2_test", 2.5),
        _cell("SECRET_WORDS", "hand", "why", 3, cell_type="markdown", attachments={"x.png": {"image/png": "SECRET_PICTURE"}}),
        _cell(
            scheme,
            "task",
            "essay",
            4,
            cell_type="markdown",
            attachments={"shown.png": {"image/png": "AAAA"}, "s.png": {"a": "SECRET_PICTURE"}},
        ),
        _cell("## The end", cell_type="markdown"),
    )
    made["cells"][2]["metadata"]["note"] = "SECRET_META"
    made["metadata"] |= {"widgets": {"state": "SECRET_META"}, "papermill": {"parameters": {"p": "SECRET_META"}}}
    return made


@pytest.fixture
def cell() -> Callable[..., Cell]:
    """Give the function that makes a cell: text, kind, id, points."""
    return _cell


@pytest.fixture
def notebook() -> Callable[..., dict[str, Any]]:
    """Give the function that makes a notebook of cells."""
    return _notebook


@pytest.fixture
def ps1() -> dict[str, Any]:
    """Give a notebook with every kind of cell, and words that begin with SECRET where students must not see them."""
    return _ps1()


@pytest.fixture
def make_assignment(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes an assignment: notebooks by name, further files by path."""

    def make(name: str = "Übung 1 (a) [x]+b", files: dict[str, str | bytes] | None = None, **notebooks: Any) -> Path:
        root = tmp_path / name
        (root / "hidden").mkdir(parents=True)
        for key, made in (notebooks or {"ps1": _ps1()}).items():
            (root / f"{key}.ipynb").write_text(json.dumps(made), encoding="utf-8")
        for path, data in ({"hidden/tests.py": "# SECRET_HIDDEN\n", "data/my data.csv": "a,b\n1,2\n"} | (files or {})).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data.encode() if isinstance(data, str) else data)
        return root

    return make
