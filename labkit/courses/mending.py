"""What a student hands in, made into what is run: our tests and locked cells, the student's answers, in the student's order.

Students delete cells, copy them, split them, move them, turn them into text; tools rename kernels and drop metadata. None of it is a
reason to lose points, and none of it may change how many there are: every test occurs exactly once, as the author wrote it, after
everything that the author put before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from labkit.courses.cells import GradedCell, graded_cells, read_cell, tags_of
from labkit.courses.matching import Copy, Place, match_cells
from labkit.courses.notebook import Cell, Notebook, cell_text, cells_of, new_cell_id, plain_text, text_of
from labkit.courses.pictures import Pictures
from labkit.courses.records import Note
from labkit.courses.student import public_metadata, student_version

__all__ = ["Mended", "mend"]

_MOST_NOTES = 100
_LARGE_OUTPUT = 1_000_000
_PARAMETERS = "parameters"


@dataclass(frozen=True, slots=True)
class Mended:
    """A notebook that can be run and scored, and what was done to it."""

    notebook: Notebook
    notes: tuple[Note, ...]


@dataclass(slots=True)
class _Cell:
    """A cell of the result: the index of its graded cell in the source, if it is one."""

    cell: Cell
    graded: int | None = None


@dataclass(slots=True)
class _Notes:
    """Notes, at most so many."""

    kept: list[Note] = field(default_factory=list)
    more: int = 0

    def add(self, kind: str, where: str, text: str) -> None:
        if len(self.kept) < _MOST_NOTES:
            self.kept.append(Note(kind=kind, where=plain_text(where)[:500], text=plain_text(text)[:2000]))
        else:
            self.more += 1

    def all(self) -> tuple[Note, ...]:
        more = [Note(kind="more", text=f"{self.more} further notes are left out.")] if self.more else []
        return (*self.kept, *more)


def mend(submitted: Notebook, source: Notebook) -> Mended:
    """Return what is run of a submitted notebook.

    Parameters
    ----------
    submitted : dict
        What the student handed in: any JSON object at all.
    source : dict
        The notebook as its author wrote it, with hidden tests and solutions; one that `student_version` takes.

    Returns
    -------
    Mended
        Tests (hidden ones included) and locked cells are the source's, answers the student's, kernel and points the source's. An answer
        that is not there is the stub, never the solution. Outputs are dropped, and attachments but for pictures in what a person scores.
        An answer that was not touched is found by `labkit.courses.cells.untouched`.
    """
    notes = _Notes()
    handed_out = cells_of(student_version(source))
    places = [
        Place(index, graded, _as_run(graded, authored, shown), cell_text(shown))
        for index, ((_, authored, graded), shown) in enumerate(_graded_pairs(source, handed_out))
    ]
    given = _readable(submitted, notes)
    _note_frame(submitted, source, notes)
    result = _students_order(given, places, _parameter_cells(source), notes)
    _put_back(result, places, notes)
    _tests_after_what_they_test(result, places, notes)
    return Mended(_whole([one.cell for one in result], source), notes.all())


def _graded_pairs(source: Notebook, handed_out: list[Cell]) -> Iterable[tuple[tuple[int, Cell, GradedCell], Cell]]:
    """Yield the graded cells of the source, each id once, with what was handed out of them."""
    seen: set[str] = set()
    for index, cell, graded in graded_cells(source):
        if graded.grade_id and graded.grade_id not in seen:
            seen.add(graded.grade_id)
            yield (index, cell, graded), handed_out[index]


def _as_run(graded: GradedCell, authored: Cell, shown: Cell) -> Cell:
    """Return a test as authored, hidden part included; of all else what was handed out is enough."""
    return shown | {"source": cell_text(authored)} if graded.kind == "test" else shown


def _readable(submitted: Notebook, notes: _Notes) -> list[Cell]:
    """Return the cells that are cells, as plain ones: known type, one text, a metadata object."""
    cells = submitted.get("cells")
    given = cells if isinstance(cells, list) else []
    if not isinstance(cells, list):
        notes.add("notebook-broken", "", "The notebook has no list of cells.")
    readable = []
    for index, cell in enumerate(given):
        if not isinstance(cell, dict):
            notes.add("cell-broken", f"cell {index + 1}", "It is no cell, and was left out.")
            continue
        kind = cell.get("cell_type")
        if kind not in ("code", "markdown", "raw"):
            notes.add("cell-type", f"cell {index + 1}", "It has no type that is known, and was taken as raw text.")
        metadata = cell.get("metadata")
        if _size(cell.get("outputs")) > _LARGE_OUTPUT:
            notes.add("outputs-dropped", f"cell {index + 1}", f"It came with outputs of more than {_LARGE_OUTPUT // 1_000_000} MB.")
        readable.append(
            {
                "cell_type": kind if kind in ("code", "markdown", "raw") else "raw",
                "id": cell["id"] if isinstance(cell.get("id"), str) else "",
                "metadata": metadata if isinstance(metadata, dict) else {},
                "source": plain_text(text_of(cell.get("source"))),
                "attachments": cell.get("attachments"),
            }
        )
    return readable


def _size(value: object) -> int:
    """Return about how many characters a value holds; counting ends when there are many."""
    size, waiting = 0, [value]
    while waiting and size <= _LARGE_OUTPUT:
        one = waiting.pop()
        if isinstance(one, str):
            size += len(one)
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        size += 1
    return size


def _note_frame(submitted: Notebook, source: Notebook, notes: _Notes) -> None:
    ours = public_metadata(source).get("kernelspec", {}).get("name")
    theirs = public_metadata(submitted).get("kernelspec", {}).get("name")
    if theirs is not None and ours is not None and theirs != ours:
        notes.add("kernel", "", f"It names the kernel {str(theirs)[:100]!r}; it was run with {str(ours)[:100]!r}.")


def _parameter_cells(source: Notebook) -> set[str]:
    """Ids of the plain cells that papermill's parameters come after."""
    return {cell["id"] for cell in cells_of(source) if _PARAMETERS in tags_of(cell) and read_cell(cell) is None}


def _students_order(given: list[Cell], places: list[Place], parameter_ids: set[str], notes: _Notes) -> list[_Cell]:
    """Return the student's cells, those of the assignment as they are run, copies left out."""
    found = match_cells(given, places, notes.add)
    result: list[_Cell] = []
    pictures = Pictures(notes.add)
    has_parameters = not parameter_ids
    for index, cell in enumerate(given):
        if (place := found.places.get(index)) is not None:
            answered = _answered(cell, place, found.joined.get(place.index), index, notes)
            result.append(_Cell(_with_pictures(answered, cell, place, index, pictures), place.index))
        elif found.copies.get(index) is not Copy.IGNORED:
            keeps = not has_parameters and _PARAMETERS in tags_of(cell) and cell["cell_type"] == "code"
            has_parameters |= keeps
            result.append(_Cell(_plain(cell, keeps_parameters=keeps)))
    return result


def _plain(cell: Cell, *, keeps_parameters: bool) -> Cell:
    """Return a cell of the student's own: no word of grading in it, no tag by which it would be skipped or replaced."""
    plain: Cell = {"cell_type": cell["cell_type"], "id": cell["id"], "source": cell["source"]}
    plain["metadata"] = {"tags": [_PARAMETERS]} if keeps_parameters else {}
    return plain | ({"execution_count": None, "outputs": []} if cell["cell_type"] == "code" else {})


def _answered(cell: Cell, place: Place, joined: str | None, index: int, notes: _Notes) -> Cell:
    """Return the cell of the assignment with what the student wrote in it, where that is the student's to write."""
    where = f"cell {index + 1} ({place.graded.grade_id})"
    text = cell["source"] if joined is None else joined
    if cell["cell_type"] != place.cell["cell_type"]:
        notes.add("cell-type", where, f"It had become a {cell['cell_type']} cell; it was taken as {place.cell['cell_type']} again.")
    if not place.graded.fixed:
        return place.cell | {"source": text}
    if text.strip() not in (place.shown.strip(), cell_text(place.cell).strip()):
        notes.add("cell-changed", where, "It must not be changed, and was: the author's cell was run instead. " + _excerpt(text))
    return place.cell


def _with_pictures(answered: Cell, cell: Cell, place: Place, index: int, pictures: Pictures) -> Cell:
    """Return a cell that a person scores with the pictures that the student pasted into it; the author's own go before."""
    if place.graded.kind not in ("hand", "task") or place.cell["cell_type"] != "markdown":
        return answered
    kept = pictures.of(cell["attachments"], f"cell {index + 1} ({place.graded.grade_id})") | place.cell.get("attachments", {})
    return answered | ({"attachments": kept} if kept else {})


def _excerpt(text: str) -> str:
    short = text.strip()[:200]
    return f"It held: {short}" if short else "It was empty."


def _put_back(result: list[_Cell], places: list[Place], notes: _Notes) -> None:
    """Insert what was deleted where the author has it: after what comes before it, and before what comes next."""
    for place in places:
        if any(one.graded == place.index for one in result):
            continue
        low = 1 + max((at for at, one in enumerate(result) if one.graded is not None and one.graded < place.index), default=-1)
        high = next((at for at in range(low, len(result)) if (result[at].graded or -1) > place.index), len(result))
        while high > low and result[high - 1].cell["cell_type"] == "markdown":
            high -= 1  # the heading of what comes next stays with it
        result.insert(high, _Cell(place.cell, place.index))
        what = "the author's cell was put back" if place.graded.fixed else "the empty answer was put back"
        notes.add("cell-missing", place.graded.grade_id, f"It was not in the notebook any more; {what}.")


def _tests_after_what_they_test(result: list[_Cell], places: list[Place], notes: _Notes) -> None:
    """Move tests and locked code behind all that the author put before them, where the student's order has it later."""
    for place in places:
        if place.graded.kind not in ("test", "locked") or place.cell["cell_type"] != "code":
            continue
        here = next(at for at, one in enumerate(result) if one.graded == place.index)
        last = max((at for at, one in enumerate(result) if _comes_first(one, place, places)), default=-1)
        if last > here:
            result.insert(last, result.pop(here))
            notes.add("cell-moved", place.graded.grade_id, "It stood before what it needs; it was run after that.")


def _comes_first(one: _Cell, place: Place, places: list[Place]) -> bool:
    return one.graded is not None and one.graded < place.index and places[one.graded].cell["cell_type"] == "code"


def _whole(cells: list[Cell], source: Notebook) -> Notebook:
    """Return a notebook of these cells, each with an id of its own."""
    taken, seen = {cell["id"] for cell in cells}, set[str]()
    whole = [cell | {"id": new_cell_id(cell["id"], index, seen, taken)} for index, cell in enumerate(cells)]
    return {"cells": whole, "metadata": public_metadata(source), "nbformat": 4, "nbformat_minor": 5}
