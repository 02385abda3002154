"""A notebook as plain data: read from bytes whatever wrote them, written so that the same notebook is the same bytes."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = [
    "Cell",
    "Notebook",
    "cell_text",
    "cell_where",
    "cells_of",
    "is_counted_id",
    "new_cell_id",
    "place_of",
    "plain_text",
    "read_notebook",
    "text_of",
    "write_notebook",
]

Notebook = dict[str, Any]
Cell = dict[str, Any]
_CELL_ID = re.compile(r"^[a-zA-Z0-9_-]{1,64}\Z")
_TYPES = ("code", "markdown", "raw")
_WHERE = re.compile(r"^(?P<file>.+), (?:line \d+|cells? (?P<cell>\d+)(?:, \d+)*(?: \((?P<id>.+)\))?)\Z", re.DOTALL)


def text_of(value: object) -> str:
    """Return a text that nbformat lets be split into lines; empty for what is neither text nor lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return ""


def cell_text(cell: Cell) -> str:
    """Return the source of a cell in one piece."""
    return text_of(cell.get("source"))


def cells_of(notebook: Notebook) -> list[Cell]:
    """Return the cells that are cells."""
    cells = notebook.get("cells")
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []


def cell_where(notebook: str, index: int, grade_id: str = "") -> str:
    """Return where a cell is, for people: ``ps1.ipynb, cell 4 (q1_test)``; they count from 1."""
    file = f"{notebook}.ipynb, " if notebook else ""
    return f"{file}cell {index + 1}" + (f" ({grade_id})" if grade_id else "")


def place_of(where: str) -> tuple[str, int | None, str]:
    """Return file, index of the cell (the first of several) and grade id of what `cell_where` or another problem says."""
    found = _WHERE.match(where)
    if found is None:
        return where, None, ""
    return found["file"], int(found["cell"]) - 1 if found["cell"] else None, found["id"] or ""


def read_notebook(data: bytes) -> Notebook:
    """Return the notebook of a file that `labkit.courses.submitted.check_notebook` has found to be one.

    Sources and attachments are in one piece, each cell has an id of its own and a metadata object; all else is as it was.
    """
    notebook: Notebook = json.loads(data.decode("utf-8-sig"))
    taken = {cell["id"] for cell in cells_of(notebook) if isinstance(cell.get("id"), str)}
    seen: set[str] = set()
    notebook["cells"] = [_whole_cell(cell, index, taken, seen) for index, cell in enumerate(cells_of(notebook))]
    notebook["metadata"] = notebook["metadata"] if isinstance(notebook.get("metadata"), dict) else {}
    notebook |= {"nbformat": 4, "nbformat_minor": 5}
    return notebook


def _whole_cell(cell: Cell, index: int, taken: set[str], seen: set[str]) -> Cell:
    whole = cell | {"source": cell_text(cell)}
    whole["cell_type"] = cell["cell_type"] if cell.get("cell_type") in _TYPES else "raw"
    whole["metadata"] = dict(cell["metadata"]) if isinstance(cell.get("metadata"), dict) else {}
    if whole["cell_type"] == "code":
        whole.setdefault("outputs", [])
        whole.setdefault("execution_count", None)
    whole["id"] = new_cell_id(cell.get("id"), index, seen, taken)
    return whole


def new_cell_id(given: object, index: int, seen: set[str], taken: set[str]) -> str:
    """Return the id that a cell has, if it is one and not in `seen`; else one by its index that is in neither set. Add it to `seen`."""
    found = given if isinstance(given, str) and _CELL_ID.match(given) and given not in seen else f"cell-{index + 1}"
    number = 1
    while found in seen or (found in taken and found != given):
        number += 1
        found = f"cell-{index + 1}-{number}"
    seen.add(found)
    return found


def is_counted_id(cell_id: str) -> bool:
    """Return whether an id may be one that `new_cell_id` made by counting."""
    return re.fullmatch(r"cell-\d+(-\d+)?", cell_id) is not None


def plain_text(text: str) -> str:
    """Return `text` without what JSON can say and UTF-8 or a database cannot: half a surrogate pair, and NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd") if not text.isascii() or "\0" in text else text


def write_notebook(notebook: Notebook) -> bytes:
    """Return the bytes of a notebook, in nbformat's own layout; the same for equal notebooks."""
    try:
        return (json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can say and UTF-8 cannot
        return (json.dumps(notebook, indent=1, sort_keys=True) + "\n").encode()
