"""What is shown of a run while it goes on: derived from its events in one place, for panel, widget and command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from labkit.errors import LabKitError
from labkit.events import Artefact, EventSink, Log, Metric, Progress, RunState, StateChange, ignore_events
from labkit.runs.curves import Curve, CurvePoint
from labkit.runs.records import END_STATES, RunRecord, RunSpec
from labkit.runs.run import Run
from labkit.runs.stream import RunEvent, read_events
from labkit.runs.submitting import checkpoint_of
from labkit.storage import RunLayout

__all__ = ["RunStory", "run_story"]

_LOG_LINES = 20
_WARNINGS = 50
_RATE_WINDOW_S = 30.0
_SAMPLES = "samples"  # what a training calls the picture of its latest answers
_MOST_ANCESTORS = 20


@dataclass(frozen=True, slots=True)
class RunStory:
    """How a run stands and how it came there, as far as the event `seq`.

    Attributes
    ----------
    run_id, kind, title, device : str
        Of the run.
    state, reason : str
        As in ``run.json``; the reason says what to do next.
    place : int or None
        How many runs wait for the same device before it; None when it does not wait.
    silent : bool
        It should go on, but has not been heard of for half a minute.
    can_resume : bool
        It has ended without its result, and there is a checkpoint to go on from.
    resumes : str or None
        The run that this one goes on with or repeats; ``attempt`` counts them from 1.
    created, started, ended : datetime or None
        UTC.
    time_limit_s : float or None
        How long it may compute.
    stage, unit : str
        What is being counted now: ``training`` in ``steps``, ``notebook`` in ``cells``, ...
    done, total : float
        How much of the stage is done, and how much there is; 0 while that is not known.
    rate_per_s, remaining_s : float or None
        Units per second over the last half minute, and seconds until the stage is done; None where they cannot be told.
    epoch, epochs : int
        The epoch that is under way, from 1, and how many were asked for; 0 where there are none.
    step, steps : int
        The same of a training's steps.
    curves : mapping of str to Curve
        One for each metric, with what the runs before it left; thinned out evenly.
    samples : str or None
        Picture of the latest answers, relative to the run's folder.
    artefacts : mapping of str to str
        What the run has made, by name: paths relative to its folder.
    warnings, log_lines : tuple of str
        Every warning and error (the last fifty), and the last lines of all.
    seq : int
        Number of the last event that went in. ``offset`` is where in the file the next one begins.
    """

    run_id: str
    kind: str
    title: str
    device: str
    resumes: str | None
    attempt: int
    time_limit_s: float | None
    epochs: int
    created: datetime
    state: RunState = "queued"
    reason: str = ""
    place: int | None = None
    silent: bool = False
    can_resume: bool = False
    started: datetime | None = None
    ended: datetime | None = None
    stage: str = ""
    unit: str = ""
    done: float = 0.0
    total: float = 0.0
    rate_per_s: float | None = None
    remaining_s: float | None = None
    epoch: int = 0
    step: int = 0
    steps: int = 0
    curves: Mapping[str, Curve] = field(default_factory=lambda: MappingProxyType({}))
    samples: str | None = None
    artefacts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()
    log_lines: tuple[str, ...] = ()
    seq: int = 0
    offset: int = 0
    window: tuple[tuple[datetime, float], ...] = ()  # progress of the stage over the last half minute
    is_inherited: bool = True  # the curves are still those of the run before

    @property
    def has_ended(self) -> bool:
        """Whether the state is an end state."""
        return self.state in END_STATES

    def update(self, events: Iterable[RunEvent]) -> RunStory:
        """Return the story with further events; those that it has already are passed over."""
        fresh = [event for event in events if event.seq > self.seq]
        if not fresh:
            return self
        story = _with_metrics(self, [e.event for e in fresh if isinstance(e.event, Metric)])
        for entry in fresh:
            if isinstance(entry.event, Log):
                story = _with_log(story, entry.event)
            elif isinstance(entry.event, Artefact):
                story = _with_artefact(story, entry.event)
            elif isinstance(entry.event, StateChange):
                story = replace(story, state=entry.event.state, reason=entry.event.reason)
        story = _with_progress(story, [e for e in fresh if isinstance(e.event, Progress)])
        return replace(story, seq=fresh[-1].seq)

    def as_record(self) -> dict[str, Any]:
        """Return the story as plain JSON; a point of a curve is ``[epoch, step, value]``."""
        hidden = ("offset", "window", "is_inherited", "curves")
        plain = {
            name: value for name, value in asdict(replace(self, curves={}, artefacts=dict(self.artefacts))).items() if name not in hidden
        }
        times = {name: None if (time := getattr(self, name)) is None else time.isoformat() for name in ("created", "started", "ended")}
        return plain | times | {"curves": {name: [list(point) for point in curve] for name, curve in self.curves.items()}}


def run_story(run: Run, earlier: RunStory | None = None, *, on_event: EventSink = ignore_events) -> RunStory:
    """Return the story of a run.

    Parameters
    ----------
    earlier : RunStory, optional
        The story as it was told last: only what was appended since is read.
    on_event : callable, optional
        Gets each event that is new.
    """
    record = run.record()  # before the events: what is written before the end is then read
    story = _begun(run) if earlier is None or earlier.run_id != run.id else earlier
    events, offset = read_events(run.layout.events, offset=story.offset, since_seq=story.seq)
    for entry in events:
        on_event(entry.event)
    return _with_record(replace(story.update(events), offset=offset), run, record)


def _begun(run: Run, ancestors: int = 0) -> RunStory:
    """Return the story before the first event: the wish, and the curves of the run that it goes on from."""
    spec = run.spec
    epochs = spec.config.get("epochs")
    story = RunStory(
        run_id=spec.id,
        kind=spec.kind,
        title=spec.title,
        device=run.shown_device,
        resumes=spec.resumes,
        attempt=spec.attempt,
        time_limit_s=spec.time_limit_s,
        epochs=epochs if isinstance(epochs, int) else 0,
        created=spec.created,
    )
    return replace(story, curves=_curves_before(run, spec, ancestors))


def _curves_before(run: Run, spec: RunSpec, ancestors: int) -> Mapping[str, Curve]:
    earlier = spec.config.get(spec.resume_field) if spec.resume_field else None
    if not isinstance(earlier, str) or ancestors >= _MOST_ANCESTORS:
        return {}
    try:
        before = Run(RunLayout(run.layout.root.parent / earlier), run.queue)
    except LabKitError:
        return {}  # it was removed
    events, _ = read_events(before.layout.events)
    return _begun(before, ancestors + 1).update(events).curves


def _with_record(story: RunStory, run: Run, record: RunRecord) -> RunStory:
    over = record.has_ended
    return replace(
        story,
        state=record.state,
        reason=record.reason,
        device=run.shown_device,
        place=run.place() if record.state == "queued" else None,
        silent=not over and run.is_silent(),
        can_resume=over and record.state != "done" and checkpoint_of(run) is not None,
        started=record.started,
        ended=record.ended,
        rate_per_s=None if over else story.rate_per_s,
        remaining_s=None if over else story.remaining_s,
    )


def _with_metrics(story: RunStory, metrics: list[Metric]) -> RunStory:
    if not metrics:
        return story
    curves = dict(story.curves)
    if story.is_inherited:  # what the run before did after its checkpoint is done again here
        first = min(metric.step for metric in metrics)
        curves = {name: curve.before(first) for name, curve in curves.items()}
    points: dict[str, list[CurvePoint]] = {}
    for metric in metrics:
        points.setdefault(metric.name, []).append(CurvePoint(metric.epoch, metric.step, metric.value))
    for name, added in points.items():
        curves[name] = curves.get(name, Curve()).extended(added)
    last = metrics[-1]
    return replace(story, curves=MappingProxyType(curves), is_inherited=False, epoch=last.epoch, step=max(story.step, last.step))


def _with_log(story: RunStory, log: Log) -> RunStory:
    lines = (*story.log_lines, log.text)[-_LOG_LINES:]
    warnings = story.warnings if log.level == "info" else (*story.warnings, log.text)[-_WARNINGS:]
    return replace(story, log_lines=lines, warnings=warnings)


def _with_artefact(story: RunStory, artefact: Artefact) -> RunStory:
    samples = artefact.path if artefact.name == _SAMPLES else story.samples
    return replace(story, samples=samples, artefacts=MappingProxyType({**story.artefacts, artefact.name: artefact.path}))


def _with_progress(story: RunStory, events: list[RunEvent]) -> RunStory:
    """Take in progress: where the stage stands, and how fast it goes."""
    if not events:
        return story
    last = events[-1].event
    assert isinstance(last, Progress)
    same = [
        (e.time, e.event.done) for e in events if isinstance(e.event, Progress) and (e.event.stage, e.event.unit) == (last.stage, last.unit)
    ]
    known = story.window if (story.stage, story.unit) == (last.stage, last.unit) else ()
    window = [point for point in (*known, *same) if (events[-1].time - point[0]).total_seconds() <= _RATE_WINDOW_S]
    window = window[:: len(window) // 100 + 1]  # a long way back needs few points
    rate = _rate([*window, same[-1]])
    left = max(0.0, last.total - last.done)
    remaining = last.remaining_s if last.remaining_s is not None else left / rate if rate and last.total else None
    steps = (int(last.done), int(last.total)) if last.unit == "steps" else (story.step, story.steps)
    return replace(
        story,
        stage=last.stage,
        unit=last.unit,
        done=last.done,
        total=last.total,
        rate_per_s=rate,
        remaining_s=remaining,
        step=steps[0],
        steps=steps[1],
        window=tuple(window),
    )


def _rate(window: list[tuple[datetime, float]]) -> float | None:
    (first, before), (last, after) = window[0], window[-1]
    seconds = (last - first).total_seconds()
    return (after - before) / seconds if seconds > 0 and after > before else None
