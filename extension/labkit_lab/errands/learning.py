"""What routes ask for that needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from pydantic import ValidationError

from labkit.client import hub_view
from labkit.datasets import TrainingSet, list_training_sets, open_training_set
from labkit.errors import InvalidInput, LabKitError
from labkit.notebooks import check_notebook
from labkit.project import Project
from labkit.runs import RunQueue
from labkit.storage import check_name
from labkit.training import ArchitectureFacts, TrainConfig, TrainPlan, architecture_named, architecture_table, device_memory, resolve
from labkit.work import resume_training, start_training
from labkit_lab.homes import path_in_home
from labkit_lab.wire_newrun import (
    ArchitectureChoice,
    DeviceChoice,
    FieldProblem,
    HubCourseChoice,
    HubItem,
    NewRun,
    PlanItem,
    PlanReply,
    RunDefaults,
    RunForm,
    TrainingSetChoice,
)

__all__ = ["devices", "hub_offer", "plan_run", "resume_run", "run_form", "start_run"]

_CONFIG_FIELDS = ("training_set", "model", "architecture", "epochs", "batch_size", "learning_rate", "seed", "separate_objects", "device")
_OTHER_NETWORK = "smp:unet:resnet18"  # hundreds of pairs, asked for by name; this one to begin with
_DEVICE_MEMORY_LABEL = "{name}, {gb:.0f} GB"


def run_form(project_path: Path) -> RunForm:
    """Return what can be chosen for a new run, and what is taken where nothing is chosen."""
    project = Project.open(project_path)
    sets = sorted(list_training_sets(project), key=lambda data: data.record.created, reverse=True)
    models = sorted(project.layout.models.glob("*/"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    return RunForm(
        training_sets=tuple(_set_choice(data) for data in sets),
        architectures=_architectures(),
        other_network=_OTHER_NETWORK if find_spec("segmentation_models_pytorch") else None,
        devices=devices(),
        hub=hub_offer(),
        models=tuple(folder.name for folder in models if not folder.name.startswith(".")),
        home=str(Path.home()),
        defaults=_defaults(),
    )


def plan_run(project_path: Path, asked: NewRun) -> PlanReply:
    """Return what a training would do, or what is in its way; nothing is started."""
    wish = _wish(project_path, asked)
    if wish.problems or wish.config is None:
        return PlanReply(plan=None, problems=tuple(wish.problems))
    try:
        data = open_training_set(Project.open(project_path), wish.config.training_set)
    except LabKitError as error:
        return PlanReply(plan=None, problems=(_problem("training_set", error),))
    is_here = asked.where == "here"  # what a device of the hub can do turns out there
    memory = _memory_of(wish.config.device) if is_here else None
    try:
        plan = resolve(wish.config, data, cuda_available=not is_here or torch.cuda.is_available(), device_memory_bytes=memory)
    except LabKitError as error:
        return PlanReply(plan=None, problems=(_problem(_field_of(wish.config), error),))
    return PlanReply(plan=_plan_item(plan, is_here=is_here), problems=())


def start_run(project_path: Path, asked: NewRun) -> str:
    """Start a training, and return the id of its run.

    Raises
    ------
    LabKitError
        What is in its way.
    """
    wish = _wish(project_path, asked)
    wish.check()
    assert wish.config is not None
    return start_training(
        Project.open(project_path),
        wish.config,
        notebook=wish.notebook,
        time_limit_s=asked.time_limit_s,
        where=asked.where,
        course=asked.course,
        reuse=asked.reuse,
    ).id


def resume_run(project_path: Path, run_id: str) -> str:
    """Go on with a training that was stopped, and return the id of the run that does."""
    return resume_training(Project.open(project_path), run_id).id


@dataclass(slots=True)
class _Wish:
    """What was asked for, as the library takes it, and what is wrong with it."""

    config: TrainConfig | None
    notebook: Path | None
    problems: list[FieldProblem]
    first: LabKitError | None = None

    def check(self) -> None:
        """Raise the first error that was found."""
        if self.first is not None:
            raise self.first
        if self.problems:
            first = self.problems[0]
            raise InvalidInput(f"{first.field}: {first.message}", hint=first.hint or "Change it, and start again.")


def _wish(project_path: Path, asked: NewRun) -> _Wish:
    said = {name: value for name in _CONFIG_FIELDS if (value := getattr(asked, name)) is not None}
    wish = _Wish(None, None, [])
    try:
        wish.config = TrainConfig(project=str(project_path), patience=asked.patience or None, **said)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            field = str(fault["loc"][0]) if fault["loc"] else ""
            wish.problems.append(FieldProblem(field=field, message=f"{fault['msg']}.", hint=""))
    if asked.time_limit_s is not None and not asked.time_limit_s > 0:
        wish.problems.append(
            FieldProblem(field="time_limit_s", message="The time limit must be more than nothing.", hint="Leave it empty for none.")
        )
    if asked.notebook:
        try:
            wish.notebook = path_in_home(asked.notebook)
            check_notebook(wish.notebook)
        except LabKitError as error:
            wish.problems.append(_problem("notebook", error))
            wish.first = error
    return wish


def _problem(field: str, error: LabKitError) -> FieldProblem:
    return FieldProblem(field=field, message=error.message, hint=error.hint)


def _field_of(config: TrainConfig) -> str:
    """Return the field that `resolve` refuses, empty where it is none alone."""
    for field, check in (
        ("model", lambda: check_name(config.model, what="model name")),
        ("architecture", lambda: architecture_named(config.architecture)),
    ):
        try:
            check()
        except LabKitError:
            return field
    return "device" if config.device.startswith("cuda") and not torch.cuda.is_available() else ""


def _set_choice(data: TrainingSet) -> TrainingSetChoice:
    record = data.record
    return TrainingSetChoice(
        key=data.key,
        name=record.name,
        created=record.created,
        chip_px=record.chip_px,
        training_chips=record.parts["train"].chips,
        validation_chips=record.parts["val"].chips,
        test_chips=record.parts["test"].chips,
        classes=tuple(c.name for c in record.classes),
    )


def _architectures() -> tuple[ArchitectureChoice, ...]:
    return tuple(_architecture(facts) for facts in architecture_table())


def _architecture(facts: ArchitectureFacts) -> ArchitectureChoice:
    return ArchitectureChoice(
        name=facts.name,
        about=facts.about,
        parameters=facts.parameters,
        memory_mb=facts.megapixel_mb,
        halo_px=facts.halo_px,
        tile_invariant=facts.tile_invariant,
    )


def devices() -> tuple[DeviceChoice, ...]:
    """Return the devices of this machine, the fastest first, each with how many runs are there."""
    labels = {}
    if torch.cuda.is_available():
        for k in range(torch.cuda.device_count()):
            facts = torch.cuda.get_device_properties(k)
            labels[f"cuda:{k}"] = _DEVICE_MEMORY_LABEL.format(name=facts.name, gb=facts.total_memory / 1e9)
    labels["cpu"] = "CPU"
    runs = [entry.device for entry in RunQueue().entries()]
    return tuple(DeviceChoice(name=name, label=label, runs=runs.count(name)) for name, label in labels.items())


def hub_offer() -> HubItem | None:
    """Return what the hub offers for a new run; None where there is no hub, it does not answer, or has no device for this person."""
    view = hub_view()
    if view is None:
        return None
    try:
        standing = view.standing()
    except LabKitError:
        return None
    if not standing.devices.total and not standing.profiles:
        return None
    courses = tuple(HubCourseChoice(id=c.id, title=c.title, hours_left=c.hours_left) for c in standing.courses)
    return HubItem(
        total=standing.devices.total,
        free=standing.devices.free,
        waiting=standing.devices.waiting,
        hours_left=standing.hours_left,
        pause=standing.pause,
        announcement=standing.announcement.text if standing.announcement else "",
        courses=courses,
    )


def _memory_of(device: str) -> int | None:
    """Return the bytes that are free on a device, as it was wished for."""
    return device_memory(_usual_device() if device == "auto" else "cuda:0" if device == "cuda" else device)


def _usual_device() -> str:
    return "cuda:0" if torch.cuda.is_available() else "cpu"


def _defaults() -> RunDefaults:
    fields = TrainConfig.model_fields
    values = {name: fields[name].default for name in _CONFIG_FIELDS if name != "training_set"}
    return RunDefaults(**{**values, "device": _usual_device(), "patience": fields["patience"].default or 0})


def _plan_item(plan: TrainPlan, *, is_here: bool) -> PlanItem:
    shared = plan.model_dump(include=set(PlanItem.model_fields))
    if not is_here:
        shared |= {"device": "hub", "precision": None}
    return PlanItem(**{**shared, "memory_bytes": plan.memory_bytes or None})
