"""What a grading run fetches and brings back; nobody else comes in here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, Text, cast, func, select
from sqlalchemy.orm import Session

from labkit.client.course_wire import GradingJob, GradingTask, TaskResult
from labkit.client.wire import HUB_END_STATES
from labkit.courses.records import GradeResult, Manifest
from labkit.errors import InvalidInput
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import releases, uploads
from labkit_hub.service.courses.access import lock_assignment
from labkit_hub.service.courses.history import add_change, noting_finals
from labkit_hub.service.courses.office import Smell, hidden
from labkit_hub.service.courses.scores import items_of, last_result, marks_of, resum, scores_of
from labkit_hub.service.courses.submissions import manifest_of
from labkit_hub.service.courses.tables import AssignmentRow, BatchRow, BatchTaskRow, ResultRow, SubmissionRow
from labkit_hub.service.tables import RunRow

__all__ = ["grading_file", "job_of", "put_result", "require_run"]


def require_run(session: Session, run_id: str, who: Identity, grader: str) -> BatchRow:
    """Return the batch of a grading run that goes on, if it is the run's own server that asks.

    Raises
    ------
    NotFound
        Anybody else asks, or the run has ended.
    """
    batch = session.scalar(select(BatchRow).where(BatchRow.run_id == run_id))
    if batch is None:
        raise hidden("grading run")
    run = session.get(RunRow, run_id)
    if who.name != grader or who.server_name != f"run-{run_id}":
        raise hidden("grading run", Smell("grading.peek", run_id, run.course_id if run else None))
    if run is None or run.owner != grader or run.state in HUB_END_STATES or run.state == "waiting":
        raise hidden("grading run")
    return batch


def job_of(session: Session, batch: BatchRow, workers: int) -> GradingJob:
    """Return what a run has still to grade, and by what."""
    assignment = session.get_one(AssignmentRow, batch.assignment_id)
    rows, by = _waiting(session, batch), _releases(session, batch)
    versions = sorted({by.get(row.id) or row.release for row in rows})
    return GradingJob(
        run=batch.run_id,
        course=assignment.course_id,
        assignment=assignment.id,
        assignment_name=assignment.name,
        sources={version: _source(session, assignment.id, version) for version in versions},
        tasks=tuple(GradingTask(submission=row.id, manifest=manifest_of(row), release=by.get(row.id) or row.release) for row in rows),
        workers=workers,
    )


def grading_file(session: Session, batch: BatchRow, sha256: str) -> None:
    """Return if a file is part of what a run grades, or grades by.

    Raises
    ------
    NotFound
    """
    # The database looks for the hash, so that not all manifests are read for each file.
    named = _of(batch).where(cast(SubmissionRow.receipt, Text).contains(sha256, autoescape=True))
    if any(file.sha256 == sha256 for row in session.scalars(named) for file in manifest_of(row).files):
        return
    of_tasks = _of(batch).with_only_columns(func.coalesce(BatchTaskRow.release, SubmissionRow.release))
    versions = set(session.scalars(of_tasks))
    if not any(file.sha256 == sha256 for version in versions for file in _source(session, batch.assignment_id, version).files):
        raise hidden("file", Smell("grading.peek", batch.run_id, None))


def put_result(session: Session, batch: BatchRow, submission_id: str, said: TaskResult, grader: str, now: datetime) -> None:
    """Take the result of one submission. The first holds, unless it was a failure: asking again changes nothing.

    What an older batch says late is kept, and does not count.

    Raises
    ------
    NotFound
        The submission is not part of this batch.
    InvalidInput
        The result is another submission's, or one of its files was not sent.
    """
    assignment = lock_assignment(session, batch.assignment_id)
    task, row = session.get(BatchTaskRow, (batch.id, submission_id)), session.get(SubmissionRow, submission_id)
    if task is None or row is None:
        raise hidden("submission", Smell("grading.peek", batch.run_id, assignment.course_id))
    if said.result.submission != submission_id:
        raise InvalidInput("The result is another submission's.", hint="This is a fault of the grading run.")
    if task.state == "graded" or (task.state == "failed" and said.result.state == "failed"):
        return
    named = {sha256 for one in said.result.notebooks for _, sha256 in one.files}
    if named - {file.sha256 for file in said.files}:
        raise InvalidInput("The result names a file that is not among its files.", hint="This is a fault of the grading run.")
    uploads.claim(session, grader, said.files, {}, now)
    with noting_finals(session, assignment, grader, "It was graded.", now, only=row.id):
        _keep(session, batch, row, said, grader, now, release=task.release)
    task.state = said.result.state
    note(
        session,
        grader,
        "result.put",
        submission_id,
        course_id=assignment.course_id,
        assignment=assignment.id,
        run=batch.run_id,
        state=said.result.state,
        points=said.result.points,
    )


def _keep(
    session: Session, batch: BatchRow, row: SubmissionRow, said: TaskResult, grader: str, now: datetime, *, release: int | None
) -> None:
    before = _points(session, row, last_result(session, row.id))
    found = session.get(ResultRow, (row.id, batch.id)) or ResultRow(submission_id=row.id, batch_id=batch.id, number=batch.number)
    found.state, found.received, found.result = said.result.state, now, said.result.model_dump(mode="json")
    found.files = [file.model_dump(mode="json") for file in said.files]
    session.add(found)
    session.flush()
    if release is not None and said.result.state == "graded" and last_result(session, row.id) is found:
        row.release = release  # not before: what holds for it without this result is that of its own
    for item, points in _points(session, row, last_result(session, row.id)).items():
        if item not in before or before[item] != points:
            add_change(session, row.id, item, points, grader, now, "It was graded.")
    resum(session, row, now)


def _points(session: Session, row: SubmissionRow, found: ResultRow | None) -> dict[str, float | None]:
    """Return the points of each item that rest on a run: those that a person has not decided."""
    if found is None:
        return {}
    marks = marks_of(session, row.id)
    scores = scores_of(items_of(session, row), GradeResult.model_validate(found.result), {})
    decided = {item for item, mark in marks.items() if mark.points is not None}
    return {score.item.key: score.points for score in scores if score.points is not None and score.item.key not in decided}


def _releases(session: Session, batch: BatchRow) -> dict[str, int | None]:
    """Return by which release each submission of a batch is graded."""
    query = select(BatchTaskRow.submission_id, BatchTaskRow.release).where(BatchTaskRow.batch_id == batch.id)
    return {row.submission_id: row.release for row in session.execute(query)}


def _source(session: Session, assignment_id: str, version: int) -> Manifest:
    return releases.asked_of(releases.release_of(session, assignment_id, version)).source


def _waiting(session: Session, batch: BatchRow) -> list[SubmissionRow]:
    done = select(BatchTaskRow.submission_id).where(BatchTaskRow.batch_id == batch.id, BatchTaskRow.state != "waiting")
    finished = set(session.scalars(done))
    return [row for row in _all(session, batch) if row.id not in finished]


def _all(session: Session, batch: BatchRow) -> list[SubmissionRow]:
    return list(session.scalars(_of(batch).order_by(SubmissionRow.submitted, SubmissionRow.id)))


def _of(batch: BatchRow) -> Select[Any]:
    tasks = select(SubmissionRow).join(BatchTaskRow, BatchTaskRow.submission_id == SubmissionRow.id)
    return tasks.where(BatchTaskRow.batch_id == batch.id)
