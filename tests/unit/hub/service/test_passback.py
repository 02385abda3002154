"""Points on their way to a learning platform, which is played.

A small HTTP server of the tests' own looks at signatures, scopes and media types as the specifications demand, and keeps scores. Where the
specifications leave room it does as Moodle 4.2 was seen to do: it compares whole seconds, says beside the status why it refuses, takes 255
characters for a column's name, takes no score of somebody who is no student, and rescales what it has when a maximum changes.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from fastapi.testclient import TestClient
from sqlalchemy import select

from labkit.errors import CorruptStore
from labkit_hub.launches import launch_of
from labkit_hub.service.courses.tables import AssignmentRow, ExtensionRow, GradeRow, SubmissionRow
from labkit_hub.service.database import Database
from labkit_hub.service.internal import Launch
from labkit_hub.service.migrate import migrate
from labkit_hub.service.passback import Grade, GradedAssignment, Passback, door, keys
from labkit_hub.service.passback.grades import released_grades
from labkit_hub.service.passback.keys import SigningKey, load_key
from labkit_hub.service.passback.links import keep_launch
from labkit_hub.service.passback.platform import Platform
from labkit_hub.service.passback.tables import LineItemRow, LinkRow, SendRow
from labkit_hub.service.tables import AuditRow, CourseRow, MemberRow
from labkit_hub.settings import AccountSettings, LtiSettings, PassbackSettings, ServiceSettings, Settings

CLIENT = "labkit-at-the-platform"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LINE_ITEM_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
SCORE_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
LINE_ITEM = "application/vnd.ims.lis.v2.lineitem+json"
CONTAINER = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@dataclass
class PlayedPlatform:
    """Gives tokens to who proves to have the key, and keeps line items and scores.

    ``moods`` are statuses with which it answers the next requests that carry a score; ``strangers`` are no students of its course.
    """

    key: SigningKey
    now: Callable[[], datetime]
    url: str = ""
    strangers: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    seen_assertions: set[str] = field(default_factory=set)
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    scores: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    posted: list[dict[str, Any]] = field(default_factory=list)
    moods: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    token_requests: int = 0

    def token(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        self.token_requests += 1
        if form.get("grant_type") != ["client_credentials"] or form.get("client_assertion_type") != [ASSERTION]:
            return 400, {"error": "unsupported_grant_type"}
        try:
            assertion = form["client_assertion"][0]
            key = jwt.PyJWK(self.key.public)
            assert jwt.get_unverified_header(assertion)["kid"] == self.key.public["kid"]
            claims = jwt.decode(assertion, key.key, algorithms=["RS256"], audience=f"{self.url}/token", issuer=CLIENT)
        except (jwt.PyJWTError, KeyError, AssertionError) as error:
            return 401, {"error": "invalid_client", "error_description": str(error)}
        if claims["sub"] != CLIENT or claims["jti"] in self.seen_assertions or claims["exp"] - claims["iat"] > 3600:
            return 401, {"error": "invalid_client"}
        self.seen_assertions.add(claims["jti"])
        token = f"token-{self.token_requests}"
        self.tokens = {token}
        self.scopes = set(form["scope"][0].split())
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": form["scope"][0]}

    def answer(self, method: str, path: str, query: dict[str, list[str]], headers: Any, body: bytes) -> tuple[int, Any, dict[str, str]]:
        if path == "/token":
            return *self.token(parse_qs(body.decode())), {}
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return 401, {"error": "token"}, {}
        if path == "/items":
            return *self.collection(method, query, headers, body), {}
        name, _, rest = path.removeprefix("/items/").partition("/")
        if name not in self.items:
            return 404, {"error": "no such line item"}, {}
        if rest == "scores":
            return self.score(method, name, headers, body)
        if method != "PUT" or headers.get("Content-Type") != LINE_ITEM:
            return 415, {}, {}
        was, self.items[name] = self.items[name], json.loads(body)
        self.rescale(name, self.items[name]["scoreMaximum"] / was["scoreMaximum"])
        return 200, self.items[name], {}

    def rescale(self, name: str, factor: float) -> None:
        """Keep the share of each score, as if it had been written now."""
        for (item, _), score in self.scores.items():
            if item == name and factor != 1:
                score.update(scoreGiven=score["scoreGiven"] * factor, timestamp=self.now().isoformat())

    def collection(self, method: str, query: dict[str, list[str]], headers: Any, body: bytes) -> tuple[int, Any]:
        if LINE_ITEM_SCOPE not in self.scopes:
            return 403, {"error": "scope"}
        if method == "GET":
            if headers.get("Accept") != CONTAINER:
                return 406, {}
            wanted = query.get("resource_id")
            return 200, [item for item in self.items.values() if wanted in (None, [item["resourceId"]])]
        if headers.get("Content-Type") != LINE_ITEM:
            return 415, {}
        if len(json.loads(body)["label"]) > 255:
            return 500, {}
        name = f"item{len(self.items) + 1}"
        self.items[name] = {**json.loads(body), "id": f"{self.url}/items/{name}?type=7", "gradebookColumnId": "kept"}
        return 201, self.items[name]

    def score(self, method: str, name: str, headers: Any, body: bytes) -> tuple[int, Any, dict[str, str]]:
        if SCORE_SCOPE not in self.scopes or method != "POST":
            return 403, {"error": "scope"}, {}
        if headers.get("Content-Type") != SCORE:
            return 415, {"error": "media type"}, {}
        if self.moods:
            status, more = self.moods.pop(0)
            return status, {"error": "mood"}, more
        score = json.loads(body)
        key = (name, score["userId"])
        if score["userId"] in self.strangers:
            return 400, [], {"reason": f"Incorrect score received{body.decode()}"}
        if key in self.scores and second(score) <= second(self.scores[key]):
            return 409, [], {"reason": "Refusing score with an earlier timestamp"}
        self.scores[key] = score
        self.posted.append(dict(score))
        return 200, [], {}

    def points(self) -> dict[str, float]:
        """Return what stands in the gradebook, by what the platform calls people."""
        return {subject: score["scoreGiven"] for (_, subject), score in self.scores.items()}


def second(score: dict[str, Any]) -> int:
    """Return when a score was made, as exactly as Moodle looks."""
    return int(datetime.fromisoformat(score["timestamp"]).timestamp())


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Path:
    """A database with all tables, made once."""
    path = tmp_path_factory.mktemp("tables") / "service.sqlite"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()  # the last to leave writes what SQLite had ahead
    return path


@pytest.fixture
def database(tmp_path, tables) -> Iterator[Database]:
    """A copy of it."""
    shutil.copyfile(tables, tmp_path / "service.sqlite")
    database = Database(f"sqlite:///{tmp_path}/service.sqlite")
    yield database
    database.close()


@pytest.fixture(scope="module")
def key() -> SigningKey:
    """A key that is made quickly."""
    return SigningKey(generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture
def platform(key, clock) -> Iterator[PlayedPlatform]:
    played = PlayedPlatform(key, clock)

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer, headers = played.answer(self.command, parts.path, parse_qs(parts.query), self.headers, body)
            data = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status, headers.pop("reason", None))
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do  # noqa: N815 - the names that the library looks for

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    played.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield played
    server.shutdown()
    server.server_close()


class Clock:
    time = NOW

    def __call__(self) -> datetime:
        return self.time

    def later(self, **span: float) -> None:
        self.time += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def passback(database, platform, clock) -> Passback:
    """The room's door; tests look in place of its thread."""
    settings = PassbackSettings(token_url=f"{platform.url}/token", attempts=3, pause_s=60)
    return Passback(database, Platform(settings.token_url, "", platform.key), settings, clock=clock)


@pytest.fixture
def course(database, platform) -> None:
    """A linked course with two students who came from the platform and one who did not; ada's and bob's feedback is released."""
    with database.transaction() as session:
        session.add(CourseRow(id="c", title="C", created=NOW, created_by="prof"))
        session.flush()
        session.add_all(
            MemberRow(course_id="c", username=name, role="student", added=NOW, added_by="prof") for name in ("ada", "bob", "kim", "zoe")
        )
        for name in ("ada", "bob", "zoe"):
            keep_launch(session, launch(platform, name), NOW)
        link = {"title": "At the platform", "client_id": CLIENT, "lineitems": f"{platform.url}/items"}
        session.add(LinkRow(course_id="c", context="ctx", linked=NOW, linked_by="prof", **link))
        facts = {
            "created_by": "prof",
            "late": {},
            "state": "released",
            "version": 1,
            "max_points": 10.0,
            "folded": "ps 1",
            "title": "Sheet 1",
        }
        session.add(AssignmentRow(id="aaaaaaaaaaaa", course_id="c", name="PS 1", created=NOW, **facts))
        session.flush()
        for name, points, released in (("ada", 7.5, True), ("bob", 10.0, True), ("kim", 3.0, True), ("zoe", 9.0, False)):
            row = {"sha256": "0" * 64, "size": 1, "receipt": {}, "attempt": 1, "release": 1, "key": name, "members": [name]}
            session.add(
                SubmissionRow(
                    id=f"sub-{name}", assignment_id="aaaaaaaaaaaa", person=name, submitted=NOW, feedback=NOW if released else None, **row
                )
            )
            session.flush()
            session.add(GradeRow(submission_id=f"sub-{name}", state="graded", points=points, max_points=10, needs_hand=0, changed=NOW))


def launch(platform: PlayedPlatform, name: str, *, teaches: bool = False) -> Launch:
    facts = {"user": name, "context": "ctx", "title": "At the platform", "subject": f"id of {name}", "client_id": CLIENT}
    return Launch(**facts, lineitems=f"{platform.url}/items", teaches=teaches)


def set_points(database, name: str, points: float) -> None:
    with database.transaction() as session:
        session.get(GradeRow, f"sub-{name}").points = points


def states(database) -> dict[str, tuple[str, str]]:
    with database.reading() as session:
        return {row.username: (row.state, row.message) for row in session.scalars(select(SendRow))}


def actions(database) -> list[str]:
    with database.reading() as session:
        return [row.action for row in session.scalars(select(AuditRow).order_by(AuditRow.id))]


def test_released_points_arrive_and_no_others(passback, platform, database, course) -> None:
    """Ada's and Bob's; not Zoe's, who may not read hers yet, and not Kim's, of whom the platform knows nothing."""
    passback.look()
    assert platform.points() == {"id of ada": 7.5, "id of bob": 10}
    assert next(iter(platform.items.values())) | {"id": ""} == {
        "label": "Sheet 1",
        "scoreMaximum": 10,
        "resourceId": "aaaaaaaaaaaa",
        "gradebookColumnId": "kept",
        "id": "",
    }
    assert (platform.posted[0]["activityProgress"], platform.posted[0]["gradingProgress"]) == ("Completed", "FullyGraded")
    assert platform.posted[0]["https://canvas.instructure.com/lti/submission"] == {"new_submission": False}
    assert states(database)["kim"][0] == "failed"
    assert "never come here from the platform" in states(database)["kim"][1]
    assert actions(database).count("grade.sent") == 2
    assert actions(database).count("grade.not-sent") == 1


def test_what_was_sent_is_not_sent_again(passback, platform, course) -> None:
    """Looking ten times, and asking for the same, sends one score for each person, with one token and one column."""
    for _ in range(10):
        passback.look()
    assignment = GradedAssignment("aaaaaaaaaaaa", "c", "Sheet 1", 10)
    assert passback.send_grades(assignment, {"ada": Grade(7.5, 10), "bob": Grade(10, 10)}) == 0
    passback.look()
    assert (len(platform.posted), platform.token_requests, len(platform.items)) == (2, 1, 1)


def test_a_regrade_is_sent_later(passback, platform, database, clock, course) -> None:
    """The platform gets the new points, even by a clock that was set back."""
    passback.look()
    set_points(database, "ada", 9.25)
    clock.later(days=-3)
    passback.look()
    assert platform.points()["id of ada"] == 9.25
    assert len(platform.posted) == 3


def test_two_changes_in_one_second_both_arrive(passback, platform, database, course) -> None:
    """The platform looks at whole seconds: the second score is dated after the first."""
    passback.look()
    set_points(database, "ada", 8)
    passback.look()
    set_points(database, "ada", 9)
    passback.look()
    assert (platform.points()["id of ada"], states(database)["ada"]) == (9, ("sent", ""))


def test_a_changed_maximum_does_not_leave_what_the_platform_makes_of_it(passback, platform, database, clock, course) -> None:
    """It rescales what it has, in the second in which we send: the points are refused as older, waited with, and stand in the end."""
    passback.look()
    clock.later(seconds=30)
    with database.transaction() as session:
        session.get(AssignmentRow, "aaaaaaaaaaaa").max_points = 20
        session.get(GradeRow, "sub-ada").max_points = 20
    passback.look()
    assert platform.points()["id of ada"] == 15
    assert states(database)["ada"] == ("waiting", "The platform answered 409: Refusing score with an earlier timestamp.")
    clock.later(seconds=61)
    passback.look()
    assert platform.points()["id of ada"] == 7.5


def test_a_long_title_gets_a_column(passback, platform, database, course) -> None:
    """Cut to what the platform takes; its end does not make a new one each time."""
    with database.transaction() as session:
        session.get(AssignmentRow, "aaaaaaaaaaaa").title = "long " * 60
    passback.look()
    set_points(database, "ada", 8)
    passback.look()
    assert [len(item["label"]) for item in platform.items.values()] == [255]


def test_who_is_no_student_there_is_told_in_words(passback, platform, database, course) -> None:
    """Ada has left the platform's course: what it says is passed on, with what it may mean; Bob's score arrives."""
    platform.strangers.add("id of ada")
    passback.look()
    said = "The platform answered 400: Incorrect score received. Perhaps this person is no student of the platform's course."
    assert (states(database)["ada"], states(database)["bob"][0]) == (("failed", said), "sent")


def test_a_score_is_tried_again_with_pauses(passback, platform, database, clock, course) -> None:
    """Twice the platform is busy: nothing is sent before the pause is over, and the pause doubles."""
    platform.moods = [(503, {}), (503, {})]  # ada's and bob's first
    passback.look()
    passback.look()
    assert platform.points() == {}
    platform.moods = [(429, {"Retry-After": "600"}), (500, {})]
    clock.later(seconds=61)
    passback.look()
    clock.later(seconds=130)
    passback.look()
    assert platform.points() == {"id of bob": 10}
    clock.later(seconds=500)
    passback.look()
    assert platform.points() == {"id of ada": 7.5, "id of bob": 10}


def test_a_score_is_given_up_in_words_and_can_be_asked_for_again(passback, platform, database, clock, course) -> None:
    """After three attempts it has failed, which the audit says; a change of the points starts anew."""
    platform.moods = [(500, {})] * 6
    for _ in range(5):
        passback.look()
        clock.later(hours=1)
    assert states(database)["ada"] == ("failed", 'The platform answered 500: {"error": "mood"}.')
    assert actions(database).count("grade.not-sent") == 3
    passback.look()
    assert platform.points() == {}
    set_points(database, "ada", 8)
    passback.look()
    assert platform.points() == {"id of ada": 8}


def test_what_was_taken_back_meanwhile_is_not_sent(passback, platform, database, clock, course) -> None:
    """While the platform is busy, Ada's feedback is taken back: she may not read in its gradebook what she may not read here."""
    platform.moods = [(503, {}), (503, {})]
    passback.look()
    with database.transaction() as session:
        session.get(SubmissionRow, "sub-ada").feedback = None
    clock.later(seconds=61)
    passback.look()
    assert platform.points() == {"id of bob": 10}


def test_what_is_not_sent_holds_up_nobody(passback, platform, database, clock, course) -> None:
    """More scores than are sent at once wait in a course that was archived; those of another course arrive."""
    with database.transaction() as session:
        session.add(CourseRow(id="old", title="Old", created=NOW, created_by="prof", archived=NOW))
        session.flush()
        facts = {"created_by": "prof", "late": {}, "state": "released", "version": 1, "max_points": 10.0, "folded": "old"}
        session.add(AssignmentRow(id="bbbbbbbbbbbb", course_id="old", name="Old", created=NOW, **facts))
        session.flush()
        before = {"points": 1.0, "max_points": 1.0, "state": "waiting", "attempts": 0, "asked": NOW - timedelta(days=9)}
        session.add_all(SendRow(assignment_id="bbbbbbbbbbbb", username=f"s{number}", **before) for number in range(250))
    passback.look()
    assert platform.points() == {"id of ada": 7.5, "id of bob": 10}


def test_a_refusal_is_not_repeated(passback, platform, database, course) -> None:
    """What the platform will not take, it is not asked to take again."""
    platform.moods = [(403, {}), (403, {})]
    passback.look()
    assert [states(database)[name][0] for name in ("ada", "bob")] == ["failed", "failed"]


def test_a_platform_that_is_away_is_waited_for(database, clock, tmp_path, platform, course) -> None:
    """Nobody answers: all waits."""
    settings = PassbackSettings(token_url="http://127.0.0.1:9/token")
    with database.transaction() as session:
        session.get(LinkRow, "c").lineitems = "http://127.0.0.1:9/items"
    Passback(database, Platform(settings.token_url, "", platform.key, timeout_s=1), settings, clock=clock).look()
    assert states(database)["ada"] == ("waiting", "The platform does not answer (ConnectError).")


def test_a_column_that_was_removed_is_made_again(passback, platform, database, clock, course) -> None:
    """A teacher deletes the column: the next score makes a new one."""
    passback.look()
    platform.items.clear()
    set_points(database, "ada", 8)
    passback.look()
    passback.look()
    assert list(platform.items) == ["item1"]
    assert platform.points()["id of ada"] == 8


def test_a_column_that_is_there_is_found_and_kept(passback, platform, database, course) -> None:
    """After the database was lost the column is known by the assignment's id; what the platform put there stays."""
    passback.look()
    with database.transaction() as session:
        session.delete(session.get(LineItemRow, "aaaaaaaaaaaa"))
        session.get(AssignmentRow, "aaaaaaaaaaaa").title = "Sheet 1, again"
    set_points(database, "ada", 8)
    passback.look()
    assert [(item["label"], item["gradebookColumnId"]) for item in platform.items.values()] == [("Sheet 1, again", "kept")]


def test_a_token_that_was_taken_back_is_renewed(passback, platform, database, course) -> None:
    """The platform forgets its tokens: one more is asked for, and nothing is lost."""
    passback.look()
    platform.tokens.clear()
    set_points(database, "ada", 8)
    passback.look()
    assert platform.points()["id of ada"] == 8
    assert platform.token_requests == 2


def test_a_token_is_sent_to_no_unsafe_address(database, clock, platform, course) -> None:
    """The platform is https, the column's address is not: nothing is sent there."""
    secure = Platform("https://platform.example/token", "", platform.key, transport=httpx.MockTransport(lambda _: pytest.fail("asked")))
    Passback(database, secure, PassbackSettings(token_url="https://platform.example/token"), clock=clock).look()
    assert states(database)["ada"] == ("failed", "The platform gave an address that is not safe (http:).")


def test_who_comes_later_gets_the_score_then(passback, platform, database, course) -> None:
    """Kim opens LabKit from the platform: what could not be sent is sent."""
    passback.look()
    with database.transaction() as session:
        keep_launch(session, launch(platform, "kim"), NOW)
    passback.look()
    assert platform.points()["id of kim"] == 3


def test_the_thread_sends_what_it_is_given(passback, platform, database, course) -> None:
    """`send_grades` returns at once; a moment later the score is there."""
    others, arrived = threading.Event(), threading.Event()
    before = platform.score

    def score(*arguments: Any) -> Any:
        answer = before(*arguments)
        if {"id of ada", "id of bob"} <= set(platform.points()):
            others.set()
        if "id of zoe" in platform.points():
            arrived.set()
        return answer

    platform.score = score
    passback.start()
    assert others.wait(20)
    with database.transaction() as session:
        session.get(SubmissionRow, "sub-zoe").feedback = NOW
    assert passback.send_grades(GradedAssignment("aaaaaaaaaaaa", "c", "Sheet 1", 10), {"zoe": Grade(9, 10)}) == 1
    assert arrived.wait(20)
    passback.stop()


def test_the_key_is_kept_and_is_nobody_elses(tmp_path, monkeypatch) -> None:
    """Made once, readable by its owner; a file that is no key is refused."""
    monkeypatch.setattr(keys, "_BITS", 2048)
    path = tmp_path / "var" / "lti_key.pem"
    first = load_key(path)
    assert load_key(path).public == first.public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(first.public) == {"alg", "e", "kid", "kty", "n", "use"}
    path.write_text("no key")
    with pytest.raises(CorruptStore, match="is no key"):
        load_key(path)


def _give_leave(session) -> None:
    session.add(ExtensionRow(assignment_id="aaaaaaaaaaaa", username="ada", due=NOW, given=NOW, given_by="prof"))


CHANGES = {
    "a sum": lambda session: setattr(session.get(GradeRow, "sub-ada"), "points", 8.0),
    "a regrade with the same sum": lambda session: setattr(session.get(GradeRow, "sub-ada"), "changed", NOW + timedelta(seconds=1)),
    "feedback given": lambda session: setattr(session.get(SubmissionRow, "sub-zoe"), "feedback", NOW),
    "feedback taken": lambda session: setattr(session.get(SubmissionRow, "sub-ada"), "feedback", None),
    "an extension": _give_leave,
    "a late rule": lambda session: setattr(session.get(AssignmentRow, "aaaaaaaaaaaa"), "late", {"accept": True}),
    "what counts": lambda session: setattr(session.get(AssignmentRow, "aaaaaaaaaaaa"), "counts", "best"),
    "a student who left": lambda session: session.delete(session.get(MemberRow, ("c", "ada"))),
    "a student who became staff": lambda session: setattr(session.get(MemberRow, ("c", "bob")), "role", "assistant"),
    "another link": lambda session: setattr(session.get(LinkRow, "c"), "linked", NOW + timedelta(seconds=1)),
}


def test_submissions_are_read_when_something_has_changed(passback, database, course, monkeypatch) -> None:
    """And not each minute: what has not changed is known by sums that the database makes. Each change is seen at once, and once."""
    read = []

    def noted(session, assignment_id: str):
        read.append(assignment_id)
        return released_grades(session, assignment_id)

    def looked() -> int:
        before = len(read)
        passback.look()
        return len(read) - before

    monkeypatch.setattr(door, "released_grades", noted)
    assert (looked(), looked()) == (1, 0)
    found = {}
    for name, change in CHANGES.items():
        with database.transaction() as session:
            change(session)
        found[name] = (looked(), looked())
    assert found == dict.fromkeys(CHANGES, (1, 0))


# The service's own addresses


def test_only_a_teacher_there_links_the_course(house, platform) -> None:
    """A student of the platform's course who is a professor here must not write into its gradebook."""
    prof, student, other = (house.hub.add(name, groups=("professors",)) for name in ("prof", "ada", "other"))
    assert house.ask(prof, "POST", "/api/courses", json={"id": "c1", "title": "C"}).status_code == 201
    assert house.ask(other, "POST", "/api/courses", json={"id": "c2", "title": "D"}).status_code == 201
    for name, teaches in (("prof", True), ("other", False)):
        body = launch(platform, name, teaches=teaches).model_dump()
        assert house.ask("token-of-the-service", "POST", "/internal/launch", json=body).status_code == 204
        assert house.ask(prof, "POST", "/internal/launch", json=body).status_code in (401, 403, 404)
    assert house.ask(other, "GET", "/api/courses/c2/passback").json()["choices"] == []
    assert house.ask(other, "PUT", "/api/courses/c2/passback", json={"context": "ctx"}).status_code in (400, 422)
    assert house.ask(student, "PUT", "/api/courses/c1/passback", json={"context": "ctx"}).status_code == 404
    linked = house.ask(prof, "PUT", "/api/courses/c1/passback", json={"context": "ctx"}).json()
    assert linked["linked"] == {"context": "ctx", "title": "At the platform"}
    assert linked["configured"] is False
    assert "course.link" in actions(house.database)
    assert house.ask(prof, "PUT", "/api/courses/c1/passback", json={"context": None}).json()["linked"] is None


def test_the_platform_finds_the_key_without_a_login(house) -> None:
    """Nothing is there while nothing is configured, and no login is asked for."""
    client: TestClient = house.client
    assert client.get("/services/labkit/lti/keys").json() == {"keys": []}


@pytest.fixture
def sending(tmp_path, hub, database, platform, course, key, open_service) -> Iterator[Any]:
    """The service as it sends to the platform; prof teaches the course, tom assists."""
    own = tmp_path / "lti_key.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    own.write_bytes(key.private.private_bytes(*form))
    passing = PassbackSettings(token_url=f"{platform.url}/token", key_file=own, attempts=3)
    settings = Settings(
        var=tmp_path / "var",
        accounts=AccountSettings(kind="lti13"),
        lti=LtiSettings(passback=passing),
        service=ServiceSettings(database_url=str(database.engine.url)),
    )
    with database.transaction() as session:
        session.get(AssignmentRow, "aaaaaaaaaaaa").version = 0  # what was released is not asked for here
        for name, role in (("prof", "professor"), ("tom", "assistant")):
            session.add(MemberRow(course_id="c", username=name, role=role, full_name=name.title(), added=NOW, added_by="admin"))
        keep_launch(session, launch(platform, "prof", teaches=True), NOW)
    for name in ("prof", "tom", "ada"):
        hub.add(name)
    with open_service(settings) as house:
        yield house


def _until(found, wanted) -> None:
    deadline = time.monotonic() + 20
    while found() != wanted:
        assert time.monotonic() < deadline, found()
        time.sleep(0.02)


PAGE = "/courses/c/assignments/aaaaaaaaaaaa"


def test_staff_see_how_points_stand_and_send_them_again(sending, platform, database) -> None:
    """What the platform has, why it did not take one, by name; professors send again, and one click sends what failed."""
    _until(lambda: {name: state for name, (state, _) in states(database).items()}, {"ada": "sent", "bob": "sent", "kim": "failed"})
    browser = sending.browse("prof")
    page = browser.get(f"{PAGE}/settings")
    told = unescape(" ".join(re.sub(r"<[^>]+>", " ", page.text).split()))
    assert "Points go to At the platform as soon as their feedback is released." in told
    assert "kim not taken 3 / 10 – This person has never come here from the platform's course" in told
    assert "ada sent 7.5 / 10 7.5" in told
    assert "Send again what failed (1)" in told
    with database.transaction() as session:
        keep_launch(session, launch(platform, "kim"), NOW)
        session.scalar(select(SendRow).where(SendRow.username == "kim")).state = "failed"
    assert "Send again" not in sending.browse("tom").get(f"{PAGE}/settings").text
    assert sending.browse("tom").post(f"{PAGE}/passback", data={"everything": "no"}).status_code == 403
    answer = browser.post(f"{PAGE}/passback", data={"everything": "no"})
    assert answer.headers["location"].endswith("/settings?said=sent-again")
    _until(lambda: platform.points().get("id of kim"), 3)
    assert len(platform.posted) == 3
    browser.post(f"{PAGE}/passback", data={"everything": "yes"})
    _until(lambda: len(platform.posted), 6)


def test_who_looks_at_points_of_others_is_noted(sending, database) -> None:
    """Staff once a day, however often they look; students find nothing there, and that they tried is noted."""
    _until(lambda: len(states(database)), 3)
    tom, ada = (sending.hub.add(name) for name in ("tom", "ada"))
    for _ in range(2):
        assert len(sending.ask(tom, "GET", "/api/assignments/aaaaaaaaaaaa/passback").json()["items"]) == 3
        assert sending.browse("tom").get(f"{PAGE}/settings").status_code == 200
    peeks = [sending.ask(ada, "GET", f"/api/{path}/passback").status_code for path in ("assignments/aaaaaaaaaaaa", "courses/c")]
    peeks += [sending.ask(ada, "POST", "/api/assignments/aaaaaaaaaaaa/passback", json={}).status_code]
    peeks += [sending.browse("ada").post(path, data={}).status_code for path in (f"{PAGE}/passback", "/courses/c/platform")]
    assert peeks == [404] * 5
    with database.reading() as session:
        noted = session.execute(select(AuditRow.actor, AuditRow.action).where(AuditRow.action.in_(("passback.read", "course.peek")))).all()
    assert sorted(map(tuple, noted)) == [("ada", "course.peek")] * 5 + [("tom", "passback.read")]


def test_the_course_is_linked_on_its_page(sending, database) -> None:
    """By a professor who teaches there; what cannot be is said, and students see nothing of it."""
    browser = sending.browse("prof")
    page = browser.get("/courses/c").text
    assert '<option value="ctx" selected>At the platform</option>' in page
    assert "Learning platform" not in sending.browse("ada").get("/courses/c").text
    assert browser.post("/courses/c/platform", data={"platform": ""}).headers["location"].endswith("?said=linked")
    assert "No course of the learning platform gets the points" in browser.get("/courses/c").text
    assert "No course of the learning platform gets the points" in browser.get(f"{PAGE}/settings").text
    refused = browser.post("/courses/c/platform", data={"platform": "another"})
    assert (refused.status_code, "You have not come here from" in refused.text) == (400, True)
    browser.post("/courses/c/platform", data={"platform": "ctx"})
    with database.reading() as session:
        assert session.get(LinkRow, "c").linked_by == "prof"


AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim"
CLAIMS = {
    "iss": "https://platform.example",
    "aud": [CLIENT],
    "sub": "u-1",
    "email": "ada@uni.example",
    f"{CLAIM}/deployment_id": "1",
    f"{CLAIM}/context": {"id": "42", "title": "Image AI"},
    f"{CLAIM}/roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"],
    AGS: {"scope": [LINE_ITEM_SCOPE, SCORE_SCOPE], "lineitems": "https://platform.example/c/42/lineitems"},
}


def test_of_a_launch_only_what_is_needed_is_taken() -> None:
    """No e-mail address, no name; a course of another platform has another context."""
    found = launch_of("ada", CLAIMS)
    assert found is not None
    assert found.model_dump() == {
        "user": "ada",
        "context": "https://platform.example 1 42",
        "title": "Image AI",
        "subject": "u-1",
        "client_id": CLIENT,
        "lineitems": "https://platform.example/c/42/lineitems",
        "teaches": True,
    }


@pytest.mark.parametrize(
    "change",
    [
        {AGS: None},
        {AGS: {"scope": [SCORE_SCOPE], "lineitems": "https://platform.example/x"}},
        {AGS: {"scope": [LINE_ITEM_SCOPE, SCORE_SCOPE], "lineitems": "javascript:alert(1)"}},
        {AGS: {"scope": [LINE_ITEM_SCOPE, SCORE_SCOPE]}},
        {f"{CLAIM}/context": "42"},
        {"sub": None},
    ],
)
def test_a_launch_that_takes_no_scores_is_let_be(change) -> None:
    """Logging in works all the same."""
    assert launch_of("ada", CLAIMS | change) is None
