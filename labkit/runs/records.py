"""What is saved of a run: what was asked for, and how it stands."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue, field_validator

from labkit.events import RunState
from labkit.storage import Record, RunLayout, load_record, new_id, utc_now

__all__ = [
    "END_STATES",
    "GRACE_S",
    "HEARTBEAT_S",
    "RUN_ID_PATTERN",
    "Device",
    "RunId",
    "RunRecord",
    "RunSpec",
    "Where",
    "load_run_record",
    "run_state",
]

END_STATES: frozenset[RunState] = frozenset({"done", "failed", "cancelled", "lost"})
GRACE_S = 8.0  # from a cancel to the last SIGKILL; the kernel's comes a little earlier, so that the notebook is still saved
HEARTBEAT_S = 3.0
RUN_ID_PATTERN = r"^[a-z][a-z0-9]{11}$"

RunId = Annotated[str, Field(pattern=RUN_ID_PATTERN)]
Where = Literal["here", "hub"]
Device = Annotated[str, Field(pattern=r"^(cpu|cuda:\d+)$")]


class RunSpec(Record):
    """``spec.json``: what was asked for; never changes.

    ``notebook`` is the absolute path of the notebook to be executed, ``config`` what it gets as ``config.json``,
    ``device`` ``cpu`` or ``cuda:<n>``, ``resumes`` the id of the run that this one goes on with or repeats.

    Attributes
    ----------
    notebook_sha256 : str
        Of the notebook as it was handed in; a copy of it lies in the run's folder and is what is executed.
    time_limit_s : float, optional
        How long the run may compute before it is stopped.
    attempt : int
        1, and one more for each time that the work was taken up again.
    resume_field : str, optional
        Field of `config` that takes the id of a run to go on from; None where this kind of work cannot go on.
    auto_resume : bool
        Whether the run, if it is lost, is taken up again from its checkpoint as a new run, a few times at most.
    where : {"here", "hub"}
        Whether it is carried out on this machine, or on a device that the hub gives it for a while.
    course, profile : str, optional
        For which course a run of the hub computes, and in which kind of server; None leaves both to the hub.
    """

    format: Literal[1] = 1
    id: RunId = Field(default_factory=new_id)
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    title: Annotated[str, Field(max_length=300)] = ""
    notebook: Path
    config: dict[str, JsonValue]
    device: Device = "cpu"
    resumes: RunId | None = None
    created: AwareDatetime = Field(default_factory=utc_now)
    notebook_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    time_limit_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    attempt: Annotated[int, Field(ge=1)] = 1
    resume_field: str | None = None
    auto_resume: bool = False
    where: Where = "here"
    course: Annotated[str, Field(max_length=64)] | None = None
    profile: Annotated[str, Field(max_length=64)] | None = None

    @field_validator("notebook")
    @classmethod
    def _absolute(cls, notebook: Path) -> Path:
        if not notebook.is_absolute():
            raise ValueError("must be an absolute path")
        return notebook


class RunRecord(Record):
    """``run.json``: how the run stands; written by whoever holds the run's lock, by rename.

    That is its supervisor; or, when that died, whoever finds out (see `labkit.runs.Run.record`). States go queued,
    starting, running, perhaps cancelling, then done, failed, cancelled or lost; an end state never changes.
    ``exit_code`` is that of the child (minus the number of a signal), ``reason`` a sentence or two for a person.
    """

    format: Literal[1] = 1
    id: RunId
    kind: str
    state: RunState
    reason: str = ""
    device: Device
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    heartbeat: datetime | None = None
    exit_code: int | None = None
    resumes: RunId | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the state is an end state."""
        return self.state in END_STATES

    @classmethod
    def queued(cls, spec: RunSpec) -> RunRecord:
        """Return the record of a run that no supervisor has taken up yet."""
        return cls(id=spec.id, kind=spec.kind, state="queued", device=spec.device, created=spec.created, resumes=spec.resumes)


def load_run_record(layout: RunLayout) -> RunRecord:
    """Return what ``run.json`` says, or that the run is queued when no supervisor has written one yet."""
    if layout.record.exists():
        return load_record(layout.record, RunRecord)
    return RunRecord.queued(load_record(layout.spec, RunSpec))


def run_state(layout: RunLayout) -> RunState:
    """Return the state as it is written; cheaper than the record for a run that waits."""
    return load_record(layout.record, RunRecord).state if layout.record.exists() else "queued"
