"""The routes by which an assignment is written and released from the panel, on the real service."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labkit.client import releasing
from labkit.client.course_wire import AssignmentItem
from labkit.courses.folder import load_assignment
from labkit.courses.grading import Batch, solution
from labkit.courses.records import CellScore, GradeResult
from labkit.errors import Cancelled
from labkit.events import EventSink, Log, Progress
from labkit.testing.assignments import write_assignment
from labkit.testing.course_service import COURSE, CourseService, course_service
from labkit_lab import authoring
from labkit_lab.server import authoring as server_authoring

Say = Callable[..., Awaitable[tuple[int, Any]]]
SETTINGS = {
    "due": "2031-10-25T23:59",
    "closes": "",
    "grace_min": 10,
    "accepts_late": True,
    "percent_per_day": 10,
    "floor_percent": 50,
    "attempts": 3,
    "counts": "best",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CourseService]:
    with course_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def become(service: CourseService, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the server be somebody's, whose home it shows; at first prof's."""
    monkeypatch.setenv("HOME", str(jp_root_dir))

    def as_(name: str) -> None:
        for key, value in service.environment(name).items():
            monkeypatch.setenv(key, value)

    as_("prof")
    return as_


@pytest.fixture
def say(ask: Callable[..., Awaitable[Any]], become: Callable[[str], None]) -> Say:
    """Send a message below `courses`, and give status and answer; of work that takes its time how it ended."""

    async def send(*parts: str, **body: Any) -> tuple[int, Any]:
        response = await ask("courses", *parts, method="POST", body=json.dumps(body))
        answer = json.loads(response.body)
        while response.code == 202 and answer["state"] == "running":
            await asyncio.sleep(0.02)
            answer = json.loads((await ask("jobs", answer["id"])).body)
        return response.code, answer

    return send


async def test_from_a_folder_to_a_release(say: Say, ask: Callable[..., Awaitable[Any]], service: CourseService, jp_root_dir: Path) -> None:
    """Made, looked at, released with what holds for it; students get what was said and nothing that is hidden."""
    folder = write_assignment(jp_root_dir, "Means (1)")
    listed = json.loads((await ask("courses", COURSE, "folders")).body)["folders"]
    assert listed == [{"folder": "Means (1)", "place": "~/Means (1)", "name": "Means (1)", "assignment": ""}]
    status, made = await say(COURSE, "assignments", folder="Means (1)")
    assert (status, made["made"], made["open"]) == (201, True, "Means (1)/ps1.ipynb")
    entry = await _entry(ask, made["id"])
    assert (entry["draft"], entry["authored"]) == (True, {"folder": "Means (1)", "place": "~/Means (1)"})

    _, checked = await say("assignments", made["id"], "check")
    assert (checked["errors"], checked["max_points"], checked["by_hand"]) == (0, 9, 4)
    _, plan = await say("assignments", made["id"], "release-plan")
    assert ([file["path"] for file in plan["files"]], plan["hidden"], plan["draft"]) == (["data/my data.csv", "ps1.ipynb"], 1, True)
    _, job = await say("assignments", made["id"], "release", seen=plan["sha256"], **SETTINGS)
    assert job["released"] == {"release": 1, "files": 2, "max_points": 9, "unchanged": False, "notes": []}

    [seen] = [item for item in service.client("ada").assignments(COURSE) if item.id == made["id"]]
    assert (seen.attempts, seen.counts, seen.late.floor_percent, seen.grace_min) == (3, "best", 50, 10)
    assert seen.due is not None
    assert seen.due.isoformat().startswith("2031-10-25")
    assert service.client("ada").release(made["id"], 1).manifest.sha256 == plan["sha256"]
    _, plan = await say("assignments", made["id"], "release-plan")
    assert (plan["due"], plan["release"]) == ("2031-10-25T23:59", 1)
    _, job = await say("assignments", made["id"], "release", seen=plan["sha256"], **{**SETTINGS, "attempts": None, "due": ""})
    assert job["released"]["unchanged"] is True
    item = service.client("ada").assignment(made["id"])
    assert (item.attempts, item.due) == (None, None)

    folder.rename(jp_root_dir / "Averages")
    assert (await _entry(ask, made["id"]))["authored"]["folder"] == "Averages"


async def test_an_assignment_with_errors_is_not_released(say: Say, service: CourseService, jp_root_dir: Path) -> None:
    """Each error leads to its cell; nothing is written, sent or changed."""
    folder = write_assignment(jp_root_dir, "Broken")
    notebook = folder / "ps1.ipynb"
    notebook.write_text(notebook.read_text().replace("### END HIDDEN TESTS", "### end hidden tests"))
    _, made = await say(COURSE, "assignments", folder="Broken")
    _, plan = await say("assignments", made["id"], "release-plan")
    places = {(one["path"], one["index"], one["grade_id"]) for one in plan["checked"]["problems"]}
    assert (plan["sha256"], plan["files"], places) == ("", [], {("Broken/ps1.ipynb", 3, "test")})
    status, answer = await say("assignments", made["id"], "preview")
    assert (status, "ps1.ipynb, cell 4 (test)" in answer["error"]["message"]) == (400, True)
    _, job = await say("assignments", made["id"], "solution")
    assert (job["state"], "is never closed" in job["message"]) == ("failed", True)
    _, job = await say("assignments", made["id"], "release", seen="0" * 64, **SETTINGS)
    assert (job["state"], "is never closed" in job["message"]) == ("failed", True)
    item = service.client("prof").assignment(made["id"])
    assert (item.release, item.due, item.attempts) == (0, None, None)
    assert sorted(path.name for path in jp_root_dir.iterdir()) == ["Broken"]


def test_now_is_said_as_a_due_time_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clocks of the course, so that a time in the past can be told in a browser that is anywhere."""
    monkeypatch.setattr(authoring, "utc_now", lambda: datetime(2026, 7, 1, 12, 30, 59, tzinfo=UTC))
    item = AssignmentItem(id="a", course=COURSE, name="Timed", state="draft", time_zone="Europe/Berlin")
    plan = authoring.release_plan(load_assignment(write_assignment(tmp_path, "Timed")), item, tmp_path)
    assert plan.now == "2026-07-01T14:30"


async def test_what_is_released_is_what_was_confirmed(say: Say, service: CourseService, jp_root_dir: Path) -> None:
    """Neither a file that has changed since, nor one that is older than what is seen."""
    folder = write_assignment(jp_root_dir, "Confirmed")
    _, made = await say(COURSE, "assignments", folder="Confirmed")
    _, plan = await say("assignments", made["id"], "release-plan")
    (folder / "data" / "more.csv").write_text("1")
    _, job = await say("assignments", made["id"], "release", seen=plan["sha256"], **SETTINGS)
    assert (job["state"], "has changed since you confirmed" in job["message"]) == ("failed", True)
    old = [{"path": "ps1.ipynb", "kind": "notebook", "sha256": "0" * 64}]
    status, answer = await say("assignments", made["id"], "release-plan", documents=old)
    assert (status, answer["error"]["hint"].startswith("Nothing was released.")) == (409, True)
    item = service.client("prof").assignment(made["id"])
    assert (item.release, item.due, item.attempts) == (0, None, None)


async def test_a_release_that_is_given_up_changes_nothing(
    say: Say, service: CourseService, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While pictures are read for it, say; tried again it is out, and what could not be made for it is told."""

    def read(*_: object, on_event: EventSink, **more: object) -> tuple[tuple[()], dict[str, Path]]:
        on_event(Log("No preview could be made.", "warning"))
        if is_given_up:
            raise Cancelled("Cancelled.")
        return (), {}

    monkeypatch.setattr(releasing, "make_previews", read)
    write_assignment(jp_root_dir, "Given up")
    _, made = await say(COURSE, "assignments", folder="Given up")
    _, plan = await say("assignments", made["id"], "release-plan")
    is_given_up = True
    _, job = await say("assignments", made["id"], "release", seen=plan["sha256"], **SETTINGS)
    item = service.client("prof").assignment(made["id"])
    assert (job["state"], item.release, item.due, item.attempts) == ("cancelled", 0, None, None)
    is_given_up = False
    _, job = await say("assignments", made["id"], "release", seen=plan["sha256"], **SETTINGS)
    assert (job["released"]["release"], job["released"]["notes"]) == (1, ["No preview could be made."])


async def test_a_preview_takes_the_place_of_a_preview_only(say: Say, jp_root_dir: Path) -> None:
    """What somebody has made under that name stays."""
    write_assignment(jp_root_dir, "Shown")
    _, made = await say(COURSE, "assignments", folder="Shown")
    place = jp_root_dir / "Shown (as students get it)"
    for _ in range(2):
        status, preview = await say("assignments", made["id"], "preview")
        assert (status, preview["open"], preview["files"]) == (200, f"{place.name}/ps1.ipynb", ["data/my data.csv", "ps1.ipynb"])
        text = (place / "ps1.ipynb").read_text()
        assert ("YOUR CODE HERE" in text, "sum(values)" in text) == (True, False)
        (place / "tried.txt").write_text("x")
    status, answer = await say(COURSE, "assignments", folder=place.name)
    assert (status, "it has no solutions" in answer["error"]["message"]) == (400, True)
    (place / ".labkit" / "preview.json").unlink()
    status, answer = await say("assignments", made["id"], "preview")
    assert (status, "is no preview" in answer["error"]["message"], (place / "tried.txt").is_file()) == (409, True, True)


async def test_what_the_solution_earns(say: Say, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Item by item, with the way to the cell, and how far it is meanwhile; the grading itself is played."""
    earned = {"test": 1.0, "why": None, "mean": 3.0}

    def grade(job: Batch, *, on_event: EventSink, **_: object) -> Iterator[GradeResult]:
        on_event(Progress(1, 2, "checks", "checking"))
        scores = tuple(CellScore(item=item, points=earned[item.id]) for item in load_assignment(job.source[1]).items)
        yield GradeResult(submission="test", state="graded", scores=scores, isolation="process")

    monkeypatch.setattr(solution, "grade_batch", grade)
    write_assignment(jp_root_dir, "Solved")
    _, made = await say(COURSE, "assignments", folder="Solved")
    _, job = await say("assignments", made["id"], "solution")
    rows = [(row["title"], row["points"], row["path"], row["grade_id"]) for row in job["tested"]["rows"]]
    assert (job["done"], job["total"], job["unit"]) == (1, 2, "checks")
    assert rows == [
        ("test", 1.0, "Solved/ps1.ipynb", "test"),
        ("why", None, "Solved/ps1.ipynb", "why"),
        ("The mean of the data", 3.0, None, ""),
    ]
    assert (job["tested"]["full"], job["tested"]["points"], job["tested"]["max_points"]) == (False, 4.0, 9.0)


@pytest.mark.ci
async def test_a_sample_is_a_whole_assignment(say: Say, jp_root_dir: Path) -> None:
    """As `labkit course new` makes it; what is there, here or at the hub, is never replaced."""
    status, made = await say(COURSE, "assignments", folder="Nuclei 1", sample=True)
    assert (status, made["open"]) == (201, "Nuclei 1/nuclei.ipynb")
    _, checked = await say("assignments", made["id"], "check")
    assert (checked["errors"], checked["max_points"]) == (0, 16)
    for name in ("Nuclei 1", "nuclei 1", "a/b", "", "../x"):
        status, answer = await say(COURSE, "assignments", folder=name, sample=True)
        assert (status >= 400, bool(answer["error"]["hint"])) == (True, True)
    assert sorted(path.name for path in jp_root_dir.iterdir()) == ["Nuclei 1"]


async def test_a_sample_that_fails_leaves_nothing(
    say: Say, service: CourseService, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a draft without a folder nor half a folder: it can be asked for again. What the program says, or not, is told."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    status, answer = await say(COURSE, "assignments", folder="Failed", sample=True)
    assert (status >= 400, answer["error"]["message"]) == (True, "The program that writes the sample died.")
    assert not any(item.name == "Failed" for item in service.client("prof").assignments(COURSE))
    assert list(jp_root_dir.iterdir()) == []


@pytest.mark.parametrize("patience_s", [0.0, 10.0])
async def test_a_sample_of_which_the_answer_got_lost(
    say: Say, service: CourseService, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch, patience_s: float
) -> None:
    """The draft that the hub made is taken up, whether the client asks again or the person; not what is written elsewhere."""
    name = f"Lost {patience_s}"
    monkeypatch.setattr(server_authoring, "course_client", lambda: service.client("prof", patience_s=patience_s))
    monkeypatch.setattr(server_authoring, "_write_sample", lambda place: write_assignment(place.parent, place.name))
    service.lost.add(f"POST /courses/{COURSE}/assignments")
    status, made = await say(COURSE, "assignments", folder=name, sample=True)
    if not patience_s:
        assert (status, list(jp_root_dir.iterdir())) == (503, [])
        status, made = await say(COURSE, "assignments", folder=name, sample=True)
    assert (status, made["open"], made["made"]) == (201, f"{name}/ps1.ipynb", True)
    assert [item.own for item in service.client("prof").assignments(COURSE) if item.name == name] == [True]
    assert [item.own for item in service.client("tom").assignments(COURSE) if item.name == name] == [False]
    (jp_root_dir / name).rename(jp_root_dir / "Written here")
    status, answer = await say(COURSE, "assignments", folder=name, sample=True)
    assert (status, answer["error"]["message"]) == (409, f"The course has an assignment {name} already.")


async def test_who_may_what(
    say: Say, ask: Callable[..., Awaitable[Any]], become: Callable[[str], None], service: CourseService, jp_root_dir: Path
) -> None:
    """Assistants look and try; only professors make and release. Students have no such part, whatever lies in their homes."""
    write_assignment(jp_root_dir, "Roles")
    _, made = await say(COURSE, "assignments", folder="Roles")
    become("tom")
    assert (await say("assignments", made["id"], "check"))[0] == 200
    _, plan = await say("assignments", made["id"], "release-plan")
    _, job = await say("assignments", made["id"], "release", seen=plan["sha256"], **SETTINGS)
    assert (job["state"], job["message"]) == ("failed", "Only the professors of a course do this.")
    write_assignment(jp_root_dir, "Other")
    assert (await say(COURSE, "assignments", folder="Other"))[0] == 403
    become("prof")
    _, job = await say("assignments", made["id"], "release", seen=plan["sha256"], **SETTINGS)
    assert job["state"] == "done"
    become("ada")
    assert (await _entry(ask, made["id"]))["authored"] is None
    _, job = await say("assignments", made["id"], "release", seen=plan["sha256"], **SETTINGS)
    assert job["state"] == "failed"
    assert service.client("prof").assignment(made["id"]).release == 1


async def test_another_folder_is_chosen(say: Say, ask: Callable[..., Awaitable[Any]], jp_root_dir: Path) -> None:
    """It is written there from then on; a folder outside of the home, or all of it, is refused."""
    write_assignment(jp_root_dir, "Old")
    write_assignment(jp_root_dir / "2031", "New")
    _, made = await say(COURSE, "assignments", folder="Old")
    assert (await say("assignments", made["id"], "folder", folder="2031/New"))[1]["place"] == "~/2031/New"
    assert (await _entry(ask, made["id"]))["authored"]["folder"] == "2031/New"
    for folder in ("", "../..", "nowhere", "Old/ps1.ipynb", "2031/New/data"):
        status, answer = await say("assignments", made["id"], "folder", folder=folder)
        assert (status >= 400, bool(answer["error"]["hint"])) == (True, True)
    assert (await say(COURSE, "assignments", folder="2031/New/data"))[0] == 400
    assert (await _entry(ask, made["id"]))["authored"]["folder"] == "2031/New"


async def _entry(ask: Callable[..., Awaitable[Any]], assignment: str) -> dict[str, Any]:
    [course] = json.loads((await ask("courses")).body)["courses"]
    entry: dict[str, Any] = next(one for one in course["assignments"] if one["id"] == assignment)
    return entry
