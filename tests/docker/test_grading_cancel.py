"""Containers of kernels are no programs of a run: whatever ends the run, they do not outlive it for long."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import psutil
import pytest

from labkit.courses.grading import Batch, ContainerShape, SlotFolder, grade_batch
from labkit.courses.grading.config import GradeConfig, LocalJob, LocalSubmission
from labkit.project import Project
from labkit.testing.grading import assignment, replace_source, submission
from labkit.testing.runs import wait_until
from labkit.work import start

pytestmark = pytest.mark.docker
IMAGE = os.environ.get("LABKIT_TEST_GRADING_IMAGE", "labkit/student-small:local")
# A batch that is to be killed: a job and a shape as JSON on its command line.
BATCH = """
import sys
from labkit.courses.grading import Batch, ContainerShape, grade_batch
from labkit.courses.grading.config import LocalJob
job = LocalJob.model_validate_json(sys.argv[1])
batch = Batch(job.sources, {name: (one.folder, one.version) for name, one in job.submissions.items()}, job.out)
list(grade_batch(batch, shape=ContainerShape.model_validate_json(sys.argv[2])))
"""


@pytest.fixture
def shape(images: str, engine: docker.APIClient) -> Iterator[ContainerShape]:
    """Containers with names of their own; what is left of them is removed."""
    assert images
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # a short path: sockets are below it
        shape = ContainerShape(image=IMAGE, prefix=f"labkit-test{secrets.token_hex(4)}-", folder=SlotFolder(path=Path(folder)))
        yield shape
        for row in engine.containers(all=True, filters={"name": shape.prefix}):
            engine.remove_container(row["Id"], force=True)


@pytest.fixture
def left(shape: ContainerShape, engine: docker.APIClient) -> Callable[[], int]:
    """Returns how many of them there are."""
    return lambda: len(engine.containers(all=True, filters={"name": shape.prefix}))


@pytest.fixture
def job(tmp_path: Path) -> LocalJob:
    """Two submissions that go on for a minute."""
    source = assignment(tmp_path / "ps1")
    loop = replace_source("mean", "while True: pass")
    given = {name: LocalSubmission(folder=submission(source, tmp_path / name, loop)) for name in ("one", "two")}
    return LocalJob(sources={1: source}, submissions=given, out=tmp_path / "out")


def test_run_that_is_cancelled_leaves_no_container(
    project: Project, job: LocalJob, shape: ContainerShape, left: Callable[[], int], tmp_path: Path
) -> None:
    """Neither of its two kernels nor its scorer, when it says that it has ended."""
    (tmp_path / "job.json").write_text(job.model_dump_json())
    run = start(project, "grade", GradeConfig(job=tmp_path / "job.json", shape=shape))
    wait_until(lambda: left() == 3, timeout_s=120)
    run.cancel()
    assert run.wait(timeout_s=120).state == "cancelled"
    assert left() == 0


def test_next_batch_removes_what_a_killed_one_left(job: LocalJob, shape: ContainerShape, left: Callable[[], int], tmp_path: Path) -> None:
    """All its programs are killed at once, so that none can; the next batch has other slots."""
    batch = subprocess.Popen([sys.executable, "-c", BATCH, job.model_dump_json(), shape.model_dump_json()])
    try:
        wait_until(lambda: left() == 3, timeout_s=120)
    finally:
        family = [psutil.Process(batch.pid), *psutil.Process(batch.pid).children(recursive=True)]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for program in family:
                program.send_signal(number)
        batch.wait()
    assert left() == 3
    given = {"good": (submission(job.sources[1], tmp_path / "good"), 1)}
    (result,) = grade_batch(Batch(job.sources, given, tmp_path / "out"), shape=shape)
    assert (result.points, left()) == (9, 0)
