"""Runs the notebooks of an assignment in a program beside the server, for a job."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

from labkit import errors
from labkit.client.annotating import look_at_annotations
from labkit.client.workfolder import WorkFolder
from labkit.courses.trial import Trial, TrialStep
from labkit.errors import LabKitError, WorkerLost
from labkit_lab.places import browser_path
from labkit_lab.server.jobs import Job
from labkit_lab.wire_sending import SendProblem
from labkit_lab.wire_trials import TrialReport, TriedCell, TriedNotebook, TriedPicture

__all__ = ["told_error", "try_work"]

_LOOK_EVERY_S = 0.2


def try_work(folder: WorkFolder, root: Path, job: Job, unsaved: tuple[str, ...] = ()) -> TrialReport:
    """Run every notebook of the assignment, as it is graded, and report its tests; and the annotations as they would be handed in.

    `unsaved` is as in `labkit.client.annotating.export_annotations`.
    """
    objects, problems = look_at_annotations(folder, unsaved=unsaved)
    files, cell_s = folder.notebook_files(), folder.record().cell_s
    # -P: what a student has called labkit must not be taken for it; --: a notebook may be called like an option
    command = [sys.executable, "-P", "-m", "labkit.courses.trial", "--cell-s", str(cell_s), "--", str(folder.root), *files]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as program:
        watcher = threading.Thread(target=_end_with, args=(program, job), daemon=True)
        watcher.start()
        try:
            trial = _read(program, job)
        finally:
            program.kill()
    report = _report(trial, folder, root)
    return report.model_copy(
        update={
            "passed": report.passed and not any(problem.severity == "error" for problem in problems),
            "pictures": tuple(TriedPicture(path=path, objects=count) for path, count in objects.items()),
            "problems": tuple(SendProblem(**problem.model_dump()) for problem in problems),
        }
    )


def _end_with(program: subprocess.Popen[str], job: Job) -> None:
    """End the program when the job is cancelled; its kernel goes with it."""
    while program.poll() is None:
        if job.cancel.cancelled:
            program.kill()
            return
        try:
            program.wait(_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            continue


def _read(program: subprocess.Popen[str], job: Job) -> Trial:
    assert program.stdout is not None
    for line in program.stdout:
        said = json.loads(line)
        if "step" in said:
            step = TrialStep.model_validate(said["step"])
            job.step(step.done, step.total)
        elif "trial" in said:
            return Trial.model_validate(said["trial"])
        elif "error" in said:
            raise told_error(said["error"])
    job.cancel.raise_if_cancelled()
    raise WorkerLost("The program that ran the notebook died.", hint="The machine may be short of memory: close what you do not need.")


def told_error(error: dict[str, str]) -> LabKitError:
    """Return the error that a program has written as JSON."""
    kind = getattr(errors, error["type"], LabKitError)
    found: LabKitError = kind(error["message"], hint=error["hint"])
    return found


def _report(trial: Trial, folder: WorkFolder, root: Path) -> TrialReport:
    return TrialReport(
        passed=trial.passed,
        notebooks=tuple(
            TriedNotebook(
                notebook=one.notebook,
                path=browser_path(root, folder.root / one.notebook),
                problem=one.problem,
                cells=tuple(TriedCell(**cell.model_dump()) for cell in one.cells),
            )
            for one in trial.notebooks
        ),
        pictures=(),
        problems=(),
    )
