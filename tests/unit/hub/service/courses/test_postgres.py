"""The courses room on PostgreSQL."""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from labkit.client.course_wire import HandScore
from labkit.courses.records import FileEntry
from labkit.testing.postgres import RunningPostgres, find_postgres
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import uploads
from labkit_hub.service.courses.access import lock_assignment
from labkit_hub.service.courses.activity import note_handed_in
from labkit_hub.service.courses.counting import open_ledger
from labkit_hub.service.courses.scores import put_score
from labkit_hub.service.courses.store import FileStore
from labkit_hub.service.courses.tables import ActivityRow, AssignmentRow, UploadRow
from labkit_hub.service.database import Database
from labkit_hub.service.migrate import migrate
from labkit_hub.service.passback.changes import fingerprints
from labkit_hub.service.passback.tables import LaunchRow, LinkRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def database() -> Iterator[Database]:
    """A database with all tables, in place of SQLite's."""
    if find_postgres() is None:
        pytest.skip("PostgreSQL is not installed")
    with RunningPostgres() as server:
        database = Database(server.url)
        migrate(database)
        yield database
        database.close()


def _begin_and_wait(database: Database, work: Callable[[], object]) -> threading.Thread:
    """Start work that comes to wait for a row, and return when it does."""
    thread = threading.Thread(target=work)
    thread.start()
    until = time.monotonic() + 60
    while True:
        with database.reading() as session:
            if session.scalar(text("select count(*) from pg_locks where not granted")):
                return thread
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.slow
def test_the_whole_way(school) -> None:
    """Two hand in at once with one attempt left; it is graded, by hand too, given back, and passed on; unnamed files go."""
    made = school.assignment(attempts=1)
    work, begin, answers = school.send("zoë b", {"ps1.ipynb": school.notebook("x = 1")}), threading.Barrier(3), []

    def submit(number: int) -> None:
        begin.wait()
        body = {"key": f"at-once-{number}", "release": 1, "manifest": work}
        answers.append(school.ask("zoë b", "POST", f"/assignments/{made}/submissions", json=body))

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    submission = next(answer.json()["submission"] for answer in answers if answer.status_code == 201)
    assert school.mine("zoë b", made)["attempts_used"] == 1
    run = school.batch(made)
    server = school.server_of(run)
    assert school.done(server, "GET", f"/grading/{run}/files/{work['files'][0]['sha256']}").content == school.notebook("x = 1")
    assert school.put_result(run, submission, 6).status_code == 204
    school.done("tom", "PUT", f"/submissions/{submission}/scores", json={"item": "ps1/essay", "points": 2, "comment": "Schön."})
    odd = {"item": "ps1/essay", "comment": "a text with a \0 in it"}
    assert school.ask("tom", "PUT", f"/submissions/{submission}/scores", json=odd).status_code == 400
    assert school.ask("tom", "GET", "/submissions/%00").status_code == 400
    school.done("prof", "POST", f"/assignments/{made}/feedback", json={})
    assert school.grade(submission, by="zoë b")["submission"]["points"] == 8
    assert "zoë b,Zoë B,8,8" in school.done("prof", "GET", f"/courses/{school.course}/gradebook.csv").content.decode()
    database, store = school.house.database, FileStore(school.house.files, most_bytes=1000)
    link = {"context": "ctx", "title": "", "client_id": "", "lineitems": "", "linked": school.clock.time, "linked_by": "prof"}
    with database.transaction() as session:
        assert fingerprints(session) == {}
        session.add(LinkRow(course_id=school.course, **link))
    with database.reading() as session:
        assert fingerprints(session) == fingerprints(session)
        assert list(fingerprints(session)) == [made]
    school.send("ada", {"x.bin": b"of nobody"})
    for path in school.house.files.rglob("*"):
        os.utime(path, (0, 0))
    assert uploads.sweep_unnamed(store, database, school.clock.time + timedelta(days=3)) == 1
    assert store.read(work["files"][0]["sha256"], 10_000)


@pytest.mark.slow
def test_two_graders_at_once(school, database) -> None:
    """Tom's page has read the sum, 8, before the professor makes it 10; what he takes off makes it 8 again, and that is written."""
    made = school.assignment()
    submission = school.submit("ada", made)["submission"]
    school.graded(made, submission, 6)
    school.done("tom", "PUT", f"/submissions/{submission}/scores", json={"item": "ps1/essay", "points": 2})
    tom = Identity("tom", False, frozenset(), frozenset({school.course}))
    with database.transaction() as session:
        ledger = open_ledger(session, session.get_one(AssignmentRow, made))
        school.done("prof", "PUT", f"/submissions/{submission}/scores", json={"item": "ps1/q1_test", "points": 8})
        put_score(session, submission, HandScore(item="ps1/essay", points=0), tom, school.clock.time)
        del ledger
    found = school.done("prof", "GET", f"/submissions/{submission}")
    assert found["points"] == 8
    totals = [(change["points"], change["by"]) for change in school.grade(submission)["history"] if not change["item"]]
    assert totals == [(6, "labkit-grader"), (8, "tom"), (10, "prof"), (8, "tom")]


@pytest.mark.slow
def test_two_tabs_at_once(school) -> None:
    """The first word of two tabs of one person, the first fetch of both, and a name that two give at once: none is an error of ours."""
    made = school.assignment()

    def at_once(name: str, method: str, path: str, **more: object) -> list[int]:
        begin, answers = threading.Barrier(6), []

        def ask() -> None:
            begin.wait()
            answers.append(school.ask(name, method, path, **more).status_code)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(answers)

    for name in ("ada", "ben", "zoë b"):
        assert at_once(name, "POST", f"/assignments/{made}/activity", json={"cell": "1", "error": "E"}) == [204] * 6
        assert at_once(name, "GET", f"/assignments/{made}/releases/1") == [200] * 6
    for number in range(3):
        asked = {"json": {"name": f"Twice {number}"}}
        assert at_once("prof", "POST", f"/courses/{school.course}/assignments", **asked) == [201, *[409] * 5]


@pytest.mark.slow
def test_first_word_of_somebody_who_is_just_handing_in(school, database) -> None:
    """Both write down where the person is: one waits for the other, and never each for the other."""
    made, answers = school.assignment(), []

    def say() -> None:
        answers.append(school.ask("ada", "POST", f"/assignments/{made}/activity", json={"cell": "ps1/q1"}).status_code)

    with database.transaction() as session:
        row = lock_assignment(session, made)
        thread = _begin_and_wait(database, say)
        note_handed_in(session, row, "ada", ("ada",), (3,), school.clock.time)
    thread.join()
    assert answers == [204]
    with database.reading() as session:
        found = session.get_one(ActivityRow, (made, "ada"))
        assert (found.cell, found.objects) == ("ps1/q1", 3)


@pytest.mark.slow
def test_two_link_the_same_course_of_the_platform_at_once(school, database) -> None:
    """The second is told so."""
    school.done("prof", "POST", "/courses", json={"id": "other", "title": "Other"})
    facts = {"context": "ctx", "client_id": "", "lineitems": ""}
    with database.transaction() as session:
        session.add(LaunchRow(username="prof", subject="", teaches=True, seen=school.clock.time, **facts))
    answers = []
    with database.transaction() as session:
        session.add(LinkRow(course_id="other", linked=school.clock.time, linked_by="prof", **facts))
        session.flush()
        ask = {"json": {"context": "ctx"}}
        thread = _begin_and_wait(
            database, lambda: answers.append(school.ask("prof", "PUT", f"/courses/{school.course}/passback", **ask).status_code)
        )
    thread.join()
    assert answers == [409]


@pytest.mark.slow
def test_files_are_claimed_and_swept_in_one_order(school, database) -> None:
    """Who waits for the first of two files holds not the second, wherever the table has it: else each could wait for the other."""
    first, second = sorted(school.sha256(data) for data in (b"one", b"two"))
    long_ago, later = school.clock.time, school.clock.time + timedelta(days=3)
    store = FileStore(school.house.files, most_bytes=1000)

    def claim() -> None:
        with database.transaction() as session:
            uploads.claim(session, "ada", [FileEntry(path=name, sha256=name, size=3) for name in (second, first)], {}, long_ago)

    for work in (lambda: uploads.sweep_unnamed(store, database, later), lambda: uploads.sweep(store, database, later), claim):
        for sha256 in (second, first):
            with database.transaction() as session:
                session.add(UploadRow(username="ada", sha256=sha256, size=3, sent=long_ago, used=None))
        with database.transaction() as session:
            session.scalars(select(UploadRow).where(UploadRow.sha256 == first).with_for_update()).one()
            thread = _begin_and_wait(database, work)
            session.scalars(select(UploadRow).where(UploadRow.sha256 == second).with_for_update(nowait=True)).one()
        thread.join()
