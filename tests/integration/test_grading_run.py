"""Grading as a run: on this machine by folders, and at a hub by a job of the service, whose results go back one by one."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from labkit.client import grading_served
from labkit.client.course_wire import GradingJob, GradingTask, TaskResult
from labkit.client.grading import grade_for_service
from labkit.client.grading_served import FOLDER, main, make_run
from labkit.client.settings import ServiceAddress
from labkit.courses.grading import ContainerShape, ProcessShape, containers
from labkit.courses.grading.config import GradeConfig, GradingSettings, LocalJob, LocalSubmission
from labkit.courses.records import FileEntry, Manifest
from labkit.errors import NotFound
from labkit.notebooks.packaged import packaged_notebook
from labkit.project import Project
from labkit.runs import Run
from labkit.runs.records import GRACE_S, RunSpec
from labkit.storage import RunLayout, hold_lock, load_record
from labkit.testing.grading import Notebook, assignment, replace_source, submission
from labkit.testing.runs import is_alive, wait_until
from labkit.work import result_of, start
from labkit_hub.placement import GRADING_STOP_S

RUN = "grading12345"


@dataclass
class Service:
    """What a hub's service knows of one grading run."""

    files: dict[str, bytes] = field(default_factory=dict)
    sources: dict[int, Manifest] = field(default_factory=dict)
    tasks: list[GradingTask] = field(default_factory=list)
    results: dict[str, TaskResult] = field(default_factory=dict)
    fail_next: int = 0
    address: ServiceAddress | None = None

    def take(self, folder: Path) -> Manifest:
        """Keep the files of a folder."""
        entries = []
        for path in sorted(file for file in folder.rglob("*") if file.is_file()):
            data = path.read_bytes()
            sha256 = hashlib.sha256(data).hexdigest()
            self.files[sha256] = data
            entries.append(FileEntry(path=path.relative_to(folder).as_posix(), sha256=sha256, size=len(data)))
        return Manifest(files=tuple(entries))

    def job(self) -> GradingJob:
        """Return what has no result yet."""
        left = tuple(task for task in self.tasks if task.submission not in self.results)
        return GradingJob(run=RUN, course="c", assignment="a", assignment_name="ps1", sources=self.sources, tasks=left)


@pytest.fixture
def service() -> Iterator[Service]:
    """A service that answers as the hub's does, to one token only."""
    known = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix(f"/api/grading/{RUN}").strip("/")
            if known.fail_next:
                known.fail_next -= 1
                self._say(503, b"")
            elif self.headers["Authorization"] != "token t0ken" or not self.path.startswith(f"/api/grading/{RUN}"):
                self._say(404, b"{}")
            elif not name:
                self._say(200, known.job().model_dump_json().encode())
            else:
                data = known.files.get(name.removeprefix("files/"))
                self._say(404 if data is None else 200, data or b"{}")

        def do_PUT(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            kind, name = self.path.removeprefix(f"/api/grading/{RUN}/").split("/")
            if kind == "files":
                known.files[name] = data
            else:
                known.results[name] = TaskResult.model_validate_json(data)
            self._say(204, b"")

        def _say(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    known.address = ServiceAddress(f"http://127.0.0.1:{server.server_port}", "t0ken")
    yield known
    server.shutdown()
    server.server_close()


def _hand_in(service: Service, folder: Path, *names: str) -> None:
    source = assignment(folder / "author" / "ps1", checks=False)
    service.sources[1] = service.take(source)
    for name in names:
        manifest = service.take(submission(source, folder / "given" / name))
        service.tasks.append(GradingTask(submission=name, manifest=manifest, release=1))


def test_killed_run_goes_on_where_it_was(service: Service, tmp_path: Path) -> None:
    """The second run gets what is left; no file stays, hidden ones least of all; one whose files are lost costs the others nothing."""
    _hand_in(service, tmp_path, "one", "two", "three")
    service.fail_next = 2
    first = grade_for_service(RUN, tmp_path / "work", shape=ProcessShape(), workers=1, address=service.address)
    assert next(first).submission == "one"
    first.close()
    assert set(service.results) == {"one"}
    assert [path for path in (tmp_path / "work").rglob("*") if path.is_file()] == []
    lost = GradingTask(submission="lost", manifest=Manifest(files=(FileEntry(path="ps1.ipynb", sha256="0" * 64, size=1),)), release=1)
    service.tasks.insert(0, lost)
    again = list(grade_for_service(RUN, tmp_path / "work", shape=ProcessShape(), address=service.address))
    states = {result.submission: (result.state, [note.kind for note in result.notes]) for result in again}
    assert states == {"three": ("graded", []), "two": ("graded", []), "lost": ("failed", ["files-missing"])}
    said = service.results["two"]
    assert {entry.path for entry in said.files} == {"ps1.ipynb", "ps1.html", "student/ps1.ipynb", "student/ps1.html"}
    assert all(entry.sha256 in service.files for entry in said.files)


def test_another_run_is_told_nothing(service: Service, tmp_path: Path) -> None:
    """What the service does not know is not asked for again and again."""
    with pytest.raises(NotFound):
        next(grade_for_service("another12345", tmp_path, shape=ProcessShape(), address=service.address))


def test_run_of_the_hub_is_made_in_the_graders_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its spec says where and how; making it twice is making it once."""
    monkeypatch.setenv("LABKIT_GRADING_SHAPE", "container")
    monkeypatch.setenv("LABKIT_GRADING_IMAGE", "labkit/student:1")
    monkeypatch.setenv("LABKIT_GRADING_SLOTS", json.dumps({"slot-1": "/slots/1", "slot-2": "/slots/2"}))
    for _ in range(2):
        make_run(RUN, tmp_path)
    spec = load_record(RunLayout(tmp_path / FOLDER / RUN).spec, RunSpec)
    config = GradeConfig.model_validate(spec.config)
    assert (spec.kind, spec.where, config.run) == ("grade", "hub", RUN)
    assert config.shape == GradingSettings().resolve()
    assert isinstance(config.shape, ContainerShape)
    assert [slot.volume for slot in config.shape.slots] == ["slot-1", "slot-2"]


def test_server_of_a_run_leaves_no_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However its run ended, and though the programs that ended containers may have been killed; it has longer for it than other runs."""
    swept: list[str] = []
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LABKIT_GRADING_SHAPE", "container")
    monkeypatch.setattr(containers, "sweep_run", lambda shape, run: swept.append(run))

    def serve(arguments: list[str], **_: object) -> int:
        (grace,) = [float(word.partition("=")[2]) for word in arguments if word.startswith("--grace-s=")]
        assert GRACE_S < grace < GRADING_STOP_S / 2
        assert swept == []
        raise RuntimeError

    monkeypatch.setattr("labkit.runs.served.main", serve)
    with pytest.raises(RuntimeError):
        main(["--run", RUN])
    assert swept == [RUN]


def test_server_of_a_run_leaves_no_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its own, whose programs may have been killed, nor that of a run whose server was; a run that goes on keeps its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("labkit.runs.served.main", lambda _, **__: 0)
    works = [tmp_path / FOLDER / name / "work" for name in (RUN, "killed123456", "goeson123456")]
    for work in works:
        (work / "sources").mkdir(parents=True)
    with hold_lock(RunLayout(works[2].parent).lock):
        main(["--run", RUN])
    assert [work.is_dir() for work in works] == [False, False, True]
    assert 'run.folder / \\"work\\"' in packaged_notebook("labkit.courses.grading", "grade").read_text()


def test_folders_of_runs_do_not_become_more_and_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last ones are kept, for whoever looks at what went wrong, and one that goes on."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("labkit.runs.served.main", lambda _, **__: 0)
    monkeypatch.setattr(grading_served, "_RUNS_KEPT", 2)
    for age, name in enumerate((RUN, "before123456", "longago12345", "goeson123456")):
        make_run(name, tmp_path)
        spec = RunLayout(tmp_path / FOLDER / name).spec
        os.utime(spec, (time.time() - 3600 * age,) * 2)
    with hold_lock(RunLayout(tmp_path / FOLDER / "goeson123456").lock):
        main(["--run", RUN])
    assert {path.name for path in (tmp_path / FOLDER).iterdir()} == {RUN, "before123456", "goeson123456"}


ENDLESS = """
import os, pathlib, subprocess
helper = subprocess.Popen(["sleep", "600"], start_new_session=True)
path = pathlib.Path({path!r})
path.with_suffix(".new").write_text(f"{{os.getpid()}} {{helper.pid}}")
path.with_suffix(".new").rename(path)
while True:
    pass
"""


def _run(project: Project, folder: Path, change: Callable[[Notebook], Notebook] | None = None) -> Run:
    """Start a grading run of one submission."""
    source = assignment(folder / "ps1", checks=False)
    given = submission(source, folder / "given", change)
    job = LocalJob(sources={1: source}, submissions={"one": LocalSubmission(folder=given)}, out=folder / "out")
    (folder / "job.json").write_text(job.model_dump_json())
    return start(project, "grade", GradeConfig(job=folder / "job.json"))


@pytest.mark.slow
def test_folders_are_graded_as_a_run(project: Project, tmp_path: Path) -> None:
    """The kind of work ``grade``: its notebook tells how it went, its result which submissions failed."""
    run = _run(project, tmp_path)
    assert result_of(run) == {"graded": 1, "failed": []}
    assert "| one | graded | 3 |" in run.layout.notebook.read_text()


@pytest.mark.slow
def test_run_that_is_cancelled_ends_its_kernels(project: Project, tmp_path: Path) -> None:
    """A student's endless loop, and the program that it started in a session of its own, do not outlive the run."""
    path = tmp_path / "pids.txt"
    run = _run(project, tmp_path, replace_source("mean", ENDLESS.format(path=str(path))))
    wait_until(path.exists, timeout_s=120)
    programs = [psutil.Process(int(pid)) for pid in path.read_text().split()]
    run.cancel()
    assert run.wait(timeout_s=120).state == "cancelled"
    assert [program for program in programs if is_alive(program)] == []
