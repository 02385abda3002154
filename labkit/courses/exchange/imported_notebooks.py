"""Notebooks of nbgrader, as an assignment of ours has them."""

from __future__ import annotations

from labkit.courses.cells import read_cell, write_cell
from labkit.courses.notebook import Cell, Notebook, cell_text, cells_of, read_notebook, write_notebook
from labkit.courses.regions import code_stub, reopen_stub

__all__ = ["reopened", "upgraded"]


def upgraded(notebook: Notebook, header: list[Cell], footer: list[Cell]) -> Notebook:
    """Return a source with metadata of version 3, and with what nbgrader would put before and after it in a release."""
    cells = [*header, *cells_of(notebook), *footer]
    written = notebook | {"cells": [cell if (graded := read_cell(cell)) is None else write_cell(cell, graded) for cell in cells]}
    return read_notebook(write_notebook(written))  # read again: each cell gets an id of its own


def reopened(notebook: Notebook) -> Notebook:
    """Return what was handed out as a source without solutions."""
    return upgraded(notebook | {"cells": [_with_region(cell) for cell in cells_of(notebook)]}, [], [])


def _with_region(cell: Cell) -> Cell:
    """Return an answer as it was handed out with a region for the solution, so that what stands around it is handed out again."""
    graded = read_cell(cell)
    if graded is None or graded.kind not in ("answer", "hand") or cell["cell_type"] != "code":
        return cell
    return cell | {"source": reopen_stub(cell_text(cell), code_stub("python"))}
