"""Grade many submissions: results come as they are done, and nothing that a submission does ends the batch."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labkit.courses.grading.order import OUTCOME, Order, OrderTask, Outcome
from labkit.courses.grading.places import empty, new_scratch
from labkit.courses.grading.shapes import ContainerShape, ProcessShape, Shape
from labkit.courses.records import GradeResult, Note
from labkit.errors import WorkerLost
from labkit.events import CancelToken, EventSink, Log, Metric, Progress, ignore_events
from labkit.storage import new_id

__all__ = ["Batch", "grade_batch"]

_ATTEMPTS = 2
_POLL_S = 0.1
_END_S = 10.0
_END_CONTAINERS_S = 60.0
_PAUSES_S = (2.0, 10.0, 60.0)
"""Before the next attempt, by how many before it came to nothing."""
_MOST_OUTCOME = 50_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Submissions to grade.

    Attributes
    ----------
    source : dict of version to Path
        The author's folder of each version.
    submissions : dict of id to (Path, int)
        The folder of each submission, and the version that it belongs to.
    out : Path
        ``out/<id>/`` gets the files of a result, each under its SHA-256.
    """

    source: Mapping[int, Path]
    submissions: Mapping[str, tuple[Path, int]]
    out: Path


@dataclass(slots=True)
class _Progress:
    """What is left of a batch."""

    left: list[str]
    attempts: dict[str, int] = field(default_factory=dict)


def grade_batch(
    job: Batch,
    *,
    shape: Shape | None = None,
    workers: int = 2,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> Iterator[GradeResult]:
    """Grade the submissions, some at a time, and yield each result when it is there.

    Parameters
    ----------
    shape : ProcessShape or ContainerShape, optional
        Where student code is executed; by default in programs of this machine.
    workers : int
        How many submissions are graded at a time.
    on_event : callable, optional
        Gets a `Progress` in submissions, stage ``grading``, and the most memory of each worker as a `Metric`, ``worker_mb``.
    cancel : CancelToken, optional
        When it is set, all is ended, and `Cancelled` raised.

    Raises
    ------
    WorkerLost
        The program that grades does not start.
    Cancelled
        `cancel` was set; the results that were yielded stand.
    """
    shape = shape or ProcessShape()
    if isinstance(shape, ContainerShape) and shape.slots:
        workers = min(workers, max(1, len(shape.slots) - 1))
    total, state, lost = len(job.submissions), _Progress(list(job.submissions)), 0
    done = 0
    on_event(Progress(0, total, "submissions", "grading"))
    while state.left:
        before = len(state.left)
        for result in _round(job, shape, workers, state, cancel or CancelToken(), on_event):
            done += 1
            on_event(Progress(done, total, "submissions", "grading"))
            yield result
        lost = 0 if len(state.left) < before else lost + 1
        if state.left and lost > _ATTEMPTS:
            raise WorkerLost("The program that grades does not start.", hint="The log says why.")
        if state.left:
            on_event(Log("The program that grades ended; it is started again.", "warning"))
            if done or state.attempts:  # it worked before: what is away now may come back, as Docker does
                _pause(_PAUSES_S[lost], cancel or CancelToken())


def _pause(seconds: float, cancel: CancelToken) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        cancel.raise_if_cancelled()
        time.sleep(_POLL_S)


def _round(job: Batch, shape: Shape, workers: int, state: _Progress, cancel: CancelToken, on_event: EventSink) -> Iterator[GradeResult]:
    """Let a foreman grade what is left, until all is done or the foreman is lost."""
    tasks = tuple(OrderTask(id=id_, folder=job.submissions[id_][0].absolute(), version=job.submissions[id_][1]) for id_ in state.left)
    sources = {version: path.absolute() for version, path in job.source.items()}
    began: set[str] = set()
    with _scratch(shape) as scratch:
        order = Order(
            batch=new_id(),
            shape=shape,
            sources=sources,
            tasks=tasks,
            out=job.out.absolute(),
            scratch=scratch,
            workers=max(1, min(workers, len(tasks))),
        )
        with _foreman(order) as lines:
            yield from _listen(job, shape, state, cancel, on_event, lines, began)
    for id_ in began:
        if _attempt(state, id_) >= _ATTEMPTS:
            state.left.remove(id_)
            yield _failed(shape, id_)


def _listen(
    job: Batch,
    shape: Shape,
    state: _Progress,
    cancel: CancelToken,
    on_event: EventSink,
    lines: queue.Queue[str | None],
    began: set[str],
) -> Iterator[GradeResult]:
    """Take in what a foreman says until it has nothing more to say; `began` is what is under way."""
    while True:
        cancel.raise_if_cancelled()
        try:
            line = lines.get(timeout=_POLL_S)
        except queue.Empty:
            continue
        if line is None:
            break
        facts = _facts(line)
        if "began" in facts:
            began.add(str(facts["began"]))
        elif (id_ := str(facts.get("ended"))) in began:
            began.discard(id_)
            outcome = _outcome(job, id_) if facts.get("status") == 0 else None
            if outcome is None and _attempt(state, id_) < _ATTEMPTS:
                continue
            state.left.remove(id_)
            if outcome is not None:
                on_event(Metric(epoch=0, step=0, name="worker_mb", value=outcome.worker_mb))
            yield outcome.result if outcome else _failed(shape, id_)


def _attempt(state: _Progress, id_: str) -> int:
    state.attempts[id_] = state.attempts.get(id_, 0) + 1
    return state.attempts[id_]


def _facts(line: str) -> dict[str, object]:
    try:
        facts = json.loads(line)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


@contextlib.contextmanager
def _scratch(shape: Shape) -> Iterator[Path]:
    """Make a folder for the batch, and remove it however the batch ended."""
    scratch = new_scratch(shape)
    try:
        yield scratch
    finally:
        with contextlib.suppress(OSError):
            empty(scratch)
            scratch.rmdir()


@contextlib.contextmanager
def _foreman(order: Order) -> Iterator[queue.Queue[str | None]]:
    """Start a foreman, hand out its lines, and end it however this ends; the queue's last entry is None."""
    command = [sys.executable, "-P", "-m", "labkit.courses.grading.foreman"]
    program = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, start_new_session=True, env=_environment()
    )
    lines: queue.Queue[str | None] = queue.Queue()
    assert program.stdin is not None
    assert program.stdout is not None
    reader = threading.Thread(target=_read, args=(program.stdout, lines), daemon=True)
    reader.start()
    try:
        with contextlib.suppress(BrokenPipeError):
            program.stdin.write(order.model_dump_json() + "\n")
            program.stdin.flush()
        yield lines
    finally:
        with contextlib.suppress(OSError):
            program.stdin.close()
        try:
            program.wait(_END_CONTAINERS_S if isinstance(order.shape, ContainerShape) else _END_S)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
        reader.join(1.0)
        if program.returncode:
            _sweep(order)


def _sweep(order: Order) -> None:
    """Remove the containers of a foreman that was killed: they are no children of anybody who could end them."""
    if isinstance(order.shape, ContainerShape):
        from labkit.courses.grading.containers import Engine

        with contextlib.suppress(WorkerLost):
            Engine(order.shape, order.batch).sweep()


def _environment() -> dict[str, str]:
    """Return our variables without tokens: the foreman asks nobody but Docker."""
    return {name: value for name, value in os.environ.items() if not name.startswith("JUPYTERHUB_") and "TOKEN" not in name}


def _read(stream: Iterator[str], lines: queue.Queue[str | None]) -> None:
    with contextlib.suppress(ValueError, OSError):
        for line in stream:
            lines.put(line)
    lines.put(None)


def _outcome(job: Batch, id_: str) -> Outcome | None:
    path = job.out / id_ / OUTCOME
    try:
        if path.stat().st_size > _MOST_OUTCOME:
            return None
        outcome = Outcome.model_validate_json(path.read_bytes())
        path.unlink()
    except (OSError, ValueError):
        return None
    return outcome if outcome.result.submission == id_ else None


def _failed(shape: Shape, id_: str) -> GradeResult:
    text = f"It could not be graded: the program that graded it ended {_ATTEMPTS} times. Grade it again, or look at the log of the run."
    isolation = "container" if isinstance(shape, ContainerShape) else "process"
    return GradeResult(submission=id_, state="failed", notes=(Note(kind="worker-lost", text=text),), isolation=isolation)
