"""Tries a student's notebook as it will be run for the grade: all cells in order, in a fresh kernel, in the folder of the assignment.

Only what the student has is run: hidden tests are not here, so that all that passes may still lose points. It runs in a program of its own:
``python -m labkit.courses.trial FOLDER`` writes one `TrialStep` per line, and the `Trial` as the last one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from labkit.courses.cells import read_cell
from labkit.courses.submitted import check_notebook
from labkit.errors import InvalidInput, LabKitError
from labkit.events import CancelToken
from labkit.storage import Record, explain_os_errors

if TYPE_CHECKING:
    from labkit.notebooks.engine import OwnKernel

__all__ = ["Trial", "TrialCell", "TrialNotebook", "TrialStep", "try_notebooks"]

_MAX_TEXT = 500
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class TrialStep(Record):
    """How far a trial is, in cells."""

    done: int
    total: int


class TrialCell(Record):
    """One cell of which there is something to say: a test, or a cell that stopped.

    Attributes
    ----------
    index : int
        Place in the notebook, from 0.
    state : {"passed", "failed", "stopped", "not-run"}
        A test that passed or failed; another cell that raised an error; a test that was not reached.
    line : str
        The first line of the cell, to know it by.
    """

    index: int
    grade_id: str = ""
    points: float | None = None
    state: Literal["passed", "failed", "stopped", "not-run"]
    message: str = ""
    line: str = ""


class TrialNotebook(Record):
    """One notebook: its tests, and what stopped."""

    notebook: str
    cells: tuple[TrialCell, ...] = ()
    problem: str = ""
    """Why it could not be run to its end; empty if it was."""


class Trial(Record):
    """What a trial found."""

    notebooks: tuple[TrialNotebook, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every test that is there passed, and no cell stopped."""
        return all(not one.problem and all(cell.state == "passed" for cell in one.cells) for one in self.notebooks)


def try_notebooks(
    folder: Path, names: tuple[str, ...], *, cell_s: float = 60.0, on_step: Callable[[TrialStep], None], cancel: CancelToken | None = None
) -> Trial:
    """Run the notebooks of a folder, and say which tests fail.

    Parameters
    ----------
    folder : Path
        Working directory of the kernel, as when it is graded.
    names : tuple of str
        Files in it.
    cell_s : float
        How long a cell may take, in seconds.

    Raises
    ------
    InvalidInput
        One of them is no notebook.
    """
    notebooks = [(name, _read(folder / name)) for name in names]
    total, before = sum(len(notebook.cells) for _, notebook in notebooks), 0
    found = []
    for name, notebook in notebooks:
        with tempfile.TemporaryDirectory(prefix="labkit-") as scratch:
            one = _Trial(notebook, cell_s, partial(_tell, on_step, before, total), cancel)
            problem = one.run(folder, Path(scratch))
        found.append(TrialNotebook(notebook=name, cells=tuple(_told(notebook, one.reached)), problem=problem))
        before += len(notebook.cells)
    return Trial(notebooks=tuple(found))


def _tell(on_step: Callable[[TrialStep], None], before: int, total: int, done: int) -> None:
    on_step(TrialStep(done=before + done, total=total))


class _Trial:
    """One notebook on its way."""

    def __init__(self, notebook: Any, cell_s: float, on_cell: Callable[[int], None], cancel: CancelToken | None) -> None:
        self.notebook, self.cell_s, self.on_cell, self.cancel = notebook, cell_s, on_cell, cancel
        self.reached = -1

    def run(self, folder: Path, scratch: Path) -> str:
        """Run it, and return what kept it from its end."""
        from nbclient import NotebookClient
        from nbclient.exceptions import CellTimeoutError, DeadKernelError

        from labkit.notebooks.engine import kernel_in

        kernel: OwnKernel = kernel_in(scratch)
        client = NotebookClient(
            self.notebook,
            km=kernel,
            timeout=self.cell_s,
            allow_errors=True,
            iopub_timeout=60,
            startup_timeout=120,
            on_cell_start=self._on_cell_start,
        )
        variables = {**os.environ, "PYTHONUNBUFFERED": "1", "IPYTHONDIR": str(scratch / "ipython")}
        try:
            client.execute(cleanup_kc=True, cwd=str(folder), env=variables)
        except CellTimeoutError:
            return f"Cell {self.reached + 1} took longer than {self.cell_s:g} s; what comes after it was not run."
        except DeadKernelError:
            return f"The kernel died in cell {self.reached + 1}; what comes after it was not run."
        self.reached = len(self.notebook.cells)
        return ""

    def _on_cell_start(self, *, cell: Any, cell_index: int) -> None:
        if self.cancel is not None:
            self.cancel.raise_if_cancelled()
        self.reached = cell_index
        self.on_cell(cell_index)


def _read(path: Path) -> Any:
    import nbformat

    with explain_os_errors(path):
        check_notebook(path.read_bytes(), path.name)
    try:
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:  # nbformat raises half a dozen kinds for what is not a notebook
        raise InvalidInput(f"{path.name} is not a notebook.", hint="Open it in JupyterLab and save it again.") from error
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def _told(notebook: Any, reached: int) -> Iterator[TrialCell]:
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        graded = read_cell(cell)
        test = graded if graded is not None and graded.kind == "test" else None
        error = next((output for output in cell.outputs if output.output_type == "error"), None)
        facts: dict[str, Any] = {"index": index, "grade_id": graded.grade_id if graded else "", "points": test.points if test else None}
        facts["line"] = _one_line(cell.source)
        if error is not None:
            yield TrialCell(**facts, state="failed" if test else "stopped", message=_message(error))
        elif test and (earned := _earned(cell)) is not None and earned < (facts["points"] or 0):
            yield TrialCell(**facts, state="failed", message=f"{earned:g} of {facts['points']:g} points")
        elif test:
            yield TrialCell(**facts, state="passed" if index < reached else "not-run")


def _earned(cell: Any) -> float | None:
    """Return the number that a test gives as its last value: partial points."""
    texts = [str(output.data.get("text/plain", "")) for output in cell.outputs if output.output_type == "execute_result"]
    try:
        return float(texts[-1]) if texts else None
    except ValueError:
        return None


def _message(error: Any) -> str:
    text = _one_line(error.get("evalue", ""))
    return f"{error.get('ename', 'Error')}: {text}" if text else str(error.get("ename", "Error"))


def _one_line(text: str) -> str:
    lines = [line.strip() for line in _ANSI.sub("", str(text)).splitlines() if line.strip()]
    return lines[0][:_MAX_TEXT] if lines else ""


def main() -> None:
    """Try notebooks, and write what comes of it to standard output, one JSON object per line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--cell-s", type=float, default=60.0)
    given = parser.parse_args()

    def say(kind: str, value: Any) -> None:
        sys.stdout.write(json.dumps({kind: value}) + "\n")
        sys.stdout.flush()

    try:
        trial = try_notebooks(
            given.folder, tuple(given.names), cell_s=given.cell_s, on_step=lambda step: say("step", step.model_dump(mode="json"))
        )
        say("trial", trial.model_dump(mode="json"))
    except LabKitError as error:
        say("error", error.as_dict())


if __name__ == "__main__":
    main()
