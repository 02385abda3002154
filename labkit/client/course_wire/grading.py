"""Grading batches, and what their runs fetch and send."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from labkit.client.wire import Answer, Ask
from labkit.courses.records import FileEntry, GradeResult, Manifest
from labkit.runs.records import RunId

__all__ = ["BatchItem", "BatchList", "GradeAsk", "GradingJob", "GradingTask", "TaskResult"]


class GradeAsk(Ask):
    """``POST assignments/{a}/batches``: staff; grade what counts and is not graded yet, or all that counts again, or these submissions.

    Points and comments that people gave are kept, unless `drop_hand` asks for the points to be forgotten. With `newest`, what was handed in
    for an older release is graded by the newest one from now on, where it has all that this one expects: after a test was mended.
    """

    which: Literal["ungraded", "all", "these"] = "ungraded"
    submissions: Annotated[tuple[str, ...], Field(max_length=10_000)] = ()
    drop_hand: bool = False
    newest: bool = False


class BatchItem(Answer):
    """A grading batch: one run in the hub's line."""

    id: str
    run: RunId
    assignment: str
    asked_by: str
    asked: AwareDatetime
    state: Literal["waiting", "starting", "running", "cancelling", "done", "failed", "cancelled", "lost"]
    reason: str = ""
    progress: str = ""
    goes_on: bool = False
    """Whether a run of it waits, goes on or is to come, and so can be cancelled."""
    total: int
    graded: int
    failed: int


class BatchList(Answer):
    """``GET assignments/{a}/batches``: the newest first."""

    batches: tuple[BatchItem, ...] = ()


class GradingTask(Answer):
    """One submission of a batch."""

    submission: str
    manifest: Manifest
    release: int


class GradingJob(Answer):
    """``GET grading/{run}``: for the grading run itself and nobody else. What has a result already is not among the tasks.

    ``sources`` are the whole assignments by the version of their release, hidden part included.
    """

    run: RunId
    course: str
    assignment: str
    assignment_name: str
    sources: dict[int, Manifest]
    tasks: tuple[GradingTask, ...]
    workers: int = 2


class TaskResult(Ask):
    """``PUT grading/{run}/results/{s}``: the result of one submission; its files come before (``PUT grading/{run}/files/{sha256}``)."""

    result: GradeResult
    files: tuple[FileEntry, ...] = ()
