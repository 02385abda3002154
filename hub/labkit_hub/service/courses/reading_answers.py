"""What students wrote into graded cells, and what the source has there: as text, for eyes only.

Notebooks are what students made of them; whatever is not as it should be is left out and never an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.courses.records import Manifest
from labkit.errors import LabKitError
from labkit_hub.service.courses.store import FileStore

__all__ = ["CellText", "Pair", "answer_in", "cells_of", "compare", "notebook_of"]

_MOST_BYTES = 20_000_000
_SHOWN_CHARACTERS = 20_000
_CELLS = 2000


@dataclass(frozen=True, slots=True)
class CellText:
    """A cell as it is read: its id for grading, its kind, its text."""

    grade_id: str
    kind: str
    text: str
    outputs: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A cell of the submission beside that of the source; either may be missing."""

    left: CellText | None
    right: CellText | None

    @property
    def is_same(self) -> bool:
        """Whether nothing was changed."""
        return self.left is not None and self.right is not None and self.left.text.strip() == self.right.text.strip()

    @property
    def title(self) -> str:
        """The cell's id for grading, if it has one."""
        return (self.right or self.left or CellText("", "", "")).grade_id


def notebook_of(store: FileStore, manifest: Manifest, notebook: str) -> tuple[CellText, ...]:
    """Return the cells of a notebook of a manifest; none where it is not there or cannot be read."""
    entry = manifest.entry(f"{notebook}.ipynb")
    if entry is None:
        return ()
    try:
        return cells_of(store.read(entry.sha256, _MOST_BYTES))
    except LabKitError:
        return ()


def cells_of(data: bytes) -> tuple[CellText, ...]:
    """Return the cells of a notebook, as far as it is one."""
    try:
        read = json.loads(data)
    except (ValueError, RecursionError):
        return ()
    cells = read.get("cells") if isinstance(read, dict) else None
    return tuple(_cell(cell) for cell in cells[:_CELLS] if isinstance(cell, dict)) if isinstance(cells, list) else ()


def answer_in(cells: Iterable[CellText], grade_id: str) -> CellText | None:
    """Return the first cell with this id."""
    return next((cell for cell in cells if cell.grade_id == grade_id), None)


def compare(left: Iterable[CellText], right: Iterable[CellText]) -> tuple[Pair, ...]:
    """Put the cells of a submission beside those of the source: by their ids, others in their order beside the same text.

    Cells that only the submission has follow the one that they stand behind.
    """
    mine, theirs = list(left), list(right)
    partner = _partners(mine, theirs)
    taken, pairs = set(partner.values()), []
    behind: dict[int, list[CellText]] = {}
    last = -1
    for place, cell in enumerate(mine):
        if place in taken:
            last = next(there for there, here in partner.items() if here == place)
        else:
            behind.setdefault(last, []).append(cell)
    pairs += [Pair(cell, None) for cell in behind.get(-1, ())]
    for there, cell in enumerate(theirs):
        pairs.append(Pair(mine[partner[there]] if there in partner else None, cell))
        pairs += [Pair(extra, None) for extra in behind.get(there, ())]
    return tuple(pairs)


def _partners(mine: list[CellText], theirs: list[CellText]) -> dict[int, int]:
    """Return which cell of the source (key) has which of the submission (value)."""
    by_id: dict[str, int] = {}
    by_text: dict[tuple[str, str], list[int]] = {}
    for place, cell in enumerate(mine):
        if cell.grade_id:
            by_id.setdefault(cell.grade_id, place)
        else:
            by_text.setdefault((cell.kind, cell.text.strip()), []).append(place)
    partner: dict[int, int] = {}
    for there, cell in enumerate(theirs):
        if cell.grade_id:
            if cell.grade_id in by_id:
                partner[there] = by_id[cell.grade_id]
        elif places := by_text.get((cell.kind, cell.text.strip())):
            partner[there] = places.pop(0)
    return partner


def _cell(cell: Mapping[str, Any]) -> CellText:
    metadata = cell.get("metadata")
    grading = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = grading.get("grade_id") if isinstance(grading, dict) else None
    return CellText(
        grade_id=grade_id if isinstance(grade_id, str) else "",
        kind=str(cell.get("cell_type", ""))[:20],
        text=_text(cell.get("source")),
        outputs=_outputs(cell.get("outputs")),
    )


def _text(value: Any) -> str:
    joined = "".join(part for part in value if isinstance(part, str)) if isinstance(value, list) else value
    text = joined if isinstance(joined, str) else ""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}\n… ({len(text) - _SHOWN_CHARACTERS} more characters)"


def _outputs(outputs: Any) -> str:
    """Return what a cell printed, as text; pictures and HTML are for the sandboxed frame."""
    found: list[str] = []
    for output in outputs[:100] if isinstance(outputs, list) else ():
        if not isinstance(output, dict):
            continue
        data = output.get("data")
        if output.get("output_type") == "error":
            found.append(f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}")
        else:
            found.append(_text(output.get("text")) or _text(data.get("text/plain") if isinstance(data, dict) else None))
    return _text("\n".join(text.rstrip("\n") for text in found if text))
