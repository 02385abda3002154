"""Courses and rosters over the API, on a played hub."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from labkit_hub.service.tables import AuditRow


@pytest.fixture
def prof(hub) -> str:
    """The token of somebody who may create courses."""
    return hub.add("prof", groups=("professors",))


@pytest.fixture
def student(hub) -> str:
    """The token of somebody who may not."""
    return hub.add("student")


@pytest.fixture
def admin(hub) -> str:
    """The token of an admin."""
    return hub.add("admin", admin=True)


@pytest.fixture
def course(house, prof) -> str:
    """A course of the professor with an assistant and two students."""
    assert house.ask(prof, "POST", "/api/courses", json={"id": "image-ai", "title": "Image AI"}).status_code == 201
    for name, role in (("helper", "assistant"), ("student", "student"), ("ada", "student")):
        assert house.ask(prof, "PUT", f"/api/courses/image-ai/members/{name}", json={"role": role}).status_code == 200
    return "image-ai"


def names(answer) -> list[str]:
    return [member["username"] for member in answer.json()["members"]]


def test_a_professor_creates_a_course_and_is_in_it(house, prof) -> None:
    """Whoever creates it is its professor."""
    house.ask(prof, "POST", "/api/courses", json={"id": "image-ai", "title": "Image AI"})
    course = house.ask(prof, "GET", "/api/me").json()["courses"]
    assert [(item["id"], item["title"], item["role"]) for item in course] == [("image-ai", "Image AI", "professor")]


def test_a_student_creates_none(house, student) -> None:
    """The group professors, or being an admin, lets one; the refusal says so."""
    answer = house.ask(student, "POST", "/api/courses", json={"id": "mine"})
    assert (answer.status_code, "professors" in answer.json()["error"]["hint"]) == (403, True)


@pytest.mark.parametrize(
    ("slug", "hint"),
    [
        ("Übung 1 (a)", "ubung-1-a"),
        ("a/b", "a-b"),
        ("a--b", "a-b"),
        ("1st", "st"),
        ("", "letters"),
        ("a" * 41, "a" * 40),
        ("日本", "letters"),
        ("course-", "course"),
        ("a\n", "such as a."),
    ],
)
def test_a_bad_short_name_is_refused_with_a_good_one(house, prof, slug, hint) -> None:
    """The error names one that would do, where there is one."""
    answer = house.ask(prof, "POST", "/api/courses", json={"id": slug})
    assert (answer.status_code, hint in answer.json()["error"]["hint"]) == (400, True)


def test_a_short_name_is_used_once(house, prof, course) -> None:
    """409, and the first stays as it was."""
    assert house.ask(prof, "POST", "/api/courses", json={"id": course, "title": "Another"}).status_code == 409
    assert house.ask(prof, "GET", f"/api/courses/{course}").json()["title"] == "Image AI"


def test_staff_see_the_course_and_students_themselves(house, hub, prof, student, admin, course) -> None:
    """Each gets the part of the roster that is theirs to see."""
    helper = hub.add("helper")
    path = f"/api/courses/{course}/members"
    assert [names(house.ask(token, "GET", path)) for token in (prof, helper, admin)] == [["prof", "helper", "ada", "student"]] * 3
    assert names(house.ask(student, "GET", path)) == ["student"]


@pytest.mark.parametrize("path", ["", "/members", "/members/ada", "/roster.csv"])
def test_other_peoples_things_are_not_there(house, hub, course, path) -> None:
    """To somebody who is not in it, a course looks as if there were none."""
    stranger = hub.add("eve")
    answers = [house.ask(stranger, "GET", f"/api/courses/{name}{path}") for name in (course, "none")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["error"]["hint"] == answers[1].json()["error"]["hint"]


def test_a_student_learns_nothing_of_another(house, student, course) -> None:
    """Whether somebody is in the course is not for students to ask."""
    answers = [house.ask(student, "GET", f"/api/courses/{course}/members/{name}") for name in ("ada", "nobody")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert house.ask(student, "GET", f"/api/courses/{course}/members/student").json()["role"] == "student"


@pytest.mark.parametrize("who", ["helper", "student"])
def test_only_professors_change_the_roster(house, hub, course, who) -> None:
    """Nobody makes themselves a professor."""
    token = hub.add(who)
    assert house.ask(token, "PUT", f"/api/courses/{course}/members/{who}", json={"role": "professor"}).status_code == 403
    assert house.ask(token, "DELETE", f"/api/courses/{course}/members/ada").status_code == 403
    assert house.ask(token, "POST", f"/api/courses/{course}/roster", content=b"eve").status_code == 403
    assert house.ask(token, "PUT", f"/api/courses/{course}", json={"archived": True}).status_code == 403


def test_a_course_keeps_a_professor(house, prof, admin, course) -> None:
    """The last one can neither leave nor step down; an admin may take even that away."""
    path = f"/api/courses/{course}/members/prof"
    assert [house.ask(prof, "DELETE", path).status_code, house.ask(prof, "PUT", path, json={"role": "student"}).status_code] == [409, 409]
    assert house.ask(prof, "GET", path).json()["role"] == "professor"
    assert house.ask(admin, "DELETE", path).status_code == 204


@pytest.mark.parametrize("name", ["%20", "a%2Fb", "x" * 256, "a%00b", "a%0Ab"])
def test_a_name_that_nobody_can_have_is_refused(house, prof, course, name) -> None:
    """In words; an address with a slash in it leads nowhere."""
    answer = house.ask(prof, "PUT", f"/api/courses/{course}/members/{name}", json={})
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["message"]


def test_names_are_written_as_the_hub_writes_them(house, prof, course) -> None:
    """In lower case, accents composed: so they meet the account that the person will make."""
    house.ask(prof, "PUT", f"/api/courses/{course}/members/%20ZOE%CC%88%20B%20", json={"full_name": "Zoë"})
    assert "zoë b" in names(house.ask(prof, "GET", f"/api/courses/{course}/members"))


def test_bounds_are_an_admins_to_set(house, prof, admin, course) -> None:
    """A professor does not give the own course more hours; what is sent back unchanged is no change."""
    path = f"/api/courses/{course}"
    assert house.ask(prof, "PUT", path, json={"hours_per_person": 1000}).status_code == 403
    assert house.ask(admin, "PUT", path, json={"hours_per_person": 12.5, "max_running": 2}).json()["hours_per_person"] == 12.5
    assert house.ask(prof, "PUT", path, json={"hours_per_person": 12.5, "title": "New"}).json()["title"] == "New"
    assert house.ask(admin, "PUT", path, json={"hours_per_person": None}).json()["hours_per_person"] is None
    assert house.ask(admin, "PUT", path, json={"hours_per_person": -1}).status_code == 400


def test_an_archived_course_is_no_ones_course_now(house, prof, student, course) -> None:
    """It grants nothing any more, and can be opened again by its professor."""
    house.ask(prof, "PUT", f"/api/courses/{course}", json={"archived": True})
    assert house.ask(student, "GET", "/api/me").json()["courses"] == []
    house.ask(prof, "PUT", f"/api/courses/{course}", json={"archived": False})
    assert [item["id"] for item in house.ask(student, "GET", "/api/me").json()["courses"]] == [course]


def test_a_list_is_imported_whole_or_not_at_all(house, prof, course) -> None:
    """One wrong line, and nobody of the list is in the course; each wrong line is named by its number."""
    data = b"username,role\nben,student\neve,boss\n,student\ncarl,assistant\n"
    answer = house.ask(prof, "POST", f"/api/courses/{course}/roster", content=data)
    message = answer.json()["error"]["message"]
    assert (answer.status_code, "line 3: 'boss' is no role" in message, "line 4: A user name is missing" in message) == (400, True, True)
    assert names(house.ask(prof, "GET", f"/api/courses/{course}/members")) == ["prof", "helper", "ada", "student"]


def test_a_list_adds_and_changes_and_removes_nobody(house, prof, course) -> None:
    """What it says of people who are there already is what holds; a column that is missing changes nothing."""
    data = b"Login;Rolle\nada;TA\nben;\nhelper;\n"
    answer = house.ask(prof, "POST", f"/api/courses/{course}/roster", content=data).json()
    assert (answer["added"], answer["changed"], answer["unchanged"]) == (["ben"], ["ada"], 1)
    members = house.ask(prof, "GET", f"/api/courses/{course}/members").json()["members"]
    assert {item["username"]: item["role"] for item in members} == {
        "prof": "professor",
        "helper": "assistant",
        "ada": "assistant",
        "student": "student",
        "ben": "student",
    }


def test_the_account_of_grading_runs_is_on_no_roster(house, prof, course) -> None:
    """Alone, in a list, or by the page: it is refused in words, and the rest of the list is not taken either."""
    browser = house.browse("prof")
    answers = [
        house.ask(prof, "PUT", f"/api/courses/{course}/members/Labkit-Grader", json={"role": "student"}),
        house.ask(prof, "POST", f"/api/courses/{course}/roster", content=b"eve\nlabkit-grader\n"),
        browser.post(f"/courses/{course}/members", data={"name": "labkit-grader", "role": "assistant"}),
        browser.post(f"/courses/{course}/roster", files={"file": ("r.csv", b"eve\nlabkit-grader\n")}),
    ]
    assert [(answer.status_code, "the account of grading runs" in answer.text) for answer in answers] == [(400, True)] * 4
    assert names(house.ask(prof, "GET", f"/api/courses/{course}/members")) == ["prof", "helper", "ada", "student"]


def test_the_roster_comes_out_as_it_goes_in(house, prof, course) -> None:
    """What is exported is imported without a change."""
    answer = house.ask(prof, "GET", f"/api/courses/{course}/roster.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="image-ai-roster.csv"'
    outcome = house.ask(prof, "POST", f"/api/courses/{course}/roster", content=answer.content).json()
    assert (outcome["added"], outcome["changed"], outcome["unchanged"]) == ([], [], 4)


def test_every_change_is_noted(house, prof, course) -> None:
    """Who, what, to whom, in which course."""
    house.ask(prof, "DELETE", f"/api/courses/{course}/members/ada")
    house.ask(prof, "PUT", f"/api/courses/{course}", json={"title": "Image AI 2"})
    with house.database.transaction() as session:
        rows = [(row.actor, row.action, row.subject, row.course_id) for row in session.scalars(select(AuditRow).order_by(AuditRow.id))]
    assert rows == [
        ("prof", "course.create", course, course),
        ("prof", "member.add", "helper", course),
        ("prof", "member.add", "student", course),
        ("prof", "member.add", "ada", course),
        ("prof", "member.remove", "ada", course),
        ("prof", "course.change", course, course),
    ]


def test_an_admin_sees_all_courses_on_request(house, admin, course) -> None:
    """Their own are none."""
    assert [len(house.ask(admin, "GET", f"/api/courses{query}").json()["courses"]) for query in ("", "?all=1")] == [0, 1]


def test_announcements_are_an_admins(house, student, admin) -> None:
    """Everybody reads it in their standing."""
    assert house.ask(student, "PUT", "/api/announcement", json={"text": "free pizza"}).status_code == 403
    assert house.ask(admin, "PUT", "/api/announcement", json={"text": "  "}).status_code == 400
    assert house.ask(admin, "PUT", "/api/announcement", json={"text": "Restart at noon."}).status_code == 200
    assert house.ask(student, "GET", "/api/me").json()["announcement"]["text"] == "Restart at noon."
    assert house.ask(admin, "DELETE", "/api/announcement").status_code == 204
    assert house.ask(student, "GET", "/api/me").json()["announcement"] is None
