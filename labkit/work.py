"""The one table of kinds of work: which config a kind takes, and which notebook carries it out.

A new kind is one row here and one notebook in the room that does the work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from labkit.client import ProjectRunner
from labkit.courses.grading.config import GradeConfig
from labkit.datasets import open_training_set
from labkit.errors import Cancelled, InvalidInput, LabKitError, StorageFull
from labkit.events import CancelToken, EventSink, ignore_events
from labkit.notebooks import check_notebook, packaged_notebook
from labkit.project import Project
from labkit.runs import Run, RunSpec, checkpoint_of
from labkit.runs.records import Where
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
    "trained_before",
]

_DISK_FULL = ("StorageFull", "The disk is full")  # a run comes from another program: its reason is all that is known


# Settings of a training that do not change what comes out of it.
_NO_MEANING = frozenset({"project", "model", "device", "workers", "checkpoint_every_s", "resume_from"})


@dataclass(frozen=True, slots=True)
class _Placement:
    """Where a run is carried out.

    Attributes
    ----------
    where : {"here", "hub"}
        On this machine, or on a device of the hub.
    course : str, optional
        For which of the person's courses the hub computes.
    profile : str, optional
        In which kind of server; by default the first that the person may use.
    """

    where: Where = "here"
    course: str | None = None
    profile: str | None = None

    def __post_init__(self) -> None:
        if self.where not in ("here", "hub"):
            raise InvalidInput(f"A run cannot be carried out at {self.where!r}.", hint="Choose here or hub.")
        if self.where == "here" and (self.course or self.profile):
            raise InvalidInput("A course or profile belongs to a run of the hub.", hint="Leave it out, or train on the hub.")


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


KINDS: dict[str, WorkKind] = {
    kind.name: kind
    for kind in (
        WorkKind("train", TrainConfig, ("labkit.training", "train"), "resume_from"),
        WorkKind("grade", GradeConfig, ("labkit.courses.grading", "grade")),
    )
}


def runner_for(project: Project) -> ProjectRunner:
    """Return the runner that carries out a project's runs, on this machine and at the hub."""
    return ProjectRunner(project.layout.runs)


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
    where: Where = "here",
    course: str | None = None,
    profile: str | None = None,
) -> Run:
    """Queue a run, on this machine or at the hub, and return at once; it starts when its device is free.

    Parameters
    ----------
    where : {"here", "hub"}
        On this machine, or on a device that the hub gives it.
    course, profile : str, optional
        For which of the person's courses the hub computes, and in which kind of server; by default the hub chooses.
    notebook : Path, optional
        Another notebook than that of the kind; it keeps the same contract (`labkit.notebooks.check_notebook`).
    time_limit_s : float, optional
        How long it may compute before it is stopped.

    Raises
    ------
    InvalidInput
        There is no such kind of work, the config is of another one, the notebook breaks the contract, or the limit is not positive.
    NotFound
        There is no such notebook, or no hub.
    HubUnreachable
        The hub is away.
    """
    if kind not in KINDS:
        raise InvalidInput(f"There is no kind of work {kind!r}.", hint="Known: " + ", ".join(KINDS) + ".")
    row = KINDS[kind]
    if not isinstance(config, row.config):
        raise InvalidInput(f"{kind!r} takes a {row.config.__name__}, not a {type(config).__name__}.", hint="Give the config of this kind.")
    if time_limit_s is not None and not 0 < time_limit_s < math.inf:
        raise InvalidInput(f"The time limit {time_limit_s:g} s cannot be used.", hint="Give a number of seconds above 0.")
    place = _Placement(where, course, profile)
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
        where=place.where,
        course=place.course,
        profile=place.profile,
    )
    return runner_for(project).submit(spec)


def start_training(
    project: Project,
    config: TrainConfig,
    notebook: Path | None = None,
    time_limit_s: float | None = None,
    *,
    where: Where = "here",
    course: str | None = None,
    profile: str | None = None,
    reuse: bool = False,
) -> Run:
    """Check that a training can work, then queue it as a run.

    Parameters
    ----------
    notebook : Path, optional
        Another notebook than LabKit's own, with the same contract: see `labkit.notebooks.check_notebook`.
    time_limit_s : float, optional
        How long it may compute; then it is stopped, and its checkpoint is kept.
    where, course, profile
        As in `start`. At the hub the run itself finds out what its device is: whether this machine has a GPU does not matter.
    reuse : bool
        Return the run that has done the same already, if there is one (`trained_before`), and start nothing.

    Raises
    ------
    HubUnreachable
        It is for the hub, which is away.
    InvalidInput, NotFound
        What `labkit.training.resolve` refuses: no such training set, architecture or device; or the run to go on from had other
        settings or left no checkpoint. What `labkit.notebooks.check_notebook` refuses.
    """
    done = trained_before(project, config, notebook) if reuse else None
    if done is not None:
        return done
    place = _Placement(where, course, profile)
    return _queue_training(project, config, notebook, time_limit_s, place, resumes=config.resume_from)


def trained_before(project: Project, config: TrainConfig, notebook: Path | None = None) -> Run | None:
    """Return the newest run of the project that is done and made what this training would make, None where there is none.

    The notebook is the same to the byte, the training set the same to its hash, and so is every setting that changes what comes out;
    the model's name, the device and the number of workers do not. The model is still there, and was not retired.
    """
    wanted = _meaning(project, config)
    if wanted is None:
        return None
    sha256 = check_notebook(KINDS["train"].notebook_path if notebook is None else notebook.expanduser().absolute()).sha256
    for run in reversed(runner_for(project).runs()):
        spec = run.spec
        if spec.kind == "train" and spec.notebook_sha256 == sha256 and run.state == "done":
            try:
                before = TrainConfig.model_validate(spec.config)
                if _meaning(project, before) == wanted and not open_model(project, str(run.result()["model"])).retired:
                    return run
            except (LabKitError, ValueError, KeyError, OSError):
                continue  # made by another version, or its model or training set was removed
    return None


def _meaning(project: Project, config: TrainConfig) -> dict[str, Any] | None:
    """Return what decides on the result of a training; None where that can be another one tomorrow."""
    if config.encoder_weights is not None and config.encoder_sha256 is None:
        return None
    key = config.training_set if is_remote(config.training_set) else open_training_set(project, config.training_set).key
    return config.model_dump(exclude=set(_NO_MEANING)) | {"training_set": key}


def _queue_training(
    project: Project,
    config: TrainConfig,
    notebook: Path | None,
    time_limit_s: float | None,
    place: _Placement,
    *,
    resumes: str | None,
    attempt: int = 1,
) -> Run:
    data = open_training_set(project, config.training_set)
    config = config.model_copy(update={"training_set": config.training_set if is_remote(config.training_set) else data.key})
    if place.where == "hub" and config.device != "cpu":
        config = config.model_copy(update={"device": "auto"})  # which device it gets, and what that can do, turns out there
    plan = resolve(config, data, cuda_available=place.where == "hub" or torch.cuda.is_available())
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
        where=place.where,
        course=place.course,
        profile=place.profile,
    )


def resume_training(
    project: Project,
    run_id: str,
    time_limit_s: float | None = None,
    *,
    where: Where | None = None,
    course: str | None = None,
    profile: str | None = None,
) -> Run:
    """Go on with a training that was cancelled, failed or lost, from its checkpoint, as a new run with the same settings.

    Parameters
    ----------
    time_limit_s : float, optional
        How long the new run may compute; by default as long as the old one might.
    where, course, profile
        As in `start`; by default where, and for which course, the old one was carried out.

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
    place = _Placement(run.spec.where, run.spec.course, run.spec.profile)
    if where is not None and where != place.where:
        place = _Placement(where)
    place = replace(place, course=course or place.course, profile=profile or place.profile)
    return _queue_training(project, config, _notebook_of(run), limit, place, resumes=run.id, attempt=run.spec.attempt + 1)


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
