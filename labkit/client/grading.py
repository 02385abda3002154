"""A grading run's side of the service: its job is fetched, and each submission a little ahead of its turn; results are brought back.

A submission's files are removed when the service has its result: a class takes no more room than a few of its submissions. What has a
result already is not in the job: a run that was killed, and is started again, goes on where it was.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Literal

from labkit.client.course_wire import GradingJob, TaskResult
from labkit.client.courses import CourseClient
from labkit.client.settings import ServiceAddress, service_address
from labkit.courses.grading import Batch, ContainerShape, Shape, grade_batch
from labkit.courses.grading.room import RESULT_BYTES, require_room
from labkit.courses.records import FileEntry, GradeResult, Manifest, Note
from labkit.errors import CorruptStore, InvalidInput, NotFound
from labkit.events import CancelToken, EventSink, ignore_events
from labkit.storage import explain_os_errors

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
) -> Generator[GradeResult, None, None]:
    """Fetch the job of a run into `folder`, bit by bit, grade it, and bring each result back before it is yielded.

    Raises
    ------
    NotFound
        There is no hub, or no such run; or a file of the assignment is lost there.
    CorruptStore
        A file of the assignment comes damaged from the hub.
    StorageFull
        There is no room here; what has been brought back stands.
    """
    address = address or service_address()
    if address is None:
        raise NotFound("There is no hub that could give a job.", hint="Grade folders of this machine, or start it at a hub.")
    client = CourseClient(address, patience_s=_PATIENCE_S)
    closed = threading.Event()
    try:
        job = client.grading_job(run)
        if isinstance(shape, ContainerShape):
            shape = shape.model_copy(update={"run": run})
        store = _Fetched(client, job, folder, closed)
        batch = Batch(store.sources(), store.folders, folder / "out", store.fetch)
        # Closed here and not by whoever forgets the generator: what it has started is to end first.
        with closing(grade_batch(batch, shape=shape, workers=min(workers, job.workers), on_event=on_event, cancel=cancel)) as results:
            for result in results:
                result = _bring_back(client, run, result, batch.out / result.submission)
                shutil.rmtree(batch.out / result.submission, ignore_errors=True)
                shutil.rmtree(store.folders[result.submission][0], ignore_errors=True)
                yield result
    finally:
        closed.set()
        client.close()
        for name in ("sources", "submissions", "out"):  # hidden tests and students' work do not stay
            shutil.rmtree(folder / name, ignore_errors=True)


class _Fetched:
    """The files of a job below the folder of its run, each once.

    Attributes
    ----------
    folders : dict of id to (Path, int)
        Where the files of a submission are once it was fetched, and the version that it belongs to.
    """

    def __init__(self, client: CourseClient, job: GradingJob, folder: Path, closed: threading.Event) -> None:
        self._client, self._job, self._folder, self._closed = client, job, folder, closed
        self._manifests = {task.submission: task.manifest for task in job.tasks}
        self.folders = {task.submission: (folder / "submissions" / task.submission, task.release) for task in job.tasks}
        self._held: dict[str, Path] = {}
        self._turn = threading.Lock()
        """One fetches at a time: where a round ends, what it was fetching just then is what the next one begins with."""

    def sources(self) -> dict[int, Path]:
        """Fetch the assignment in each version that is graded."""
        sources = {}
        for version, manifest in self._job.sources.items():
            sources[version] = self._folder / "sources" / str(version) / "assignment"
            try:
                self._fetch_with_room(manifest, sources[version])
            except (NotFound, CorruptStore) as error:
                message, hint = f"The assignment, release {version}: {error.message}", "Nothing of it can be graded before it is restored."
                raise type(error)(message, hint=hint) from error
            self._held |= {entry.sha256: sources[version] / entry.path for entry in manifest.files}
        return sources

    def fetch(self, submission: str) -> None:
        """Fetch a submission, if it is not there yet.

        Raises
        ------
        NotFound, CorruptStore
            One of its files is lost at the hub, or comes damaged from there; the text names it.
        StorageFull
            There is no room for it, and what is graded of it.
        """
        with self._turn:
            if not self.folders[submission][0].is_dir():
                self._fetch_whole(submission, self.folders[submission][0])

    def _fetch_whole(self, submission: str, target: Path) -> None:
        """Let the folder of a submission appear with all that belongs in it, or not at all."""
        incoming = target.with_name(f".{submission}")
        try:
            self._fetch_with_room(self._manifests[submission], incoming)
            incoming.rename(target)
        finally:
            if incoming.is_dir() or self._closed.is_set():  # nobody looks after it any more
                shutil.rmtree(incoming, ignore_errors=True)
            if self._closed.is_set():
                shutil.rmtree(target, ignore_errors=True)

    def _fetch_with_room(self, manifest: Manifest, target: Path) -> None:
        """Fetch the files of a manifest where there is room, beside them, for the results that wait to be sent."""
        require_room(target, sum(entry.size for entry in manifest.files if entry.sha256 not in self._held) + RESULT_BYTES)
        with explain_os_errors(target):
            self._fetch(manifest, target)

    def _fetch(self, manifest: Manifest, target: Path) -> None:
        """Fetch the files of a manifest; what was handed out, and what is there twice, is there already."""
        target.mkdir(parents=True, exist_ok=True)
        held = dict(self._held)
        for entry in manifest.files:
            path = target / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if known := held.get(entry.sha256):
                _link(known, path)
            else:
                self._fetch_file(entry, path)
                held[entry.sha256] = path

    def _fetch_file(self, entry: FileEntry, path: Path) -> None:
        try:
            self._client.fetch_grading_file(self._job.run, entry, path)
        except (NotFound, CorruptStore) as error:  # it has no name at the hub
            raise type(error)(f"{entry.path}: {error.message}", hint=error.hint) from error


def _link(known: Path, path: Path) -> None:
    """Let a file be there a second time, which takes no room where the file system can: nobody writes into either."""
    path.unlink(missing_ok=True)
    try:
        path.hardlink_to(known)
    except OSError:
        shutil.copyfile(known, path)


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
