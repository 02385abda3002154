"""The queue's part of the REST API, over HTTP in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from sqlalchemy import select

from labkit.client.wire import HubRunItem
from labkit.storage import new_id
from labkit.testing.queueworld import World
from labkit_hub.service.errors import install_errors
from labkit_hub.service.queue.line import load_spent
from labkit_hub.service.tables import AuditRow, RunRow

NEW = {"kind": "train", "path": "projects/cells/runs", "title": "Nuclei"}
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(world: World) -> Iterator[Ask]:
    """Asks as somebody: method, address and body, and gets status and answer."""
    app = FastAPI()
    install_errors(app, "", lambda _request: "/", lambda _request, status, error: JSONResponse(error.as_dict(), status))
    app.include_router(world.queue.router)
    with TestClient(app) as client:

        def send(person: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
            answer = client.request(method, f"/{path}", json=body, headers={"X-Person": person})
            return answer.status_code, answer.json() if answer.content else None

        yield send


def test_asking_twice_for_a_run_is_asking_once(ask: Ask, world: World) -> None:
    """The first time 201, then 200 with the same; also when it has started meanwhile."""
    run_id = new_id()
    status, first = ask("anna", "PUT", f"api/runs/{run_id}", NEW)
    assert (status, first["state"], first["place"], first["profile"]) == (201, "waiting", 0, "gpu-run")
    assert ask("anna", "PUT", f"api/runs/{run_id}", NEW) == (200, first)
    world.decide()
    status, again = ask("anna", "PUT", f"api/runs/{run_id}", NEW)
    assert (status, again["state"]) == (200, "running")


def test_another_run_of_this_id_is_refused(ask: Ask) -> None:
    """Another person's, or with other contents: 409, and nothing is changed."""
    run_id = new_id()
    ask("anna", "PUT", f"api/runs/{run_id}", NEW)
    assert ask("ben", "PUT", f"api/runs/{run_id}", NEW)[0] == 409
    assert ask("anna", "PUT", f"api/runs/{run_id}", {**NEW, "title": "Axons"})[0] == 409
    assert ask("anna", "GET", f"api/runs/{run_id}")[1]["title"] == "Nuclei"


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"course": "physics"}, 404, "You are in no course called 'physics'."),
        ({"profile": "huge"}, 400, "No profile for runs is called 'huge'."),
        ({"profile": "gpu"}, 400, "No profile for runs is called 'gpu'."),
        ({"profile": "cpu-run"}, 403, "You may not use the profile 'cpu-run'."),
        ({"path": "../ben/runs"}, 400, "must be a folder inside the home, without '..'."),
        ({"colour": "red"}, 400, "The request cannot be used: colour: Extra inputs are not permitted."),
    ],
)
def test_what_cannot_be_had_is_refused_in_words(ask: Ask, fields: dict[str, str], status: int, message: str) -> None:
    """With a hint, and nothing is in the line."""
    answer = ask("anna", "PUT", f"api/runs/{new_id()}", {**NEW, **fields})
    assert answer[0] == status
    assert answer[1]["error"]["message"].endswith(message)
    assert answer[1]["error"]["hint"]
    assert ask("anna", "GET", "api/runs") == (200, {"runs": []})


def test_an_odd_id_is_none(ask: Ask) -> None:
    """It would become part of a server's name."""
    for odd in ("1abcdefghijk", "abc", "abcdefghijkL"):
        assert ask("anna", "PUT", f"api/runs/{odd}", NEW)[0] == 400


def test_only_so_many_wait(ask: Ask) -> None:
    """The limit is said."""
    for _ in range(20):
        assert ask("anna", "PUT", f"api/runs/{new_id()}", NEW)[0] == 201
    status, answer = ask("anna", "PUT", f"api/runs/{new_id()}", NEW)
    assert (status, answer["error"]["message"]) == (409, "20 runs of yours wait already; no more are taken.")
    assert ask("ben", "PUT", f"api/runs/{new_id()}", NEW)[0] == 201


def test_a_time_limit_is_never_longer_than_the_profile_allows(ask: Ask) -> None:
    """Twelve hours for this one; without a wish it is those."""
    for wish, limit in ((60, 60), (1e9, 43200), (None, 43200)):
        assert ask("anna", "PUT", f"api/runs/{new_id()}", {**NEW, "time_limit_s": wish})[1]["time_limit_s"] == limit


def test_students_see_their_own_and_staff_their_course(ask: Ask) -> None:
    """Others' runs are not there, whatever is asked."""
    mine, prof = new_id(), new_id()
    ask("anna", "PUT", f"api/runs/{mine}", NEW)
    ask("prof", "PUT", f"api/runs/{prof}", NEW)
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/cancel", None),
        ("POST", "/move", {"place": 0}),
        ("POST", "/report", {"state": "done"}),
    ):
        assert ask("ben", method, f"api/runs/{mine}{path}", body)[0] == 404
    assert ask("prof", "GET", f"api/runs/{mine}")[0] == 200
    assert ask("root", "GET", f"api/runs/{mine}")[0] == 200
    assert ask("anna", "GET", f"api/runs/{prof}")[0] == 404

    def listed(person: str, query: str = "") -> object:
        status, answer = ask(person, "GET", f"api/runs{query}")
        return {run["id"] for run in answer["runs"]} if status == 200 else status

    assert listed("anna") == {mine}
    assert listed("anna", "?course=bio") == 404
    assert listed("anna", "?all=1") == 403
    assert listed("prof", "?course=bio") == {mine, prof}
    assert listed("root", "?all=1") == {mine, prof}


def test_only_the_owner_reports(ask: Ask, world: World) -> None:
    """Not even an admin: it is the run's own server that speaks."""
    run = world.submit("anna")
    world.decide()
    for person in ("ben", "prof", "root"):
        assert ask(person, "POST", f"api/runs/{run}/report", {"state": "done"})[0] == 404
    assert ask("anna", "POST", f"api/runs/{run}/report", {"state": "running", "progress": "epoch 1 of 9"})[1]["progress"] == "epoch 1 of 9"
    assert ask("anna", "POST", f"api/runs/{run}/report", {"state": "done"})[1]["state"] == "done"


def test_an_end_is_an_end(ask: Ask, world: World) -> None:
    """Whatever is reported or asked later."""
    run = world.submit("anna")
    world.decide()
    ask("anna", "POST", f"api/runs/{run}/report", {"state": "failed", "reason": "No annotations."})
    for path, body in (("report", {"state": "done"}), ("cancel", None)):
        status, answer = ask("anna", "POST", f"api/runs/{run}/{path}", body)
        assert (status, answer["state"], answer["reason"]) == (200, "failed", "No annotations.")
    assert ask("anna", "POST", f"api/runs/{run}/move", {"place": 0})[0] == 404


def test_a_waiting_run_cannot_say_that_it_runs(ask: Ask, world: World) -> None:
    """A server that nobody started is told so; that its person gave the run up is heard."""
    run = world.submit("anna")
    assert ask("anna", "POST", f"api/runs/{run}/report", {"state": "running"})[0] == 409
    assert ask("anna", "POST", f"api/runs/{run}/report", {"state": "failed", "reason": "No folder."})[1]["state"] == "failed"


def test_own_runs_are_moved(ask: Ask, world: World) -> None:
    """Places are those among one's own; others keep theirs."""
    mine = [world.submit("anna") for _ in range(3)]
    ask("anna", "POST", f"api/runs/{mine[2]}/move", {"place": 0})
    places = {run["id"]: run["place"] for run in ask("anna", "GET", "api/runs")[1]["runs"]}
    assert sorted(mine, key=lambda run: places[run]) == [mine[2], mine[0], mine[1]]
    assert ask("prof", "POST", f"api/runs/{mine[0]}/move", {"place": 0})[0] == 403


def test_a_waiting_run_is_cancelled_at_once(ask: Ask, world: World) -> None:
    """By its owner or the staff of its course; who did it is written down."""
    mine, others = world.submit("anna"), world.submit("anna")
    assert ask("anna", "POST", f"api/runs/{mine}/cancel")[1]["reason"] == "You cancelled it."
    assert ask("prof", "POST", f"api/runs/{others}/cancel")[1]["reason"] == "prof cancelled it."
    with world.database.transaction() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "run.cancel").order_by(AuditRow.id)).all()
    assert [(row.actor, row.subject) for row in rows] == [("anna", mine), ("prof", others)]
    assert world.decide() == 0


def test_cancelling_a_grading_run_that_has_ended_holds_for_its_batch(ask: Ask, world: World) -> None:
    """The run that goes on from it is cancelled, or else none is to; what is done, or another's run, stays as it was."""
    grader, (first, second, others) = world.settings.courses.grader, (world.submit("anna") for _ in range(3))
    with world.database.transaction() as session:
        rows = {run: session.get_one(RunRow, run) for run in (first, second, others)}
        for row in rows.values():
            row.state, row.kind, row.owner = "failed", "grade", grader
        rows[others].owner = "anna"
    for run in (first, second, others):
        assert ask("prof", "POST", f"api/runs/{run}/cancel")[1]["state"] == "failed"
    assert [world.row(run).asked_to_stop_by for run in (first, second, others)] == ["prof", "prof", None]
    with world.database.transaction() as session:
        rows = {run: session.get_one(RunRow, run) for run in (first, second)}
        rows[first].asked_to_stop_by = None
        rows[second].resumes, rows[second].state = first, "waiting"
    assert ask("prof", "POST", f"api/runs/{first}/cancel")[1]["id"] == second
    assert (world.row(first).asked_to_stop_by, world.row(second).state) == (None, "cancelled")


def test_who_cancels_a_grading_run_at_its_time_limit_cancels_its_batch(ask: Ask, world: World) -> None:
    """The limit would only let another run go on."""
    run = world.submit("anna")
    with world.database.transaction() as session:
        row = session.get_one(RunRow, run)
        row.state, row.kind, row.owner, row.asked_to_stop_by = "cancelling", "grade", world.settings.courses.grader, "labkit"
    ask("prof", "POST", f"api/runs/{run}/cancel")
    assert world.row(run).asked_to_stop_by == "prof"


def test_admins_look_after_devices(ask: Ask, world: World) -> None:
    """Start, stop, drain; nobody else may, or sees who holds them."""
    world.hub.ask_as_person("anna", "", {"profile": "gpu"})
    status, answer = ask("root", "GET", "api/devices")
    held = [(device["key"], device["state"], device["holder"]) for device in answer["devices"]]
    assert (status, held) == (200, [("fake-0", "ready", "anna"), ("fake-1", "ready", None)])
    for verb, state in (("drain", "stopped"), ("start", "ready"), ("stop", "stopped")):
        assert ask("root", "POST", f"api/devices/2/{verb}")[1]["state"] == state
    assert ask("root", "POST", "api/devices/99/stop")[0] == 404
    for method, path in (("GET", "api/devices"), ("POST", "api/devices/1/stop"), ("POST", "api/line/resume")):
        assert ask("prof", method, path)[0] == 403


def test_a_paused_line_says_why(ask: Ask, world: World) -> None:
    """To everybody in it; afterwards it goes on."""
    run = world.submit("anna")
    assert ask("root", "POST", "api/line/pause", {"reason": "The power is cut at six."})[1]["paused"] is True
    assert world.decide() == 0
    item = HubRunItem.model_validate(ask("anna", "GET", f"api/runs/{run}")[1])
    assert (item.place, item.reason) == (0, "The line is paused: The power is cut at six.")
    assert ask("root", "POST", "api/line/resume") == (200, {"paused": False, "reason": "", "since": None, "by": ""})
    assert world.decide() == 1


def test_only_the_hub_admits(ask: Ask) -> None:
    """Nobody else may ask, admins included."""
    asked = {"user": "anna", "server": "", "profile": "cpu", "ticket": None, "by": "person", "is_admin": False}
    assert ask("hub", "POST", "internal/admit", asked) == (200, {"profile": "cpu", "devices": [], "run": None, "until": None})
    assert ask("root", "POST", "internal/admit", asked)[0] == 403
    assert ask("hub", "POST", "internal/admit", {**asked, "server": "run-abcdefghijkl", "ticket": "guessed"})[0] == 403
    assert ask("hub", "POST", "internal/stopped", {"user": "anna", "server": ""})[0] == 204


def test_budgets_and_caps_are_told(ask: Ask, world: World) -> None:
    """What is left is in the person's standing, and what is used up is the reason for waiting."""
    world.add_course("bio", hours_total=0.0)
    run = world.submit("anna")
    assert ask("anna", "GET", f"api/runs/{run}")[1]["reason"] == "Your course has used its 0 device-hours of these seven days."
    standing = world.queue.views.standing(world.who("anna"))
    assert (standing.course_hours_left, standing.devices.free, standing.devices.waiting) == ({"bio": 0.0}, 2, 1)
    assert [profile.slug for profile in standing.profiles] == ["gpu-run"]
    assert world.decide() == 0


def test_counts_for_metrics(ask: Ask, world: World) -> None:
    """Runs and devices by state, leases, the line."""
    world.submit("anna")
    world.submit("anna")
    world.decide()
    counts = world.queue.views.counts()
    assert (counts.runs, counts.devices, counts.leases, counts.waiting) == ({"running": 1, "waiting": 1}, {"ready": 2}, 1, 1)
    assert counts.oldest_wait_s >= 0
    assert len(world.meters.waits) == 1


def test_the_line_is_its_first_and_ones_own(world: World) -> None:
    """Those between are counted only, however many they are."""
    runs = {person: world.submit(person) for person in ("anna", "ben", "cleo", "dora")}
    shown = world.queue.views.line(first=1, owner="cleo")
    assert [(run.id, run.place) for run in shown] == [(runs["anna"], 0), (runs["cleo"], 2)]


def test_the_book_of_usage_is_the_table(world: World) -> None:
    """What is remembered between questions is what a fresh reading finds, also after a reading of what was rolled back."""
    for name in ("anna", "ben"):
        world.hub.ask_as_person(name, "", {"profile": "gpu"})
        world.hub.die(name, "")
        world.reconcile()
        with world.database.transaction() as session:
            now = world.queue.desk.now()
            assert load_spent(session, now, world.queue.desk.book) == load_spent(session, now)
    assert len(world.usage()) == 2
