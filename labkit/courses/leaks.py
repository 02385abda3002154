"""Whether something that is to stay hidden could be seen in what students get."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from labkit.courses.assignment import HIDDEN, Assignment
from labkit.courses.notebook import cell_text, cell_where, cells_of
from labkit.courses.records import Problem
from labkit.courses.regions import MARKERS
from labkit.courses.sheet import SHEET_FILE
from labkit.courses.student import student_version
from labkit.courses.submitted import is_like
from labkit.errors import InvalidInput
from labkit.storage import file_sha256

__all__ = ["leaks_of"]

_HIDDEN_PATH = re.compile(rf"(?<![\w.-]){HIDDEN}/[\w.-]")
_SOLUTION = re.compile(r"((?<!re)(?<!dis)(?<!ab)solution|l(ö|oe)sung|corrig(é|e))", re.IGNORECASE)
_READ_BYTES = 20_000_000  # of a public file: a text or notebook is no larger
_SHORTEST_NAME = 6  # "1.png" may stand anywhere


def leaks_of(assignment: Assignment) -> Iterator[Problem]:
    """Yield where hidden files are named, copied or could be told from."""
    hidden = {path.relative_to(assignment.root).as_posix(): path for path in assignment.hidden}
    yield from _named(assignment, hidden)
    yield from _copied(assignment, hidden)
    yield from _misnamed(assignment)
    for name, path in assignment.public.items():
        yield from _of_public_file(name, path)


def _named(assignment: Assignment, hidden: dict[str, Path]) -> Iterator[Problem]:
    hint = "Students would see it, and it is not there when their notebook runs; only checks of assignment.yaml may use it."
    public = {PurePosixPath(name).name for name in assignment.public}
    names = {PurePosixPath(name).name for name in hidden} - public
    for name, notebook in assignment.notebooks.items():
        try:
            cells = cells_of(student_version(notebook))
        except InvalidInput:
            continue  # an open region, which is told elsewhere
        for index, (cell, source) in enumerate(zip(cells, cells_of(notebook), strict=True)):
            where, text = cell_where(name, index), cell_text(cell)
            if any(path in text for path in hidden) or (cell["cell_type"] == "code" and _HIDDEN_PATH.search(text)):
                yield Problem(where=where, text=f"It names a file in {HIDDEN}/.", hint=hint)
            elif found := sorted(one for one in names if len(one) >= _SHORTEST_NAME and one in text):
                yield Problem(severity="warning", where=where, text=f"It names {found[0]}, as a hidden file is called.", hint=hint)
            elif cell["cell_type"] == "code" and _HIDDEN_PATH.search(cell_text(source)):
                also = "The solution or a hidden test cannot read it when it is graded: hidden files are never where student code runs."
                yield Problem(where=where, text=f"It names a file in {HIDDEN}/ in a part that students do not see.", hint=also)


def _copied(assignment: Assignment, hidden: dict[str, Path]) -> Iterator[Problem]:
    sizes = {path.stat().st_size for path in hidden.values()} - {0}
    suspects = {name: path for name, path in assignment.public.items() if path.stat().st_size in sizes}
    hashes = {file_sha256(path): name for name, path in hidden.items()} if suspects else {}
    for name, path in suspects.items():
        if (twin := hashes.get(file_sha256(path))) is not None:
            yield Problem(where=name, text=f"It is the same as {twin}, and would be handed out.", hint="Remove the public copy.")


def _misnamed(assignment: Assignment) -> Iterator[Problem]:
    """Find what is called almost like what stays hidden, and notebooks that lie at the top by mistake."""
    for top in sorted({name.split("/")[0] for name in assignment.public}):
        if top.casefold() == HIDDEN:
            yield Problem(where=top, text="It is handed out: only a folder that is called hidden stays hidden.", hint=f"Call it {HIDDEN}/.")
        elif top.casefold() in (SHEET_FILE, "assignment.yml"):
            yield Problem(where=top, text="It is handed out, and nobody reads it.", hint=f"The sheet must be called {SHEET_FILE}.")
    files = [f"{name}.ipynb" for name in assignment.notebooks]
    for file in files:
        if other := next((one for one in files if one != file and is_like(file, one)), None):
            hint = "Remove it if it is one: each notebook at the top is handed out, must be handed in, and earns points."
            yield Problem(severity="warning", where=file, text=f"It is called like a copy of {other}.", hint=hint)
        elif _SOLUTION.search(file):
            yield _like_solution(file)


def _of_public_file(name: str, path: Path) -> Iterator[Problem]:
    with path.open("rb") as file:
        data = file.read(_READ_BYTES)
    marked = [kind for kind, marker in MARKERS.items() if marker.begin.encode() in data]
    for kind in marked:
        hint = f"Only notebooks at the top are cut; move the file to {HIDDEN}/, or remove the part."
        yield Problem(where=name, text=f"It holds a {kind} region, and is handed out as it is.", hint=hint)
    if not marked and b'"grade_id"' in data and re.search(rb'"solution": *true', data):
        text = "It is a notebook with answers, and is handed out as it is: only notebooks at the top are cut."
        yield Problem(severity="warning", where=name, text=text, hint=f"If yours are in it, remove it, or move it to {HIDDEN}/.")
    if _SOLUTION.search(name):
        yield _like_solution(name)


def _like_solution(name: str) -> Problem:
    text = "It is called like a solution, and is handed out."
    return Problem(severity="warning", where=name, text=text, hint=f"If it is one, move it to {HIDDEN}/.")
