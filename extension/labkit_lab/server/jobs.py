"""Work that takes its time: it runs in a thread, says how far it is, can be cancelled, and leaves a report."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from logging import Logger
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from labkit.errors import Cancelled, InvalidInput, LabKitError, NotFound
from labkit.events import CancelToken
from labkit.storage import new_id
from labkit_lab.server.route import Route
from labkit_lab.wire_exchange import ExportReport
from labkit_lab.wire_jobs import JobItem, JobStage
from labkit_lab.wire_models import ModelExportReport

__all__ = ["JOBS_SETTING", "Job", "JobFileRoute", "JobRoute", "JobShelf", "QueueingRoute"]

JOBS_SETTING = "labkit_jobs"
_MOST_KEPT = 32
_MOST_AT_ONCE = 2
_PIECE_BYTES = 1 << 20
_REPORTS = (  # fields of a `JobItem`
    *("validation", "agreement", "consensus", "exported", "looked", "imported", "model_file"),
    *("planned", "built", "compared", "previewed", "tried", "tested", "released"),
)


@dataclass
class Job:
    """One piece of work, as its thread writes it and routes read it."""

    id: str = field(default_factory=new_id)
    cancel: CancelToken = field(default_factory=CancelToken)
    state: JobStage = "running"
    done: float = 0
    total: float = 0
    unit: str = ""
    message: str = ""
    hint: str = ""
    reports: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    def step(self, done: float, total: float, unit: str = "") -> None:
        """Note how far it is, and in what that is counted; raise `Cancelled` where somebody asked for its end."""
        self.cancel.raise_if_cancelled()
        self.done, self.total, self.unit = done, total, unit

    def make_folder(self) -> Path:
        """Return a folder for files, which goes with the job."""
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="labkit-job-"))
        return self.folder

    def item(self) -> JobItem:
        """Return it as the browser gets it."""
        state = self.state  # first: whoever sees the end sees the report
        reports = {name: self.reports.get(name) if state == "done" else None for name in _REPORTS}
        said = {"message": self.message, "hint": self.hint, **reports}
        return JobItem(id=self.id, state=state, done=self.done, total=self.total, unit=self.unit, **said)


Work = Callable[[Job], dict[str, Any]]


class JobShelf:
    """The jobs of one server: a few at once; those that ended are kept for a while.

    Parameters
    ----------
    log : Logger
        For our own faults.
    note_activity : callable
        Called while work goes on: such a server is not idle.
    """

    def __init__(self, log: Logger, note_activity: Callable[[], None]) -> None:
        self._log = log
        self._note_activity = note_activity
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="labkit-job")

    def start(self, work: Work) -> Job:
        """Begin a job; `work` gets it, and returns its report by the field of `JobItem`.

        Raises
        ------
        InvalidInput
            Too many jobs wait.
        """
        job = Job()
        with self._lock:
            for old in [one for one in self._jobs.values() if one.state != "running"][: max(0, len(self._jobs) + 1 - _MOST_KEPT)]:
                self._drop(old)
            if len(self._jobs) >= _MOST_KEPT:
                raise InvalidInput("Too much is being worked on.", hint="Wait until something is done, or cancel it.")
            self._jobs[job.id] = job
        self._pool.submit(self._run, job, work)
        return job

    def job(self, job_id: str) -> Job:
        """Return a job.

        Raises
        ------
        NotFound
            It is not there (any more).
        """
        with self._lock:
            found = self._jobs.get(job_id)
        if found is None:
            raise NotFound("This work is not known (any more).", hint="Start it again.", id=job_id)
        if found.state == "running":
            self._note_activity()
        return found

    def end(self, job_id: str) -> Job:
        """Cancel a job, or forget one that ended, with its files."""
        job = self.job(job_id)
        job.cancel.cancel()
        with self._lock:
            if job.state != "running":
                self._drop(job)
        return job

    def close(self) -> None:
        """Cancel everything and remove all files."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            for job in jobs:
                self._drop(job)

    def _drop(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        if job.folder is not None:
            shutil.rmtree(job.folder, ignore_errors=True)

    def _run(self, job: Job, work: Work) -> None:
        state: JobStage = "failed"
        try:
            job.cancel.raise_if_cancelled()
            job.reports = work(job)
            state = "done"
        except Cancelled as error:
            state, job.message, job.hint = "cancelled", error.message, error.hint
        except LabKitError as error:
            job.message, job.hint = error.message, error.hint
        except Exception:
            incident = new_id()[:8]
            self._log.exception("Incident %s in a job", incident)
            job.message = "Something went wrong inside LabKit."
            job.hint = f"Try again; if it stays, give the number {incident} to whoever looks after LabKit."
        job.state = state  # last: whoever sees the end sees the report


class QueueingRoute(Route):
    """Base of routes that start jobs."""

    @property
    def jobs(self) -> JobShelf:
        """The server's jobs."""
        shelf: JobShelf = self.settings[JOBS_SETTING]
        return shelf


class JobRoute(QueueingRoute):
    """One job."""

    @web.authenticated
    @authorized
    async def get(self, job_id: str) -> None:
        """Answer with how far it is, and its report."""
        self.reply(self.jobs.job(job_id).item())

    @web.authenticated
    @authorized
    async def delete(self, job_id: str) -> None:
        """Cancel it, or forget how it ended."""
        job = await asyncio.to_thread(self.jobs.end, job_id)
        self.reply(job.item())


class JobFileRoute(QueueingRoute):
    """The file that an export made."""

    @web.authenticated
    @authorized
    async def get(self, job_id: str) -> None:
        """Answer with it, as a download."""
        path = _file_of(self.jobs.job(job_id))
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Cache-Control", "private, no-store")
        self.set_attachment_header(path.name)
        self.set_header("Content-Length", str(path.stat().st_size))
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
                self.write(piece)
                await self.flush()
        self.finish(set_content_type="application/octet-stream")


def _file_of(job: Job) -> Path:
    report = job.reports.get("exported") or job.reports.get("model_file")
    if job.state != "done" or not isinstance(report, ExportReport | ModelExportReport) or job.folder is None:
        raise NotFound("This work has made no file.", hint="Export again.", id=job.id)
    return job.folder / "out" / report.name
