"""Messages of a run that is to be started: what can be chosen, and what would be done."""

from __future__ import annotations

from datetime import datetime

from labkit.runs.records import Where
from labkit_lab.wire import WireModel

__all__ = [
    "NEWRUN_REPLIES",
    "NEWRUN_REQUESTS",
    "ArchitectureChoice",
    "DeviceChoice",
    "FieldProblem",
    "HubCourseChoice",
    "HubItem",
    "NewRun",
    "PlanItem",
    "PlanReply",
    "RunDefaults",
    "RunForm",
    "TrainingSetChoice",
]


class NewRun(WireModel):
    """A training that somebody wants; what is left out is as `RunForm` says.

    ``patience`` counts epochs, 0 is no early stopping. ``notebook`` is a path in the home, of a notebook of one's own.
    ``course`` is for a run of the hub. With ``reuse`` a run that has done the same already is answered, and nothing is started.
    """

    training_set: str
    model: str | None = None
    architecture: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    seed: int | None = None
    separate_objects: bool | None = None
    patience: int | None = None
    device: str | None = None
    time_limit_s: float | None = None
    notebook: str | None = None
    where: Where = "here"
    course: str | None = None
    reuse: bool = False


class TrainingSetChoice(WireModel):
    """A training set that can be learned from."""

    key: str
    name: str
    created: datetime
    chip_px: int
    training_chips: int
    validation_chips: int
    test_chips: int
    classes: tuple[str, ...]


class ArchitectureChoice(WireModel):
    """A network that can be trained: what it is for and what it needs; memory is that of a step on one megapixel, in MB."""

    name: str
    about: str
    parameters: int
    memory_mb: int
    halo_px: int
    tile_invariant: bool


class DeviceChoice(WireModel):
    """A place where a run can be carried out, and how many runs are there now, queued ones included."""

    name: str
    label: str
    runs: int


class RunDefaults(WireModel):
    """What is taken where a person says nothing."""

    model: str
    architecture: str
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    separate_objects: bool
    patience: int
    device: str


class HubCourseChoice(WireModel):
    """A course for which the hub computes, and how many device-hours are left there; None is no limit."""

    id: str
    title: str
    hours_left: float | None


class HubItem(WireModel):
    """What the hub offers just now: how many devices are free, how many runs wait, and for how many hours one may still compute.

    ``pause`` says why nothing starts now, ``announcement`` what an admin tells everybody; both may be empty.
    """

    total: int
    free: int
    waiting: int
    hours_left: float | None
    pause: str
    announcement: str
    courses: tuple[HubCourseChoice, ...]


class RunForm(WireModel):
    """What can be chosen for a new run: training sets and models the newest first; ``home`` is where own notebooks lie.

    ``hub`` is None where there is no hub, or it does not answer, or has no devices for this person.

    ``other_network`` is an example of those that are asked for by name alone; None where their part is not installed.
    """

    training_sets: tuple[TrainingSetChoice, ...]
    architectures: tuple[ArchitectureChoice, ...]
    other_network: str | None
    devices: tuple[DeviceChoice, ...]
    hub: HubItem | None
    models: tuple[str, ...]
    home: str
    defaults: RunDefaults


class PlanItem(WireModel):
    """What would be done, with real data in hand."""

    architecture: str
    parameters: int
    device: str
    precision: str | None
    channels: int
    outputs: tuple[str, ...]
    crop_px: int
    batch_size: int
    steps_per_epoch: int
    total_steps: int
    training_chips: int
    validation_chips: int
    halo_px: int
    memory_bytes: int | None
    warnings: tuple[str, ...]


class FieldProblem(WireModel):
    """Why a training cannot be started, and in which field of `NewRun`; an empty name is all of them together."""

    field: str
    message: str
    hint: str


class PlanReply(WireModel):
    """The plan, or what is in its way."""

    plan: PlanItem | None
    problems: tuple[FieldProblem, ...]


NEWRUN_REQUESTS: tuple[type[WireModel], ...] = (NewRun,)
NEWRUN_REPLIES: tuple[type[WireModel], ...] = (
    RunForm,
    TrainingSetChoice,
    ArchitectureChoice,
    DeviceChoice,
    HubItem,
    HubCourseChoice,
    RunDefaults,
    PlanReply,
    PlanItem,
    FieldProblem,
)
