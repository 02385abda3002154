"""A grading run as a server of the hub: ``python -m labkit.client.grading_served --run ID``.

Nobody handed in a folder: it is made here, in the home of the grader's account, and then the run is carried out as any other. Containers
of kernels are no programs of this server, and files outlive a program that was killed: after the run it removes what is left of both, and
the folders of runs that ended long ago.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from pathlib import Path

from labkit.courses.grading import ContainerShape, Shape
from labkit.courses.grading.config import GradeConfig, GradingSettings
from labkit.errors import AlreadyExists, LabKitError
from labkit.notebooks.packaged import packaged_notebook
from labkit.runs import served
from labkit.runs.records import RunSpec
from labkit.runs.submitting import Submission
from labkit.storage import RunLayout, hold_lock

__all__ = ["FOLDER", "main", "make_run"]

FOLDER = "grading/runs"
"""The grader's folder of runs, in its home."""
_WORK = "work"
"""The folder of a run in which its notebook grades."""
_RUNS_KEPT = 50
"""Folders of runs: their logs and notebooks are looked at where something went wrong, and their results are at the hub."""
_GRACE_S = 16.0
"""From a cancel to the last SIGKILL: an engine under load takes some seconds for containers. The hub gives a server twice that."""


def make_run(run: str, home: Path) -> None:
    """Make the folder of a grading run; one that is there already is left as it is."""
    config = GradeConfig(run=run, shape=GradingSettings().resolve())
    notebook = packaged_notebook("labkit.courses.grading", "grade")
    spec = RunSpec(id=run, kind="grade", title="grade", notebook=notebook, config=config.model_dump(mode="json"), where="hub")
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(AlreadyExists):
        Submission.checked(spec).hand_in(folder, _nothing, _nothing)


def _nothing() -> None:
    """Do nothing: the run stands in the hub's line already."""


def main(arguments: list[str] | None = None) -> int:
    """Make the run's folder, and carry the run out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True)
    given, rest = parser.parse_known_args(arguments)
    begin = [f"--run={given.run}", f"--folder={FOLDER}", f"--grace-s={_GRACE_S}", *rest]
    try:
        return served.main(begin, prepare=lambda: make_run(given.run, Path.home()))
    finally:
        # However it ended, and whichever of its programs were killed.
        _sweep(GradingSettings().resolve(), given.run)
        _remove_work(Path.home() / FOLDER)
        _remove_old(Path.home() / FOLDER)


def _sweep(shape: Shape, run: str) -> None:
    """Remove containers that nobody else will end."""
    if isinstance(shape, ContainerShape):
        from labkit.courses.grading.containers import sweep_run

        sweep_run(shape, run)


def _remove_work(runs: Path) -> None:
    """Remove what runs that have ended had fetched, hidden tests and students' work: also those whose server was killed."""
    for work in runs.glob(f"*/{_WORK}"):
        with contextlib.suppress(LabKitError, OSError), hold_lock(RunLayout(work.parent).lock, timeout_s=0.0):  # a run that goes on has it
            shutil.rmtree(work, ignore_errors=True)


def _remove_old(runs: Path) -> None:
    """Remove the folders of all runs but the last ones; one that goes on, or is just beginning, is among these or has its lock."""
    ages: dict[Path, float] = {}
    for folder in runs.iterdir() if runs.is_dir() else ():
        with contextlib.suppress(OSError):
            ages[folder] = RunLayout(folder).spec.lstat().st_mtime
    for folder in sorted(ages, key=ages.__getitem__)[:-_RUNS_KEPT]:
        with contextlib.suppress(LabKitError, OSError), hold_lock(RunLayout(folder).lock, timeout_s=0.0):
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
