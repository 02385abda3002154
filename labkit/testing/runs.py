"""Small runs for tests: notebooks written from cells, and who still lives of a run."""

from __future__ import annotations

from pathlib import Path

import nbformat
import psutil

from labkit.runs import LocalRunner, Run, RunSpec

__all__ = ["WRITE_RESULT", "programs_of", "submit_cells", "write_notebook"]

WRITE_RESULT = "from labkit.runs import current_run\ncurrent_run().write_result({'answer': 42})"


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
    spec = RunSpec(kind="test", notebook=runner.folder.parent / "placeholder.ipynb", config={"size": 3})
    notebook = write_notebook(runner.folder.parent / f"{spec.id}.ipynb", *cells)
    return runner.submit(spec.model_copy(update={"notebook": notebook}))


def programs_of(run: Run, *, supervisor: bool = True) -> list[list[str]]:
    """Return the command lines of all living programs of a run, wherever they have moved to."""
    found = []
    for program in psutil.process_iter():
        try:
            if program.status() == psutil.STATUS_ZOMBIE:
                continue
            command = program.cmdline()
            is_child = program.environ().get("LABKIT_RUN_DIR") == str(run.layout.root)
        except (psutil.Error, OSError):
            continue
        if is_child or (supervisor and "labkit.runs.supervisor" in command and str(run.layout.root) in command):
            found.append(command)
    return found
