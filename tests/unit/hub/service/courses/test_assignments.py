"""Assignments and releases: who makes them, who sees what of them."""

from __future__ import annotations

from sqlalchemy import func, select

from labkit_hub.service.courses.tables import FetchRow, ReleaseRow


def test_a_draft_is_for_staff_only(school) -> None:
    """To a student it does not exist, and asking for it is noted."""
    draft = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": school.name})
    assert school.done("ada", "GET", f"/courses/{school.course}/assignments")["assignments"] == []
    assert school.ask("ada", "GET", f"/assignments/{draft['id']}").status_code == 404
    assert [row.actor for row in school.audit("assignment.peek")] == ["ada"]
    assert school.mine("tom", draft["id"])["state"] == "draft"


def test_a_release_opens_it(school) -> None:
    """Under its name as it was written, with what is expected and what may be earned."""
    made = school.assignment(due="2026-10-25T23:59")
    seen = school.mine("ada", made)
    assert (seen["name"], seen["state"], seen["release"]) == (school.name, "released", 1)
    assert (seen["expected"], seen["max_points"], seen["due"]) == (["ps1.ipynb"], 10.0, "2026-10-25T23:59:00Z")


def test_names_of_assignments(school) -> None:
    """No separators; unique in the course, whatever the case and the form of the letters."""
    names = {"Übung 1 (a) [x]+b": 201, "a/b": 400, "..": 400, "ÜBUNG 1 (A) [X]+B": 409, "U\u0308bung 1 (a) [x]+b": 409, "Übung 2": 201}
    answers = {name: school.ask("prof", "POST", f"/courses/{school.course}/assignments", json={"name": name}) for name in names}
    assert {name: answer.status_code for name, answer in answers.items()} == names


def test_who_makes_assignments(school) -> None:
    """Professors and admins."""
    path = f"/courses/{school.course}/assignments"
    answers = {name: school.ask(name, "POST", path, json={"name": name}).status_code for name in ("tom", "ada", "eve", "root")}
    assert answers == {"tom": 403, "ada": 404, "eve": 404, "root": 201}


def test_due_times_are_those_of_the_course(school) -> None:
    """They move with its time zone; one that does not exist there is refused, and nothing has changed then."""
    made = school.assignment(due="2026-03-29T02:30")
    refused = school.ask("prof", "PUT", f"/courses/{school.course}", json={"time_zone": "Europe/Berlin"})
    assert (refused.status_code, "clocks skip" in refused.text) == (400, True)
    school.done("prof", "PATCH", f"/assignments/{made}", json={"due": "2026-07-01T12:00"})
    assert school.done("prof", "PUT", f"/courses/{school.course}", json={"time_zone": "Europe/Berlin"})["time_zone"] == "Europe/Berlin"
    seen = school.mine("ada", made)
    assert (seen["due"], seen["time_zone"]) == ("2026-07-01T10:00:00Z", "Europe/Berlin")
    assert school.ask("prof", "PUT", f"/courses/{school.course}", json={"time_zone": "Europe/Nowhere"}).status_code == 400


def test_what_is_not_named_stays(school) -> None:
    """An empty time takes it away."""
    made = school.assignment(due="2026-07-01T12:00", attempts=3, late={"accept": True, "percent_per_day": 10}, counts="best", grace_min=5)
    seen = school.done("prof", "PATCH", f"/assignments/{made}", json={"due": "", "unlimited_attempts": True})
    assert (seen["due"], seen["attempts"], seen["counts"], seen["grace_min"], seen["late"]["accept"]) == (None, None, "best", 5, True)
    refused = school.ask("prof", "PATCH", f"/assignments/{made}", json={"due": "2026-07-01T12:00", "closes": "2026-06-01T12:00"})
    assert refused.status_code == 400


def test_a_release_asked_for_twice_is_one(school) -> None:
    """By its key; another one under this key is refused."""
    made = school.assignment()
    first = school.release(made, key="the-same-key")
    assert school.release(made, key="the-same-key") == first
    answer = school.ask(
        "prof",
        "POST",
        f"/assignments/{made}/releases",
        json={"key": "the-same-key", "student": school.manifest(school.student_files), "source": {}, "items": []},
    )
    assert (first["version"], answer.status_code, school.mine("ada", made)["release"]) == (2, 409, 2)


def test_a_release_that_students_must_not_get(school) -> None:
    """Without a notebook, with an item of none, and with the hidden part under its own name or another one."""
    made = school.done("prof", "POST", f"/courses/{school.course}/assignments", json={"name": "x"})["id"]
    source, item = school.send("prof", school.source_files), {"id": "q1", "notebook": "ps1", "how": "cell", "max_points": 1}
    said = []
    for student in (
        {"data/a.csv": b"1"},
        {"other.ipynb": b"{}"},
        {"ps1.ipynb": b"{}", "hidden/labels.csv": b"secret labels"},
        {"ps1.ipynb": b"{}", "data/labels.csv": b"secret labels"},
    ):
        body = {"key": school.key(), "student": school.send("prof", student), "source": source, "items": [item]}
        said.append(school.ask("prof", "POST", f"/assignments/{made}/releases", json=body).json()["error"]["message"])
    assert [words in text for words, text in zip(("no notebook", "not in the release", "hidden", "hidden"), said, strict=True)] == [
        True
    ] * 4


def test_students_get_their_part_and_nothing_of_the_hidden_one(school) -> None:
    """Files go out by the release that they are in."""
    made = school.assignment()
    release = school.done("ada", "GET", f"/assignments/{made}/releases/1")
    assert [file["path"] for file in release["manifest"]["files"]] == ["data/my data.csv", "ps1.ipynb"]
    csv = school.done("ada", "GET", f"/assignments/{made}/releases/1/files/{school.sha256(school.student_files['data/my data.csv'])}")
    assert csv.content == school.student_files["data/my data.csv"]
    assert ("my%20data.csv" in csv.headers["content-disposition"], csv.headers["content-type"]) == (True, "application/octet-stream")
    secret = school.sha256(school.source_files["hidden/labels.csv"])
    assert [school.ask(name, "GET", f"/assignments/{made}/releases/1/files/{secret}").status_code for name in ("ada", "eve", "tom")] == [
        404,
        404,
        200,
    ]
    assert school.ask("ada", "GET", f"/assignments/{made}/releases/1/source").status_code == 404
    assert [(row.actor, row.action) for row in school.audit("file.peek")] == [("ada", "file.peek")]


def test_the_service_knows_who_fetched_what(school) -> None:
    """For the page of the class, and so that a panel can say that there is something newer."""
    made = school.assignment()
    school.done("ada", "GET", f"/assignments/{made}/releases/1")
    school.release(made)
    seen = school.mine("ada", made)
    assert (seen["fetched"], seen["release"], school.mine("ben", made)["fetched"]) == (1, 2, 0)


def test_numbers_that_no_database_knows(school) -> None:
    """Are as if there was nothing there, or refused in words."""
    made, huge = school.assignment(), 10**30
    body = {"key": school.key(), "release": huge, "manifest": school.manifest({})}
    answers = [
        school.ask("ada", "GET", f"/assignments/{made}/releases/{huge}"),
        school.ask("ada", "GET", f"/assignments/{made}/releases/-1"),
        school.ask("prof", "GET", f"/courses/{school.course}/audit?before={huge}"),
        school.ask("ada", "POST", f"/assignments/{made}/submissions", json=body),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 400, 400]


def test_an_archived_course_can_only_be_read(school) -> None:
    """What was handed in can be found again; nothing is changed any more."""
    made = school.assignment()
    receipt = school.submit("ada", made)
    school.done("prof", "PUT", f"/courses/{school.course}", json={"archived": True})
    assert school.try_submit("ada", made).status_code == 409
    assert school.ask("prof", "PATCH", f"/assignments/{made}", json={"grace_min": 3}).status_code == 409
    assert school.done("ada", "GET", f"/submissions/{receipt['submission']}/receipt") == receipt


def test_professors_read_the_audit_of_their_course(school) -> None:
    """And nobody else; page by page."""
    made = school.assignment()
    school.submit("ada", made)
    rows = school.done("prof", "GET", f"/courses/{school.course}/audit")["rows"]
    assert [row["action"] for row in rows[:3]] == ["submission.create", "release.create", "assignment.create"]
    assert [school.ask(name, "GET", f"/courses/{school.course}/audit").status_code for name in ("tom", "ada", "eve")] == [403, 404, 404]


def test_a_draft_is_deleted_with_its_releases(school, house) -> None:
    """By professors, while nobody has handed in; then its name is free, and the audit keeps that it was there."""
    made = school.assignment()
    school.done("ada", "GET", f"/assignments/{made}/releases/1")
    assert school.ask("prof", "DELETE", f"/assignments/{made}").status_code == 409  # students see it
    school.done("prof", "PATCH", f"/assignments/{made}", json={"state": "draft"})
    assert [school.ask(name, "DELETE", f"/assignments/{made}").status_code for name in ("ada", "eve", "tom")] == [404, 404, 403]
    assert school.ask("prof", "DELETE", f"/assignments/{made}").status_code == 204
    assert [
        school.ask("prof", "DELETE", f"/assignments/{made}").status_code,
        school.ask("prof", "GET", f"/assignments/{made}").status_code,
    ] == [
        404,
        404,
    ]
    with house.database.reading() as session:
        assert [session.scalar(select(func.count()).select_from(table)) for table in (ReleaseRow, FetchRow)] == [0, 0]
    assert [(row.actor, row.subject, row.detail["assignment"]) for row in school.audit("assignment.delete")] == [
        ("prof", made, school.name)
    ]
    school.assignment()


def test_what_was_handed_in_keeps_its_assignment(school) -> None:
    """Whatever state it is put into."""
    made = school.assignment()
    receipt = school.submit("ada", made)
    school.done("prof", "PATCH", f"/assignments/{made}", json={"state": "draft"})
    assert school.ask("prof", "DELETE", f"/assignments/{made}").status_code == 409
    assert school.done("tom", "GET", f"/submissions/{receipt['submission']}/receipt") == receipt
