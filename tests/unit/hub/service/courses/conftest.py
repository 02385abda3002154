"""A course with people in it, on the service with a played hub and queue; what the queue would do to runs, tests do by hand."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from labkit_hub.profiles import load_profiles
from labkit_hub.service.courses import room
from labkit_hub.service.courses.continuing import continue_batches
from labkit_hub.service.courses.office import Office
from labkit_hub.service.tables import AuditRow, RunRow

COURSE = "image-ai"
NAME = "Übung 1 (a) [x]+b"
GRADER = "labkit-grader"
ACCESS = "access:services!service=labkit"
TEST, ESSAY = "ps1/q1_test", "ps1/essay"


def notebook(*sources: str) -> bytes:
    """Return a notebook with these cells."""
    cells = [{"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None} for source in sources]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def manifest(files: dict[str, bytes]) -> dict[str, Any]:
    return {"files": [{"path": path, "sha256": sha256(data), "size": len(data)} for path, data in files.items()]}


STUDENT = {"ps1.ipynb": notebook("# YOUR CODE HERE"), "data/my data.csv": b"a,b\n1,2\n"}
SOURCE = {**STUDENT, "ps1.ipynb": notebook("x = 1", "assert x == 1"), "hidden/labels.csv": b"secret labels"}
ITEMS = (
    {"id": "q1_test", "notebook": "ps1", "how": "cell", "max_points": 8},
    {"id": "essay", "notebook": "ps1", "how": "hand", "max_points": 2},
)


class Clock:
    """What time it is for the courses room."""

    def __init__(self) -> None:
        self.time = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)

    def at(self, text: str) -> None:
        """Set it, in UTC."""
        self.time = datetime.fromisoformat(text).replace(tzinfo=UTC)

    def later(self, **span: float) -> None:
        self.time += timedelta(**span)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The room's clock; it stands still."""
    clock = Clock()
    monkeypatch.setattr(Office, "now", staticmethod(lambda: clock.time))
    return clock


@pytest.fixture(autouse=True)
def _quiet_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the room does from time to time, tests do by hand."""
    monkeypatch.setattr(room, "_LOOK_EVERY_S", 3600.0)


@dataclass
class School:
    """A course, and what its people do."""

    house: Any
    clock: Clock
    tokens: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    notebook = staticmethod(notebook)
    sha256 = staticmethod(sha256)
    manifest = staticmethod(manifest)
    course, name, student_files, source_files = COURSE, NAME, STUDENT, SOURCE

    def ask(self, name: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request as somebody."""
        return self.house.ask(self.tokens[name], method, f"/api{path}", **more)

    def done(self, name: str, method: str, path: str, **more: Any) -> Any:
        """Send a request that must succeed, and return its answer."""
        answer = self.ask(name, method, path, **more)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else answer

    def send(self, name: str, files: dict[str, bytes]) -> dict[str, Any]:
        """Send files, and return their manifest."""
        for data in files.values():
            self.done(name, "PUT", f"/files/{sha256(data)}", content=data)
        return manifest(files)

    def key(self) -> str:
        self.sent += 1
        return f"key-{self.sent:08}"

    def assignment(self, name: str = NAME, **changes: Any) -> str:
        """Make an assignment, release it, and return its id."""
        made = self.done("prof", "POST", f"/courses/{COURSE}/assignments", json={"name": name})["id"]
        self.release(made)
        if changes:
            self.done("prof", "PATCH", f"/assignments/{made}", json=changes)
        return made

    def release(self, assignment: str, **changes: Any) -> dict[str, Any]:
        """Release an assignment."""
        body = {"key": self.key(), "student": self.send("prof", STUDENT), "source": self.send("prof", SOURCE), "items": ITEMS, **changes}
        return self.done("prof", "POST", f"/assignments/{assignment}/releases", json=body)

    def try_submit(self, name: str, assignment: str, files: dict[str, bytes] | None = None, **changes: Any) -> httpx.Response:
        """Hand in, whatever comes of it."""
        files = {"ps1.ipynb": notebook(f"x = 1  # {name}")} if files is None else files
        body = {"key": self.key(), "release": 1, "manifest": self.send(name, files), **changes}
        return self.ask(name, "POST", f"/assignments/{assignment}/submissions", json=body)

    def submit(self, name: str, assignment: str, files: dict[str, bytes] | None = None, **changes: Any) -> dict[str, Any]:
        """Hand in, and return the receipt."""
        answer = self.try_submit(name, assignment, files, **changes)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def mine(self, name: str, assignment: str) -> dict[str, Any]:
        """Return an assignment as somebody sees it."""
        return self.done(name, "GET", f"/assignments/{assignment}")

    def batch(self, assignment: str, *, by: str = "prof", **ask: Any) -> str:
        """Ask for a grading batch whose run then goes on, and return the run's id."""
        run = self.done(by, "POST", f"/assignments/{assignment}/batches", json=ask)["run"]
        self.set_run(run, "running")
        return run

    def set_run(self, run: str, state: str, reason: str = "") -> None:
        """Let a run be in a state, as the queue would."""
        with self.house.database.transaction() as session:
            row = session.get_one(RunRow, run)
            row.state, row.reason = state, reason

    def end_run(self, run: str, state: str, reason: str = "", *, by: str | None = None) -> None:
        """Let a run end now, as the queue would; `by` somebody who asked for it."""
        self.set_run(run, state, reason)
        with self.house.database.transaction() as session:
            row = session.get_one(RunRow, run)
            row.ended, row.asked_to_stop_by = self.clock.time, by

    def continue_batches(self) -> list[str]:
        """Let the room look after batches that ended too early; return the runs that it put into the line."""
        return continue_batches(self.house.database, grader=GRADER, profiles=load_profiles(None), now=self.clock.time)

    def server_of(self, run: str, owner: str = GRADER) -> str:
        """Return the name under which a run's server asks."""
        name = f"server of {run} of {owner}"
        self.house.hub.users.setdefault(owner, {"name": owner, "admin": False, "servers": {}})
        self.tokens[name] = f"token-of-server-{len(self.tokens)}"
        self.house.hub.tokens[self.tokens[name]] = (owner, (ACCESS, f"access:servers!server={owner}/run-{run}"))
        return name

    def put_result(
        self,
        run: str,
        submission: str,
        points: float | None = 6.0,
        *,
        state: str = "graded",
        page: bytes = b"",
        student_page: bytes = b"",
        note: str = "A cell was put back.",
    ) -> httpx.Response:
        """Bring the result of one submission, as the grading run does."""
        server, files = self.server_of(run), {"ps1.html": page or f"<p>{submission}</p>".encode()}
        files |= {"student/ps1.html": student_page} if student_page else {}
        for data in files.values():
            self.done(server, "PUT", f"/grading/{run}/files/{sha256(data)}", content=data)
        outcome = {"notebook": "ps1", "state": "done", "html": sha256(files["ps1.html"])}
        outcome |= {"student_html": sha256(student_page)} if student_page else {}
        told = {"note": "AssertionError: secret", "student_note": "A hidden test failed."} if student_page else {}
        result = {
            "submission": submission,
            "state": state,
            "scores": [{"item": ITEMS[0], "points": points, **told}, {"item": ITEMS[1], "points": None}] if state == "graded" else [],
            "notebooks": [outcome] if state == "graded" else [],
            "notes": [{"kind": "cell-missing", "text": note}],
            "isolation": "process",
        }
        body = {"result": result, "files": manifest(files)["files"]}
        return self.ask(server, "PUT", f"/grading/{run}/results/{submission}", json=body)

    def graded(self, assignment: str, submission: str, points: float = 6.0) -> str:
        """Grade one submission by a run that then ends."""
        run = self.batch(assignment, which="these", submissions=[submission])
        assert self.put_result(run, submission, points).status_code == 204
        self.set_run(run, "done")
        return run

    def grade(self, submission: str, by: str = "prof") -> dict[str, Any]:
        """Return the grade of a submission."""
        return self.done(by, "GET", f"/submissions/{submission}/grade")

    def audit(self, action: str) -> list[AuditRow]:
        """Return the audit's rows of an action."""
        with self.house.database.reading() as session:
            return list(session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.id)))


@pytest.fixture
def school(clock: Clock, house: Any, hub: Any) -> School:
    """A course with a professor, an assistant and three students; eve is a student elsewhere, root an admin."""
    school = School(house, clock)
    for name in ("prof", "tom", "ada", "ben", "zoë b", "eve"):
        school.tokens[name] = hub.add(name, groups=("professors",) if name == "prof" else ())
    school.tokens["root"] = hub.add("root", admin=True)
    school.done("prof", "POST", "/courses", json={"id": COURSE, "title": "Image AI"})
    roster = "username,role,name\ntom,assistant,Tom\nada,student,Ada\nben,student,=cmd|Ben\nzoë b,student,Zoë B\n"
    school.done("prof", "POST", f"/courses/{COURSE}/roster", content=roster.encode())
    return school
