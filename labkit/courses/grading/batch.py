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
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from labkit.courses.grading.feeding import Feeder, Unfetched
from labkit.courses.grading.order import AWAY, FULL, OUTCOME, Order, OrderTask, Outcome
from labkit.courses.grading.places import empty, new_scratch, remove_abandoned
from labkit.courses.grading.shapes import ContainerShape, ProcessShape, Shape
from labkit.courses.grading.steps import Step
from labkit.courses.records import GradeResult, Note
from labkit.errors import CorruptStore, InvalidInput, NotFound, StorageFull, WorkerLost
from labkit.events import CancelToken, EventSink, Log, Metric, Progress, ignore_events
from labkit.storage import explain_os_errors, new_id

__all__ = ["Batch", "grade_batch"]

_ATTEMPTS = 2
_AWAY_ATTEMPTS = 3
"""Docker going away is no fault of a submission's, but one that it goes away with again and again must not keep the others waiting."""
_FULL_ATTEMPTS = 3
"""Nor is it one that others filled the disk meanwhile; one for which there is no room where others have it may be too large for a slot."""
_AHEAD = 2
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
    fetch : callable, optional
        Makes the folder of a submission, in another thread, before the submission's turn; twice where it is graded twice. By default
        all are there. Twice as many as are graded at a time, and a few more, are there and not done with: one is done with when the
        result after its own is asked for. `NotFound` and `CorruptStore` cost that submission its grading, any other error ends the batch.
    """

    source: Mapping[int, Path]
    submissions: Mapping[str, tuple[Path, int]]
    out: Path
    fetch: Callable[[str], None] | None = None


@dataclass(slots=True)
class _Progress:
    """What is left of a batch."""

    left: list[str]
    attempts: dict[str, int] = field(default_factory=dict)
    away: dict[str, int] = field(default_factory=dict)
    full: dict[str, int] = field(default_factory=dict)


def grade_batch(
    job: Batch,
    *,
    shape: Shape | None = None,
    workers: int = 2,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
) -> Generator[GradeResult, None, None]:
    """Grade the submissions, some at a time, and yield each result when it is there.

    Parameters
    ----------
    shape : ProcessShape or ContainerShape, optional
        Where student code is executed; by default in programs of this machine.
    workers : int
        How many submissions are graded at a time.
    on_event : callable, optional
        Gets a `Progress` in submissions, stage ``grading``, and the most memory of each worker as a `Metric`, ``worker_mb``. Of a single
        submission the progress is in cells of its notebooks, stage ``executing``, and then in checks of its sheet, stage ``checking``.
    cancel : CancelToken, optional
        When it is set, all is ended, and `Cancelled` raised.

    Raises
    ------
    InvalidInput
        What is the id of a submission cannot be one.
    WorkerLost
        The program that grades does not start, or cannot load the checks.
    StorageFull
        There is no room to grade; the results that were yielded stand.
    Cancelled
        `cancel` was set; the results that were yielded stand.
    """
    shape = shape or ProcessShape()
    if isinstance(shape, ContainerShape) and shape.slots:
        workers = min(workers, max(1, len(shape.slots) - 1))
    total, state, lost = len(job.submissions), _Progress(list(job.submissions)), 0
    done = 0
    tell = on_event if total != 1 else ignore_events  # of a single one is said how far it is itself
    tell(Progress(0, total, "submissions", "grading"))
    while state.left:
        before = len(state.left)
        with contextlib.closing(_round(job, shape, workers, state, cancel or CancelToken(), on_event)) as results:
            for result in results:
                done += 1
                tell(Progress(done, total, "submissions", "grading"))
                yield result
        lost = 0 if len(state.left) < before else lost + 1
        if state.left and lost > _ATTEMPTS:
            raise WorkerLost("The program that grades does not start.", hint="The log says why.")
        if state.left:
            on_event(Log("The program that grades ended; it is started again.", "warning"))
            if done or state.attempts or state.away or state.full:  # it worked before: what is away now may come back, as Docker does
                _pause(_PAUSES_S[lost], cancel or CancelToken())


def _pause(seconds: float, cancel: CancelToken) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        cancel.raise_if_cancelled()
        time.sleep(_POLL_S)


def _round(
    job: Batch, shape: Shape, workers: int, state: _Progress, cancel: CancelToken, on_event: EventSink
) -> Generator[GradeResult, None, None]:
    """Let a foreman grade what is left, until all is done or the foreman is lost."""
    sources = {version: path.absolute() for version, path in job.source.items()}
    tasks = {id_: _task(job, id_) for id_ in state.left}  # here, where somebody hears of an error, and not in the feeder's thread
    workers = max(1, min(workers, len(state.left)))
    began: set[str] = set()
    with _scratch(shape) as scratch, contextlib.ExitStack() as after:
        order = Order(
            batch=new_id(),
            shape=shape,
            sources=sources,
            out=job.out.absolute(),
            scratch=scratch,
            workers=workers,
            steps=len(job.submissions) == 1,
        )
        with _foreman(order) as foreman:
            feeder = _feeder(job, tasks, workers, foreman)
            after.callback(feeder.join)  # not before the foreman knows that it is to end
            feeder.start()
            try:
                yield from _listen(job, shape, state, cancel, on_event, foreman.lines, began, feeder)
            finally:
                feeder.end()
    for id_ in began:
        if _was_last_try(state, id_, foreman.code):
            state.left.remove(id_)
            yield _failed(shape, id_, _why(foreman.code))


_Lines = queue.Queue[str | Unfetched | None]


@dataclass(slots=True)
class _Foreman:
    """A foreman at work.

    Attributes
    ----------
    lines : queue
        What it says, and what could not be fetched for it; None after its last word.
    say : callable
        Says a line to it.
    code : int or None
        How it ended.
    """

    lines: _Lines
    say: Callable[[str], None]
    code: int | None = None


def _task(job: Batch, id_: str) -> str:
    """Return the line by which a foreman learns of a submission.

    Raises
    ------
    InvalidInput
        Its id cannot be the name of a folder, or its folder has a name that cannot be written down.
    """
    folder, version = job.submissions[id_]
    try:
        return OrderTask(id=id_, folder=folder.absolute(), version=version).model_dump_json()
    except ValueError as error:
        raise InvalidInput(
            f"{id_[:80]!r} cannot be the id of a submission, or its folder has no name in UTF-8.",
            hint="Name it by at most 64 letters without accents, digits, dots, hyphens and underscores.",
        ) from error


def _feeder(job: Batch, tasks: Mapping[str, str], workers: int, foreman: _Foreman) -> Feeder:
    """Return what fetches what is left, and tells the foreman of each."""

    def hand_on(id_: str | None) -> None:
        foreman.say("" if id_ is None else tasks[id_])

    fetch = job.fetch or (lambda _id: None)
    return Feeder(tuple(tasks), fetch, hand_on=hand_on, fail=foreman.lines.put, most=2 * workers + _AHEAD)


def _listen(
    job: Batch,
    shape: Shape,
    state: _Progress,
    cancel: CancelToken,
    on_event: EventSink,
    lines: _Lines,
    began: set[str],
    feeder: Feeder,
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
        if isinstance(line, Unfetched):
            result = _unfetched(shape, line)
            state.left.remove(line.id)
            yield result
            feeder.done()
            continue
        facts = _facts(line)
        if "full" in facts:
            raise StorageFull(str(facts["full"]), hint=str(facts.get("hint", "")))
        if "broken" in facts:
            raise WorkerLost(str(facts["broken"]), hint=str(facts.get("hint", "")))
        if "began" in facts:
            began.add(str(facts["began"]))
        elif "step" in facts:
            _tell_step(facts["step"], on_event)
        elif (id_ := str(facts.get("ended"))) in began:
            began.discard(id_)
            outcome = _outcome(job, id_) if facts.get("status") == 0 else None
            if outcome is None and not _was_last_try(state, id_, facts.get("status")):
                feeder.hold()
                continue
            state.left.remove(id_)
            if outcome is not None:
                on_event(Metric(epoch=0, step=0, name="worker_mb", value=outcome.worker_mb))
            yield outcome.result if outcome else _failed(shape, id_, _why(facts.get("status")))
            feeder.done()


def _tell_step(said: object, on_event: EventSink) -> None:
    step = Step(**said) if isinstance(said, dict) else Step()
    if not step.checks:
        on_event(Progress(step.cells, step.all_cells, "cells", "executing"))
    if step.all_checks and step.cells == step.all_cells:
        on_event(Progress(step.checks, step.all_checks, "checks", "checking"))


def _was_last_try(state: _Progress, id_: str, status: object) -> bool:
    """Count a try that came to nothing, and return whether no other follows."""
    if status == AWAY:
        return _count(state.away, id_) >= _AWAY_ATTEMPTS
    return _count(state.full, id_) >= _FULL_ATTEMPTS if status == FULL else _count(state.attempts, id_) >= _ATTEMPTS


def _count(tries: dict[str, int], id_: str) -> int:
    tries[id_] = tries.get(id_, 0) + 1
    return tries[id_]


def _facts(line: str) -> dict[str, object]:
    try:
        facts = json.loads(line)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


@contextlib.contextmanager
def _scratch(shape: Shape) -> Iterator[Path]:
    """Make a folder for the batch, and remove it however the batch ended."""
    with explain_os_errors("the folder for temporary files"):
        scratch, lock = new_scratch(shape)
    try:
        yield scratch
    finally:
        with contextlib.suppress(OSError):
            empty(scratch)
            scratch.rmdir()
        os.close(lock)
        remove_abandoned(scratch.parent)


@contextlib.contextmanager
def _foreman(order: Order) -> Iterator[_Foreman]:
    """Start a foreman, and end it however this ends."""
    command = [sys.executable, "-P", "-m", "labkit.courses.grading.foreman"]
    program = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, start_new_session=True, env=_environment()
    )
    lines: _Lines = queue.Queue()
    assert program.stdin is not None
    assert program.stdout is not None
    stdin: IO[str] = program.stdin
    reader = threading.Thread(target=_read, args=(program.stdout, lines), daemon=True)
    reader.start()

    def say(line: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # it has ended, or is to end: who listens to it learns so
            stdin.write(line + "\n")
            stdin.flush()

    foreman = _Foreman(lines, say)
    try:
        say(order.model_dump_json())
        yield foreman
    finally:
        with contextlib.suppress(OSError):
            stdin.close()
        _wait_for_end(program, _END_CONTAINERS_S if isinstance(order.shape, ContainerShape) else _END_S)
        reader.join(1.0)
        foreman.code = program.returncode
        if program.returncode:
            _sweep(order)


def _wait_for_end(program: subprocess.Popen[str], seconds: float) -> None:
    """Wait for a foreman that ends its places, whoever interrupts meanwhile: a run that is cancelled is interrupted more than once."""
    deadline = time.monotonic() + seconds
    while program.poll() is None:
        try:
            program.wait(max(0.0, deadline - time.monotonic()))
        except KeyboardInterrupt:
            continue
        except subprocess.TimeoutExpired:
            program.kill()


def _sweep(order: Order) -> None:
    """Remove the containers of a foreman that was killed: they are no children of anybody who could end them."""
    if isinstance(order.shape, ContainerShape):
        from labkit.courses.grading.containers import Engine

        with contextlib.suppress(WorkerLost):
            Engine(order.shape, order.batch).sweep_to_the_end()


def _environment() -> dict[str, str]:
    """Return our variables without tokens: the foreman asks nobody but Docker."""
    return {name: value for name, value in os.environ.items() if not name.startswith("JUPYTERHUB_") and "TOKEN" not in name}


def _read(stream: Iterator[str], lines: _Lines) -> None:
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


_LOST = Note(
    kind="worker-lost",
    text=f"It could not be graded: the program that graded it ended {_ATTEMPTS} times. Grade it again, or look at the log of the run.",
)
_AWAY = Note(kind="docker-away", text=f"It is not graded: Docker went away meanwhile, {_AWAY_ATTEMPTS} times. Grade it again.")

_FULL = Note(
    kind="disk-full",
    text=f"It is not graded: there was no room for what it writes, {_FULL_ATTEMPTS} times, and there is where it is gone. "
    "Grade it again, with larger slots if it needs them.",
)


def _why(status: object) -> Note:
    return {AWAY: _AWAY, FULL: _FULL}.get(status, _LOST) if isinstance(status, int) else _LOST


def _failed(shape: Shape, id_: str, note: Note) -> GradeResult:
    isolation = "container" if isinstance(shape, ContainerShape) else "process"
    return GradeResult(submission=id_, state="failed", notes=(note,), isolation=isolation)


def _unfetched(shape: Shape, lost: Unfetched) -> GradeResult:
    """Return the result of a submission whose files are lost or damaged, which must not keep all others from being graded.

    Raises
    ------
    Exception
        What else went wrong while it was fetched.
    """
    if isinstance(lost.error, NotFound):
        kind, text = "files-missing", f"It is not graded, a file of it could not be had. {lost.error.message}"
    elif isinstance(lost.error, CorruptStore):
        kind, text = "file-damaged", f"It is not graded, a file of it is damaged. {lost.error.message}"
    else:
        raise lost.error
    return _failed(shape, lost.id, Note(kind=kind, text=f"{text} Restore it from a backup, then grade it again."[:2000]))
