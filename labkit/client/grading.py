"""A grading run's side of the service: its job and files are fetched, results are brought back one by one.

What has a result already is not in the job: a run that was killed, and is started again, goes on where it was.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from labkit.client.course_wire import GradingJob, TaskResult
from labkit.client.settings import ServiceAddress, service_address
from labkit.courses.grading import Batch, Shape, grade_batch
from labkit.courses.records import FileEntry, GradeResult, Manifest
from labkit.errors import CorruptStore, HubUnreachable, NotFound, NotWritable
from labkit.events import CancelToken, EventSink, ignore_events

__all__ = ["GradingClient", "grade_for_service"]

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_PATIENCE_S = 300.0
_LONGEST_PAUSE_S = 10.0
_HINT = "The hub's log and that of the run say more."


class GradingClient:
    """Asks the service for one grading run, with the token of the run's own server."""

    def __init__(self, address: ServiceAddress, run: str, *, patience_s: float = _PATIENCE_S) -> None:
        self.run = run
        self._patience_s = patience_s
        self._http = httpx.Client(
            base_url=f"{address.url}/api/",
            headers={"Authorization": f"token {address.token}"},
            trust_env=address.url.startswith("https:"),
            timeout=_TIMEOUT,
        )

    def close(self) -> None:
        """Give up the connections."""
        self._http.close()

    def job(self) -> GradingJob:
        """Return what is still to be graded.

        Raises
        ------
        HubUnreachable
            The service is away for longer than we wait.
        NotFound
            The run is no grading run that goes on.
        """
        try:
            return GradingJob.model_validate_json(self._ask("GET", "").content)
        except ValidationError as error:
            raise HubUnreachable("The service's answer cannot be read.", hint=_HINT) from error

    def fetch(self, entry: FileEntry, target: Path) -> None:
        """Fetch one file, and check that it is the one."""
        data = self._ask("GET", f"/files/{entry.sha256}").content
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise CorruptStore(f"{entry.path} is not what its hash says.", hint=_HINT, path=entry.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def put(self, result: GradeResult, folder: Path) -> None:
        """Bring back one result with its files."""
        files = []
        for outcome in result.notebooks:
            for sha256, suffix in ((outcome.executed, "ipynb"), (outcome.html, "html")):
                if sha256 is not None:
                    data = (folder / sha256).read_bytes()
                    self._ask("PUT", f"/files/{sha256}", data, "application/octet-stream")
                    files.append(FileEntry(path=f"{outcome.notebook}.{suffix}", sha256=sha256, size=len(data)))
        said = TaskResult(result=result, files=tuple(files))
        self._ask("PUT", f"/results/{quote(result.submission, safe='')}", said.model_dump_json().encode(), "application/json")

    def _ask(self, method: str, path: str, data: bytes | None = None, kind: str = "") -> httpx.Response:
        until, pause_s = time.monotonic() + self._patience_s, 0.25
        while True:
            try:
                answer = self._http.request(method, f"grading/{quote(self.run, safe='')}{path}", content=data, headers={"Content-Type": kind} if kind else {})
            except httpx.TransportError as error:
                fault: Exception | None = error
            else:
                fault = None
                if answer.status_code < 300:
                    return answer
                if answer.status_code < 500 and answer.status_code not in (408, 429):
                    raise _refused(answer)
            if time.monotonic() + pause_s > until:
                raise HubUnreachable("The hub's service does not answer.", hint=_HINT) from fault
            time.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _refused(answer: httpx.Response) -> NotFound | NotWritable:
    if answer.status_code == 404:
        return NotFound("The service knows no such grading run that goes on.", hint="Ask for the grading again.")
    return NotWritable(f"The service refused it ({answer.status_code}): {answer.text[:300]}", hint=_HINT)


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
    client = GradingClient(address, run)
    try:
        job = client.job()
        sources = _fetch_sources(client, job, folder)
        submissions = {}
        for task in job.tasks:
            _fetch(client, task.manifest, folder / "submissions" / task.submission, folder / "files")
            submissions[task.submission] = (folder / "submissions" / task.submission, task.release)
        batch = Batch(sources, submissions, folder / "out")
        for result in grade_batch(batch, shape=shape, workers=min(workers, job.workers), on_event=on_event, cancel=cancel):
            client.put(result, batch.out / result.submission)
            shutil.rmtree(batch.out / result.submission, ignore_errors=True)
            shutil.rmtree(folder / "submissions" / result.submission, ignore_errors=True)
            yield result
    finally:
        client.close()
        for name in ("sources", "submissions", "files", "out"):  # hidden tests and students' work do not stay
            shutil.rmtree(folder / name, ignore_errors=True)


def _fetch_sources(client: GradingClient, job: GradingJob, folder: Path) -> Mapping[int, Path]:
    sources = {}
    for version, manifest in job.sources.items():
        sources[version] = folder / "sources" / str(version) / "assignment"
        _fetch(client, manifest, sources[version], folder / "files")
    return sources


def _fetch(client: GradingClient, manifest: Manifest, target: Path, kept: Path) -> None:
    """Fetch the files of a manifest; each content once."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in manifest.files:
        held = kept / entry.sha256
        if not held.is_file():
            client.fetch(entry, held)
        (target / entry.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(held, target / entry.path)
