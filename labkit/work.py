"""The one table of kinds of work: which config a kind takes, and which notebook carries it out.

A new kind is one row here and one notebook in the room that does the work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from labkit.datasets import open_training_set
from labkit.errors import Cancelled, InvalidInput, StorageFull
from labkit.events import CancelToken, EventSink, ignore_events
from labkit.notebooks import packaged_notebook
from labkit.project import Project
from labkit.runs import LocalRunner, Run, RunSpec, checkpoint_of
from labkit.storage import Record, is_remote, new_id, utc_now
from labkit.training import FREE_ON_RESUME, ModelCard, TrainConfig, open_model, resolve
from labkit.training.repeating import Repetition, compare_repetition, config_to_repeat

__all__ = [
    "KINDS",
    "WorkKind",
    "repeat_training",
    "result_of",
    "resume_training",
    "runner_for",
    "start",
    "start_training",
]

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
    resume_field : str, optional
        Field of the config that takes the id of a run to go on from; None where this kind cannot go on.
    """

    name: str
    config: type[Record]
    notebook: tuple[str, str]
    resume_field: str | None = None

    @property
    def notebook_path(self) -> Path:
        """Where the notebook lies on this machine."""
        return packaged_notebook(*self.notebook)


KINDS: dict[str, WorkKind] = {kind.name: kind for kind in (WorkKind("train", TrainConfig, ("labkit.training", "train"), "resume_from"),)}


def runner_for(project: Project) -> LocalRunner:
    """Return the runner that carries out a project's runs on this machine."""
    return LocalRunner(project.layout.runs)


def start(
    project: Project,
    kind: str,
    config: Record,
    *,
    title: str = "",
    device: str = "cpu",
    resumes: str | None = None,
    notebook: Path | None = None,
    time_limit_s: float | None = None,
    attempt: int = 1,
) -> Run:
    """Queue a run on this machine and return at once; it starts when its device is free.

    Parameters
    ----------
    notebook : Path, optional
        Another notebook than that of the kind; it keeps the same contract (`labkit.notebooks.check_notebook`).
    time_limit_s : float, optional
        How long it may compute before it is stopped.

    Raises
    ------
    InvalidInput
        There is no such kind of work, the config is of another one, the notebook breaks the contract, or the limit is not positive.
    NotFound
        There is no such notebook.
    """
    if kind not in KINDS:
        raise InvalidInput(f"There is no kind of work {kind!r}.", hint="Known: " + ", ".join(KINDS) + ".")
    row = KINDS[kind]
    if not isinstance(config, row.config):
        raise InvalidInput(f"{kind!r} takes a {row.config.__name__}, not a {type(config).__name__}.", hint="Give the config of this kind.")
    if time_limit_s is not None and not 0 < time_limit_s < math.inf:
        raise InvalidInput(f"The time limit {time_limit_s:g} s cannot be used.", hint="Give a number of seconds above 0.")
    spec = RunSpec(
        id=new_id(),
        kind=kind,
        title=title or kind,
        notebook=row.notebook_path if notebook is None else notebook.expanduser().absolute(),
        config=config.model_dump(mode="json"),
        device=device,
        resumes=resumes,
        created=utc_now(),
        time_limit_s=time_limit_s,
        attempt=attempt,
        resume_field=row.resume_field,
        auto_resume=row.resume_field is not None,
    )
    return runner_for(project).submit(spec)


def start_training(project: Project, config: TrainConfig, notebook: Path | None = None, time_limit_s: float | None = None) -> Run:
    """Check that a training can work, then queue it as a run.

    Parameters
    ----------
    notebook : Path, optional
        Another notebook than LabKit's own, with the same contract: see `labkit.notebooks.check_notebook`.
    time_limit_s : float, optional
        How long it may compute; then it is stopped, and its checkpoint is kept.

    Raises
    ------
    InvalidInput, NotFound
        What `labkit.training.resolve` refuses: no such training set, architecture or device; or the run to go on from had other
        settings or left no checkpoint. What `labkit.notebooks.check_notebook` refuses.
    """
    return _queue_training(project, config, notebook, time_limit_s, resumes=config.resume_from)


def _queue_training(
    project: Project, config: TrainConfig, notebook: Path | None, time_limit_s: float | None, *, resumes: str | None, attempt: int = 1
) -> Run:
    data = open_training_set(project, config.training_set)
    config = config.model_copy(update={"training_set": config.training_set if is_remote(config.training_set) else data.key})
    plan = resolve(config, data, cuda_available=torch.cuda.is_available())
    if config.resume_from is not None:
        _check_resumable(project, config, config.resume_from)
    title = f"{config.model} on {data.record.name}"
    return start(
        project,
        "train",
        config,
        title=title,
        device=plan.device,
        resumes=resumes,
        notebook=notebook,
        time_limit_s=time_limit_s,
        attempt=attempt,
    )


def resume_training(project: Project, run_id: str, time_limit_s: float | None = None) -> Run:
    """Go on with a training that was cancelled, failed or lost, from its checkpoint, as a new run with the same settings.

    Parameters
    ----------
    time_limit_s : float, optional
        How long the new run may compute; by default as long as the old one might.

    Raises
    ------
    NotFound
        There is no such run, or its training set is gone.
    InvalidInput
        The run is no training, has not ended, is done, or left no checkpoint.
    """
    run = runner_for(project).run(run_id)
    record = run.record()
    if run.spec.kind != "train":
        raise InvalidInput(f"The run {run_id} is no training.", hint="Submit it again with retry.", run_id=run_id)
    if not record.has_ended:
        raise InvalidInput(f"The run {run_id} has not ended yet.", hint="Wait for it, or cancel it first.", run_id=run_id)
    if record.state == "done":
        raise InvalidInput(f"The run {run_id} is done: nothing is left to go on with.", hint="Start a new training.", run_id=run_id)
    checkpoint = checkpoint_of(run)
    if checkpoint is None:
        raise InvalidInput(
            f"The run {run_id} left no checkpoint to go on from: it ended before its first.",
            hint="Start it anew with retry.",
            run_id=run_id,
        )
    config = TrainConfig.model_validate(run.spec.config | {"resume_from": checkpoint})
    limit = run.spec.time_limit_s if time_limit_s is None else time_limit_s
    return _queue_training(project, config, _notebook_of(run), limit, resumes=run.id, attempt=run.spec.attempt + 1)


def _notebook_of(run: Run) -> Path | None:
    """Return the notebook that a run brought along itself, as it was then; None where it was LabKit's own."""
    if run.spec.notebook == KINDS[run.spec.kind].notebook_path:
        return None
    return run.layout.source if run.layout.source.is_file() else run.spec.notebook


def _check_resumable(project: Project, config: TrainConfig, earlier_id: str) -> None:
    """Refuse to go on from a training that was another one: the result would be neither's."""
    earlier = runner_for(project).run(earlier_id)
    if not earlier.layout.checkpoints.resume_state.is_file():
        raise InvalidInput(f"The run {earlier_id} has no checkpoint to go on from.", hint="Start the training anew.")
    free = set(FREE_ON_RESUME)
    before, now = TrainConfig.model_validate(earlier.spec.config).model_dump(exclude=free), config.model_dump(exclude=free)
    for name, value in before.items():
        if value != now[name]:
            raise InvalidInput(
                f"The run {earlier_id} was started with {name} {value}, not {now[name]}.",
                hint="Go on with the settings of that run, or start anew.",
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
        raise Cancelled(record.reason, hint=f"Go on with 'labkit run resume {run.id}'." if kept else "Start it again.", run_id=run.id)
    if record.state == "failed" and any(sign in record.reason for sign in _DISK_FULL):
        raise StorageFull(record.reason, hint="Free some disk and start it again.", run_id=run.id)
    return run.result()


def repeat_training(
    project: Project, card: ModelCard, *, on_event: EventSink = ignore_events, cancel: CancelToken | None = None
) -> Repetition:
    """Train a model again as its card says, as a run, and compare the weights.

    The result is registered beside the model, as ``<name>-rerun``.

    Raises
    ------
    InvalidInput
        It was trained on a GPU, or cannot be trained with what is here.
    NotFound
        Its training set is gone.
    """
    run = start_training(project, config_to_repeat(project, card))
    again = open_model(project, str(result_of(run, on_event=on_event, cancel=cancel)["model"]))
    return compare_repetition(card, again.card)
