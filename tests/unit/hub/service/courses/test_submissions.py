"""Handing in: what is accepted, how often, by whom, and the receipt."""

from __future__ import annotations

import json
import threading

import pytest
from sqlalchemy import func, select

from labkit_hub.service.courses.tables import SubmissionRow

GOOD = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}).encode()
OLD = json.dumps({"nbformat": 3, "metadata": {}, "worksheets": []}).encode()


def test_a_receipt_says_what_was_handed_in(school) -> None:
    """And says the same when it is read again, whatever becomes of the assignment's name."""
    made, work = school.assignment(), school.notebook("x = 1", "y = 2")
    receipt = school.submit("zoë b", made, {"ps1.ipynb": work, "data/my data.csv": b"mine"})
    assert (receipt["person"], receipt["assignment_name"], receipt["attempt"]) == ("zoë b", school.name, 1)
    assert (receipt["cells"], receipt["late_s"], len(receipt["sha256"])) == ({"ps1.ipynb": 2}, 0.0, 64)
    school.done("prof", "PATCH", f"/assignments/{made}", json={"name": "Renamed"})
    assert school.done("zoë b", "GET", f"/submissions/{receipt['submission']}/receipt") == receipt


def test_asking_twice_with_one_key_is_handing_in_once(school) -> None:
    """Even when nothing else is accepted any more; other files under the same key are refused."""
    made = school.assignment(attempts=1)
    first = school.submit("ada", made, key="the-same-key")
    again = school.try_submit("ada", made, key="the-same-key")
    other = school.try_submit("ada", made, {"ps1.ipynb": school.notebook("y")}, key="the-same-key")
    assert (again.status_code, again.json(), other.status_code) == (200, first, 409)


def test_what_cannot_be_graded_is_refused_in_words(school) -> None:
    """And what was handed in before stays valid."""
    made = school.assignment()
    before = school.submit("ada", made)
    tries = {
        "ps1 (1).ipynb is not ps1.ipynb": {"ps1 (1).ipynb": GOOD},
        "ps1.ipynb is empty": {"ps1.ipynb": b""},
        "cut short": {"ps1.ipynb": GOOD[:-5]},
        "format 3": {"ps1.ipynb": OLD},
        "draft.ipynb": {"ps1.ipynb": GOOD, "draft.ipynb": b"[]"},
        "ps1.ipynb is missing": {},
    }
    for words, files in tries.items():
        answer = school.try_submit("ada", made, files)
        assert (answer.status_code, words in answer.json()["error"]["message"]) == (400, True), answer.text
    kept = school.done("ada", "GET", f"/assignments/{made}/submissions")["submissions"]
    assert [(one["id"], one["counts"]) for one in kept] == [(before["submission"], True)]


def test_a_huge_notebook_is_refused_before_it_is_read(school, monkeypatch) -> None:
    """The limit is the release's."""
    made = school.assignment()
    school.release(made, limits={"upload_mb": 0.001})
    monkeypatch.setattr("labkit_hub.service.courses.submissions.check_notebook", lambda *_: pytest.fail("it was read"))
    answer = school.try_submit("ada", made, {"ps1.ipynb": b" " * 5000}, release=2)
    assert (answer.status_code, "MB" in answer.text) == (400, True)


def test_a_submission_is_of_a_release_that_there_is(school) -> None:
    """The first keeps counting for who fetched it."""
    made = school.assignment()
    school.release(made)
    assert (school.try_submit("ada", made, release=3).status_code, school.submit("ada", made, release=1)["attempt"]) == (400, 1)


def test_two_at_once_with_one_attempt_left(school, house) -> None:
    """Exactly one of them is accepted."""
    made = school.assignment(attempts=1)
    work = school.send("ada", {"ps1.ipynb": GOOD})
    begin, codes = threading.Barrier(4), []

    def submit(number: int) -> None:
        begin.wait()
        body = {"key": f"at-once-{number}", "release": 1, "manifest": work}
        codes.append(school.ask("ada", "POST", f"/assignments/{made}/submissions", json=body).status_code)

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with house.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(SubmissionRow)) == 1
    assert sorted(codes) == [201, 409, 409, 409]


def test_after_the_due_time_nothing_is_accepted_without_a_rule_for_it(school, clock) -> None:
    """The grace counts as in time; with an extension it is in time again."""
    made = school.assignment(due="2026-10-25T23:59", grace_min=10)
    clock.at("2026-10-26T00:09")
    assert school.submit("ada", made)["late_s"] == 0
    clock.at("2026-10-26T00:10")
    late = school.try_submit("ben", made)
    assert (late.status_code, "was due" in late.text) == (409, True)
    school.done("tom", "PUT", f"/assignments/{made}/extensions/ben", json={"due": "2026-10-27T12:00", "reason": "ill"})
    assert school.mine("ben", made)["extended"]
    assert (school.submit("ben", made)["late_s"], school.mine("ada", made)["extended"]) == (0, False)


def test_more_attempts_for_one(school) -> None:
    """Only for them; taken back, what was handed in stays."""
    made = school.assignment(attempts=1)
    for name in ("ada", "ben"):
        school.submit(name, made)
    school.done("prof", "PUT", f"/assignments/{made}/extensions/ada", json={"attempts": 2})
    assert [school.try_submit(name, made).status_code for name in ("ada", "ben", "ada")] == [201, 409, 409]
    assert school.ask("prof", "DELETE", f"/assignments/{made}/extensions/ada").status_code == 204
    assert (school.mine("ada", made)["attempts"], school.mine("ada", made)["attempts_used"]) == (1, 2)


def test_a_group_hands_in_for_all(school) -> None:
    """Each sees it, it uses up everybody's attempts, and leaving the group gives none back."""
    made = school.assignment(attempts=2, group_size=2)
    school.done("tom", "PUT", f"/assignments/{made}/groups/owls", json={"members": ["ada", "zoë b"]})
    receipt = school.submit("ada", made)
    assert receipt["group"] == ["ada", "zoë b"]
    assert school.done("zoë b", "GET", f"/submissions/{receipt['submission']}/receipt") == receipt
    assert [school.mine(name, made)["attempts_used"] for name in ("ada", "zoë b", "ben")] == [1, 1, 0]
    school.done("tom", "PUT", f"/assignments/{made}/groups/owls", json={"members": []})
    assert [school.try_submit("zoë b", made).status_code for _ in range(2)] == [201, 409]
    assert school.mine("prof", made)["submissions"] == 2


def test_who_can_be_in_a_group(school) -> None:
    """People of the course, so many, each in one."""
    made = school.assignment(group_size=2)
    school.done("tom", "PUT", f"/assignments/{made}/groups/owls", json={"members": ["zoë b"]})
    groups = [["ada", "ben", "zoë b"], ["ada", "eve"], ["zoë b"], ["ada", "ben"]]
    answers = [school.ask("tom", "PUT", f"/assignments/{made}/groups/bats", json={"members": members}) for members in groups]
    assert [answer.status_code for answer in answers] == [409, 404, 409, 200]


def test_only_people_of_the_course_hand_in(school) -> None:
    """An admin sees everything, and is in no course."""
    made = school.assignment()
    assert [school.try_submit(name, made).status_code for name in ("eve", "root")] == [404, 403]


def test_a_closed_assignment_takes_nothing(school) -> None:
    """It is still there to read."""
    made = school.assignment(state="closed")
    assert (school.try_submit("ada", made).status_code, school.mine("ada", made)["state"]) == (409, "closed")
