"""Which cell of a submission is which cell of the assignment.

By nbgrader's id first. Where that was copied with its cell, by what JupyterLab calls the cell, then by what was written in it; where it
was lost, by the same two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from labkit.courses.cells import GradedCell
from labkit.courses.notebook import Cell, cell_text, is_counted_id

__all__ = ["Copy", "Match", "Place", "match_cells"]

AddNote = Callable[[str, str, str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """A graded cell of the assignment: its index among them, the cell as it is run, and its text as it was handed out."""

    index: int
    graded: GradedCell
    cell: Cell
    shown: str


class Copy(Enum):
    """What becomes of a further cell with the id of a graded one."""

    IGNORED = 1
    PLAIN = 2


@dataclass(slots=True)
class Match:
    """For the index of a submitted cell its place, or what becomes of it as a copy; for a place the text of joined halves."""

    places: dict[int, Place] = field(default_factory=dict)
    copies: dict[int, Copy] = field(default_factory=dict)
    joined: dict[int, str] = field(default_factory=dict)


def match_cells(given: list[Cell], places: list[Place], note: AddNote) -> Match:
    """Find for each place the cell that is it, if it is there.

    Parameters
    ----------
    given : list of dict
        The submitted cells, each with a text ``id`` (maybe empty), ``cell_type``, ``metadata`` and ``source``.
    places : list of Place
    note : callable
        Gets kind, place and text of what staff should know.
    """
    match = Match()
    by_id = {place.graded.grade_id: place for place in places}
    candidates: dict[str, list[int]] = {}
    for index, cell in enumerate(given):
        grade_id = _grade_id(cell)
        if grade_id in by_id:
            candidates.setdefault(grade_id, []).append(index)
    for grade_id, indices in candidates.items():
        _choose(given, by_id[grade_id], indices, match, note)
    for place in places:
        if place.graded.grade_id not in candidates:
            _recognise(given, place, by_id, match, note)
    for index, cell in enumerate(given):
        if (grade_id := _grade_id(cell)) and grade_id not in by_id and index not in match.places:
            note(
                "id-unknown",
                f"cell {index + 1}",
                f"It has the id {grade_id[:100]}, unknown here; it was run as a plain cell.",
            )
    return match


def _is_same_id(cell: Cell, place: Place) -> bool:
    """Whether JupyterLab calls both the same; an id that was made by counting, where a file had none, says nothing."""
    return bool(cell["id"]) and cell["id"] == place.cell["id"] and not is_counted_id(cell["id"])


def _grade_id(cell: Cell) -> str:
    said = cell["metadata"].get("nbgrader")
    grade_id = said.get("grade_id") if isinstance(said, dict) else None
    return grade_id if isinstance(grade_id, str) else ""


def _choose(given: list[Cell], place: Place, indices: list[int], match: Match, note: AddNote) -> None:
    """Take one of the cells with the id of `place`, and say of the others what becomes of them."""
    chosen = next((index for index in indices if _is_same_id(given[index], place)), None)
    if chosen is None:
        chosen = next((index for index in indices if _is_written(given[index], place)), indices[0])
    match.places[chosen] = place
    if place.graded.fixed:
        _sort_copies(given, place, chosen, indices, match, note)
    else:
        _join_halves(given, place, chosen, indices, match, note)


def _is_written(cell: Cell, place: Place) -> bool:
    """Whether this is more likely the cell than a copy: for a fixed cell, it is unchanged; for an answer, something was written."""
    same = cell["source"].strip() == place.shown.strip()
    return same if place.graded.fixed else not same and bool(cell["source"].strip())


def _sort_copies(given: list[Cell], place: Place, chosen: int, indices: list[int], match: Match, note: AddNote) -> None:
    """Ignore copies of our own cell; one in which the student wrote something else is the student's."""
    for index in indices:
        if index == chosen:
            continue
        text = given[index]["source"].strip()
        same = text in place.shown or text in cell_text(place.cell)
        match.copies[index] = Copy.IGNORED if same else Copy.PLAIN
        what = "the copy was ignored" if same else "its own text was run as a plain cell, and earns nothing"
        note("cell-duplicated", _where(index, place), f"It is a copy of cell {chosen + 1}; {what}.")


def _join_halves(given: list[Cell], place: Place, chosen: int, indices: list[int], match: Match, note: AddNote) -> None:
    """Neighbours with the same id are an answer that was split: they are one again. Copies elsewhere are run as plain cells."""
    alike = {index for index in indices if given[index]["cell_type"] == given[chosen]["cell_type"]}
    first = last = chosen
    while first - 1 in alike:
        first -= 1
    while last + 1 in alike:
        last += 1
    run = range(first, last + 1)
    parts = [given[index]["source"] for index in run]
    if len(run) > 1 and len(set(parts)) == len(parts) and place.shown not in parts:
        match.joined[place.index] = "\n".join(parts)
        match.copies |= dict.fromkeys((index for index in run if index != chosen), Copy.IGNORED)
        note("cell-joined", _where(chosen, place), f"It had been split into {len(run)} cells, which were joined.")
    for index in indices:
        if index != chosen and index not in match.copies:
            match.copies[index] = Copy.PLAIN
            note(
                "cell-duplicated",
                _where(index, place),
                f"It is a copy of cell {chosen + 1}; it was run as a plain cell, and earns nothing.",
            )


def _recognise(given: list[Cell], place: Place, by_id: dict[str, Place], match: Match, note: AddNote) -> None:
    """Find a cell that lost its id, or had it changed: by JupyterLab's id of it, or by an unchanged text that is no mere stub."""
    taken = {*match.places, *match.copies}
    free = [index for index, cell in enumerate(given) if index not in taken and _grade_id(cell) not in by_id]
    found = next((index for index in free if _is_same_id(given[index], place)), None)
    if found is None and place.graded.fixed and place.shown.strip():
        found = next((index for index in free if given[index]["source"].strip() == place.shown.strip()), None)
    if found is not None:
        match.places[found] = place
        note("id-restored", _where(found, place), f"It had lost its id {place.graded.grade_id}, or had another; it was recognised.")


def _where(index: int, place: Place) -> str:
    return f"cell {index + 1} ({place.graded.grade_id})"
