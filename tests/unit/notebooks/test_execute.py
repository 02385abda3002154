"""Executing a notebook: its parameter, its story, and what is said when it fails."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import psutil
import pytest

from labkit.errors import Cancelled, InvalidInput, NotFound, RunFailed
from labkit.events import CancelToken, Progress
from labkit.notebooks import execute_notebook
from labkit.testing.runs import write_notebook


def execute(tmp_path: Path, *cells: str, **options: object) -> nbformat.NotebookNode:
    """Execute a notebook of these cells (In [2] onwards) and return the executed one, also when it fails."""
    write_notebook(tmp_path / "in.ipynb", *cells)
    execute_notebook(tmp_path / "in.ipynb", tmp_path / "out.ipynb", config_path=tmp_path / "config.json", **options)
    return executed(tmp_path)


def executed(tmp_path: Path) -> nbformat.NotebookNode:
    return nbformat.read(tmp_path / "out.ipynb", as_version=4)


def outputs(notebook: nbformat.NotebookNode) -> list[str]:
    return [o.text for c in notebook.cells if c.cell_type == "code" for o in c.outputs if o.output_type == "stream"]


def test_parameter_kernel_and_folder(tmp_path: Path) -> None:
    """A notebook whose kernel nobody has runs in this environment, beside its output, and knows its config."""
    code = "import sys, os\nprint(config_path, sys.executable, os.getcwd(), sep='\\n')"
    text = outputs(execute(tmp_path, code))
    assert text == [f"{tmp_path / 'config.json'}\n{sys.executable}\n{tmp_path}\n"]


def test_progress_and_many_prints(tmp_path: Path) -> None:
    """Progress counts cells to the end, and thousands of prints become one output."""
    events: list[Progress] = []
    notebook = execute(tmp_path, "for i in range(3000): print(i)", on_event=events.append)
    assert [event.done for event in events] == [0, 1, 2, 3]
    assert {(event.total, event.unit, event.stage) for event in events} == {(3, "cells", "notebook")}
    assert [text.count("\n") for text in outputs(notebook)] == [3000]


def test_raised_cell(tmp_path: Path) -> None:
    """A raised cell is named by its number, error and message, without a traceback, and the notebook shows it."""
    with pytest.raises(RunFailed) as caught:
        execute(tmp_path, "print('before')", "raise ValueError('first line\\nsecond line')", "print('never')")
    assert str(caught.value) == "Cell 4 stopped with ValueError: first line"
    assert (caught.value.facts["cell"], caught.value.facts["ename"]) == (4, "ValueError")
    notebook = executed(tmp_path)
    assert outputs(notebook) == ["before\n"]
    [failed] = [c for c in notebook.cells if c.metadata.get("papermill", {}).get("status") == "failed"]
    assert failed.execution_count == 4


def test_error_of_labkit_keeps_its_hint(tmp_path: Path) -> None:
    """An error of the library says what to do next, in the report and in the notebook."""
    with pytest.raises(RunFailed) as caught:
        execute(tmp_path, "from labkit.errors import InvalidInput\nraise InvalidInput('No such class.', hint='Use cell or background.')")
    assert caught.value.hint == "Use cell or background."
    assert "What to do: Use cell or background." in (tmp_path / "out.ipynb").read_text()


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [("import os; os.kill(os.getpid(), 9)", -9, "killed by signal 9"), ("import os; os._exit(0)", 0, "ended itself (exit code 0)")],
)
def test_dead_kernel(tmp_path: Path, code: str, status: int, words: str) -> None:
    """A kernel that dies fails the cell, says how it died, and leaves a notebook in which the cell is marked."""
    with pytest.raises(RunFailed, match="in cell 3") as caught:
        execute(tmp_path, code, "print('never')")
    assert words in str(caught.value)
    assert caught.value.facts["kernel_exit"] == status
    statuses = [c.metadata.papermill.status for c in executed(tmp_path).cells]
    assert statuses == ["completed", "completed", "failed", "pending"]


@pytest.mark.parametrize("code", ["exit(0)", "import sys; sys.exit(0)"])
def test_exit_is_a_failure(tmp_path: Path, code: str) -> None:
    """A cell that ends the notebook early with exit code 0 is no success."""
    with pytest.raises(RunFailed, match="Cell 3 stopped with SystemExit"):
        execute(tmp_path, code, "print('never')")


def test_full_disk_is_named(tmp_path: Path) -> None:
    """An OSError for want of space says that the disk is full."""
    with pytest.raises(RunFailed, match="The disk is full"):
        execute(tmp_path, "with open('/dev/full', 'w') as file: file.write('x')")


def test_cancel_between_cells(tmp_path: Path) -> None:
    """A token that is set during a cell stops the notebook before the next one."""
    token = CancelToken()
    with pytest.raises(Cancelled):
        execute(tmp_path, "print('one')", "print('two')", cancel=token, on_event=lambda e: token.cancel() if e.done == 2 else None)
    assert outputs(executed(tmp_path)) == ["one\n"]


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """After the end there is the output beside the source, and no kernel."""
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    execute(tmp_path, "1")
    assert {p.name for p in tmp_path.iterdir()} == {"in.ipynb", "out.ipynb"}
    assert {p.pid for p in psutil.Process().children(recursive=True)} <= before


def test_bad_notebooks(tmp_path: Path) -> None:
    """A missing notebook and a file that is none get one line each, and no output."""
    (tmp_path / "no.ipynb").write_text("{}")
    for name, error in (("missing.ipynb", NotFound), ("no.ipynb", InvalidInput)):
        with pytest.raises(error):
            execute_notebook(tmp_path / name, tmp_path / "out.ipynb", config_path=tmp_path / "c.json")
    assert not (tmp_path / "out.ipynb").exists()
