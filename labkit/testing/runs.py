"""Small runs for tests: notebooks written from cells, and who still lives of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import psutil

from labkit.runs import LocalRunner, Run, RunSpec

__all__ = [
    "NO_RESULT",
    "WRITE_RESULT",
    "cells_spec",
    "is_alive",
    "program_of",
    "programs_of",
    "submit_cells",
    "wait_until",
    "write_notebook",
]

WRITE_RESULT = "from labkit.runs import current_run\ncurrent_run().write_result({'answer': 42})"
NO_RESULT = "if False:\n    write_result()"


def write_notebook(path: Path, *cells: str, kernel: str = "a kernel that nobody has") -> Path:
    """Write a notebook with a ``parameters`` cell and these code cells; its metadata names `kernel`."""
    parameters = nbformat.v4.new_code_cell("config_path = ''", metadata={"tags": ["parameters"]})  # type: ignore[no-untyped-call]
    code = [nbformat.v4.new_code_cell(source) for source in cells]  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=[parameters, *code])  # type: ignore[no-untyped-call]
    notebook.metadata.kernelspec = {"name": kernel, "display_name": kernel, "language": "python"}
    path.write_text(nbformat.writes(notebook))  # type: ignore[no-untyped-call]
    return path


def submit_cells(runner: LocalRunner, *cells: str) -> Run:
    """Submit a run of kind ``test`` whose notebook has these code cells (``In [2]`` onwards: the parameters are ``In [1]``)."""
    return runner.submit(cells_spec(runner.folder.parent, *cells))


def cells_spec(folder: Path, *cells: str, **fields: Any) -> RunSpec:
    """Write a notebook with these code cells into `folder`, and return the spec of a run with it.

    A notebook must call ``write_result``; where these cells do not, a last one is added that never does either.
    """
    spec = RunSpec(kind="test", notebook=folder / "cells.ipynb", **{"config": {"size": 3}, **fields})
    keeps_contract = any("write_result" in cell for cell in cells)
    notebook = write_notebook(folder / f"{spec.id}.ipynb", *cells, *([] if keeps_contract else [NO_RESULT]))
    return spec.model_copy(update={"notebook": notebook})


def programs_of(run: Run, *, supervisor: bool = True) -> list[psutil.Process]:
    """Return the living programs of a run, wherever they have moved to: its supervisor (unless told), child, kernel, theirs."""
    found = []
    for program in psutil.process_iter():
        try:
            if program.status() == psutil.STATUS_ZOMBIE:
                continue
            command = program.cmdline()
            is_supervisor = "labkit.runs.supervisor" in command and str(run.layout.root) in command
            if (supervisor and is_supervisor) or program.environ().get("LABKIT_RUN_DIR") == str(run.layout.root):
                found.append(program)
        except (psutil.Error, OSError):
            continue
    return found


def program_of(run: Run, module: str) -> psutil.Process:
    """Return the program of a run that executes a module (``labkit.runs.supervisor``, say)."""
    [program] = [p for p in programs_of(run) if module in p.cmdline()]
    return program


def is_alive(program: psutil.Process) -> bool:
    """Return whether a program runs; one that has ended and that nobody has reaped yet does not."""
    try:
        return program.is_running() and program.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def wait_until(condition: Callable[[], object], *, timeout_s: float = 60.0) -> None:
    """Wait for a state; never for a time.

    Raises
    ------
    TimeoutError
        `condition` did not become true.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the state that was waited for did not come")
        time.sleep(0.02)
