"""Seeing the class."""

from __future__ import annotations

from datetime import timedelta

from labkit_hub.service.tables import RunRow, UsageRow


def row_of(school, name: str) -> dict:
    view = school.done("tom", "GET", f"/courses/{school.course}/class")
    return next(row for row in view["students"] if row["person"] == name)


def test_who_is_stuck_and_where(school, clock) -> None:
    """The last word counts: since when, how often; a cell that goes well ends it."""
    made = school.assignment()
    school.done("ada", "GET", f"/assignments/{made}/releases/1")
    begun = clock.time
    for _ in range(3):
        school.done("ada", "POST", f"/assignments/{made}/activity", json={"cell": "ps1, q1", "error": "NameError: x", "passed": 1})
        clock.later(minutes=5)
    cell = row_of(school, "ada")["cells"][0]
    assert (cell["fetched"], cell["stuck_cell"], cell["stuck_error"], cell["stuck_times"]) == (1, "ps1, q1", "NameError: x", 3)
    assert cell["stuck_since"] == begun.isoformat().replace("+00:00", "Z")
    school.done("ada", "POST", f"/assignments/{made}/activity", json={"cell": "ps1, q1", "passed": 2})
    cell = row_of(school, "ada")["cells"][0]
    assert (cell["stuck_cell"], cell["stuck_since"], cell["passed"]) == ("", None, 2)


def test_what_was_computed_is_counted(school, house, clock) -> None:
    """Trainings and hours on devices, of this course."""
    run = {"owner": "ada", "path": "p/runs", "profile": "gpu-run", "rank": 1.0, "state": "done", "attempts": 0, "submitted": clock.time}
    lease = {
        "device_key": "fake-0",
        "username": "ada",
        "server_name": "run-x",
        "taken": clock.time,
        "freed": clock.time + timedelta(minutes=90),
    }
    with house.database.transaction() as session:
        for course, run_id, kind in ((school.course, "a1", "train"), (school.course, "a2", "predict"), ("other", "a3", "train")):
            session.add(RunRow(id=run_id, course_id=course, kind=kind, server_name=f"run-{run_id}", **run))
            session.add(UsageRow(course_id=course, run_id=run_id, **lease))
    found = row_of(school, "ada")
    assert (found["trainings"], found["device_hours"]) == (1, 3.0)


def test_the_class_is_for_its_staff(school) -> None:
    """Everybody is on it, whatever they did; what staff try out is kept nowhere."""
    made = school.assignment()
    school.submit("ben", made)
    school.done("tom", "POST", f"/assignments/{made}/activity", json={"cell": "1", "error": "E"})
    view = school.done("prof", "GET", f"/courses/{school.course}/class")
    assert [row["person"] for row in view["students"]] == ["ben", "ada", "zoë b"]  # by name; one begins with a sign
    assert [row["cells"][0]["state"] for row in view["students"]] == ["submitted", "", ""]
    assert [school.ask(name, "GET", f"/courses/{school.course}/class").status_code for name in ("ada", "eve")] == [404, 404]
