"""The service's own addresses and pages: who links a course, who sees how points stand, and who sends them again."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from fastapi.testclient import TestClient
from sqlalchemy import select

from labkit.testing.passback import NOW, actions, launch, states
from labkit_hub.service.courses.tables import AssignmentRow
from labkit_hub.service.passback.links import keep_launch
from labkit_hub.service.passback.tables import LinkRow, SendRow
from labkit_hub.service.tables import AuditRow, MemberRow
from labkit_hub.settings import AccountSettings, LtiSettings, PassbackSettings, ServiceSettings, Settings

PAGE = "/courses/c/assignments/aaaaaaaaaaaa"


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


def _until(found, wanted) -> None:
    deadline = time.monotonic() + 60
    while found() != wanted:
        assert time.monotonic() < deadline, found()
        time.sleep(0.02)


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
