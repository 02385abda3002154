"""The executed notebook as its student may read it: hidden tests are in neither its cells nor what these show.

A test cell with hidden lines is shown as it was handed out. What it printed is left out, and of an error there is class and message if a
visible line raised it, and else only that a hidden test failed. Other cells are looked through for hidden lines, too: a helper of theirs
may be called later, and a student may print what was run. What code hides from that - a test read while it runs, and written out in
another form - cannot be found here: tests that must stay secret are checks of the sheet.
"""

from __future__ import annotations

import copy
import html
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any

import nbformat

from labkit.courses.cells import read_cell
from labkit.courses.notebook import cell_text
from labkit.courses.regions import RegionKind, cut_region, lines_in_region

__all__ = ["HIDDEN_FAILED", "StudentView", "student_view"]

HIDDEN_FAILED = "A hidden test failed."
_LEFT_OUT = "[Left out: it shows a hidden test.]"
_KINDS: tuple[RegionKind, ...] = ("hidden tests", "mark scheme")
_OURS = ("KernelDied", "NotExecuted", "Failed")  # errors that grading itself tells
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ARROW = re.compile(r"^-+> *\d+ (.*)$", re.MULTILINE)  # the line that a frame of IPython's traceback is at
_NOISE = re.compile(r"[\s\\'\"]+")
_NUMBER = re.compile(r"[-+\d.eE]{1,64}\Z")
_SHORTEST = 12  # characters of a line that cannot be there by chance


@dataclass(frozen=True, slots=True)
class StudentView:
    """A notebook for its student, and for the number of each cell in which a hidden line failed what the student is told."""

    notebook: Any
    notes: dict[int, str] = field(default_factory=dict)


def student_view(executed: Any, failed: Container[int] = (), *, show_messages: bool = False) -> StudentView | None:
    """Return an executed notebook as its student may read it; None where nothing in it is hidden.

    Parameters
    ----------
    executed : NotebookNode
        Test cells are as their author wrote them.
    failed : container of int
        The numbers of cells that raised an error, whether or not their outputs hold it.
    show_messages : bool
        Whether class and message of an error of a hidden line are shown; its traceback never is.
    """
    hidden = [index for index, cell in enumerate(executed.cells) if any(True for _ in _hidden_lines(cell))]
    if not hidden:
        return None
    secret = _Secret(executed, hidden)
    view = StudentView(copy.deepcopy(executed))
    for index, cell in enumerate(view.notebook.cells):
        if cell.cell_type != "code":
            continue
        is_test = index in hidden
        outputs, told = [], False
        for output in cell.outputs:
            if output.output_type == "error":
                shown, is_secret = _error(output, secret, is_test=is_test, show_messages=show_messages)
                told = True
                if is_secret and not show_messages:
                    view.notes[index] = HIDDEN_FAILED
            else:
                shown = _result(output) if is_test else _searched(output, secret)
            outputs += [] if shown is None else [shown]
        if is_test and not told and index in failed and not show_messages:
            view.notes[index] = HIDDEN_FAILED
        cell.outputs = outputs
        if is_test:
            cell.source = _shown(cell)
    return view


def _hidden_lines(cell: Any) -> Iterable[str]:
    graded = read_cell(cell)
    if graded is not None and graded.kind == "test":
        for kind in _KINDS:
            yield from lines_in_region(cell_text(cell), kind)


def _shown(cell: Any) -> str:
    text = cell_text(cell)
    for kind in _KINDS:
        text, _ = cut_region(text, kind)
    return text


class _Secret:
    """The hidden lines of a notebook."""

    def __init__(self, executed: Any, hidden: list[int]) -> None:
        shown = _plain("\n".join(_shown(cell) if index in hidden else cell_text(cell) for index, cell in enumerate(executed.cells)))
        self._lines = {_plain(line) for index in hidden for line in _hidden_lines(executed.cells[index])} - {""}
        self._known_by = {line for line in self._lines if len(line) >= _SHORTEST and line not in shown}

    def is_in(self, text: str) -> bool:
        """Whether a hidden line is in a text, however that is quoted."""
        plain = _plain(text) if self._known_by else ""
        return any(line in plain for line in self._known_by)

    def is_raised(self, traceback: str, *, by_test: bool) -> bool:
        """Whether a hidden line is among those that an error passed; of a test, also where that cannot be seen."""
        arrows = {_plain(line) for line in _ARROW.findall(traceback)}
        return bool(arrows & (self._lines if by_test else self._known_by)) or (by_test and not arrows)


def _plain(text: str) -> str:
    """Return a text without all that printing and quoting it changes."""
    return _NOISE.sub("", html.unescape(_ANSI.sub("", text)).replace("\\n", "").replace("\\t", ""))


def _error(output: Any, secret: _Secret, *, is_test: bool, show_messages: bool) -> tuple[Any, bool]:
    """Return an error as it is shown, and whether a hidden line raised it."""
    traceback = _ANSI.sub("", "\n".join(output.traceback))
    shows = secret.is_in(traceback) or secret.is_in(output.evalue)
    if output.ename in _OURS and not shows:
        return output, False
    is_secret = secret.is_raised(traceback, by_test=is_test) or secret.is_in(output.evalue)
    if not (is_test or shows or is_secret):
        return output, False
    if is_secret and not show_messages:
        return _new("error", ename="HiddenTestFailed", evalue=HIDDEN_FAILED, traceback=[HIDDEN_FAILED]), True
    return _new("error", ename=output.ename, evalue=output.evalue, traceback=[f"{output.ename}: {output.evalue}".rstrip(": ")]), is_secret


def _result(output: Any) -> Any | None:
    """Return the points that a test ends with; what else it shows may be a hidden line's."""
    text = str(output.get("data", {}).get("text/plain", "")).strip() if output.output_type == "execute_result" else ""
    if not _NUMBER.match(text):
        return None
    return _new("execute_result", data={"text/plain": text}, metadata={}, execution_count=None)


def _searched(output: Any, secret: _Secret) -> Any:
    """Return an output of another cell, unless it shows a hidden line."""
    if output.output_type == "stream":
        return _new("stream", name=output.name, text=f"{_LEFT_OUT}\n") if secret.is_in(output.text) else output
    if any(secret.is_in(value if isinstance(value, str) else str(value)) for value in output.get("data", {}).values()):
        return _new("display_data", data={"text/plain": _LEFT_OUT}, metadata={})
    return output


def _new(kind: str, **facts: Any) -> Any:
    return nbformat.v4.new_output(kind, **facts)  # type: ignore[no-untyped-call]
