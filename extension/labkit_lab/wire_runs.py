"""Messages of runs: the list, what one tells, and several side by side."""

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
    "CompareAsk",
    "CompareReport",
    "CompareRow",
    "ComparedItem",
    "CurveItem",
    "RunItem",
    "RunList",
    "RunMove",
    "StoryItem",
    "StoryQuery",
]


_LONGEST_WAIT_S = 25.0  # a proxy gives up an answer that does not come for a minute


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


RUNS_REQUESTS: tuple[type[WireModel], ...] = (StoryQuery, RunMove, CompareAsk)
RUNS_REPLIES: tuple[type[WireModel], ...] = (RunItem, RunList, CurveItem, StoryItem, CompareReport, ComparedItem, CompareRow)
