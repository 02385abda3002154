"""What a server knows of runs: read from the disk as it grows, told to browsers piece by piece."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.runs import EventReader, LocalRunner, QueueEntry, Run, RunRecord, RunStory
from labkit.runs.submitting import checkpoint_of
from labkit.storage import utc_now
from labkit_lab.server.places import browser_path
from labkit_lab.wire_runs import CurveItem, RunItem, StoryItem

__all__ = ["TALES_SETTING", "TaleShelf", "Told"]

TALES_SETTING = "labkit_tales"
_MOST_KEPT = 64
_MOST_ITEMS = 5000
_MOST_MARKS = 64
_MOST_POINTS = 2000  # of a curve in one answer: more than a screen has pixels
_RECORD_EVERY_S = 1.0  # who asks settles a run whose supervisor died, which costs a look at its lock
_QUEUE_EVERY_S = 1.0

Points = Sequence[tuple[int, int, float]]


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be told of a run, and whether the asker does not know it yet."""

    item: StoryItem
    is_news: bool


class _Tale:
    """One run, followed from the beginning of its events."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.lock = threading.Lock()
        self.story = RunStory()
        self._reader = EventReader(run.layout.events)
        self._record: RunRecord = run.record()
        self._record_at = time.monotonic()
        self._marks: OrderedDict[int, Mapping[str, int]] = OrderedDict()  # length of each curve at the numbers that were told

    def look(self) -> RunRecord:
        """Read what was added since the last time."""
        now = time.monotonic()
        if not self._record.has_ended and now - self._record_at > _RECORD_EVERY_S:
            self._record, self._record_at = self.run.record(), now
        before = self.story.state
        self.story.update(self._reader.read())
        if self.story.state != before:  # the record is as new as its event
            self._record, self._record_at = self.run.record(), now
        return self._record

    def curves_since(self, since: int) -> tuple[int, tuple[CurveItem, ...]]:
        """Return the points after event `since`; after 0 where that is not known (another server told it), and where that is."""
        lengths = {name: len(points) for name, points in self.story.curves.items()}
        known = self._marks.get(since)
        if known is None or any(lengths.get(name, 0) < length for name, length in known.items()):
            since, known = 0, {}
        self._marks[self.story.seq] = lengths
        while len(self._marks) > _MOST_MARKS:
            self._marks.popitem(last=False)
        pieces = (_piece(name, points[known.get(name, 0) :]) for name, points in self.story.curves.items())
        return since, tuple(piece for piece in pieces if piece.values)


class TaleShelf:
    """The runs that somebody has looked at lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tales: OrderedDict[Path, _Tale] = OrderedDict()
        self._ended: OrderedDict[tuple[Path, Path], tuple[int, RunItem]] = OrderedDict()
        self._queue: tuple[float, tuple[QueueEntry, ...]] = (-math.inf, ())

    def told(self, run: Run, since: int, root: Path) -> Told:
        """Return what a run tells, with the points of its curves after event `since`."""
        tale = self._tale(run)
        with tale.lock:
            record = tale.look()
            story = tale.story
            known_since, curves = tale.curves_since(since)
            item = StoryItem(
                run=self._item(run, record, story, root),
                now=utc_now(),
                since=known_since,
                seq=story.seq,
                curves=curves,
                samples=_samples_mark(run),
                warnings=tuple(story.warnings),
                lines=tuple(story.lines),
            )
        return Told(item, story.seq != since or record.has_ended or record.state == "queued")

    def item(self, run: Run, root: Path) -> RunItem:
        """Return how one run stands."""
        tale = self._tale(run)
        with tale.lock:
            return self._item(run, tale.look(), tale.story, root)

    def items(self, runs: Sequence[Run], root: Path) -> Iterator[RunItem]:
        """Yield how runs stand; those that ended are read once, and not their events."""
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
        item = self._item(run, record, RunStory(), root)
        with self._lock:
            self._ended[key] = mark, item
            while len(self._ended) > _MOST_ITEMS:
                self._ended.popitem(last=False)
        return item

    def _tale(self, run: Run) -> _Tale:
        with self._lock:
            tale = self._tales.get(run.layout.root)
            if tale is None or tale.run.id != run.id:
                tale = self._tales[run.layout.root] = _Tale(run)
            self._tales.move_to_end(run.layout.root)
            while len(self._tales) > _MOST_KEPT:
                self._tales.popitem(last=False)
        return tale

    def _item(self, run: Run, record: RunRecord, story: RunStory, root: Path) -> RunItem:
        place, waiting = self._standing(run, record)
        return RunItem(
            id=run.id,
            title=run.spec.title,
            kind=run.spec.kind,
            state=record.state,
            reason=record.reason,
            device=record.device,
            place=place,
            waiting=waiting,
            created=record.created,
            started=record.started,
            ended=record.ended,
            epoch=story.epoch,
            epochs=story.epochs,
            step=story.step,
            total=story.total,
            unit=story.unit,
            rate_per_s=story.rate_per_s,
            remaining_s=story.remaining_s,
            model=str(run.spec.config.get("model", "")),
            made=_made(run, record),
            attempt=run.spec.attempt,
            resumes=run.spec.resumes,
            can_resume=record.has_ended and record.state != "done" and checkpoint_of(run) is not None,
            notebook=browser_path(root, run.layout.notebook) if run.layout.notebook.is_file() else None,
            log=browser_path(root, run.layout.log) if run.layout.log.is_file() else None,
        )

    def _standing(self, run: Run, record: RunRecord) -> tuple[int | None, int]:
        """Return the place of a run among those that wait, and how many there are; the queue is read once in a second."""
        if record.state != "queued":
            return None, 0
        at, entries = self._queue
        if time.monotonic() - at > _QUEUE_EVERY_S or all(entry.run_id != run.id for entry in entries):
            entries = LocalRunner(run.layout.root.parent).queue()
            self._queue = time.monotonic(), entries
        waiting = [entry for entry in entries if entry.device == record.device and entry.place is not None]
        return next((entry.place for entry in waiting if entry.run_id == run.id), None), len(waiting)


def _made(run: Run, record: RunRecord) -> str | None:
    if record.state != "done":
        return None
    try:
        made = json.loads(run.layout.result.read_bytes()).get("model")
    except (OSError, ValueError, AttributeError):
        return None
    return made if isinstance(made, str) else None


def _samples_mark(run: Run) -> str | None:
    try:
        return str(run.layout.checkpoints.samples.stat().st_mtime_ns)
    except OSError:
        return None


def _piece(name: str, points: Points) -> CurveItem:
    kept = _thinned(points)
    return CurveItem(
        name=name,
        epochs=tuple(epoch for epoch, _, _ in kept),
        steps=tuple(step for _, step, _ in kept),
        values=tuple(value if math.isfinite(value) else None for _, _, value in kept),
    )


def _thinned(points: Points) -> Points:
    """Return at most so many points as an answer may hold: the mean of each stretch, the last one as it is."""
    if len(points) <= _MOST_POINTS:
        return points
    size = math.ceil(len(points) / (_MOST_POINTS - 1))
    stretches = [points[k : k + size] for k in range(0, len(points) - 1, size)]
    means = [(part[-1][0], part[len(part) // 2][1], sum(value for _, _, value in part) / len(part)) for part in stretches]
    return [*means, points[-1]]
