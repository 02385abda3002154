"""Messages about runs and models: what is trained, how far it is, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from labkit.events import RunState
from labkit.runs.records import Where
from labkit_lab.wire import WireModel

__all__ = [
    "RUNS_REPLIES",
    "RUNS_REQUESTS",
    "ArchitectureChoice",
    "CardRow",
    "CardSection",
    "CompareAsk",
    "CompareReport",
    "CompareRow",
    "ComparedItem",
    "CurveItem",
    "DeviceChoice",
    "FieldProblem",
    "HubCourseChoice",
    "HubItem",
    "ModelCardItem",
    "ModelExportAsk",
    "ModelExportReport",
    "ModelItem",
    "ModelList",
    "NewRun",
    "PlanItem",
    "PlanReply",
    "RetireAsk",
    "RunDefaults",
    "RunForm",
    "RunItem",
    "RunList",
    "RunMove",
    "StoryItem",
    "StoryQuery",
    "TrainingSetChoice",
]

_LONGEST_WAIT_S = 25.0  # a proxy gives up an answer that does not come for a minute


# Runs


class StoryQuery(WireModel):
    """What is known of a run (events up to ``since``, the ``standing`` that came with them), and how long the answer may wait for more."""

    since: Annotated[int, Field(ge=0)] = 0
    standing: str = ""
    wait_s: Annotated[float, Field(ge=0, le=_LONGEST_WAIT_S)] = 0


class RunMove(WireModel):
    """At which place of its queue a run that waits is to stand, from 0."""

    place: Annotated[int, Field(ge=0)]


class RunItem(WireModel):
    """One run as it stands.

    ``place`` is its place among the ``waiting`` runs of its device, over all projects; 0 is next, None for what does not wait.
    ``silent`` is one that should go on but is not heard of. ``done`` of ``total`` counts the ``unit`` of a ``stage`` (``training``,
    ``notebook``); ``epoch`` and ``step`` are those of a training, from 1. ``made`` is the model, ``name/version``. ``notebook`` and
    ``log`` are paths of the file browser, None where there is no such file yet, or the file browser cannot show it.
    Of a run of the hub ``device`` is what the hub calls it, or ``hub``; ``place`` counts the person's own runs that wait there,
    ``waits_for`` says its place among those of all people and why it waits, and ``page`` is the address of its page.
    """

    id: str
    title: str
    kind: str
    state: RunState
    reason: str
    where: Where
    device: str
    page: str | None
    waits_for: str
    place: int | None
    waiting: int
    created: datetime
    started: datetime | None
    ended: datetime | None
    silent: bool
    stage: str
    unit: str
    done: float
    total: float
    epoch: int
    epochs: int
    step: int
    steps: int
    rate_per_s: float | None
    remaining_s: float | None
    model: str
    made: str | None
    attempt: int
    resumes: str | None
    can_resume: bool
    notebook: str | None
    log: str | None


class RunList(WireModel):
    """The runs of a project, the newest first, and the title of the project; ``now`` is the server's clock.

    ``hub_problem`` says why runs of the hub are shown as they were last seen; empty if they are as they are, or there is no hub.
    """

    title: str
    now: datetime
    hub_problem: str
    runs: tuple[RunItem, ...]


class CurveItem(WireModel):
    """Points of one curve: the value of a metric (None: not a number) at an epoch (from 1) and a step; no steps in comparisons."""

    name: str
    epochs: tuple[int, ...]
    steps: tuple[int, ...]
    values: tuple[float | None, ...]


class StoryItem(WireModel):
    """A run, and what its events tell; another ``standing`` tells that something else than events has changed.

    ``curves`` hold the points that came after ``since``; when that is 0 they are all of them, thinned where there are very many.
    ``samples`` names the picture of sample predictions: another name is another picture. ``lines`` are the last ones of the log.
    """

    run: RunItem
    now: datetime
    since: int
    seq: int
    standing: str
    curves: tuple[CurveItem, ...]
    samples: str | None
    warnings: tuple[str, ...]
    lines: tuple[str, ...]


# A new run


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


# Comparison


class CompareAsk(WireModel):
    """Two or more runs by id, or models by ``name/version``."""

    runs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


class ComparedItem(WireModel):
    """One column: a run or a model, with its curves."""

    key: str
    title: str
    curves: tuple[CurveItem, ...]


class CompareRow(WireModel):
    """One line of the table, a value for each column; ``best`` are the columns that are ahead, where that can be said."""

    name: str
    kind: Literal["setting", "metric"]
    differs: bool
    values: tuple[str | None, ...]
    best: tuple[int, ...]


class CompareReport(WireModel):
    """Runs or models side by side; settings that differ come first."""

    columns: tuple[ComparedItem, ...]
    rows: tuple[CompareRow, ...]


# Models


class RetireAsk(WireModel):
    """Why a model is not to be used any more."""

    reason: str


class ModelExportAsk(WireModel):
    """Into which format a model goes; a package for bioimage.io names authors, and a licence (SPDX) where the card has none."""

    format: Literal["onnx", "bioimageio"]
    authors: tuple[str, ...] = ()
    licence: str = ""


class ModelItem(WireModel):
    """One version of a model.

    ``opened`` tells whether it is what its bare name opens. ``retired`` is why it is not to be used, None if it may. ``val_dice`` and
    ``test_dice`` are means over the classes, without background.
    """

    key: str
    name: str
    version: int
    created: datetime
    architecture: str
    training_set: str
    run: str | None
    val_dice: float | None
    test_dice: float | None
    licence: str
    promoted: bool
    opened: bool
    retired: str | None


class ModelList(WireModel):
    """The models of a project, by name, the newest version first; ``me`` is who asks."""

    title: str
    me: str
    models: tuple[ModelItem, ...]


class CardRow(WireModel):
    """One line of a card."""

    name: str
    value: str


class CardSection(WireModel):
    """Some lines of a card that belong together."""

    title: str
    rows: tuple[CardRow, ...]


class ModelCardItem(WireModel):
    """A model's card for people."""

    model: ModelItem
    sections: tuple[CardSection, ...]


class ModelExportReport(WireModel):
    """The file of a model, and how far its answers are from those of the model itself (``difference``, at most ``tolerance``)."""

    name: str
    bytes: int
    sha256: str
    difference: float
    tolerance: float


RUNS_REQUESTS: tuple[type[WireModel], ...] = (StoryQuery, RunMove, NewRun, CompareAsk, RetireAsk, ModelExportAsk)
RUNS_REPLIES: tuple[type[WireModel], ...] = (
    RunItem,
    RunList,
    CurveItem,
    StoryItem,
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
    CompareReport,
    ComparedItem,
    CompareRow,
    ModelItem,
    ModelList,
    ModelCardItem,
    CardSection,
    CardRow,
    ModelExportReport,
)
