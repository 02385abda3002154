"""nbgrader's metadata of cells: versions 0 to 3 are read, 3 is written, checksums are as nbgrader 0.9 computes them.

The format (``metadata.nbgrader`` with ``grade``, ``solution``, ``locked``, ``task``, ``grade_id``, ``points``) is nbgrader's, so that
its toolbar, its ``validate`` and its ``autograde`` work on what is written here.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from labkit.courses.notebook import Cell, Notebook, cell_text, cells_of

__all__ = ["SCHEMA_VERSION", "CellKind", "GradedCell", "checksum", "graded_cells", "read_cell", "tags_of", "untouched", "write_cell"]

SCHEMA_VERSION = 3
CellKind = Literal["test", "hand", "answer", "task", "locked"]

# grade, solution, locked, task, as nbgrader's own toolbar sets them.
_FLAGS: dict[CellKind, tuple[bool, bool, bool, bool]] = {
    "test": (True, False, True, False),
    "hand": (True, True, False, False),
    "answer": (False, True, False, False),
    "task": (False, False, True, True),
    "locked": (False, False, True, False),
}
_KNOWN = ("schema_version", "grade", "solution", "locked", "task", "grade_id", "points", "checksum", "cell_type")


@dataclass(frozen=True, slots=True)
class GradedCell:
    """What nbgrader's metadata say of a cell.

    Attributes
    ----------
    kind : {"test", "hand", "answer", "task", "locked"}
        Tests that are run; an answer that a person scores; an answer that tests score; a task whose answer may stand anywhere and
        that a person scores; a cell that only must stay as it is.
    points : float or None
        None where the cell earns none, or where what it has is no number of points.
    locked : bool
        The flag as it was written: nbgrader keeps it as it is, though a test is always locked.
    checksum, cell_type : str or None
        Of the student version, when it was made.
    version : int
        Of the metadata as they were read.
    """

    kind: CellKind
    grade_id: str
    points: float | None = None
    locked: bool = False
    checksum: str | None = None
    cell_type: str | None = None
    version: int = SCHEMA_VERSION

    @property
    def scored(self) -> bool:
        """Whether it earns points."""
        return self.kind in ("test", "hand", "task")

    @property
    def fixed(self) -> bool:
        """Whether its source is ours, and no student's."""
        return self.kind in ("test", "task", "locked")


def read_cell(cell: Cell) -> GradedCell | None:
    """Return what nbgrader's metadata of any version say of `cell`; None where they say nothing."""
    metadata = cell.get("metadata")
    said = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    if not isinstance(said, dict):
        return None
    version = said.get("schema_version", 0)
    kind = _kind(said)
    if kind is None:
        return None
    grade_id = said.get("grade_id")
    return GradedCell(
        kind=kind,
        grade_id=grade_id if isinstance(grade_id, str) else "",
        points=_points(said, kind, version),
        locked=said.get("locked") is True,
        checksum=said["checksum"] if isinstance(said.get("checksum"), str) else None,
        cell_type=said["cell_type"] if isinstance(said.get("cell_type"), str) else None,
        version=version if isinstance(version, int) else -1,
    )


def _kind(said: dict[str, Any]) -> CellKind | None:
    if said.get("task"):
        return "task"
    if said.get("grade"):
        return "hand" if said.get("solution") else "test"
    if said.get("solution"):
        return "answer"
    return "locked" if said.get("locked") else None


def _points(said: dict[str, Any], kind: CellKind, version: object) -> float | None:
    """Return the points; versions before 1 wrote text, nothing, or less than nothing, which counted as 0."""
    if kind in ("answer", "locked"):
        return None
    given = said.get("points")
    if version == 0:
        given = 0.0 if given in ("", None) else given
    try:
        points = float(given) if isinstance(given, int | float | str) and not isinstance(given, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    if version == 0:
        points = max(points, 0.0)
    return points if math.isfinite(points) and points >= 0 else None


def graded_cells(notebook: Notebook) -> list[tuple[int, Cell, GradedCell]]:
    """Return the cells of which nbgrader's metadata say something, each with its index."""
    found = ((index, cell, read_cell(cell)) for index, cell in enumerate(cells_of(notebook)))
    return [(index, cell, graded) for index, cell, graded in found if graded is not None]


def write_cell(cell: Cell, graded: GradedCell, *, with_checksum: bool = False) -> Cell:
    """Return `cell` with metadata of version 3; with what it hashes to and the type it has now, as a student version has it.

    Keys that version 3 does not know are kept under ``metadata.labkit.nbgrader``, since nbgrader refuses them where they were.
    """
    grade, solution, locked, task = _FLAGS[graded.kind]
    said: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "grade": grade, "solution": solution, "grade_id": graded.grade_id}
    said["locked"] = graded.locked if graded.kind in ("test", "hand", "answer") else locked
    if task:
        said["task"] = True
    if graded.points is not None:
        said["points"] = graded.points
    metadata = dict(cell["metadata"]) if isinstance(cell.get("metadata"), dict) else {}
    before = metadata.get("nbgrader")
    if isinstance(before, dict):
        said |= {"task": False} if before.get("task") is False else {}
        others = {key: value for key, value in before.items() if key not in _KNOWN}
        ours = metadata.get("labkit")
        if others:
            metadata["labkit"] = (ours if isinstance(ours, dict) else {}) | {"nbgrader": others}
    metadata["nbgrader"] = said
    written = cell | {"metadata": metadata}
    if with_checksum:
        said |= {"checksum": checksum(written, graded), "cell_type": str(cell.get("cell_type"))}
    elif graded.checksum is not None:
        said |= {"checksum": graded.checksum, "cell_type": graded.cell_type or str(cell.get("cell_type"))}
    return written


def checksum(cell: Cell, graded: GradedCell) -> str:
    """Return nbgrader's checksum: MD5 of source, type, the three flags, the id and, of a graded cell, the points."""
    grade, solution, locked, _ = _FLAGS[graded.kind]
    parts = [cell_text(cell), str(cell.get("cell_type")), str(grade), str(solution), str(locked), graded.grade_id]
    if grade:
        parts.append(str(float(graded.points or 0.0)))
    return hashlib.md5("".join(parts).encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()


def untouched(cell: Cell) -> bool:
    """Return whether an answer is still what was handed out; nbgrader calls that "no response" and gives it no points.

    A cell that must stay as it is - a task, whose answer stands in other cells - is no answer.
    """
    graded = read_cell(cell)
    if graded is None or graded.fixed or graded.checksum is None:
        return False
    return graded.checksum == checksum(cell, graded)


def tags_of(cell: Cell) -> tuple[str, ...]:
    """Return the tags of a cell."""
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, Iterable) and not isinstance(tags, str) else ()
