"""How submissions come to the program that grades them, and what their tries cost; that program is played."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from labkit.courses.grading import Batch, batch, grade_batch
from labkit.courses.grading.batch import _Foreman
from labkit.courses.grading.feeding import Feeder, Unfetched
from labkit.courses.grading.order import AWAY, FULL, OUTCOME, Order, Outcome
from labkit.courses.grading.steps import Step
from labkit.courses.records import GradeResult
from labkit.errors import CorruptStore, HubUnreachable, InvalidInput, LabKitError, NotFound, StorageFull, WorkerLost
from labkit.events import Event, EventSink, Progress, ignore_events

Play = Callable[[str], int | str]
"""How a worker ends that grades this submission; or of what kind the foreman's last word is."""


def test_few_are_fetched_ahead() -> None:
    """Two, until one of them is done with; whoever holds as many as there may be gets no more."""
    fetched, handed = queue.Queue[str](), queue.Queue[str | None]()
    feeder = Feeder("abcdef", fetched.put, hand_on=handed.put, fail=lambda _: None, most=2)
    feeder.start()
    assert [fetched.get(timeout=10) for _ in range(2)] == ["a", "b"]
    with pytest.raises(queue.Empty):
        fetched.get(timeout=0.3)
    feeder.done()
    assert fetched.get(timeout=10) == "c"
    feeder.hold()
    feeder.hold()
    assert [handed.get(timeout=10) for _ in range(4)] == ["a", "b", "c", None]


def test_what_cannot_be_fetched_is_said() -> None:
    """And the next is fetched all the same."""
    failed, handed = list[Unfetched](), list[str | None]()

    def fetch(id_: str) -> None:
        if id_ == "a":
            raise HubUnreachable("away")

    feeder = Feeder("ab", fetch, hand_on=handed.append, fail=failed.append, most=2)
    feeder.start()
    feeder.join()
    assert ([one.id for one in failed], handed) == (["a"], ["b", None])


@pytest.fixture
def grade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[GradeResult]]:
    """Grades submissions by a foreman that is played: it grades one at a time, and ends as the real one does when Docker is away."""
    monkeypatch.setattr(batch, "_PAUSES_S", (0.0, 0.0, 0.0))

    def grade(
        play: Play,
        *names: str,
        fetch: Callable[[str], None] | None = None,
        done: Callable[[str], None] = lambda _: None,
        on_event: EventSink = ignore_events,
    ) -> list[GradeResult]:
        @contextlib.contextmanager
        def foreman(order: Order) -> Iterator[_Foreman]:
            tasks: queue.Queue[str] = queue.Queue()
            made = _Foreman(queue.Queue(), tasks.put)
            threading.Thread(target=_play, args=(play, tmp_path, tasks, made.lines, order.steps), daemon=True).start()
            yield made

        monkeypatch.setattr(batch, "_foreman", foreman)
        results = []
        for result in grade_batch(Batch({}, dict.fromkeys(names, (tmp_path, 1)), tmp_path, fetch), workers=1, on_event=on_event):
            done(result.submission)
            results.append(result)
        return results

    return grade


STEPS = (Step(0, 2, 0, 1), Step(2, 2, 0, 1), Step(2, 2, 1, 1))


def _play(play: Play, out: Path, tasks: queue.Queue[str], lines: queue.Queue[str | Unfetched | None], steps: bool) -> None:
    while task := tasks.get(timeout=10):
        id_ = json.loads(task)["id"]
        lines.put(json.dumps({"began": id_}))
        for step in STEPS if steps else ():
            lines.put(json.dumps({"step": asdict(step)}))
        code = play(id_)
        if isinstance(code, str):
            lines.put(json.dumps({code: "Only 1 MB.", "hint": "Free space there."}))
            break
        if code == 0:
            (out / id_).mkdir()
            result = GradeResult(submission=id_, state="graded", isolation="container")
            (out / id_ / OUTCOME).write_text(Outcome(result=result, worker_mb=1.0).model_dump_json())
        lines.put(json.dumps({"ended": id_, "status": code}))
        if code == AWAY:
            break
    lines.put(None)


def _told(results: list[GradeResult]) -> list[tuple[str, str, list[str]]]:
    return [(result.submission, result.state, [note.kind for note in result.notes]) for result in results]


def test_docker_that_goes_away_costs_no_submission_its_grading(grade: Callable[..., list[GradeResult]]) -> None:
    """It is graded when Docker is back: twice, which would be the last time for a worker that broke."""
    ends = {"a": [AWAY, AWAY, 0], "b": [0]}
    assert _told(grade(lambda id_: ends[id_].pop(0), "a", "b")) == [("a", "graded", []), ("b", "graded", [])]


def test_submission_with_which_docker_always_goes_away_keeps_nobody_waiting(grade: Callable[..., list[GradeResult]]) -> None:
    """It is not graded, which is said; it has no score."""
    assert _told(grade(lambda id_: AWAY if id_ == "a" else 0, "a", "b")) == [("a", "failed", ["docker-away"]), ("b", "graded", [])]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a"], [(0, 2, "cells"), (2, 2, "cells"), (0, 1, "checks"), (1, 1, "checks")]),
        (["a", "b"], [(0, 2, "submissions"), (1, 2, "submissions"), (2, 2, "submissions")]),
    ],
)
def test_how_far_it_is(grade: Callable[..., list[GradeResult]], names: list[str], told: list[tuple[float, float, str]]) -> None:
    """In cells and checks of a single submission, else in submissions."""
    events = list[Event]()
    grade(lambda _: 0, *names, on_event=events.append)
    assert [(one.done, one.total, one.unit) for one in events if isinstance(one, Progress)] == told


@pytest.mark.parametrize(("word", "kind"), [("full", StorageFull), ("broken", WorkerLost)])
def test_what_ends_the_batch_fails_nobody(grade: Callable[..., list[GradeResult]], word: str, kind: type[LabKitError]) -> None:
    """A full disk, checks that cannot be loaded: what was graded stands, what was not has no result, and the words come through."""
    stand = list[str]()
    with pytest.raises(kind, match="Only 1 MB"):
        grade(lambda id_: 0 if id_ == "a" else word, "a", "b", "c", done=stand.append)
    assert stand == ["a"]


def test_submission_for_which_alone_there_is_no_room_keeps_nobody_waiting(grade: Callable[..., list[GradeResult]]) -> None:
    """A slot may be too small for it: it has no score, and the others are graded. What filled the disk for a while costs nothing."""
    ends = {"a": [FULL, FULL, FULL], "b": [FULL, FULL, 0], "c": [0]}
    results = grade(lambda id_: ends[id_].pop(0), "a", "b", "c")
    assert sorted(_told(results)) == [("a", "failed", ["disk-full"]), ("b", "graded", []), ("c", "graded", [])]


def test_class_whose_workers_all_break_is_not_fetched_whole(grade: Callable[..., list[GradeResult]]) -> None:
    """What is tried again stays on the disk meanwhile: not more of it than of what goes well."""
    names, there, most = [f"s{k}" for k in range(12)], set[str](), list[int]()

    def fetch(id_: str) -> None:
        there.add(id_)
        most.append(len(there))

    results = grade(lambda _: 1, *names, fetch=fetch, done=there.discard)
    assert _told(results) == [(name, "failed", ["worker-lost"]) for name in names]
    assert max(most) == 4


def test_hub_that_is_away_ends_the_batch(grade: Callable[..., list[GradeResult]]) -> None:
    """What was graded stands; the rest is for another run."""

    def fetch(id_: str) -> None:
        if id_ == "b":
            raise HubUnreachable("away")

    with pytest.raises(HubUnreachable):
        grade(lambda _: 0, "a", "b", fetch=fetch)


@pytest.mark.parametrize(("error", "kind"), [(NotFound, "files-missing"), (CorruptStore, "file-damaged")])
def test_file_that_cannot_be_had_costs_one_submission(grade: Callable[..., list[GradeResult]], error: type[LabKitError], kind: str) -> None:
    """It has no points and is the staff's, who read which file it is; the batch goes on."""

    def fetch(id_: str) -> None:
        if id_ == "a":
            raise error("ps1.ipynb: no.")

    results = grade(lambda _: 0, "a", "b", fetch=fetch)
    assert sorted(_told(results)) == [("a", "failed", [kind]), ("b", "graded", [])]
    (lost,) = (result for result in results if result.submission == "a")
    assert ("ps1.ipynb" in lost.notes[0].text, lost.scores) == (True, ())


def test_id_that_is_none_is_said_before_anything_begins(grade: Callable[..., list[GradeResult]]) -> None:
    """It is found where somebody hears of it: whoever waits for a line that is never written waits for ever."""
    with pytest.raises(InvalidInput, match="Anna Müller"):
        grade(lambda _: 0, "a", "Anna Müller")


class _Leaving:
    """A foreman that is leaving, and what comes while it is waited for."""

    def __init__(self, *comes: BaseException) -> None:
        self.comes, self.returncode, self.was_killed = list(comes), None, False

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, _: float) -> None:
        if self.comes and not self.was_killed:
            raise self.comes.pop(0)
        self.returncode = 0

    def kill(self) -> None:
        self.was_killed = True


def test_foreman_that_ends_its_containers_is_waited_for() -> None:
    """A run that is cancelled is interrupted, and interrupted again; only time ends the patience."""
    leaving, late = _Leaving(KeyboardInterrupt(), KeyboardInterrupt()), _Leaving(subprocess.TimeoutExpired("", 1))
    for one in (leaving, late):
        batch._wait_for_end(one, 60.0)  # type: ignore[arg-type]
    assert [(one.returncode, one.was_killed) for one in (leaving, late)] == [(0, False), (0, True)]
