"""The pages of courses as browsers get them; results of grading are played, as the grading run would bring them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from labkit.client.course_wire import AssignmentItem, ClassCell, ClassRow, ClassView
from labkit_hub.service.courses.reading_answers import cells_of, compare
from labkit_hub.service.courses.tables import SubmissionRow
from labkit_hub.service.pages.classroom import class_sheet, places_of, rows_of
from labkit_hub.service.pages.histogram import draw_histogram
from labkit_hub.service.tables import MemberRow

COURSE = "/courses/image-ai"
EVIL = "</textarea><script>alert(1)</script>"


def words(page: Any) -> str:
    """Return what a person reads, on one line."""
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page.text).split()))


def form_of(page: Any) -> dict[str, str]:
    """Return the fields of the form for points as a browser would send them, without a button."""
    part = page.text[page.text.index("data-piecewise") :]
    fields = {}
    for tag in re.findall(r"<input[^>]*>", part):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            fields[unescape(name[1])] = unescape(value[1]) if value else ""
    for name, text in re.findall(r'<textarea name="([^"]*)"[^>]*>(.*?)</textarea>', part, flags=re.S):
        fields[name] = unescape(text)
    return fields


@pytest.fixture
def work(school: Any) -> str:
    """Where the pages of an assignment are that ada handed in and a run has graded, all but the essay."""
    assignment = school.assignment(due="2026-10-21T12:00", late={"accept": True, "percent_per_day": 10})
    school.ada = school.submit("ada", assignment)["submission"]
    school.graded(assignment, school.ada, 6.0)
    school.assignment_id = assignment
    return f"{COURSE}/assignments/{assignment}"


@pytest.fixture
def desk(work: str, school: Any) -> str:
    """Where ada's points are given."""
    return f"{work}/submissions/{school.ada}"


def test_the_course_lists_its_assignments(school: Any, work: str) -> None:
    """Staff read how far each is; a student how far they are themselves."""
    staff = words(school.house.browse("tom").get(COURSE))
    assert "Übung 1 (a) [x]+b open Wed 21 Oct 2026, 12:00" in staff
    assert re.search(r"ago 1 of 3 0 1 0 |in \d+ \w+ 1 of 3 0 1 0 ", staff)
    ada = school.house.browse("ada").get(COURSE)
    assert "handed in 20 Oct 12:00" in words(ada)
    for form in ("labkit", "canvas", "moodle"):
        link = f'href="/services/labkit/api/courses/image-ai/gradebook.csv?format={form}"'
        assert (link in school.house.browse("tom").get(COURSE).text, link in ada.text) == (True, False)
    assert "not fetched" in words(school.house.browse("ben").get(COURSE))


def test_pages_of_staff_are_not_there_for_students(school: Any, work: str, desk: str) -> None:
    """Nor is another's submission, nor the assignment for somebody of another course; and forms do nothing."""
    staff_only = ("/settings", "/history", "/items", "/similarity", f"/submissions/{school.ada}/compare?notebook=ps1")
    for name in ("ben", "eve"):
        browser = school.house.browse(name)
        assert [browser.get(f"{work}{path}").status_code for path in staff_only] == [404] * 5
        assert [browser.get(path).status_code for path in (desk, f"{COURSE}/class", f"{COURSE}/class.csv")] == [404] * 3
        for path in (
            "/settings",
            "/extensions",
            "/extensions/remove",
            "/groups",
            "/grade",
            "/feedback",
            "/items",
            f"/submissions/{school.ada}/scores",
        ):
            assert browser.post(f"{work}{path}", data={"name": "mine", "person": name, "due": "2027-01-01T12:00"}).status_code == 404
    assert school.house.browse("eve").get(work).status_code == 404
    assert school.mine("ada", school.assignment_id)["name"] == school.name


def test_staff_see_which_submissions_resemble_one_another(school: Any, work: str) -> None:
    """By name, side by side, on a page without scripts; it is in the audit, and nothing of it stays on the disk."""
    answer = "def area(lines):\n" + "".join(f"    x{n} = [float(part) * {n} for part in lines if part.strip()]\n" for n in range(12))
    for name, code in (("ben", answer), ("zoë b", answer.replace("lines", "rows"))):
        cell = {"cell_type": "code", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
        data = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).encode()
        school.submit(name, school.assignment_id, {"ps1.ipynb": data})
    page = school.house.browse("tom").get(f"{work}/similarity")
    assert page.status_code == 200
    assert "ben" in page.text
    assert "zoë b" in page.text
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert [row.actor for row in school.audit("similarity.read")] == ["tom"]
    assert list((school.house.files / "scratch").iterdir()) == []


def test_an_assignment_is_not_there_under_another_course(school: Any, work: str) -> None:
    """Even for somebody who is staff of both."""
    school.done("prof", "POST", "/courses", json={"id": "other", "title": "Other"})
    assert school.house.browse("prof").get(work.replace("image-ai", "other")).status_code == 404


def test_rules_are_set_by_a_form(school: Any, work: str) -> None:
    """What is empty is taken away; what cannot be is said, and what was typed stays."""
    browser = school.house.browse("prof")
    good = {
        "name": "Übung 1",
        "state": "released",
        "due": "2026-10-25T23:59",
        "closes": "",
        "grace_min": "30",
        "attempts": "3",
        "counts": "best",
    }
    assert browser.post(f"{work}/settings", data={**good, "group_size": "2"}).status_code == 303
    item = school.mine("ada", school.assignment_id)
    assert (item["name"], item["due"], item["grace_min"], item["attempts"], item["counts"]) == (
        "Übung 1",
        "2026-10-25T23:59:00Z",
        30,
        3,
        "best",
    )
    assert (item["late"]["accept"], item["group_size"]) == (False, 2)
    page = browser.post(f"{work}/settings", data={**good, "attempts": "many"})
    assert (page.status_code, "Attempts are a number from 1 on" in page.text, 'value="many"' in page.text) == (400, True, True)
    assert school.house.browse("tom").post(f"{work}/settings", data=good).status_code == 403


def test_what_was_not_touched_in_the_form_stays_as_another_has_set_it(school: Any, work: str) -> None:
    """A page of an hour ago does not take back the due time that was moved meanwhile."""
    browser = school.house.browse("prof")
    page = browser.get(f"{work}/settings").text.split('id="extensions"')[0]
    fields = {name: unescape(value) for name, value in re.findall(r'<input (?:type="[a-z-]+" )?name="(\w+)"[^>]*?value="([^"]*)"', page)}
    fields = {name: value for name, value in fields.items() if name not in ("accept", "_csrf")}
    school.done("prof", "PATCH", f"/assignments/{school.assignment_id}", json={"due": "2026-12-24T12:00", "attempts": 3})
    form = {**fields, "state": "released", "counts": "last", "accept": "yes", "grace_min": "15"}
    assert browser.post(f"{work}/settings", data=form).status_code == 303
    found = school.mine("prof", school.assignment_id)
    assert (found["due"], found["attempts"], found["grace_min"]) == ("2026-12-24T12:00:00Z", 3, 15)
    assert found["late"]["percent_per_day"] == 10
    assert set(school.audit("assignment.change")[-1].detail["change"]) == {"grace_min"}


def test_extensions_and_groups_are_kept_by_forms(school: Any, work: str) -> None:
    """Give and take back; put together and dissolve; a stranger is named."""
    browser = school.house.browse("tom")
    browser.post(f"{work}/extensions", data={"person": "zoë b", "due": "2026-10-30T12:00", "reason": "ill"})
    assert "zoë b 30 Oct 12:00 ill tom" in words(browser.get(f"{work}/settings"))
    page = browser.post(f"{work}/extensions", data={"person": "nobody", "due": "2026-10-30T12:00"})
    assert (page.status_code, 'value="nobody"' in page.text) == (404, True)
    browser.post(f"{work}/extensions/remove", data={"person": "zoë b"})
    school.done("prof", "PATCH", f"/assignments/{school.assignment_id}", json={"group_size": 2})
    browser.post(f"{work}/groups", data={"name": "Gruppe <1>", "members": "ben\r\nzoë b\r\n"})
    page = words(browser.get(f"{work}/settings"))
    assert ("ill" in page, "Gruppe <1> ben, zoë b" in page) == (False, True)


def test_grading_is_asked_for_by_a_button(school: Any, work: str) -> None:
    """Its progress is on the page; where nothing is left, that is said."""
    school.submit("ben", school.assignment_id)
    browser = school.house.browse("tom")
    assert "Grade what is not graded (1)" in words(browser.get(work))
    assert browser.post(f"{work}/grade", data={"which": "ungraded"}).headers["location"].endswith("?said=grading")
    assert ('aria-label="0 of 1"' in browser.get(work).text, 'aria-label="0 of 1"' in browser.get(f"{work}/progress").text) == (True, True)
    page = browser.post(f"{work}/grade", data={"which": "ungraded"})
    assert (page.status_code, "There is nothing to grade." in page.text) == (409, True)


def test_grading_again_by_the_newest_release_is_offered(school: Any, work: str) -> None:
    """Where something was handed in for an older one."""
    browser = school.house.browse("tom")
    assert 'name="newest"' not in browser.get(work).text
    school.release(school.assignment_id)
    assert "by release 2, also the 1 handed in for an older one" in words(browser.get(work))
    assert browser.post(f"{work}/grade", data={"which": "all", "newest": "yes"}).status_code == 303
    assert school.audit("batch.create")[-1].detail["to_newest"] == 1


def test_one_item_is_saved_and_what_else_was_typed_stays(school: Any, desk: str) -> None:
    """Also without scripts."""
    browser = school.house.browse("tom")
    fields = form_of(browser.get(desk)) | {"points-1": "1,5", "comment-1": "Good", "comment-2": EVIL}
    page = browser.post(f"{desk}/scores", data={**fields, "save": "1"})
    grade = school.grade(school.ada)
    assert (page.status_code, grade["submission"]["points"], grade["comments"]) == (200, 7.5, {"ps1/essay": "Good"})
    assert form_of(page)["comment-2"] == EVIL
    assert "<script>alert" not in page.text
    assert ("✓ saved" in page.text, "not saved yet" in page.text) == (True, True)
    assert browser.post(f"{desk}/scores", data={**form_of(page), "save": "*"}).status_code == 303
    assert school.grade(school.ada)["comments"][""] == EVIL


def test_what_another_grader_changed_meanwhile_is_not_overwritten(school: Any, desk: str) -> None:
    """It is said, with theirs beside one's own; saving once more is meant."""
    browser = school.house.browse("tom")
    fields = form_of(browser.get(desk)) | {"points-1": "2"}
    school.done("prof", "PUT", f"/submissions/{school.ada}/scores", json={"item": "ps1/essay", "points": 0.5, "comment": "Thin"})
    page = browser.post(f"{desk}/scores", data={**fields, "save": "*"})
    assert (page.status_code, "prof changed this meanwhile. It is now 0.5 points, “Thin”" in words(page)) == (409, True)
    assert school.grade(school.ada)["scores"][1]["points"] == 0.5
    again = form_of(page)
    assert again["points-1"] == "2"
    assert browser.post(f"{desk}/scores", data={**again, "save": "1"}).status_code == 303
    assert school.grade(school.ada)["scores"][1]["points"] == 2.0


def test_an_untouched_field_takes_over_what_another_grader_said(school: Any, desk: str) -> None:
    """Saving one item of an old page does not set the others back."""
    browser = school.house.browse("tom")
    fields = form_of(browser.get(desk))
    school.done("prof", "PUT", f"/submissions/{school.ada}/scores", json={"item": "ps1/essay", "points": 0.5})
    assert browser.post(f"{desk}/scores", data={**fields, "points-0": "7", "save": "*"}).status_code == 303
    assert [score["points"] for score in school.grade(school.ada)["scores"]] == [7.0, 0.5]


def test_points_that_are_none_are_said(school: Any, desk: str) -> None:
    """And nothing is changed."""
    browser = school.house.browse("tom")
    fields = form_of(browser.get(desk))
    for wrong in ("two", "-1", "nan"):
        page = browser.post(f"{desk}/scores", data={**fields, "points-1": wrong, "save": "1"})
        assert "Points are a number from 0 on" in page.text
        assert form_of(page)["points-1"] == wrong
    assert "more than 20000 characters" in browser.post(f"{desk}/scores", data={**fields, "comment-0": "x" * 20_001}).text
    assert school.grade(school.ada)["scores"][1]["points"] is None


def test_a_rubric_gives_points_and_a_sentence(school: Any) -> None:
    """Full and none give points only; the way back leads to what the run found."""
    assignment = school.done("prof", "POST", f"{COURSE}/assignments", json={"name": "With rubric"})["id"]
    buttons = [{"item": "ps1/essay", "text": "Clear.", "points": 1.5}, {"item": "q1_test", "text": "Slow.", "points": -2}]
    school.release(assignment, rubric=buttons)
    one = school.submit("ada", assignment)["submission"]
    school.graded(assignment, one, 6.0)
    browser, desk = school.house.browse("tom"), f"{COURSE}/assignments/{assignment}/submissions/{one}"
    for sent in ({"rubric": "1:0"}, {"rubric": "0:0"}, {"rubric": "0:0"}):
        assert browser.post(f"{desk}/scores", data={**form_of(browser.get(desk)), **sent}).status_code == 303
    grade = school.grade(one)
    assert [score["points"] for score in grade["scores"]] == [2.0, 1.5]
    assert grade["comments"] == {"ps1/essay": "Clear.", "ps1/q1_test": "Slow."}
    browser.post(f"{desk}/scores", data={**form_of(browser.get(desk)), "reason-0": "Mistaken", "back": "0"})
    browser.post(f"{desk}/scores", data={**form_of(browser.get(desk)), "give": "1:full"})
    grade = school.grade(one)
    assert [score["points"] for score in grade["scores"]] == [6.0, 2.0]
    assert "Mistaken" in [change["comment"] for change in grade["history"]]
    assert browser.post(f"{desk}/scores", data={**form_of(browser.get(desk)), "save": "99"}).status_code == 400


def test_the_way_back_takes_nothing_that_another_grader_said(school: Any, desk: str) -> None:
    """Of an old page it is a conflict first; and a comment that was typed beside it is kept."""
    browser = school.house.browse("tom")
    school.done("tom", "PUT", f"/submissions/{school.ada}/scores", json={"item": "ps1/q1_test", "points": 7})
    fields = form_of(browser.get(desk))
    school.done("prof", "PUT", f"/submissions/{school.ada}/scores", json={"item": "ps1/q1_test", "points": 8})
    page = browser.post(f"{desk}/scores", data={**fields, "back": "0"})
    assert (page.status_code, form_of(page)["points-0"], school.grade(school.ada)["scores"][0]["points"]) == (409, "8", 8.0)
    browser.post(f"{desk}/scores", data={**form_of(page), "comment-0": "Right after all", "back": "0"})
    grade = school.grade(school.ada)
    assert (grade["scores"][0]["points"], grade["comments"]) == (6.0, {"ps1/q1_test": "Right after all"})


def test_a_button_of_the_rubric_is_that_of_the_release_that_was_handed_in(school: Any) -> None:
    """Also side by side, after a release in which the buttons stand in another order."""
    assignment = school.done("prof", "POST", f"{COURSE}/assignments", json={"name": "With rubric"})["id"]
    buttons = [{"item": "ps1/essay", "text": "Clear.", "points": 2}, {"item": "ps1/essay", "text": "Thin.", "points": 0.5}]
    school.release(assignment, rubric=buttons)
    one = school.submit("ada", assignment)["submission"]
    school.release(assignment, rubric=buttons[::-1])
    browser, page = school.house.browse("tom"), f"{COURSE}/assignments/{assignment}/items?item=ps1/essay"
    shown = browser.get(page)
    value = re.search(r'name="rubric" value="([^"]*)">Clear', shown.text)
    browser.post(page, data={**form_of(shown), "rubric": value[1]})
    assert school.grade(one)["comments"] == {"ps1/essay": "Clear."}


def test_a_form_reaches_no_other_submission(school: Any, work: str, desk: str) -> None:
    """Whatever its hidden fields name."""
    other = school.submit("ben", school.assignment("Übung 2"))["submission"]
    browser = school.house.browse("tom")
    fields = form_of(browser.get(desk)) | {"of-1": other, "points-1": "2", "save": "1"}
    assert browser.post(f"{desk}/scores", data=fields).status_code == 404
    assert browser.post(f"{work}/items?item=ps1/essay", data=fields).status_code == 404
    assert school.grade(other)["scores"][1]["points"] is None


def test_a_notebook_is_shown_in_a_frame_in_which_nothing_runs(school: Any, desk: str) -> None:
    """Under an address that needs no login, on the only pages that may show frames."""
    browser = school.house.browse("tom")
    page = browser.get(desk)
    (tag,) = re.findall(r"<iframe[^>]*>", page.text)
    assert tag.startswith("<iframe sandbox src=")
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "frame-src" not in browser.get(COURSE).headers["content-security-policy"]
    shown = school.house.client.get(re.search(r'src="([^"]*)"', tag)[1])  # type: ignore[index]
    assert shown.headers["content-security-policy"] == "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert [row.actor for row in school.audit("submission.view")] == ["tom"]


def test_going_through_those_that_wait_for_a_hand(school: Any, work: str, desk: str) -> None:
    """By name; who is done drops out, and the next stays the next."""
    zoe = school.submit("zoë b", school.assignment_id)["submission"]
    school.graded(school.assignment_id, zoe)
    browser = school.house.browse("tom")
    page = browser.get(f"{desk}?only=hand").text
    assert f'href="/services/labkit{work}/submissions/{zoe}?only=hand"' in page
    sent = form_of(browser.get(desk)) | {"points-1": "1", "save": "*next"}
    assert browser.post(f"{desk}/scores?only=hand", data=sent).headers["location"].endswith(f"{zoe}?only=hand")
    assert "1 waits" in words(browser.get(f"{desk}?only=hand"))


def test_the_answers_to_one_cell_are_side_by_side(school: Any) -> None:
    """As text, with points and comment for each."""
    book = school.notebook("x = 1").replace(
        b'"metadata": {}, "source": "x = 1"', b'"metadata": {"nbgrader": {"grade_id": "essay"}}, "source": "%b"'
    )
    assignment = school.assignment("Essays")
    for name, text in (("ada", EVIL), ("zoë b", "by zoë")):
        school.submit(name, assignment, {"ps1.ipynb": book.replace(b"%b", text.encode())})
    browser, address = school.house.browse("tom"), f"{COURSE}/assignments/{assignment}/items?item=ps1/essay"
    page = browser.get(address)
    assert ("by zoë" in page.text, "<script>alert" in page.text, EVIL in unescape(page.text)) == (True, False, True)
    fields = form_of(page) | {"points-1": "2", "comment-0": "later", "save": "1"}
    page = browser.post(address, data=fields)
    assert (page.status_code, form_of(page)["comment-0"], form_of(page)["points-1"]) == (200, "later", "2")
    found = school.done("prof", "GET", f"/assignments/{assignment}/submissions")["submissions"]
    assert {one["person"]: school.grade(one["id"])["scores"][1]["points"] for one in found} == {"ada": None, "zoë b": 2.0}
    for one in found:
        school.done("prof", "PUT", f"/submissions/{one['id']}/scores", json={"item": "ps1/q1_test", "points": 3})
    page = browser.get(f"{address}&only=hand")
    assert (page.text.count("<article"), ">ada<" in page.text or ">Ada<" in page.text) == (1, True)


def test_a_submission_stands_beside_the_source(school: Any, desk: str) -> None:
    """And that it was read is noted; a notebook that is not in the release is not there."""
    page = words(school.house.browse("tom").get(f"{desk}/compare?notebook=ps1"))
    assert "x = 1 # ada" in page
    assert "assert x == 1" in page
    assert [row.detail["of"] for row in school.audit("answers.view")] == ["ps1"]
    assert school.house.browse("tom").get(f"{desk}/compare?notebook=../x").status_code == 404


def test_cells_are_paired_by_id_and_by_text() -> None:
    """What only one side has stays where it stands; an odd notebook has no cells."""

    def cells(*named: tuple[str, str]) -> tuple[Any, ...]:
        made = [{"cell_type": "code", "source": text, "metadata": {"nbgrader": {"grade_id": name}} if name else {}} for name, text in named]
        import json

        return cells_of(json.dumps({"cells": made}).encode())

    pairs = compare(cells(("", "intro"), ("", "extra"), ("q", "mine")), cells(("", "intro"), ("q", "theirs"), ("t", "test")))
    told = [(pair.left and pair.left.text, pair.right and pair.right.text, pair.is_same) for pair in pairs]
    assert told == [("intro", "intro", True), ("extra", None, False), ("mine", "theirs", False), (None, "test", False)]
    assert [cells_of(odd) for odd in (b"", b"[]", b'{"cells": 3}', b'{"cells": [1]}')] == [()] * 4


def test_feedback_is_read_once_it_is_released(school: Any, work: str, desk: str) -> None:
    """With what being late costs, in words; and not by others."""
    school.clock.at("2026-10-22T11:00")
    late = school.submit("ben", school.assignment_id)["submission"]
    school.graded(school.assignment_id, late, 8.0)
    for one in (school.ada, late):
        school.done("tom", "PUT", f"/submissions/{one}/scores", json={"item": "ps1/essay", "points": 2, "comment": f"Fine {EVIL}"})
    browser = school.house.browse("ben")
    assert browser.get(f"{work}/submissions/{late}").status_code == 404
    assert school.house.browse("tom").post(f"{work}/feedback", data={"release": "yes"}).status_code == 403
    school.house.browse("prof").post(f"{work}/feedback", data={"release": "yes"})
    page = browser.get(f"{work}/submissions/{late}")
    told = words(page)
    assert "9 of 10 points 10 earned, 1 taken off: 23 h late. Each begun day costs 10 % of the points." in told
    assert ("own kernel" in told, "put back" in told, "<script>alert" in page.text) == (False, False, False)
    assert browser.get(desk).status_code == 404
    assert "9 / 10" in words(browser.get(work))
    school.house.browse("prof").post(f"{work}/feedback", data={"release": "no"})
    assert browser.get(f"{work}/submissions/{late}").status_code == 404


def test_a_student_has_their_receipts(school: Any, work: str) -> None:
    """With the hash of the whole, and each file."""
    page = school.house.browse("ada").get(work)
    receipt = school.done("ada", "GET", f"/submissions/{school.ada}/receipt")
    assert receipt["sha256"] in page.text
    assert f"/api/submissions/{school.ada}/files/{receipt['files'][0]['sha256']}" in page.text
    assert "Points of the class" not in page.text


def test_the_history_tells_of_this_assignment_only(school: Any, work: str) -> None:
    """With people in place of ids."""
    school.submit("ben", school.assignment("Übung 2"))
    page = words(school.house.browse("prof").get(f"{work}/history"))
    assert "ada handed in ada attempt: 1" in page
    assert "grading run graded ada state: graded; points: 6" in page
    assert "ben handed in" not in page
    assert school.house.browse("tom").get(f"{work}/history").status_code == 403


@pytest.mark.parametrize("students", [0, 300])
def test_a_class_of_any_size_is_shown(school: Any, students: int) -> None:
    """Nobody, and three hundred who have all handed in."""
    assignment = school.assignment("Large")
    now = school.clock.time
    with school.house.database.transaction() as session:
        session.query(MemberRow).filter(MemberRow.role == "student").delete()
        for n in range(students):
            name, place = f"s{n:03}", f"{n:012}"
            session.add(
                MemberRow(course_id="image-ai", username=name, role="student", full_name=f"Student {n}", added=now, added_by="prof")
            )
            common = {"assignment_id": assignment, "key": place, "members": [name], "attempt": 1, "release": 1, "size": 1}
            receipt = {"files": [{"path": "ps1.ipynb", "sha256": "0" * 64, "size": 1}]}
            session.add(SubmissionRow(id=place, person=name, submitted=now, sha256="0" * 64, receipt=receipt, **common))
    browser, work = school.house.browse("tom"), f"{COURSE}/assignments/{assignment}"
    assert browser.get(work).text.count('<td class="who-cell"') == students
    assert browser.get(f"{COURSE}/class").text.count('<td class="who-cell"') == students
    page = browser.get(f"{work}/items?item=ps1/essay&page=99")
    assert (page.status_code, "Large" in page.text, page.text.count("<article")) == (200, True, min(students, 25))
    assert browser.get(f"{work}/settings").status_code == 200


def test_who_needs_help_stands_first() -> None:
    """The one who has been stuck longest, then who has done least; a cell is named once for all who are stuck there."""
    now = datetime.now(UTC)
    item = AssignmentItem(id="a" * 12, course="image-ai", name="Übung", state="released", due=now + timedelta(days=1), max_points=4)

    def student(name: str, **cell: Any) -> ClassRow:
        return ClassRow(person=name, cells=(ClassCell(assignment=item.id, **cell),))

    stuck = {"fetched": 1, "started": now, "stuck_cell": "ps1: =q2", "stuck_error": "NameError", "stuck_times": 2}
    people = (
        student("done", fetched=1, attempts=1, submitted=now, state="graded", points=3.5),
        student("idle"),
        student("late", **stuck, stuck_since=now - timedelta(minutes=2)),
        student("long", **stuck, stuck_since=now - timedelta(hours=2)),
        student("works", fetched=1, started=now, passed=2),
    )
    view = ClassView(assignments=(item,), students=people)
    rows = rows_of(view)
    assert [row.student.person for row in rows] == ["long", "late", "idle", "works", "done"]
    assert [row.cells[0].word for row in rows if row.cells[0]] == ["working", "working", "not fetched", "working, 2 pass", "3.5 of 4"]
    assert [(place.cell, place.people) for place in places_of(view)] == [("ps1: =q2", ("long", "late"))]
    assert rows[0].cells[0] is not None
    assert rows[0].cells[0].stuck_words == "2 times, for 2 h, 1 other too"
    assert "late,,Übung,1," in class_sheet(view)


def test_a_histogram_marks_ones_own_place() -> None:
    """All points are in the last column; nothing is drawn of nobody."""
    picture = draw_histogram((0, 2, 0, 0, 0, 0, 0, 0, 0, 4), 1.0)
    assert [bar.is_own for bar in picture.bars] == [False] * 9 + [True]
    assert [bar.height for bar in picture.bars if bar.count] == [45.0, 90.0]
    assert picture.words == "Distribution of points: 2 at 10–20 %, 4 at 90–100 %."
    assert draw_histogram(()).bars == ()


def test_reading_what_was_not_executed_is_noted(school: Any) -> None:
    """Its cells stand on the page itself; and so is the file of the whole class."""
    assignment = school.assignment()
    one, browser = school.submit("ada", assignment)["submission"], school.house.browse("tom")
    for _ in range(2):
        assert "x = 1 # ada" in words(browser.get(f"{COURSE}/assignments/{assignment}/submissions/{one}"))
    assert [(row.actor, row.subject, row.detail["of"]) for row in school.audit("answers.view")] == [("tom", one, "ps1")]
    browser.get(f"{COURSE}/class.csv")
    assert [row.actor for row in school.audit("class.export")] == ["tom"]


@pytest.mark.parametrize("typed", ["2026-10-25 23:59", "20261025T2359", " 2026-10-25T23:59:00 "])
def test_a_due_time_in_another_shape_is_in_the_form(school: Any, typed: str) -> None:
    """A browser leaves the field empty otherwise, and the next who saves the form takes the due time away."""
    assignment = school.assignment(due=typed, closes=typed)
    page = school.house.browse("prof").get(f"{COURSE}/assignments/{assignment}/settings").text
    assert 'name="due" value="2026-10-25T23:59"' in page
    assert 'name="closes" value="2026-10-25T23:59"' in page


def test_a_draft_is_made_and_deleted_by_forms(school: Any) -> None:
    """Its page says how it is released; a name that is taken is said, and comes back as it was typed."""
    browser = school.house.browse("prof")
    browser.get(COURSE)
    made = browser.post(f"{COURSE}/assignments", data={"assignment": " Cells <1> "})
    assert made.status_code == 303
    page = made.headers["location"].removeprefix("/services/labkit").split("?")[0]
    assert "labkit course release FOLDER --course image-ai" in words(browser.get(page))
    again = browser.post(f"{COURSE}/assignments", data={"assignment": "cells <1>"})
    assert (again.status_code, 'value="cells &lt;1&gt;"' in again.text) == (409, True)
    assert browser.post(f"{COURSE}/assignments", data={"assignment": ""}).status_code == 400
    assert "Delete the draft" in browser.get(f"{page}/settings").text
    tom, ada = school.house.browse("tom"), school.house.browse("ada")
    assert [one.post(f"{COURSE}/assignments", data={"assignment": "Mine"}).status_code for one in (tom, ada)] == [403, 404]
    assert [one.post(f"{page}/delete", data={}).status_code for one in (tom, ada)] == [403, 404]
    assert "New assignment" not in tom.get(COURSE).text + ada.get(COURSE).text
    gone = browser.post(f"{page}/delete", data={})
    assert (gone.status_code, browser.get(page).status_code) == (303, 404)
    kept = school.assignment()
    assert browser.post(f"{COURSE}/assignments/{kept}/delete", data={}).status_code == 409
    school.submit("tom", kept)
    school.done("prof", "PATCH", f"/assignments/{kept}", json={"state": "draft"})
    assert "Delete the draft" not in browser.get(f"{COURSE}/assignments/{kept}/settings").text  # staff have tried it out
