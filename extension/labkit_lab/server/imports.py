"""The queue in which uploaded files become images: one import at a time, whoever looks.

What is to be done with a file stands beside its bytes, so that another server goes on after this one's end. How far a
running import is, and what became of the finished ones, only this server knows.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from labkit.errors import Cancelled, Conflict, CorruptStore, LabKitError, Locked, NotFound
from labkit.events import CancelToken, Event, Log, Progress
from labkit.project import Project
from labkit.storage import Record, hold_lock, load_record, save_record
from labkit.storage.uploads import Upload, begin_upload, list_uploads
from labkit_lab.server.projects import project_of_id, readable_projects
from labkit_lab.wire import FileOption, FileQuestion, NewUpload, UploadItem, UploadStage

__all__ = ["ImportQueue", "ImportState"]

_MOST_ENDED = 500  # finished files that are still told of
_STOP_WITHIN_S = 3.0


class ImportState(Record):
    """What is to be done with a complete file; saved beside it."""

    state: Literal["asks", "waiting", "failed"]
    questions: tuple[FileQuestion, ...] = ()
    answers: dict[str, str] = {}
    message: str = ""
    hint: str = ""


@dataclass(slots=True)
class _Job:
    """A file that a thread of this server is busy with, or will be."""

    project: Project
    upload: Upload
    stage: UploadStage
    token: CancelToken = field(default_factory=CancelToken)
    progress: Progress = field(default_factory=lambda: Progress(0, 0, "tiles"))
    notes: list[str] = field(default_factory=list)
    images: tuple[str, ...] = ()

    def item(self, **facts: Any) -> UploadItem:
        """Return what the browser is told of it."""
        stage: UploadStage = "cancelling" if self.token.cancelled else self.stage
        done = {"done": self.progress.done, "total": self.progress.total, "remaining_s": self.progress.remaining_s}
        return _item(self.project, self.upload, stage, **{**done, "notes": tuple(self.notes), **facts})

    def on_event(self, event: Event) -> None:
        """Keep what a person wants to know of a running import."""
        if isinstance(event, Progress):
            self.progress = event
        elif isinstance(event, Log) and event.level == "warning" and event.text not in self.notes:
            self.notes.append(event.text)


class ImportQueue:
    """All files on their way into the projects of one home.

    Parameters
    ----------
    folder : callable
        Returns the folder of the projects.
    log : logging.Logger
        Told of what is ours to mend.
    note_activity : callable
        Called while an import goes on.
    """

    def __init__(self, folder: Callable[[], Path], log: logging.Logger, note_activity: Callable[[], None]) -> None:
        self._folder, self._log, self._note_activity = folder, log, note_activity
        self._jobs: dict[str, _Job] = {}
        self._ended: OrderedDict[str, UploadItem] = OrderedDict()
        self._places: dict[str, tuple[Project, Upload]] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._checks = _Worker("labkit-checks", lambda job: self._do(job, self._check))
        self._imports = _Worker("labkit-imports", lambda job: self._do(job, self._import))

    def begin(self, asked: NewUpload) -> UploadItem:
        """Begin an upload, or find the one that was begun before; one that failed begins anew.

        Raises
        ------
        NotFound
            There is no such project.
        UnreadableImage, InvalidInput, StorageFull
            As `labkit.storage.begin_upload` says.
        """
        project = project_of_id(self._folder(), asked.project_id)
        upload = _begin(project, asked)
        with self._lock:
            ended = self._ended.pop(upload.id, None)
        if ended or ((state := _saved_state(upload)) and state.state == "failed"):
            upload.remove()
            upload = _begin(project, asked)
        self._places[upload.id] = project, upload
        return self._item(project, upload)

    def append(self, upload_id: str, offset: int, piece: bytes) -> UploadItem:
        """Append a piece; when the file is complete, it is looked at.

        Raises
        ------
        NotFound, Conflict, InvalidInput, Locked, StorageFull
            As `labkit.storage.Upload.append` says.
        """
        project, upload = self._find(upload_id)
        upload.append(offset, piece)
        return self._item(project, upload)

    def items(self) -> tuple[UploadItem, ...]:
        """Return all files on their way and those that ended lately; what an earlier server left goes on."""
        found = {upload.id: self._item(project, upload) for project, upload in self._uploads()}
        with self._lock:
            return tuple({**found, **self._ended}.values())

    def item(self, upload_id: str) -> UploadItem:
        """Return one file.

        Raises
        ------
        NotFound
            There is no such upload (any more).
        """
        if known := self._known(upload_id):
            return known
        try:
            return self._item(*self._find(upload_id))
        except NotFound:
            if known := self._known(upload_id):  # it ended, and its bytes went, since we looked
                return known
            raise

    def _known(self, upload_id: str) -> UploadItem | None:
        """Return a file that a thread is busy with, or that ended; its bytes may be gone already."""
        with self._lock:
            if ended := self._ended.get(upload_id):
                return ended
            job = self._jobs.get(upload_id)
            return job.item() if job else None

    def answer(self, upload_id: str, answers: Mapping[str, str]) -> UploadItem:
        """Take the answers to a file's questions, and put it into the queue.

        Raises
        ------
        NotFound
            There is no such upload (any more).
        Conflict
            The file asks nothing.
        InvalidInput
            The answers do not fit the file.
        """
        project, upload = self._find(upload_id)
        state = _saved_state(upload)
        if state is None or state.state != "asks":
            raise Conflict(f"{upload.record.name} asks nothing (any more).", hint="Refresh the list.")
        questions_of(upload, answers)
        save_record(upload.layout.state, ImportState(state="waiting", answers=dict(answers)))
        return self._item(project, upload)

    def cancel(self, upload_id: str) -> UploadItem:
        """Take a file out: its bytes go, a running import stops; one that ended is no longer told of.

        Raises
        ------
        NotFound
            There is no such upload (any more).
        """
        with self._lock:
            ended = self._ended.pop(upload_id, None)
            if job := self._jobs.get(upload_id):
                job.token.cancel()
                return job.item()
        try:
            project, upload = self._find(upload_id)
        except NotFound:
            if ended:
                return ended
            raise
        upload.remove()
        self._places.pop(upload_id, None)
        return _item(project, upload, "cancelled")

    def go_on(self) -> None:
        """Take up, in the background, what an earlier server left."""
        threading.Thread(target=self._look_quietly, name="labkit-uploads", daemon=True).start()

    def close(self) -> None:
        """Stop a running import at its next tile; the next server goes on with it."""
        self._closing = True
        with self._lock:
            for job in self._jobs.values():
                job.token.cancel()
        self._imports.wait_idle(_STOP_WITHIN_S)

    def _look_quietly(self) -> None:
        try:
            self.items()
        except LabKitError as error:
            self._log.warning("LabKit: uploads cannot be listed: %s", error)

    def _uploads(self) -> Iterator[tuple[Project, Upload]]:
        for project in readable_projects(self._folder()):
            for upload in list_uploads(project.layout):
                yield project, upload

    def _find(self, upload_id: str) -> tuple[Project, Upload]:
        """Return project and upload of an id, which is compared and never made into a path."""
        place = self._places.get(upload_id)
        if place is None or not place[1].layout.record.is_file():
            place = next((pair for pair in self._uploads() if pair[1].id == upload_id), None)
        if place is None:
            self._places.pop(upload_id, None)
            raise NotFound("This upload is not there (any more).", hint="Drop the file again.", upload_id=upload_id)
        self._places[upload_id] = place
        return place

    def _item(self, project: Project, upload: Upload) -> UploadItem:
        """Return an upload as it stands; where a thread should be busy with it and none is, one will be."""
        if known := self._known(upload.id):
            return known
        state = _saved_state(upload)
        if state is not None and state.state != "waiting":
            return _item(project, upload, state.state, questions=state.questions, message=state.message, hint=state.hint)
        if state is None and not upload.is_complete:
            return _item(project, upload, "uploading")
        return self._enqueue(project, upload, "checking" if state is None else "waiting").item()

    def _enqueue(self, project: Project, upload: Upload, stage: UploadStage) -> _Job:
        with self._lock:
            if job := self._jobs.get(upload.id):
                return job
            job = self._jobs[upload.id] = _Job(project, upload, stage)
        (self._checks if stage == "checking" else self._imports).put(job)
        return job

    def _do(self, job: _Job, work: Callable[[_Job], None]) -> None:
        """Work on a job and keep what became of it."""
        error: Exception | None = None
        try:
            job.token.raise_if_cancelled()
            work(job)
        except Exception as caught:  # whatever it is, the next file gets its turn
            error = caught
        try:
            self._settle(job, error)
        except LabKitError as fault:
            self._log.warning("LabKit: %s: %s", job.upload.record.name, fault)

    def _check(self, job: _Job) -> None:
        """Look at a complete file and write down what it asks; one that asks nothing waits for its import."""
        questions = questions_of(job.upload, {})
        save_record(job.upload.layout.state, ImportState(state="asks" if questions else "waiting", questions=questions))

    def _import(self, job: _Job) -> None:
        with suppress(Locked), hold_lock(job.upload.layout.lock, timeout_s=0):  # another server may be at it
            state = load_record(job.upload.layout.state, ImportState)
            job.stage = "importing"
            job.images = import_upload(job.project, job.upload, state.answers, self._sink_of(job), job.token)

    def _sink_of(self, job: _Job) -> Callable[[Event], None]:
        def take(event: Event) -> None:
            self._note_activity()
            job.on_event(event)

        return take

    def _settle(self, job: _Job, error: Exception | None) -> None:
        """Keep what became of a job, let it go, and go on with the next step of the same file."""
        ended = self._ended_item(job, error)
        try:
            self._write_down(job, ended)  # before anybody is told
        finally:
            if ended:
                self._remember(ended)
            with self._lock:
                self._jobs.pop(job.upload.id, None)
        if not self._closing and ended is None:
            self._next_step(job)

    def _remember(self, ended: UploadItem) -> None:
        with self._lock:
            self._ended[ended.id] = ended
            while len(self._ended) > _MOST_ENDED:
                self._ended.popitem(last=False)

    def _write_down(self, job: _Job, ended: UploadItem | None) -> None:
        if ended and ended.state == "failed":
            save_record(job.upload.layout.state, ImportState(state="failed", message=ended.message, hint=ended.hint))
            job.upload.drop_content()
        elif ended or (job.token.cancelled and not self._closing):
            job.upload.remove()

    def _next_step(self, job: _Job) -> None:
        if job.token.cancelled:
            job.upload.remove()
            self._places.pop(job.upload.id, None)
        elif job.stage == "checking":  # an import that came to no end is another server's
            self._item(job.project, job.upload)

    def _ended_item(self, job: _Job, error: Exception | None) -> UploadItem | None:
        if job.images:
            job.token = CancelToken()  # a cancel that came too late
            return job.item(state="done", images=job.images)
        if error is None or isinstance(error, Cancelled):
            return None
        message, hint = self._words_of(job, error)
        return job.item(state="failed", message=message, hint=hint)

    def _words_of(self, job: _Job, error: Exception) -> tuple[str, str]:
        if isinstance(error, LabKitError):
            return error.message, error.hint
        incident = secrets.token_hex(4)
        self._log.error("Incident %s in the import of %s", incident, job.upload.record.name, exc_info=error)
        return "Something went wrong inside LabKit.", f"Try again; if it stays, give the number {incident} to whoever looks after LabKit."


class _Worker:
    """A thread that takes one job after another; it starts with the first and does not keep the server alive."""

    def __init__(self, name: str, work: Callable[[_Job], None]) -> None:
        self._name, self._work = name, work
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        self._starting = threading.Lock()
        self._started = False

    def put(self, job: _Job) -> None:
        """Add a job to the end of the line."""
        self._jobs.put(job)
        with self._starting:
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def wait_idle(self, timeout_s: float) -> None:
        """Wait until the job at hand is let go."""
        self._idle.wait(timeout_s)

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            self._idle.clear()
            try:
                self._work(job)
            finally:
                self._idle.set()


def questions_of(upload: Upload, answers: Mapping[str, str]) -> tuple[FileQuestion, ...]:
    """Return what a complete file leaves open; `answers` that do not fit it are refused."""
    from labkit.tiling import probe  # here, because most servers never need it

    return tuple(
        FileQuestion(key=q.key, text=q.text, options=tuple(FileOption(value=o.value, text=o.text) for o in q.options), default=q.default)
        for q in probe(upload.content, role=upload.record.role, answers=answers).questions
    )


def import_upload(
    project: Project, upload: Upload, answers: Mapping[str, str], on_event: Callable[[Event], None], cancel: CancelToken
) -> tuple[str, ...]:
    """Import a complete file under its own name and return the ids of its images."""
    from labkit.tiling import import_file

    record = upload.record
    images = import_file(project, upload.content, name=record.name, role=record.role, answers=answers, on_event=on_event, cancel=cancel)
    return tuple(image.id for image in images)


def _begin(project: Project, asked: NewUpload) -> Upload:
    return begin_upload(
        project.layout,
        project.id,
        name=asked.name,
        relative_path=asked.relative_path,
        size_bytes=asked.bytes,
        last_modified_ms=asked.last_modified,
        role=asked.role,
    )


def _saved_state(upload: Upload) -> ImportState | None:
    """Return what is to be done with a file; None while nobody has looked at it (or what was written is broken)."""
    try:
        return load_record(upload.layout.state, ImportState)
    except (NotFound, CorruptStore):
        return None


def _item(project: Project, upload: Upload, stage: UploadStage, **facts: Any) -> UploadItem:
    record = upload.record
    told: dict[str, Any] = {
        "id": upload.id,
        "project_id": project.id,
        "name": record.name,
        "relative_path": record.relative_path,
        "bytes": record.bytes,
        "last_modified": record.last_modified_ms,
        "received": upload.received if stage == "uploading" else record.bytes,
        "state": stage,
        "questions": (),
        "done": 0,
        "total": 0,
        "remaining_s": None,
        "images": (),
        "notes": (),
        "message": "",
        "hint": "",
    }
    return UploadItem(**{**told, **facts})
