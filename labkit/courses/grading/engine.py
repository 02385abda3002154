"""Papermill's engine for grading: cell by cell, on past errors, and on in a new kernel where one has died."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import papermill
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

from labkit.courses.grading.kernel import Ending, GradingKernel
from labkit.courses.grading.outputs import CellOutputs, OutputBudget
from labkit.courses.grading.room import says_full
from labkit.courses.records import Limits, Note
from labkit.errors import WorkerLost

__all__ = ["CellStory", "Execution", "execute"]

_ENGINE = "labkit-grade"
_MOST_KERNELS = 8


@dataclass(frozen=True, slots=True)
class CellStory:
    """How one cell went, as its kernel claims; ``ran`` is False for what was never executed."""

    state: str
    error: str = ""
    result: str = ""
    seconds: float = 0.0

    @property
    def ran(self) -> bool:
        """Whether it was executed at all."""
        return self.state != "not-run"


@dataclass(slots=True)
class Execution:
    """The execution of one notebook.

    Attributes
    ----------
    start : callable
        Starts a kernel.
    is_test : callable
        Whether a cell is a test: it is not executed again in a new kernel.
    deadline : float
        Monotonic time at which the submission must have ended.
    lay_out : callable
        Makes the working folder anew, as the submission had it.
    after : callable, optional
        Gets the kernel after the last cell.
    doubt : callable, optional
        Called after a cell that says that the disk is full; raises where that is not the submission's matter.
    on_cell : callable, optional
        Gets how many cells are executed, and of how many, before the first and after each.
    stories : dict of CellStory
        By the cell's number.
    """

    start: Callable[[], GradingKernel]
    is_test: Callable[[Any], bool]
    limits: Limits
    deadline: float
    lay_out: Callable[[], None]
    after: Callable[[GradingKernel], None] | None = None
    doubt: Callable[[], None] | None = None
    on_cell: Callable[[int, int], None] | None = None
    stories: dict[int, CellStory] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    kernels: int = 0
    name: str = ""
    lost: bool = False
    executed: Any = None
    _kernel: GradingKernel | None = None
    _killers: set[int] = field(default_factory=set)

    def run(self, manager: NotebookExecutionManager) -> None:
        """Execute all cells of the manager's notebook."""
        budget = OutputBudget(self.limits.output_bytes)
        cells = manager.nb.cells
        executed = [index for index, cell in enumerate(cells) if cell.cell_type == "code" and cell.source.strip()]
        try:
            for done, index in enumerate(executed):
                self._tell(done, len(executed))
                cell = cells[index]
                manager.cell_start(cell, index)
                outputs = CellOutputs(self.limits.cell_output_bytes, budget)
                ending = self._execute(cells, index, outputs)
                self._record(index, cell, outputs, ending)
                if ending is None or ending.state != "ok":
                    manager.cell_exception(cell, cell_index=index)
                manager.cell_complete(cell, cell_index=index)
            self._tell(len(executed), len(executed))
            if self.after is not None and not self.lost and (kernel := self._ready(cells, len(cells))) is not None:
                self.after(kernel)
        finally:
            if self._kernel is not None:
                self._kernel.close()

    def _tell(self, done: int, total: int) -> None:
        if self.on_cell is not None:
            self.on_cell(done, total)

    def _execute(self, cells: list[Any], index: int, outputs: CellOutputs) -> Ending | None:
        kernel = self._ready(cells, index)
        if kernel is None:
            return None
        ending = kernel.execute(cells[index].source, self._limit(), outputs)
        if self.doubt is not None and says_full(outputs.error):
            self.doubt()
        if ending.state == "died":
            self._killers.add(index)
            self._note("kernel-died", index, ending.text)
        elif ending.state == "timeout":
            self._killers.add(index)  # nothing is gained by waiting for it a second time
            self._note("time-limit", index, ending.text)
        elif outputs.error.startswith("MemoryError"):
            # What filled the memory is still held, by the traceback at least: the cells after it are not to suffer.
            self._killers.add(index)
            self._note("memory", index, f"It needed more memory than {self.limits.memory_mb} MB; the cells after it got a new kernel.")
            kernel.end()
        return ending

    def _limit(self) -> float:
        return max(0.1, min(self.limits.cell_s, self.deadline - time.monotonic()))

    def _ready(self, cells: list[Any], index: int) -> GradingKernel | None:
        """Return a kernel in which the cells before `index` have been executed; None where there is none to be had."""
        while not self.lost:
            if time.monotonic() >= self.deadline:
                self._give_up(index, f"The submission took longer than {self.limits.submission_s:g} s; what is left was not executed.")
            elif self._kernel is not None and self._kernel.is_alive:
                return self._kernel
            elif self.kernels >= _MOST_KERNELS:
                self._give_up(index, f"{_MOST_KERNELS} kernels died; what is left was not executed.")
            else:
                self._begin(cells, index)
        return None

    def _give_up(self, index: int, why: str) -> None:
        self.lost = True
        self._note("not-run", index, why)

    def _begin(self, cells: list[Any], index: int) -> None:
        """Start a kernel, and bring it to where the last one was."""
        if self._kernel is not None:
            self._kernel.close()
            if self._kernel.overfull:
                self.lay_out()
            self._kernel = None
        self.kernels += 1
        try:
            self._kernel = kernel = self.start()
        except WorkerLost as error:
            if error.facts.get("engine") or (self.kernels > 1 and not any(story.ran for story in self.stories.values())):
                raise  # it is not this submission: Docker is away, or nothing of it has been executed
            self._note("kernel-start", index, error.message)
            return
        for earlier in range(index):
            cell = cells[earlier]
            if cell.cell_type != "code" or earlier in self._killers or self.is_test(cell) or earlier not in self.stories:
                continue
            if not self.stories[earlier].ran or time.monotonic() >= self.deadline:
                continue
            ending = kernel.execute(cell.source, self._limit(), _nothing)
            if ending.state in ("died", "timeout"):
                self._killers.add(earlier)
                self._note("kernel-died", earlier, f"Executed again in a new kernel: {ending.text}")
                if ending.state == "died":
                    return

    def _record(self, index: int, cell: Any, outputs: CellOutputs, ending: Ending | None) -> None:
        if ending is None:
            outputs("error", {"ename": "NotExecuted", "evalue": "This cell was not executed.", "traceback": []})
            self.stories[index] = CellStory("not-run", "This cell was not executed.")
        else:
            if ending.state == "died" or (ending.state != "ok" and not outputs.error):
                outputs(
                    "error",
                    {"ename": "KernelDied" if ending.state == "died" else "Failed", "evalue": ending.text, "traceback": [ending.text]},
                )
            state = "error" if ending.state == "ok" and outputs.error else ending.state
            error = ending.text if ending.state in ("died", "timeout") else outputs.error
            if error.startswith("StdinNotImplementedError"):
                error = "input() waits for a person at a keyboard; nobody is there when a notebook is graded."
                self._note("input", index, error)
            self.stories[index] = CellStory(state, error, outputs.result, ending.seconds)
        if ending is not None and ending.state in ("ok", "error") and ending.text:
            self._note("output-lost", index, "It showed more at once than is read; the output was dropped.")
            outputs.cut = True
        elif outputs.cut:
            self._note("output-cut", index, f"It shows more than {self.limits.cell_output_bytes:,} bytes; the rest was dropped.")
        cell.outputs = outputs.finish()
        cell.execution_count = None

    def _note(self, kind: str, index: int, text: str) -> None:
        if len(self.notes) < 100:
            self.notes.append(Note(kind=kind, where=f"{self.name}.ipynb, cell {index + 1}", text=text[:2000]))


def _nothing(kind: str, content: dict[str, Any]) -> None:
    """Drop what a cell shows that is executed again."""


class _GradingEngine(Engine):  # type: ignore[misc]
    """What papermill calls."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, *, execution: Execution, **kwargs: Any) -> Any:
        """Execute; papermill itself sees no cell with an error, or it would put cells of its own between the student's, and raise."""
        execution.run(nb_man)
        execution.executed = nb_man.nb
        nb_man.nb = nbformat.v4.new_notebook(metadata=nb_man.nb.metadata)  # type: ignore[no-untyped-call]


def execute(notebook: Path, execution: Execution, parameters: dict[str, Any]) -> Any:
    """Execute a notebook by papermill and return it; errors of its cells are in it and raise nothing.

    Parameters
    ----------
    parameters : dict
        Written by papermill below the cell tagged ``parameters``.
    """
    papermill_engines.register(_ENGINE, _GradingEngine)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    papermill.execute_notebook(
        str(notebook),
        None,
        parameters=parameters,
        engine_name=_ENGINE,
        kernel_name="python3",
        language="python",
        progress_bar=False,
        execution=execution,
    )
    for cell in execution.executed.cells:
        cell.metadata.pop("papermill", None)
    execution.executed.metadata.pop("papermill", None)
    return execution.executed
