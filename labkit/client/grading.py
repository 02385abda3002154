"""A grading run's side of the service: its job and files are fetched, results are brought back one by one.

What has a result already is not in the job: a run that was killed, and is started again, goes on where it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from labkit.client.course_wire import GradingJob, TaskResult
from labkit.client.courses import CourseClient
from labkit.client.settings import ServiceAddress, service_address
from labkit.courses.grading import Batch, Shape, grade_batch
from labkit.courses.records import FileEntry, GradeResult, Manifest, Note
from labkit.errors import InvalidInput, NotFound
from labkit.events import CancelToken, EventSink, ignore_events

__all__ = ["grade_for_service"]

_PATIENCE_S = 300.0
"""A hub that is started anew is waited for: nobody is there to ask again."""


def grade_for_service(
    run: str,
    folder: Path,
    *,
    shape: Shape,
    workers: int = 2,
    on_event: EventSink = ignore_events,
    cancel: CancelToken | None = None,
    address: ServiceAddress | None = None,
) -> Iterator[GradeResult]:
    """Fetch the job of a run into `folder`, grade it, and bring each result back before it is yielded.

    Raises
    ------
    NotFound
        There is no hub, or no such run.
    """
    address = address or service_address()
    if address is None:
        raise NotFound("There is no hub that could give a job.", hint="Grade folders of this machine, or start it at a hub.")
    client = CourseClient(address, patience_s=_PATIENCE_S)
    try:
        job = client.grading_job(run)
        sources = _fetch_sources(client, job, folder)
        submissions = {}
        for task in job.tasks:
            try:
                _fetch(client, run, task.manifest, folder / "submissions" / task.submission, folder / "files")
            except NotFound as error:  # one whose files are lost must not keep all others from being graded
                lost = _failure(task.submission, "files-missing", f"A file of it is not at the hub any more: {error.message}", shape.kind)
                client.put_result(run, task.submission, TaskResult(result=lost))
                yield lost
                continue
            submissions[task.submission] = (folder / "submissions" / task.submission, task.release)
        batch = Batch(sources, submissions, folder / "out")
        for result in grade_batch(batch, shape=shape, workers=min(workers, job.workers), on_event=on_event, cancel=cancel):
            result = _bring_back(client, run, result, batch.out / result.submission)
            shutil.rmtree(batch.out / result.submission, ignore_errors=True)
            shutil.rmtree(folder / "submissions" / result.submission, ignore_errors=True)
            yield result
    finally:
        client.close()
        for name in ("sources", "submissions", "files", "out"):  # hidden tests and students' work do not stay
            shutil.rmtree(folder / name, ignore_errors=True)


def _fetch_sources(client: CourseClient, job: GradingJob, folder: Path) -> Mapping[int, Path]:
    sources = {}
    for version, manifest in job.sources.items():
        sources[version] = folder / "sources" / str(version) / "assignment"
        _fetch(client, job.run, manifest, sources[version], folder / "files")
    return sources


def _fetch(client: CourseClient, run: str, manifest: Manifest, target: Path, kept: Path) -> None:
    """Fetch the files of a manifest; each content once."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in manifest.files:
        held = kept / entry.sha256
        if not held.is_file():
            client.fetch_grading_file(run, entry, held)
        (target / entry.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(held, target / entry.path)


def _bring_back(client: CourseClient, run: str, result: GradeResult, folder: Path) -> GradeResult:
    """Send a result, and return what was sent: one that is refused, as a page that is too large is, must not end the run for all others."""
    try:
        _send(client, run, result, folder)
    except InvalidInput as error:
        text = f"It was graded, and the hub did not take the result: {error.message}"
        result = _failure(result.submission, "result-refused", text, result.isolation)
        _send(client, run, result, folder)
    return result


def _failure(submission: str, kind: str, text: str, isolation: Literal["process", "container"]) -> GradeResult:
    return GradeResult(submission=submission, state="failed", notes=(Note(kind=kind, text=text[:2000]),), isolation=isolation)


def _send(client: CourseClient, run: str, result: GradeResult, folder: Path) -> None:
    """Send the files of a result, then the result."""
    files = []
    for outcome in result.notebooks:
        for path, sha256 in outcome.files:
            client.put_grading_file(run, sha256, folder / sha256)
            files.append(FileEntry(path=path, sha256=sha256, size=(folder / sha256).stat().st_size))
    client.put_result(run, result.submission, TaskResult(result=result, files=tuple(files)))
