"""`labkit course`: the whole way of a student and of a professor, on the real service."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.cli import course_marking_commands
from labkit.cli.app import stoppable
from labkit.client.finding import find_assignment
from labkit.courses.grading import Batch, solution
from labkit.courses.records import GradeResult
from labkit.errors import Cancelled
from labkit.events import CancelToken, Event, Progress, ignore_events
from labkit.testing.assignments import write_assignment
from labkit.testing.commands import Done
from labkit.testing.course_service import COURSE, CourseService, course_service
from labkit.testing.coursework import ASSIGNMENT, edit_notebook, write_author_folder

LabKit = Callable[..., Done]
SOLVED = "def mean_area(lines):\n    return sum(map(area, lines)) / len(lines)"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CourseService]:
    with course_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def as_(service: CourseService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labkit: LabKit) -> Callable[..., Done]:
    """Call a command as somebody, whose home is a folder of that name."""

    def call(who: str, *arguments: str | Path, here: Path | None = None) -> Done:
        home = tmp_path / who
        home.mkdir(exist_ok=True)
        monkeypatch.setenv("HOME", str(home))
        for name, value in service.environment(who).items():
            monkeypatch.setenv(name, value)
        return labkit("course", *arguments, here=here or home)

    return call


def test_the_whole_way(as_: Callable[..., Done], service: CourseService, tmp_path: Path) -> None:
    """Released, fetched, tried, handed in, graded, commented on, given back, and counted."""
    author = write_author_folder(tmp_path / "author")
    released = as_("prof", "release", author, "--json").json
    assert (released["version"], [item["id"] for item in released["items"]]) == (1, ["mean_test", "why"])
    again = as_("prof", "release", author, "--json").json
    assert again["version"] == 1, "nothing has changed"
    due = as_("prof", "set", ASSIGNMENT, "--due", "2030-10-25T23:59", "--attempts", "3", "--late", "--percent-per-day", "10", "--json").json
    assert (due["attempts"], due["late"]["percent_per_day"]) == (3, 10)

    assert as_("zoë b", "list", "--json").json["courses"] == [{"id": "image-ai", "title": "Image AI", "role": "student"}]
    shown = as_("zoë b", "assignments").stdout
    assert ASSIGNMENT in shown
    assert "3 of 3 attempts left" in shown
    assert "loses 10 % for each begun day" in shown
    fetched = as_("zoë b", "fetch", ASSIGNMENT, "--json").json
    work = Path(fetched["folder"])
    assert work == tmp_path / "zoë b" / "courses" / "image-ai" / ASSIGNMENT

    failing = as_("zoë b", "validate", here=work)
    assert failing.exit_code == 3
    assert "ps1.ipynb: 0 of 1 tests pass" in failing.stdout
    assert "cell 3 (mean_test) fails: NotImplementedError" in failing.stdout
    assert "ps1.ipynb: It is as it was handed out" in as_("zoë b", "submit", "--dry-run", here=work).stderr
    edit_notebook(work / "ps1.ipynb", SOLVED)
    assert as_("zoë b", "validate", "--json", here=work).json["passed"] is True

    plan = as_("zoë b", "submit", "--dry-run", "--json", here=work).json
    assert [file["path"] for file in plan["files"]] == ["ps1.ipynb"]
    receipt = as_("zoë b", "submit", "--json", here=work).json
    assert (receipt["sha256"], receipt["cells"]) == (plan["sha256"], {"ps1.ipynb": 4})
    assert receipt["sha256"] in as_("zoë b", "receipt", here=work).stdout
    assert "attempt 1" in as_("zoë b", "history", here=work).stdout
    assert as_("zoë b", "feedback", "fetch", "--json", here=work).error["type"] == "NotFound"

    submission = receipt["submission"]
    assert submission in as_("tom", "submissions", ASSIGNMENT).stdout
    asked = as_("prof", "grade", ASSIGNMENT, "--json").json
    assert (asked["total"], asked["state"]) == (1, "waiting")
    service.grade(due["id"], {"ps1/mean_test": 4}, page="<p>executed</p>")
    assert as_("tom", "batches", ASSIGNMENT, "--json").json["batches"][0]["state"] == "done"
    scored = as_("tom", "score", submission, "ps1/why", "--points", "1", "--comment", "Look at the tails.", "--json").json
    assert scored["submission"]["points"] == 5
    taken = as_("tom", "download", ASSIGNMENT, "--json").json["submissions"][0]
    assert SOLVED.splitlines()[0] in (tmp_path / "tom" / taken["folder"] / "ps1.ipynb").read_text()
    assert as_("prof", "feedback", "release", ASSIGNMENT, "--json").json["submissions"] == [submission]

    came = as_("zoë b", "feedback", "fetch", here=work).stdout
    assert "5 of 6 points" in came
    assert "Look at the tails." in came
    page = work / "feedback" / "attempt 1" / "ps1.html"
    page.write_text("<p>executed, and my notes</p>")
    assert f"kept, you have changed it: {page}\n" in as_("zoë b", "feedback", "fetch", here=work).stdout
    assert "my notes" in page.read_text()
    assert as_("tom", "statistics", ASSIGNMENT, "--json").json["graded"] == 1
    assert "zoë b" in as_("prof", "gradebook", ASSIGNMENT, "--format", "moodle").stdout
    whole = as_("tom", "gradebook", "--course", "image-ai", "--json").json["csv"].splitlines()
    assert (whole[0], whole[-1]) == (f"username,name,{ASSIGNMENT},total", ",possible,6,6")
    assert any(line.startswith("zoë b,") and line.endswith(",5,5") for line in whole)
    row = next(row for row in as_("tom", "class", "--json").json["students"] if row["person"] == "zoë b")
    assert (row["cells"][0]["fetched"], row["cells"][0]["state"]) == (1, "graded")
    assert "submission.create" in as_("prof", "audit").stdout


def test_the_first_assignment_of_the_docs(as_: Callable[..., Done], service: CourseService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command of the section does what it says; the grading itself is played, and somebody hands in before it."""

    def grade(job: Batch, **_: object) -> Iterator[GradeResult]:
        yield GradeResult(submission="test", state="graded", isolation="process")

    monkeypatch.setattr(solution, "grade_batch", grade)
    text = (Path(__file__).parents[3] / "docs" / "assignments.md").read_text(encoding="utf-8")
    section = text.split("## A first assignment in ten minutes")[1].split("In Python:")[0]
    lines = [
        line.split("#")[0] for block in re.findall(r"^```\n(.*?)^```", section, re.DOTALL | re.MULTILINE) for line in block.splitlines()
    ]
    for _, _, verb, *arguments in map(shlex.split, lines):
        if verb == "grade":
            assert [as_("ada", "fetch", "nuclei-1").exit_code, as_("ada", "submit", "nuclei-1").exit_code] == [0, 0]
            arguments.remove("--wait")
        done = as_("prof", verb, *arguments)
        assert done.exit_code == 0, (verb, done.stderr)
        if verb == "grade":
            item = find_assignment(service.client("prof"), "nuclei-1")
            service.grade(item.id, {one.key: 1.0 for one in service.client("prof").release(item.id, 1).items})
    assert len(lines) == 11
    assert "6 of 16 points" in as_("ada", "feedback", "fetch", "nuclei-1").stdout


def test_arrangements(as_: Callable[..., Done]) -> None:
    """An extension and a group are given, listed and taken back; a student is refused."""
    made = as_("prof", "create", "pairs", "--json").json
    assert (made["state"], made["group_size"]) == ("draft", 1)
    assert as_("prof", "set", "pairs", "--group-size", "2", "--json").json["group_size"] == 2
    grouped = as_("tom", "group", "pairs", "blue", "ada", "ben", "--json").json["groups"]
    assert grouped == [{"name": "blue", "members": ["ada", "ben"]}]
    assert "blue: ada, ben" in as_("tom", "group", "pairs").stdout
    extended = as_("tom", "extend", "pairs", "ada", "--due", "2030-10-27T12:00", "--reason", "ill", "--json").json
    assert extended["due"].startswith("2030-10-27")
    assert as_("tom", "extend", "pairs", "ada", "--end").exit_code == 0
    assert as_("ada", "set", "pairs", "--due", "none", "--json").error["type"] == "NotFound"


def test_what_does_not_fit_is_the_callers_error(as_: Callable[..., Done]) -> None:
    """Too long a name, too many attempts: said by its name, and nothing is asked of the hub."""
    assert as_("prof", "create", "odd", "--json").exit_code == 0
    for arguments, name in (
        (("create", "x" * 151), "name: "),
        (("set", "odd", "--attempts", "1001"), "attempts: "),
        (("set", "odd", "--grace-min", "20000"), "grace-min: "),
        (("extend", "odd", "ada", "--attempts", "2", "--reason", "x" * 301), "reason: "),
    ):
        done = as_("prof", *arguments, "--json")
        assert (done.exit_code, done.error["type"], done.error["message"].startswith(name)) == (2, "InvalidInput", True)
        assert "--help" in done.error["hint"]


def test_a_renamed_folder_makes_no_second_assignment(as_: Callable[..., Done], service: CourseService, tmp_path: Path) -> None:
    """Students would see it at once; who means one is told how."""
    folder = write_assignment(tmp_path, "Renamed")
    first = as_("prof", "release", folder, "--json").json["assignment"]
    later = folder.rename(tmp_path / "Called otherwise")
    refused = as_("prof", "release", later, "--json")
    assert refused.exit_code != 0
    assert "is of the assignment Renamed" in refused.json["error"]["message"]
    assert not any(item.name == later.name for item in service.client("prof").assignments(COURSE))
    assert as_("prof", "release", later, "--assignment", "Renamed", "--json").json["assignment"] == first
    as_("prof", "create", later.name, "--json")
    assert as_("prof", "release", later, "--json").json["assignment"] != first


def test_who_stops_waiting_for_a_batch_is_told_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no end of the batch, and no success: 130, by the error."""
    batch = SimpleNamespace(id="b", state="running", graded=0, failed=0, total=2)
    client = SimpleNamespace(start_grading=lambda *_: batch, batches=lambda *_: (batch,))
    monkeypatch.setattr(course_marking_commands, "course_client", lambda: client)
    monkeypatch.setattr(course_marking_commands, "find_assignment", lambda *_: SimpleNamespace(id="a"))
    cancel = CancelToken()
    cancel.cancel()
    grade: Callable[..., object] = inspect.unwrap(course_marking_commands.grade.callback or print)
    with pytest.raises(Cancelled, match="goes on at the hub"):
        grade("odd", (), None, everything=False, drop_hand=False, newest=False, wait=True, on_event=ignore_events, cancel=cancel)


def test_work_that_is_stopped_stops_where_it_tells_how_far_it_is() -> None:
    """Files that were sent stay; the work ends there."""
    cancel = CancelToken()
    told: list[Event] = []
    tell = stoppable(told.append, cancel)
    tell(Progress(done=1, total=2, unit="bytes"))
    cancel.cancel()
    with pytest.raises(Cancelled):
        tell(Progress(done=2, total=2, unit="bytes"))
    assert len(told) == 2


def test_where_there_is_no_hub(labkit: LabKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said how one belongs to a hub."""
    monkeypatch.delenv("LABKIT_SERVICE_URL", raising=False)
    assert "LABKIT_SERVICE_URL" in labkit("course", "list", "--json").error["hint"]
