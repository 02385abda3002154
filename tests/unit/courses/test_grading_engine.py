"""The execution of a notebook, where kernels do not start."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.courses.grading.engine import Execution, execute
from labkit.courses.grading.kernel import Ending, GradingKernel
from labkit.courses.records import Limits
from labkit.errors import WorkerLost
from labkit.testing.grading import code, notebook, write_notebook_file


def _executed(folder: Path, error: WorkerLost) -> Execution:
    def start() -> GradingKernel:
        raise error

    write_notebook_file(folder / "a.ipynb", notebook([code("1")]))
    execution = Execution(start, lambda cell: False, Limits(), time.monotonic() + 60, lambda: None)
    execute(folder / "a.ipynb", execution, {})
    return execution


def test_how_many_cells_are_executed_is_said(tmp_path: Path) -> None:
    """Of those that have code: before the first, and after each."""
    kernel = SimpleNamespace(is_alive=True, execute=lambda *_: Ending("ok"), close=lambda: None)
    write_notebook_file(tmp_path / "a.ipynb", notebook([code("1"), code(" "), code("2")]))
    said = list[tuple[int, int]]()
    execution = Execution(
        lambda: kernel,  # type: ignore[arg-type,return-value]
        lambda cell: False,
        Limits(),
        time.monotonic() + 60,
        lambda: None,
        on_cell=lambda done, total: said.append((done, total)),
    )
    execute(tmp_path / "a.ipynb", execution, {})
    assert said == [(0, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize("engine", [True, False])
def test_fault_that_is_not_the_submissions_is_raised(tmp_path: Path, engine: bool) -> None:
    """Docker that is away is no fault of a notebook's, nor are two kernels that did not start: whoever grades tries it again."""
    tried = WorkerLost("No container.", engine=engine) if engine else WorkerLost("It did not start.")
    with pytest.raises(WorkerLost, match=tried.message):
        _executed(tmp_path, tried)
