"""Who is next, and why the others wait: plain functions of the line, the leases and the limits; no clock, no database.

docs/queue.md says the same in words; change both.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from labkit_hub.service.queue.words import many, number

__all__ = [
    "CourseLimits",
    "FreeDevice",
    "Held",
    "Limits",
    "Line",
    "Plan",
    "Spent",
    "Standing",
    "Start",
    "Waiting",
    "make_plan",
    "why_not",
]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run in the line.

    Attributes
    ----------
    gpus : int
        Devices that it needs; 0 computes on the CPU.
    priority : int
        More comes first.
    rank : float
        Orders the owner's own runs.
    not_before : datetime or None
        When its server may be tried again, after a failed start.
    trouble : str
        Why the last start failed; empty if none did.
    """

    id: str
    owner: str
    course: str | None
    gpus: int
    priority: int
    rank: float
    submitted: datetime
    not_before: datetime | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A device in somebody's hands, for a run or for a server; or, without a device, a run that computes on the CPU."""

    owner: str
    course: str | None
    gpus: int = 1


@dataclass(frozen=True, slots=True)
class FreeDevice:
    """A device that is ready and not leased."""

    id: int
    node: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """Device-hours of the last seven days, leases that go on included."""

    by_person: Mapping[str, float] = field(default_factory=dict)
    by_course: Mapping[str, float] = field(default_factory=dict)
    by_member: Mapping[tuple[str, str], float] = field(default_factory=dict)  # (course, person)


@dataclass(frozen=True, slots=True)
class CourseLimits:
    """What a course sets; None sets no bound."""

    max_running: int | None = None
    hours_per_person: float | None = None
    hours_total: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for everybody, and what each course sets; and how many runs the grader may have at a time."""

    per_person: int = 1
    hours_per_person: float | None = None
    courses: Mapping[str, CourseLimits] = field(default_factory=dict)
    grader: str = ""
    grading_at_once: int = 1

    def of(self, course: str | None) -> CourseLimits:
        """Return what a course sets."""
        return self.courses.get(course or "", CourseLimits())


@dataclass(frozen=True, slots=True)
class Line:
    """All that a decision rests on.

    Attributes
    ----------
    per_node : mapping of str to int
        Devices of each node that may be leased now or later: ready ones, leased or not.
    pause : str
        Why no run starts; empty if the line goes on.
    """

    now: datetime
    waiting: tuple[Waiting, ...] = ()
    held: tuple[Held, ...] = ()
    free: tuple[FreeDevice, ...] = ()
    per_node: Mapping[str, int] = field(default_factory=dict)
    spent: Spent = field(default_factory=Spent)
    limits: Limits = field(default_factory=Limits)
    pause: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """A run that starts now, on these devices."""

    run_id: str
    devices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands in the line, and why it waits."""

    place: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, and what people are told.

    Attributes
    ----------
    starts : tuple of Start
        In the order of the line.
    standings : mapping of run id to Standing
        Of every waiting run, those that start included; in the order of the line.
    left : tuple of FreeDevice
        Free devices that no waiting run has a claim to.
    """

    starts: tuple[Start, ...]
    standings: Mapping[str, Standing]
    left: tuple[FreeDevice, ...]


def make_plan(line: Line) -> Plan:
    """Decide who starts now, and give everybody who waits a place and a reason."""
    ordered, use = tuple(_in_order(line)), _Use(line.held)
    blocked = {run.id: reason for run in ordered if (reason := _blocked(line, run, use))}
    able = [run for run in ordered if run.id not in blocked]
    starts, left = _starts(line, able)
    standings = {run.id: Standing(place, _reason(line, run, place)) for place, run in enumerate(able)}
    unable = [run for run in ordered if run.id in blocked]
    standings |= {run.id: Standing(place, blocked[run.id]) for place, run in enumerate(unable, start=len(able))}
    return Plan(() if line.pause else starts, standings, left)


class _Use:
    """Devices in use, counted on while runs are given theirs."""

    def __init__(self, held: Iterable[Held]) -> None:
        self.by_person: Counter[str] = Counter()
        self.by_course: Counter[str] = Counter()
        self.on_cpu: Counter[str] = Counter()
        for one in held:
            self.add(one.owner, one.course, one.gpus)

    def add(self, owner: str, course: str | None, gpus: int) -> None:
        self.by_person[owner] += gpus
        self.on_cpu[owner] += gpus == 0
        if course is not None:
            self.by_course[course] += gpus


def _in_order(line: Line) -> Iterable[Waiting]:
    """Go through the line as if each run were served in turn: who was just served comes after those who were not."""
    own: dict[str, list[Waiting]] = {}
    for run in sorted(line.waiting, key=lambda run: (run.rank, run.submitted, run.id), reverse=True):
        own.setdefault(run.owner, []).append(run)  # the last is the person's first
    served = Counter(dict.fromkeys(own, 0))
    for one in line.held:
        if one.owner in own:
            served[one.owner] += max(one.gpus, 1)

    def key(run: Waiting) -> tuple[int, int, float, datetime, str]:
        return (-run.priority, served[run.owner], line.spent.by_person.get(run.owner, 0.0), run.submitted, run.id)

    heads = [(key(runs[-1]), owner) for owner, runs in own.items()]
    heapq.heapify(heads)
    while heads:
        _, owner = heapq.heappop(heads)
        run = own[owner].pop()
        yield run
        served[owner] += max(run.gpus, 1)
        if own[owner]:
            heapq.heappush(heads, (key(own[owner][-1]), owner))


def why_not(line: Line, owner: str, course: str | None, gpus: int) -> str:
    """Return which cap or budget keeps somebody from so many more devices, in a sentence; empty if none does."""
    return _over_allowance(line, owner, course, gpus, _Use(line.held))


def _blocked(line: Line, run: Waiting, use: _Use) -> str:
    """Return why this run could not start even if it were the next and all ready devices were free; empty if it could."""
    if line.pause:
        return ""  # holds for all alike, and is said in place of everything else
    if run.gpus > max(line.per_node.values(), default=0):
        return _too_few_devices(line, run)
    if reason := _over_allowance(line, run.owner, run.course, run.gpus, use):
        return reason
    if run.not_before is not None and run.not_before > line.now:
        return f"Its server could not be started and is tried again soon: {run.trouble}"
    return ""


def _over_allowance(line: Line, owner: str, course: str | None, gpus: int, use: _Use) -> str:
    if owner == line.limits.grader and not gpus:
        going = use.on_cpu[owner]
        if going < line.limits.grading_at_once:
            return ""
        return f"{number(going).capitalize()} grading {'run goes' if going == 1 else 'runs go'} on; this one comes after."
    most = line.limits.per_person
    if not gpus:
        going = use.on_cpu[owner]
        if going < most:
            return ""
        runs_go = "run of yours without a device goes" if going == 1 else "runs of yours without a device go"
        return f"{number(going).capitalize()} {runs_go} on; this one comes after."
    in_use = use.by_person[owner]
    if in_use + gpus > most:
        return f"You use {many(in_use, 'device')}; more than {most} at a time {_is(most)} not allowed."
    course_most, of_course = line.limits.of(course).max_running, use.by_course[course or ""]
    if course_most is not None and of_course + gpus > course_most:
        return f"Your course uses {many(of_course, 'device')}; more than {course_most} at a time {_is(course_most)} not allowed."
    return _over_budget(line.spent, line.limits, owner, course)


def _over_budget(spent: Spent, limits: Limits, person: str, course: str | None) -> str:
    """Return which budget of device-hours is used up, in a sentence; empty if none is.

    A course that sets hours for each of its members sets them in place of the general ones, for its own runs.
    """
    own = limits.of(course)
    if own.hours_total is not None and spent.by_course.get(course or "", 0.0) >= own.hours_total:
        return f"Your course has used its {_hours(own.hours_total)} of these seven days."
    if own.hours_per_person is not None:
        if spent.by_member.get((course or "", person), 0.0) >= own.hours_per_person:
            return f"You have used your {_hours(own.hours_per_person)} of these seven days in this course."
    elif limits.hours_per_person is not None and spent.by_person.get(person, 0.0) >= limits.hours_per_person:
        return f"You have used your {_hours(limits.hours_per_person)} of these seven days."
    return ""


def _starts(line: Line, able: list[Waiting]) -> tuple[tuple[Start, ...], tuple[FreeDevice, ...]]:
    """Give devices in the order of the line; a run that needs more than are free keeps those behind it from them."""
    use, left, starts = _Use(line.held), list(line.free), []
    for run in able:
        if _blocked(line, run, use):
            continue
        chosen = _choose(left, run.gpus)
        if chosen is None:
            left = []  # all that is free waits for this run, else it would wait for ever
            continue
        left = [device for device in left if device not in chosen]
        use.add(run.owner, run.course, run.gpus)
        starts.append(Start(run.id, tuple(device.id for device in chosen)))
    return tuple(starts), tuple(left)


def _choose(free: list[FreeDevice], count: int) -> tuple[FreeDevice, ...] | None:
    """Return so many devices of one node, from the fullest node that has enough; None if none has."""
    by_node: dict[str, list[FreeDevice]] = {}
    for device in free:
        by_node.setdefault(device.node, []).append(device)
    if count == 0:
        return ()
    enough = [devices for devices in by_node.values() if len(devices) >= count]
    return tuple(min(enough, key=len)[:count]) if enough else None


def _reason(line: Line, run: Waiting, place: int) -> str:
    if line.pause:
        return f"The line is paused: {line.pause}"
    if place:
        return f"{number(place).capitalize()} {'run comes' if place == 1 else 'runs come'} before it."
    if run.gpus and len(line.free) < run.gpus:
        return (
            "It is the next, as soon as a device is free." if run.gpus == 1 else f"It is the next, as soon as {run.gpus} devices are free."
        )
    return "It is the next."


def _too_few_devices(line: Line, run: Waiting) -> str:
    most = max(line.per_node.values(), default=0)
    if not most:
        return "No device is ready just now; an admin can start one."
    return f"It needs {run.gpus} devices at a time; {many(most, 'device')} {_is(most)} ready."


def _hours(hours: float) -> str:
    return f"{hours:g} device-hour{'' if hours == 1 else 's'}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
