"""What is wrong with an assignment, in words: the cells of its notebooks, their order, and what students could see."""

from __future__ import annotations

import builtins
import math
import re
from collections import Counter
from collections.abc import Iterator

from pydantic import ValidationError

from labkit.courses.assignment import Assignment
from labkit.courses.cells import SCHEMA_VERSION, GradedCell, graded_cells, read_cell
from labkit.courses.code import bound_names, parse_code, texts_of, used_names
from labkit.courses.leaks import leaks_of
from labkit.courses.names import FEEDBACK, is_for_feedback
from labkit.courses.notebook import Cell, Notebook, cell_text, cell_where, cells_of
from labkit.courses.records import FileEntry, Manifest, Problem
from labkit.courses.regions import MARKERS, RegionKind, crossings_of_regions, faults_of_regions, has_region, meant_markers
from labkit.courses.sheet import SHEET_FILE
from labkit.courses.sheet_problems import problems_of_sheet
from labkit.courses.student import language_of

__all__ = ["problems_of"]

_TOOL = "'Set Kind of Cell in Assignment' in the palette, or nbgrader's toolbar"
_GRADE_ID = re.compile(r"^[a-zA-Z0-9_-]+$")
_ABSOLUTE = re.compile(r"^(/[\w.~-]+/[\w./ ~-]*|[A-Za-z]:[\\/].*|~/.*|\\\\.+)$")
# Which kind of cell may hold which region, and what such a cell is called in nbgrader's toolbar.
_AT_HOME: dict[RegionKind, tuple[tuple[str, ...], str]] = {
    "solution": (("answer", "hand"), "an answer ('Autograded answer' or 'Manually graded answer')"),
    "hidden tests": (("test", "hand"), "a test ('Autograder tests')"),
    "mark scheme": (("task",), "a task ('Manually graded task')"),
}


def problems_of(assignment: Assignment) -> Iterator[Problem]:
    """Yield what is wrong with an assignment that has been read."""
    for name, notebook in assignment.notebooks.items():
        yield from _of_notebook(name, notebook)
    if not assignment.notebooks:
        yield Problem(text="It has no notebook that can be read.", hint="Put a notebook at the top of the folder.")
    elif not assignment.items:
        yield Problem(text="Nothing in it earns points.", hint=f"Give a cell points ({_TOOL}), or add a check.")
    yield from _of_names(assignment)
    yield from _of_feedback(assignment)
    yield from problems_of_sheet(assignment)
    yield from leaks_of(assignment)


def _of_names(assignment: Assignment) -> Iterator[Problem]:
    notebooks = [f"{name}.ipynb" for name in assignment.notebooks]
    hidden = [path.relative_to(assignment.root).as_posix() for path in assignment.hidden]
    try:
        Manifest(files=tuple(FileEntry(path=name, sha256="0" * 64, size=0) for name in (*notebooks, *assignment.public, *hidden)))
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{first['input']}: the path " if isinstance(first["input"], str) else ""
        text = f"{name}{first['msg'].removeprefix('Value error, ')}"
        yield Problem(text=f"A file cannot be released: {text}.", hint="Give it a plain name.")


def _of_feedback(assignment: Assignment) -> Iterator[Problem]:
    """Find what would lie where students get what comes back, and would never be handed in."""
    for path in assignment.public:
        if is_for_feedback(path):
            hint = f"Call it something else: students find what came back in {FEEDBACK}/, and nothing of that is handed in."
            yield Problem(where=path, text=f"The name {FEEDBACK} is taken in the folders of students.", hint=hint)
            return
    for path in assignment.sheet.required:
        if is_for_feedback(path):
            hint = f"Ask for it elsewhere: nothing in {FEEDBACK}/ is handed in."
            yield Problem(where=SHEET_FILE, text=f"The required file {path!r} would never be handed in.", hint=hint)


def _of_notebook(name: str, notebook: Notebook) -> Iterator[Problem]:
    if (language := language_of(notebook)).lower() != "python":
        yield Problem(
            where=f"{name}.ipynb", text=f"Its kernel speaks {language}; graded runs are in Python.", hint="Choose a Python kernel."
        )
    graded = graded_cells(notebook)
    doubles = [grade_id for grade_id, times in Counter(cell.grade_id for _, _, cell in graded).items() if times > 1 and grade_id]
    for grade_id in doubles:
        places = ", ".join(str(index + 1) for index, _, cell in graded if cell.grade_id == grade_id)
        hint = f"Give each an id of its own ({_TOOL}); copying a cell copies its id."
        yield Problem(where=f"{name}.ipynb, cells {places}", text=f"The id {grade_id} is given more than once.", hint=hint)
    for index, cell in enumerate(cells_of(notebook)):
        found = read_cell(cell)
        where = cell_where(name, index, found.grade_id if found else "")
        yield from _of_regions(cell, found, where)
        yield from _of_metadata(cell, found, where) if found else ()
        yield from _of_code(cell, found, where) if cell["cell_type"] == "code" else ()
    yield from _too_early(name, notebook)


def _of_metadata(cell: Cell, graded: GradedCell, where: str) -> Iterator[Problem]:
    if not SCHEMA_VERSION >= graded.version >= 0:
        yield Problem(where=where, text="Its nbgrader metadata are of a version that is not known.", hint="nbgrader 0.9 writes version 3.")
    if not _GRADE_ID.match(graded.grade_id):
        text = f"The id {graded.grade_id!r} is none that nbgrader allows." if graded.grade_id else "It has no id."
        yield Problem(where=where, text=text, hint=f"Use letters, digits, '-' and '_' ({_TOOL}).")
    if len(graded.grade_id) > 120:
        yield Problem(where=where, text=f"The id has {len(graded.grade_id)} characters.", hint="nbgrader keeps at most 128.")
    if graded.scored and graded.points is None:
        what = {"test": "The test", "hand": "The answer", "task": "The task"}[graded.kind]
        yield Problem(where=where, text=f"{what} has no points.", hint=f"Give it a number of points, 0 or more ({_TOOL}).")
    elif graded.scored and graded.points is not None and not math.isclose(graded.points, round(graded.points, 6)):
        yield Problem(severity="warning", where=where, text=f"It has {graded.points!r} points.", hint="Use at most six decimals.")
    code = cell["cell_type"] == "code"
    if graded.kind == "test" and not code:
        yield Problem(where=where, text="A test must be a code cell.", hint="Make it code, or an answer that is graded by hand.")
    if graded.kind == "task" and cell["cell_type"] != "markdown":
        yield Problem(where=where, text="A task must be a Markdown cell.", hint="Make it Markdown; the answer stands in other cells.")
    if graded.kind == "answer" and not code:
        yield Problem(where=where, text="An answer in words is graded by hand.", hint="Choose 'Manually graded answer'.")


def _of_regions(cell: Cell, graded: GradedCell | None, where: str) -> Iterator[Problem]:
    text = cell_text(cell)
    for kind, (kinds, called) in _AT_HOME.items():
        if not has_region(text, kind):
            continue
        usual = MARKERS[kind].usual.format(MARKERS[kind].end)
        for fault in faults_of_regions(text, kind):
            yield Problem(where=where, text=f"{fault}.", hint=f"Each region ends with a line '{usual}'.")
        if graded is None or graded.kind not in kinds:
            what = {None: "a plain cell", "locked": "a locked cell"}.get(graded.kind if graded else None, "a cell of another kind")
            yield Problem(where=where, text=f"A {kind} region stands in {what}.", hint=f"Make the cell {called}: {_TOOL}.")
    for crossing in crossings_of_regions(text):
        yield Problem(where=where, text=f"{crossing}.", hint="End the one before the other begins, or put it wholly within the other.")
    for number, marker in meant_markers(text):
        yield Problem(where=where, text=f"Line {number} looks like a marker, and nothing is cut there.", hint=f"Write it as '{marker}'.")
    if re.search(r"^\s*#+\s*(HASHED )?AUTOTEST\b", text, re.MULTILINE):
        hint = "Let nbgrader generate the assignment, and take the tests that it made."
        yield Problem(where=where, text="AUTOTEST lines of nbgrader are not carried out here.", hint=hint)


def _of_code(cell: Cell, graded: GradedCell | None, where: str) -> Iterator[Problem]:
    tree = parse_code(cell)
    if tree is None:
        if graded is not None and graded.kind in ("test", "locked", "answer") and not cell_text(cell).lstrip().startswith("%%"):
            severe = graded.kind == "test"
            yield Problem(
                severity="error" if severe else "warning",
                where=where,
                text="It is no Python that can be read.",
                hint="Run the notebook from top to bottom.",
            )
        return
    for text in sorted({text for text in texts_of(tree) if _ABSOLUTE.match(text)}):
        hint = "Name files relative to the notebook, such as data/cells.png: that is the same in JupyterLab and when it is graded."
        yield Problem(severity="warning", where=where, text=f"The path {text[:80]!r} is on your machine only.", hint=hint)
    for text in sorted({text for text in texts_of(tree) if text.startswith("../") or "/../" in text}):
        hint = "Only the files of the assignment are there when it is graded; name them relative to the notebook."
        yield Problem(severity="warning", where=where, text=f"The path {text[:80]!r} leads out of the assignment.", hint=hint)
    if graded is not None and graded.kind == "test" and not tree.body:
        yield Problem(severity="warning", where=where, text="The test does nothing; everybody gets its points.", hint="Write an assert.")


def _too_early(name: str, notebook: Notebook) -> Iterator[Problem]:
    """Find tests that use what only a later answer makes."""
    made: set[str] = set(dir(builtins))
    waiting: list[tuple[int, GradedCell, set[str]]] = []
    for index, cell in enumerate(cells_of(notebook)):
        graded, tree = read_cell(cell), parse_code(cell) if cell["cell_type"] == "code" else None
        if tree is None:
            continue
        names = bound_names(tree)
        if graded is not None and graded.kind == "test":
            waiting.append((index, graded, used_names(tree) - made - names))
        elif graded is not None and graded.kind in ("answer", "hand"):
            for early, test, needed in waiting:
                if missing := sorted(needed & names):
                    text = f"The test uses {missing[0]}, which cell {index + 1} ({graded.grade_id}) makes only later."
                    yield Problem(where=cell_where(name, early, test.grade_id), text=text, hint="Put the test after what it tests.")
            waiting = [one for one in waiting if not one[2] & names]
        made |= names
