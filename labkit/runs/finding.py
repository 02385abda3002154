"""Finds the runs in a project's folder of runs, whoever carries them out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from labkit.errors import InvalidInput, NotFound
from labkit.runs.records import RUN_ID_PATTERN
from labkit.runs.run import Run
from labkit.storage import RunLayout

__all__ = ["find_layout", "list_runs", "require_ended"]


def find_layout(folder: Path, run_id: str) -> RunLayout:
    """Return where the run of this id lies.

    Raises
    ------
    NotFound
        There is no such run here.
    """
    layout = RunLayout(folder / run_id)
    if not re.match(RUN_ID_PATTERN, run_id) or not layout.spec.is_file():
        raise NotFound(f"There is no run {run_id!r} in {folder}.", hint="List the runs to see their ids.", run_id=run_id)
    return layout


def list_runs(folder: Path, open_run: Callable[[str], Run]) -> list[Run]:
    """Return all runs of a folder, which need not exist, the newest last.

    Parameters
    ----------
    open_run : callable
        Takes an id and returns the run.
    """
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir() if re.match(RUN_ID_PATTERN, path.name) and RunLayout(path).spec.is_file()]
    return sorted((open_run(name) for name in names), key=lambda run: (run.spec.created, run.id))


def require_ended(run: Run) -> Run:
    """Return a run that has ended.

    Raises
    ------
    InvalidInput
        It has not.
    """
    if not run.record().has_ended:
        raise InvalidInput(f"The run {run.id} has not ended yet.", hint="Wait for it, or cancel it first.", run_id=run.id)
    return run
