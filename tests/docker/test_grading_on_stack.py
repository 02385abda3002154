"""A batch of the hub's queue on the real stack: the grader in its container, each kernel and the scorer in one of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from labkit.client import CourseClient
from labkit.client.course_wire import FeedbackAsk, GradeAsk, GradeItem, NewAssignment
from labkit.client.fetching import fetch_assignment
from labkit.client.handing_in import hand_in
from labkit.client.releasing import release_folder
from labkit.client.settings import ServiceAddress
from labkit.testing.assignments import solve, write_assignment
from labkit.testing.hub_session import HubSession
from labkit.testing.stack import Stack, docker, wait_for
from labkit.testing.stack_person import logged_in

pytestmark = [pytest.mark.docker, pytest.mark.ci]
CHECKOUT = Path(__file__).resolve().parents[2]

# What a submission says of where it is: what it can reach, read and write.
LOOK = """
import os, json, pathlib
mean = sum(values) / len(values)
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
print("FOUND" + json.dumps({
    "interfaces": sorted(os.listdir("/sys/class/net")),
    "routes": open("/proc/net/route").read().count("\\n") - 1,
    "capabilities": int(status["CapEff"], 16),
    "tokens": sorted(name for name in os.environ if "TOKEN" in name or "DOCKER" in name or "SERVICE" in name or "SLOTS" in name),
    "hidden": [str(path) for path in pathlib.Path("/").rglob("tests.py") if "hidden" in path.parts],
    "docker": os.path.exists("/var/run/docker.sock"),
}))
"""


@pytest.fixture(scope="module")
def stack(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, up; everything of it is removed afterwards."""
    devices = {"LABKIT_DEVICES__FAKE": "0", "LABKIT_DEVICES__NVIDIA": "false"}
    stack = Stack(CHECKOUT, tmp_path_factory.mktemp("grading"), files=[CHECKOUT / "tests" / "docker" / "test-hub.yml"], extra=devices)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@pytest.fixture(scope="module")
def clients(stack: Stack) -> Iterator[Mapping[str, CourseClient]]:
    """Who asks the service for the professor and the student, with tokens of theirs; both are in a course."""
    with pytest.MonkeyPatch.context() as patch, logged_in(stack, "admin", "professor", "student") as people:
        patch.setenv("SSL_CERT_FILE", str(stack.folder / "root.crt"))
        tokens = {name: _token(person.hub, name) for name, person in people.items()}
        service = f"{stack.url}/services/labkit"
        admin = people["admin"].http
        headers = {"Authorization": f"token {tokens['admin']}"}
        admin.post(f"{service}/api/courses", json={"id": "cells", "title": "Cells"}, headers=headers).raise_for_status()
        for name in ("professor", "student"):
            admin.put(f"{service}/api/courses/cells/members/{name}", json={"role": name}, headers=headers).raise_for_status()
        yield {name: CourseClient(ServiceAddress(service, token)) for name, token in tokens.items()}


@pytest.fixture(scope="module")
def grade(stack: Stack, clients: Mapping[str, CourseClient], tmp_path_factory: pytest.TempPathFactory) -> GradeItem:
    """What a submission that looks around gets, released, handed in and graded by a batch of the queue."""
    folder = tmp_path_factory.mktemp("course")
    professor, student = clients["professor"], clients["student"]
    source = write_assignment(folder)
    assignment = professor.create_assignment("cells", NewAssignment(name=source.name))
    release_folder(professor, assignment, source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder / "home"))
        work = fetch_assignment(student, student.assignment(assignment.id)).folder
        solve(work.root / "ps1.ipynb", LOOK)
        receipt = hand_in(student, work)
    batch = professor.start_grading(assignment.id, GradeAsk())

    def ended() -> str | None:
        (found,) = [one for one in professor.batches(assignment.id) if one.id == batch.id]
        return f"{found.state} {found.reason}" if found.state in ("done", "failed", "lost", "cancelled") else None

    assert wait_for(ended, "the end of the batch", timeout_s=240).startswith("done")
    professor.release_feedback(assignment.id, FeedbackAsk())
    return student.grade(receipt.submission)


def test_a_batch_is_graded_in_containers(grade: GradeItem) -> None:
    """Test cell and check have their points; the cell by hand waits."""
    assert grade.isolation == "container"
    assert {score.item.key: score.points for score in grade.scores} == {"ps1/test": 2, "ps1/why": None, "/mean": 3}


def test_a_submission_finds_nothing(grade: GradeItem, clients: Mapping[str, CourseClient], tmp_path: Path) -> None:
    """Neither a network nor the grader's token nor Docker nor what is hidden, while its own data was there: the mean is right."""
    (outcome,) = grade.notebooks
    assert outcome.executed is not None
    clients["student"].fetch_result_file(grade.submission.id, outcome.executed, tmp_path / "executed.ipynb")
    outputs = json.loads((tmp_path / "executed.ipynb").read_text())["cells"]
    text = "".join(part for cell in outputs for output in cell.get("outputs", []) for part in output.get("text", []))
    found = json.loads(text.partition("FOUND")[2].splitlines()[0])
    assert found == {"interfaces": ["lo"], "routes": 0, "capabilities": 0, "tokens": [], "hidden": [], "docker": False}


def test_nothing_of_a_batch_stays(stack: Stack, grade: GradeItem) -> None:
    """No container of a kernel, a scorer or the grader."""
    assert grade.submission.state == "graded"
    wait_for(lambda: docker("ps", "-aq", "--filter", "label=labkit.grading").strip() == "" or None, "the end of the kernels")
    # A batch is done before the hub has taken its server away.
    wait_for(lambda: not any(name.startswith("u-labkit-grader-u/") for name in stack.servers()) or None, "the end of the grader")


def _token(session: HubSession, name: str) -> str:
    answer = session.http.post(
        f"/hub/api/users/{quote(name)}/tokens",
        json={},
        headers={"X-XSRFToken": session.xsrf, "Referer": f"{session.http.base_url}/hub/token"},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])
