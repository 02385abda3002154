"""What a server knows of runs: read from the disk as it grows, told to browsers piece by piece."""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from labkit.client import HubRun
from labkit.runs import Curve, CurvePoint, Run, RunQueue, RunRecord, RunStory, checkpoint_of, run_story
from labkit.storage import utc_now
from labkit_lab.places import browser_path
from labkit_lab.wire_runs import CurveItem, RunItem, StoryItem, StoryQuery

__all__ = ["TALES_SETTING", "TaleShelf", "Told"]

TALES_SETTING = "labkit_tales"
_MOST_KEPT = 64
_MOST_ITEMS = 5000
_MOST_MARKS = 64


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be told of a run, and whether the asker does not know it yet."""

    item: StoryItem
    is_news: bool


class _Mark(NamedTuple):
    """How far a curve had come when it was told; as long as only its length has grown, the rest can be told alone."""

    stride: int
    length: int


_Marks = Mapping[str, _Mark]


class _Tale:
    """One run, followed from its first event."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.lock = threading.Lock()
        self._story: RunStory | None = None
        self._told: OrderedDict[tuple[int, bool], _Marks] = OrderedDict()

    def look(self) -> RunStory:
        """Read what was added since the last time; the caller holds the lock."""
        self._story = run_story(self.run, self._story)
        return self._story

    def curves_since(self, since: int, story: RunStory) -> tuple[int, tuple[CurveItem, ...]]:
        """Return the points after event `since`, and that number; after 0 where only the whole makes sense."""
        now = {name: _Mark(curve.stride, len(curve.kept)) for name, curve in story.curves.items()}
        known = self._told.get((since, story.is_inherited))
        if known is None or not all(_goes_on(mark, now.get(name)) for name, mark in known.items()):
            since, known = 0, {}
        self._told[story.seq, story.is_inherited] = now
        while len(self._told) > _MOST_MARKS:
            self._told.popitem(last=False)
        pieces = (_piece(name, curve, known.get(name)) for name, curve in story.curves.items())
        return since, tuple(piece for piece in pieces if piece.values)


class TaleShelf:
    """The runs that somebody has looked at lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tales: OrderedDict[Path, _Tale] = OrderedDict()
        self._ended: OrderedDict[tuple[Path, Path], tuple[int, RunItem]] = OrderedDict()

    def told(self, run: Run, asked: StoryQuery, root: Path) -> Told:
        """Return what a run tells, with the points of its curves that came after what is known."""
        tale = self._tale(run)
        with tale.lock:
            story = tale.look()
            since, curves = tale.curves_since(asked.since, story)
        shown = _live_item(run, story, root)
        standing = f"{shown.state} {shown.place} {shown.waits_for} {shown.silent} {shown.device}"
        item = StoryItem(
            run=shown,
            now=utc_now(),
            since=since,
            seq=story.seq,
            standing=standing,
            curves=curves,
            samples=_samples_mark(run),
            warnings=story.warnings,
            lines=story.log_lines,
        )
        return Told(item, story.seq != asked.since or standing != asked.standing or story.has_ended)

    def item(self, run: Run, root: Path) -> RunItem:
        """Return how one run stands."""
        tale = self._tale(run)
        with tale.lock:
            story = tale.look()
        return _live_item(run, story, root)

    def items(self, runs: Sequence[Run], root: Path) -> Iterator[RunItem]:
        """Yield how runs stand; those that ended are read once, and not their events, which may be many."""
        for run in runs:
            yield self._ended_item(run, root) or self.item(run, root)

    def _ended_item(self, run: Run, root: Path) -> RunItem | None:
        try:
            mark = run.layout.record.stat().st_mtime_ns
        except OSError:
            return None
        key = run.layout.root, root
        with self._lock:
            kept = self._ended.get(key)
        if kept is not None and kept[0] == mark:
            return kept[1]
        record = run.record()
        if not record.has_ended:
            return None
        item = _ended_item(run, record, root)
        with self._lock:
            self._ended[key] = mark, item
            while len(self._ended) > _MOST_ITEMS:
                self._ended.popitem(last=False)
        return item

    def _tale(self, run: Run) -> _Tale:
        with self._lock:
            tale = self._tales.get(run.layout.root)
            if tale is None:
                tale = self._tales[run.layout.root] = _Tale(run)
            self._tales.move_to_end(run.layout.root)
            while len(self._tales) > _MOST_KEPT:
                self._tales.popitem(last=False)
        return tale


def _live_item(run: Run, story: RunStory, root: Path) -> RunItem:
    shared = {name: getattr(story, name) for name in RunItem.model_fields if hasattr(story, name)}
    line = _line(run, story)
    return RunItem(
        **{**shared, "place": line.place},
        id=run.id,
        where=run.spec.where,
        page=line.page,
        waits_for=line.waits_for,
        waiting=line.waiting,
        model=str(run.spec.config.get("model", "")),
        made=_made(run) if story.state == "done" else None,
        notebook=_shown(root, run.layout.notebook),
        log=_shown(root, run.layout.log),
    )


def _ended_item(run: Run, record: RunRecord, root: Path) -> RunItem:
    spec = run.spec
    shared = {name: getattr(record, name) for name in ("id", "kind", "state", "reason", "created", "started", "ended", "resumes")}
    return RunItem(
        **shared,
        title=spec.title,
        where=spec.where,
        device=run.shown_device,
        page=run.page if isinstance(run, HubRun) else None,
        waits_for="",
        attempt=spec.attempt,
        place=None,
        waiting=0,
        silent=False,
        stage="",
        unit="",
        done=0,
        total=0,
        rate_per_s=None,
        remaining_s=None,
        epoch=0,
        epochs=0,
        step=0,
        steps=0,
        model=str(spec.config.get("model", "")),
        made=_made(run) if record.state == "done" else None,
        can_resume=record.state != "done" and checkpoint_of(run) is not None,
        notebook=_shown(root, run.layout.notebook),
        log=_shown(root, run.layout.log),
    )


class _Line(NamedTuple):
    """Where a run waits: its place among those that it can change places with, how many they are, and what is told of it."""

    place: int | None = None
    waiting: int = 0
    waits_for: str = ""
    page: str | None = None


def _line(run: Run, story: RunStory) -> _Line:
    if isinstance(run, HubRun):
        own = run.view.own_line() if story.state == "queued" else []
        place = own.index(run.id) if run.id in own else None
        return _Line(place, len(own) if place is not None else 0, run.waiting_words() if story.state == "queued" else "", run.page)
    if story.place is None:
        return _Line()
    return _Line(story.place, sum(entry.device == story.device and entry.place is not None for entry in RunQueue().entries()))


def _made(run: Run) -> str | None:
    """Return the model that a run says it has made."""
    try:
        made = json.loads(run.layout.result.read_bytes()).get("model")
    except (OSError, ValueError, AttributeError):
        return None
    return made if isinstance(made, str) else None


def _shown(root: Path, path: Path) -> str | None:
    return browser_path(root, path) if path.is_file() else None


def _samples_mark(run: Run) -> str | None:
    try:
        return str(run.layout.checkpoints.samples.stat().st_mtime_ns)
    except OSError:
        return None


def _goes_on(mark: _Mark, now: _Mark | None) -> bool:
    return now is not None and now.stride == mark.stride and now.length >= mark.length


def _piece(name: str, curve: Curve, known: _Mark | None) -> CurveItem:
    points: tuple[CurvePoint, ...] = curve.points[known.length if known else 0 :]
    return CurveItem(
        name=name,
        epochs=tuple(point.epoch for point in points),
        steps=tuple(point.step for point in points),
        values=tuple(point.value if math.isfinite(point.value) else None for point in points),
    )
