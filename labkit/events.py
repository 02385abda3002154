"""Progress as data: long functions report events, and sinks (a bar, a file, a stream) show them.

A function that takes long accepts ``on_event`` (called with each event, on the calling thread or a worker's)
and ``cancel`` (a token that it looks at between tiles or steps).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal

from labkit.errors import Cancelled

__all__ = [
    "Artefact",
    "CancelToken",
    "Event",
    "EventSink",
    "Log",
    "Metric",
    "Progress",
    "RunState",
    "StateChange",
    "as_record",
    "from_record",
    "ignore_events",
]

RunState = Literal["queued", "starting", "running", "cancelling", "done", "failed", "cancelled", "lost"]


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` units of a named stage are finished (``total`` 0: not known yet); seconds to go, where they can be told."""

    type: ClassVar[str] = "progress"
    done: float
    total: float
    unit: str
    stage: str = ""
    remaining_s: float | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured number of a training: a loss, a score, a learning rate."""

    type: ClassVar[str] = "metric"
    epoch: int
    step: int
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Log:
    """One line for a person."""

    type: ClassVar[str] = "log"
    text: str
    level: Literal["info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file or folder that now exists, by a path relative to the run's or the project's folder."""

    type: ClassVar[str] = "artefact"
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class StateChange:
    """A run went into another state."""

    type: ClassVar[str] = "state"
    state: RunState
    reason: str = ""


Event = Progress | Metric | Log | Artefact | StateChange
EventSink = Callable[[Event], None]
_KINDS: dict[str, type[Any]] = {kind.type: kind for kind in (Progress, Metric, Log, Artefact, StateChange)}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in _KINDS.values()}  # there may be many events


def ignore_events(event: Event) -> None:
    """Take an event and do nothing: the default sink."""


def as_record(event: Event) -> dict[str, Any]:
    """Return the event as it stands in ``events.jsonl``, without ``seq`` and ``time``; what is not known is left out."""
    return {"type": event.type, **{name: value for name, value in asdict(event).items() if value is not None}}


def from_record(record: dict[str, Any]) -> Event:
    """Return the event that `record` (a line of ``events.jsonl``) holds.

    Raises
    ------
    KeyError
        The record is of a type that this version does not know.
    """
    kind = _KINDS[record["type"]]
    known = {name: record[name] for name in _FIELDS[kind] if name in record}
    event: Event = kind(**known)
    return event


class CancelToken:
    """A flag that is set once, from any thread or signal handler, and looked at between units of work."""

    __slots__ = ("_flag",)

    def __init__(self) -> None:
        self._flag = False  # a plain value: a lock could be held already when a signal comes

    def cancel(self) -> None:
        """Ask the work to stop at the next unit."""
        self._flag = True

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the work to stop."""
        return self._flag

    def raise_if_cancelled(self) -> None:
        """Raise `labkit.errors.Cancelled` when the work is to stop."""
        if self.cancelled:
            raise Cancelled("Cancelled.", hint="Start it again to go on; what was finished is kept.")
