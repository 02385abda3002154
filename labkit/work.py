"""The one table of kinds of work: which config a kind takes, and which notebook carries it out.

A new kind is one row here and one notebook in the room that does the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from labkit.datasets import open_training_set
from labkit.errors import Cancelled, InvalidInput, StorageFull
from labkit.events import CancelToken, EventSink, ignore_events
from labkit.notebooks import packaged_notebook
from labkit.project import Project
from labkit.runs import LocalRunner, Run, RunSpec
from labkit.storage import Record, is_remote, new_id, utc_now
from labkit.training import TrainConfig, resolve

__all__ = ["KINDS", "WorkKind", "result_of", "runner_for", "start", "start_training"]

_DISK_FULL = ("StorageFull", "The disk is full")  # a run comes from another program: its reason is all that is known


@dataclass(frozen=True, slots=True)
class WorkKind:
    """One kind of work.

    Attributes
    ----------
    name : str
        What a run of this kind is called.
    config : type
        The record that says what to do; the notebook gets it as a file.
    notebook : (package, name)
        The packaged notebook.
    """

    name: str
    config: type[Record]
    notebook: tuple[str, str]

    @property
    def notebook_path(self) -> Path:
        """Where the notebook lies on this machine."""
        return packaged_notebook(*self.notebook)


KINDS: dict[str, WorkKind] = {kind.name: kind for kind in (WorkKind("train", TrainConfig, ("labkit.training", "train")),)}


def runner_for(project: Project) -> LocalRunner:
    """Return the runner that carries out a project's runs on this machine."""
    return LocalRunner(project.layout.runs)


def start(project: Project, kind: str, config: Record, *, title: str = "", device: str = "cpu", resumes: str | None = None) -> Run:
    """Start a run on this machine and return at once.

    Raises
    ------
    InvalidInput
        There is no such kind of work, or the config is of another one.
    """
    if kind not in KINDS:
        raise InvalidInput(f"There is no kind of work {kind!r}.", hint="Known: " + ", ".join(KINDS) + ".")
    row = KINDS[kind]
    if not isinstance(config, row.config):
        raise InvalidInput(f"{kind!r} takes a {row.config.__name__}, not a {type(config).__name__}.", hint="Give the config of this kind.")
    spec = RunSpec(
        id=new_id(),
        kind=kind,
        title=title or kind,
        notebook=str(row.notebook_path),
        config=config.model_dump(mode="json"),
        device=device,
        resumes=resumes,
        created=utc_now(),
    )
    return runner_for(project).submit(spec)


def start_training(project: Project, config: TrainConfig) -> Run:
    """Check that a training can work, then start it as a run.

    Raises
    ------
    InvalidInput, NotFound
        What `labkit.training.resolve` refuses: no such training set, architecture or device; or the run to go on from had other
        settings or finished no epoch.
    """
    data = open_training_set(project, config.training_set)
    config = config.model_copy(update={"training_set": config.training_set if is_remote(config.training_set) else data.key})
    plan = resolve(config, data, cuda_available=torch.cuda.is_available())
    if config.resume_from is not None:
        _check_resumable(project, config, config.resume_from)
    title = f"{config.model} on {data.record.name}"
    return start(project, "train", config, title=title, device=plan.device, resumes=config.resume_from)


def _check_resumable(project: Project, config: TrainConfig, earlier_id: str) -> None:
    """Refuse to go on from a training that was another one: the result would be neither's."""
    earlier = runner_for(project).run(earlier_id)
    if not earlier.layout.checkpoints.resume_state.is_file():
        raise InvalidInput(f"The run {earlier_id} has no finished epoch to go on from.", hint="Start the training anew, without --resume.")
    free = {"project", "model", "device", "resume_from"}
    before, now = TrainConfig.model_validate(earlier.spec.config).model_dump(exclude=free), config.model_dump(exclude=free)
    for name, value in before.items():
        if value != now[name]:
            raise InvalidInput(
                f"The run {earlier_id} was started with {name} {value}, not {now[name]}.",
                hint="Go on with the settings of that run, or start anew without --resume.",
            )


def result_of(run: Run, *, on_event: EventSink = ignore_events, cancel: CancelToken | None = None) -> dict[str, Any]:
    """Wait until a run has ended, and return what it made.

    Parameters
    ----------
    cancel : CancelToken, optional
        When it is set, the run is stopped; nothing of it lives on when this returns.

    Raises
    ------
    Cancelled
        The run was stopped, here or elsewhere.
    StorageFull
        It found the disk full.
    RunFailed
        It ended in any other way without its result.
    """
    record = run.wait(on_event=on_event, cancel=cancel)
    if record.state == "cancelled":
        kept = run.layout.checkpoints.resume_state.is_file()
        raise Cancelled(record.reason, hint=f"Go on with --resume {run.id}." if kept else "Start it again.", run_id=run.id)
    if record.state == "failed" and any(sign in record.reason for sign in _DISK_FULL):
        raise StorageFull(record.reason, hint="Free some disk and start it again.", run_id=run.id)
    return run.result()
