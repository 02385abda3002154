"""The author's own solution as a submission: what a perfect student would hand in."""

from __future__ import annotations

import shutil
from pathlib import Path

from labkit.courses.assignment import SOLUTION, Assignment
from labkit.courses.notebook import write_notebook

__all__ = ["solution_folder"]


def solution_folder(assignment: Assignment, target: Path) -> Path:
    """Make `target` with the notebooks as they were written, the public files, and those of ``hidden/solution/``; return it."""
    target.mkdir(parents=True)
    for name, notebook in assignment.notebooks.items():
        (target / f"{name}.ipynb").write_bytes(write_notebook(notebook))
    for name, path in assignment.public.items():
        _copy(path, target / name)
    solution = assignment.root / SOLUTION
    for path in assignment.hidden:
        if solution in path.parents:
            _copy(path, target / path.relative_to(solution))
    return target


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
