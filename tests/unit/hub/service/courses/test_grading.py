"""Grading: batches in the line, results, points by hand, late rules, feedback, gradebooks."""

from __future__ import annotations

import pytest

from labkit_hub.service.courses.gradebook import harmless, plain_number
from labkit_hub.service.courses.statistics import histogram
from labkit_hub.service.tables import RunRow


@pytest.fixture
def made(school) -> str:
    """An assignment that three have handed in."""
    return school.assignment()


@pytest.fixture
def ada(school, made) -> str:
    """What ada handed in."""
    return school.submit("ada", made)["submission"]


def test_a_batch_is_a_run_of_the_graders(school, made, ada, house) -> None:
    """In the course's name, without a device; students do not hear of it."""
    school.submit("ben", made)
    batch = school.done("tom", "POST", f"/assignments/{made}/batches", json={})
    with house.database.reading() as session:
        row = session.get_one(RunRow, batch["run"])
        assert (row.owner, row.kind, row.path, row.profile, row.course_id) == (
            "labkit-grader",
            "grade",
            "grading/runs",
            "grade",
            school.course,
        )
    assert (batch["state"], batch["total"], batch["graded"]) == ("waiting", 2, 0)
    assert school.mine("prof", made)["waiting"] == 0
    assert school.ask("ada", "GET", f"/assignments/{made}/batches").status_code == 404


def test_one_batch_at_a_time_for_a_submission(school, made, ada) -> None:
    """What a lost run leaves can be asked for again."""
    run = school.batch(made)
    for ask in ({}, {"which": "all"}, {"which": "these", "submissions": [ada]}):
        assert school.ask("prof", "POST", f"/assignments/{made}/batches", json=ask).status_code == 409
    school.set_run(run, "lost", "Its server is gone.")
    lost = school.done("prof", "GET", f"/assignments/{made}/batches")["batches"][0]
    assert (lost["state"], lost["reason"]) == ("lost", "Its server is gone. 1 of its submissions is not graded: ask for a new batch.")
    assert school.done("prof", "POST", f"/assignments/{made}/batches", json={})["total"] == 1


def test_a_run_that_goes_on_gets_what_is_left(school, made, ada, clock) -> None:
    """Whole sources by version, hidden part included, and the submissions that have no result yet."""
    clock.later(minutes=1)
    ben = school.submit("ben", made)["submission"]
    run = school.batch(made)
    server = school.server_of(run)
    job = school.done(server, "GET", f"/grading/{run}")
    assert [task["submission"] for task in job["tasks"]] == [ada, ben]
    assert "hidden/labels.csv" in [file["path"] for file in job["sources"]["1"]["files"]]
    secret = school.sha256(school.source_files["hidden/labels.csv"])
    assert school.done(server, "GET", f"/grading/{run}/files/{secret}").content == b"secret labels"
    school.put_result(run, ada)
    assert [task["submission"] for task in school.done(server, "GET", f"/grading/{run}")["tasks"]] == [ben]
    batch = school.done("prof", "GET", f"/assignments/{made}/batches")["batches"][0]
    assert (batch["graded"], batch["failed"], batch["total"]) == (1, 0, 2)


def test_nobody_but_the_runs_own_server_comes_in(school, made, ada) -> None:
    """No person, no other run's server, no student's server of this name, and not after the end."""
    run = school.batch(made)
    other = school.batch(made, which="these", submissions=[school.submit("ben", made)["submission"]])
    own = school.server_of(run)
    secret = school.sha256(school.source_files["hidden/labels.csv"])
    callers = ["prof", "root", "ada", school.server_of(other), school.server_of(run, owner="ada"), school.server_of(run, owner="root")]
    paths = [f"/grading/{run}", f"/grading/{run}/files/{secret}"]
    assert {school.ask(name, "GET", path).status_code for name in callers for path in paths} == {404}
    assert (
        school.ask(
            "ada", "PUT", f"/grading/{run}/results/{ada}", json={"result": {"submission": ada, "state": "failed", "isolation": "process"}}
        ).status_code
        == 404
    )
    assert {row.actor for row in school.audit("grading.peek")} >= {"ada", "prof", "root"}
    assert school.ask(own, "GET", f"/grading/{run}").status_code == 200
    for state in ("cancelled", "waiting"):
        school.set_run(run, state)
        assert school.ask(own, "GET", f"/grading/{run}").status_code == 404


def test_a_server_of_a_run_reads_only_files_of_its_batch(school, made, ada) -> None:
    """Not what somebody else handed in."""
    theirs = school.notebook("x = 1  # ben")
    school.submit("ben", made, {"ps1.ipynb": theirs})
    run = school.batch(made, which="these", submissions=[ada])
    assert school.ask(school.server_of(run), "GET", f"/grading/{run}/files/{school.sha256(theirs)}").status_code == 404


def test_a_result_is_put_once(school, made, ada) -> None:
    """Asking again changes nothing, but what failed can still be graded."""
    run = school.batch(made)
    assert school.put_result(run, ada, state="failed").status_code == 204
    assert school.done("prof", "GET", f"/submissions/{ada}")["state"] == "failed"
    assert school.put_result(run, ada, 5).status_code == 204
    assert school.put_result(run, ada, 8).status_code == 204
    assert school.grade(ada)["submission"]["points"] == 5


def test_a_late_result_of_an_old_batch_does_not_count(school, made, ada) -> None:
    """Nor does a failure take the place of points."""
    old = school.batch(made)
    school.set_run(old, "lost")
    new = school.batch(made)
    school.set_run(old, "running")
    school.put_result(new, ada, 7)
    school.put_result(old, ada, 3)
    assert school.grade(ada)["submission"]["points"] == 7
    school.set_run(new, "done")
    school.set_run(old, "done")
    school.put_result(school.batch(made, which="all"), ada, state="failed")
    assert school.grade(ada)["submission"]["points"] == 7


def test_a_persons_word_holds(school, made, ada) -> None:
    """Over the run's, also when it is graded again; None goes back to the run's; history has all of it."""
    school.graded(made, ada, 6)
    school.done("tom", "PUT", f"/submissions/{ada}/scores", json={"item": "ps1/essay", "points": 1.5, "comment": "Nice."})
    school.done("tom", "PUT", f"/submissions/{ada}/scores", json={"item": "ps1/q1_test", "points": 8, "reason": "A typo only."})
    assert school.grade(ada)["submission"]["points"] == 9.5
    school.graded(made, ada, 2)
    assert school.grade(ada)["submission"]["points"] == 9.5
    back = school.done("tom", "PUT", f"/submissions/{ada}/scores", json={"item": "ps1/q1_test", "points": None})
    assert (back["submission"]["points"], back["submission"]["needs_hand"], back["comments"]) == (3.5, 0, {"ps1/essay": "Nice."})
    told = [(one["item"], one["points"], one["by"]) for one in back["history"] if one["item"] == "ps1/q1_test"]
    assert told == [("ps1/q1_test", 6, "labkit-grader"), ("ps1/q1_test", 8, "tom"), ("ps1/q1_test", None, "tom")]
    assert [one["points"] for one in back["history"] if one["item"] == ""] == [6, 7.5, 9.5, 3.5]
    assert [row.detail["points"] for row in school.audit("score.change")] == [1.5, 8, None]


def test_a_new_run_may_be_asked_to_forget_points_by_hand(school, made, ada) -> None:
    """What was written stays."""
    school.graded(made, ada, 6)
    school.done("tom", "PUT", f"/submissions/{ada}/scores", json={"item": "ps1/q1_test", "points": 8, "comment": "Nice."})
    school.put_result(school.batch(made, which="all", drop_hand=True), ada, 4)
    grade = school.grade(ada)
    assert (grade["submission"]["points"], grade["comments"]) == (4, {"ps1/q1_test": "Nice."})


def test_what_can_be_scored(school, ada) -> None:
    """Items of the release; the whole has a comment only."""
    asks = [{"item": "ps1/none", "points": 1}, {"item": "", "points": 1}, {"item": "", "comment": "Well done."}]
    assert [school.ask("tom", "PUT", f"/submissions/{ada}/scores", json=ask).status_code for ask in asks] == [400, 400, 200]


def test_an_extension_takes_the_penalty_away_by_itself(school, clock) -> None:
    """After the grade, without grading again; the history keeps both."""
    made = school.assignment(due="2026-10-25T23:59", late={"accept": True, "percent_per_day": 20})
    clock.at("2026-10-26T12:00")
    late = school.submit("ada", made)
    school.graded(made, late["submission"], 5)
    before = school.grade(late["submission"])["submission"]
    school.done("prof", "PUT", f"/assignments/{made}/extensions/ada", json={"due": "2026-10-27T23:59", "reason": "ill"})
    after = school.grade(late["submission"])
    assert (before["points"], before["penalty"], before["late_s"]) == (4, 1, late["late_s"])
    assert (after["submission"]["points"], after["submission"]["penalty"], after["submission"]["late_s"]) == (5, 0, 0)
    assert [(one["points"], one["by"]) for one in after["history"] if not one["item"]] == [(4, "labkit-grader"), (5, "prof")]
    assert "20 %" in after["history"][-2]["comment"]
    assert "ill" in after["history"][-1]["comment"]
    assert school.done("ada", "GET", f"/submissions/{late['submission']}/receipt")["late_s"] == late["late_s"]


@pytest.mark.parametrize(("counts", "points"), [("last", None), ("best", 7)])
def test_which_submission_counts(school, counts, points) -> None:
    """The last one; or the best, and what is not graded is no better."""
    made = school.assignment(counts=counts)
    ids = [school.submit("ada", made)["submission"] for _ in range(3)]
    school.graded(made, ids[0], 7)
    school.graded(made, ids[1], 3)
    shown = school.done("prof", "GET", f"/assignments/{made}/submissions")["submissions"]
    assert [(one["id"], one["points"]) for one in shown if one["counts"]] == [(ids[2] if counts == "last" else ids[0], points)]
    assert school.mine("prof", made)["waiting"] == 1


def test_students_read_nothing_before_the_feedback_is_released(school, made, ada) -> None:
    """Then scores, comments and pages, but not what is for staff; what is not graded is left out."""
    ben = school.submit("ben", made)["submission"]
    run = school.graded(made, ada, 6)
    assert run
    assert school.ask("ada", "GET", f"/submissions/{ada}/grade").status_code == 404
    assert school.ask("ada", "POST", f"/submissions/{ada}/view", json={"notebook": "ps1"}).status_code == 404
    assert (school.mine("ada", made)["points"], school.done("ada", "GET", f"/submissions/{ada}")["points"]) == (None, None)
    assert [school.ask(name, "POST", f"/assignments/{made}/feedback", json={}).status_code for name in ("ada", "tom")] == [404, 403]
    assert school.done("prof", "POST", f"/assignments/{made}/feedback", json={}) == {"submissions": [ada], "not_graded": 1}
    grade = school.grade(ada, by="ada")
    assert (grade["submission"]["points"], grade["notes"], grade["history"], len(grade["scores"])) == (6, [], [], 2)
    assert school.mine("ada", made)["points"] == 6
    assert school.ask("ben", "GET", f"/submissions/{ben}/grade").status_code == 404
    school.done("prof", "POST", f"/assignments/{made}/feedback", json={"release": False})
    assert school.ask("ada", "GET", f"/submissions/{ada}/grade").status_code == 404
    assert len(school.audit("feedback.release")) == len(school.audit("feedback.withdraw")) == 1


def test_a_page_is_shown_in_a_cage_and_for_a_while(school, made, ada, clock) -> None:
    """Under an address that nobody can guess; it never comes as a page from anywhere else."""
    run = school.batch(made)
    page = b"<script>alert(1)</script>"
    school.put_result(run, ada, page=page)
    view = school.done("tom", "POST", f"/submissions/{ada}/view", json={"notebook": "ps1"})
    path = view["address"].removeprefix("/services/labkit")
    shown = school.house.ask(None, "GET", path)
    assert (shown.content, shown.headers["content-type"]) == (page, "text/html; charset=utf-8")
    policy = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert (shown.headers["content-security-policy"], shown.headers["cache-control"]) == (policy, "no-store")
    saved = school.done("tom", "GET", f"/submissions/{ada}/result-files/{school.sha256(page)}")
    assert (saved.headers["content-type"], "attachment" in saved.headers["content-disposition"]) == ("application/octet-stream", True)
    assert [row.detail["person"] for row in school.audit("submission.view")] == ["ada"]
    clock.later(seconds=301)
    assert school.house.ask(None, "GET", path).status_code == 404


def test_students_get_files_and_notes_without_hidden_tests(school, made, ada) -> None:
    """By every way to them; staff get those with them, and both are kept by one result."""
    whole, own = b"<p>assert secret</p>", b"<p>without</p>"
    assert school.put_result(school.batch(made), ada, page=whole, student_page=own).status_code == 204
    school.done("tom", "PUT", f"/submissions/{ada}/scores", json={"item": "ps1/essay", "points": 1})
    school.done("prof", "POST", f"/assignments/{made}/feedback", json={})

    def shown(name: str) -> bytes:
        address = school.done(name, "POST", f"/submissions/{ada}/view", json={"notebook": "ps1"})["address"]
        return school.house.ask(None, "GET", address.removeprefix("/services/labkit")).content

    def statuses(name: str) -> list[int]:
        paths = [f"/submissions/{ada}/result-files/{school.sha256(page)}" for page in (whole, own)]
        return [school.ask(name, "GET", path).status_code for path in paths]

    assert (shown("ada"), shown("tom")) == (own, whole)
    assert (statuses("ada"), statuses("tom"), statuses("ben")) == ([404, 200], [200, 200], [404, 404])
    saved = school.done("ada", "GET", f"/submissions/{ada}/result-files/{school.sha256(own)}")
    assert saved.headers["content-disposition"] == "attachment; filename*=UTF-8''ps1.html"
    grades = {name: school.grade(ada, by=name) for name in ("ada", "prof")}
    assert [grades[name]["scores"][0]["note"] for name in grades] == ["A hidden test failed.", "AssertionError: secret"]
    assert [grades[name]["notebooks"][0]["html"] for name in grades] == [school.sha256(own), school.sha256(whole)]
    assert "secret" not in str(grades["ada"])


def test_result_without_one_of_its_files_is_refused(school, made, ada) -> None:
    """The page for the student is one of them."""
    run = school.batch(made)
    outcome = {"notebook": "ps1", "state": "done", "student_html": "0" * 64}
    body = {"result": {"submission": ada, "state": "graded", "notebooks": [outcome], "isolation": "process"}}
    assert school.ask(school.server_of(run), "PUT", f"/grading/{run}/results/{ada}", json=body).status_code == 400


def test_statistics_are_for_those_who_have_feedback(school, made) -> None:
    """And tell students nothing where few are graded."""
    ids = [school.submit(name, made)["submission"] for name in ("ada", "ben")]
    run = school.batch(made)
    for submission, points in zip(ids, (2.0, 8.0), strict=True):
        school.put_result(run, submission, points)
    staff = school.done("prof", "GET", f"/assignments/{made}/statistics")
    assert (staff["mean"], staff["median"], staff["deviation"], staff["by_item"]) == (5, 5, 3, {"ps1/q1_test": 5})
    assert staff["histogram"] == [0, 0, 1, 0, 0, 0, 0, 0, 1, 0]
    assert school.ask("ada", "GET", f"/assignments/{made}/statistics").status_code == 404
    school.done("prof", "POST", f"/assignments/{made}/feedback", json={})
    few = school.done("ada", "GET", f"/assignments/{made}/statistics")
    assert (few["graded"], few["mean"], few["histogram"]) == (2, None, [])


def test_a_histogram_has_ten_bins() -> None:
    """Full points and more are in the last, and tenths are where they look."""
    assert histogram([(0, 10), (3, 10), (0.3, 1), (10, 10), (12, 10), (0, 0)]) == (1, 0, 0, 2, 0, 0, 0, 0, 0, 3)


def test_gradebooks(school, made, ada) -> None:
    """Everybody of the course, whether they handed in or not (Moodle: only who has points); no name is a formula."""
    school.graded(made, ada, 6)
    lines = {
        "labkit": "ada,Ada,,graded,1,2026-10-20T12:00:00+00:00,0,6,0,10",
        "canvas": "Zoë B,,,zoë b,image-ai,",
        "moodle": "ada,Ada,6",
    }
    for kind, line in lines.items():
        sheet = school.done("tom", "GET", f"/assignments/{made}/gradebook.csv?format={kind}")
        assert line in sheet.content.decode("utf-8-sig").splitlines()
    assert school.ask("ada", "GET", f"/assignments/{made}/gradebook.csv").status_code == 404


def test_moodle_is_told_of_nobody_without_points(school, made, ada) -> None:
    """It refuses a whole file for one person whom it does not know; a point of zero is one."""
    school.graded(made, ada, 0)
    sheet = school.done("tom", "GET", f"/assignments/{made}/gradebook.csv?format=moodle")
    assert sheet.content.decode("utf-8-sig").splitlines()[1:] == ["ada,Ada,0"]


def test_a_number_in_brackets_is_no_id_for_canvas(school) -> None:
    """Canvas takes "Sheet (2)" for its own assignment 2."""
    school.assignment("Sheet (2)")
    sheet = school.done("tom", "GET", f"/courses/{school.course}/gradebook.csv?format=canvas")
    assert sheet.content.decode("utf-8-sig").splitlines()[0].endswith(",Sheet [2]")


def test_the_gradebook_of_a_course(school, made, ada, clock) -> None:
    """A column for each assignment that students see, by the rules of each; the sum, and what is possible below."""
    school.graded(made, ada, 6)
    clock.later(minutes=1)
    late = school.assignment("=Second", due="2026-10-20T11:00", late={"accept": True, "percent_per_day": 50}, counts="best")
    for number, points in enumerate((8.0, 2.0)):
        submission = school.submit("ada", late, {"ps1.ipynb": school.notebook(f"x = {number}")})["submission"]
        school.graded(late, submission, points)
        school.done("tom", "PUT", f"/submissions/{submission}/scores", json={"item": "ps1/essay", "points": 0})
    clock.later(minutes=1)
    school.done("prof", "PATCH", f"/assignments/{school.assignment('Taken back')}", json={"state": "draft"})

    def lines(kind: str) -> list[str]:
        path = f"/courses/{school.course}/gradebook.csv?format={kind}"
        return school.done("tom", "GET", path).content.decode("utf-8-sig").splitlines()

    assert lines("labkit")[:3] == [f"username,name,{school.name},'=Second,total", "ada,Ada,6,4,10", "ben,'=cmd|Ben,,,0"]
    assert lines("labkit")[-1] == ",possible,10,10,20"
    assert lines("canvas")[:3] == [
        f"Student,ID,SIS User ID,SIS Login ID,Section,{school.name},'=Second",
        "    Points Possible,,,,,10,10",
        "Ada,,,ada,image-ai,6,4",
    ]
    assert lines("moodle")[1] == "ada,Ada,6,4"
    assert school.ask("ada", "GET", f"/courses/{school.course}/gradebook.csv").status_code == 404
    assert {row.actor for row in school.audit("gradebook.export")} == {"tom"}


@pytest.mark.parametrize(("text", "shown"), [("=1+1", "'=1+1"), ("@x", "'@x"), ("-2", "'-2"), ("\t=x", "'\t=x"), ("zoë b", "zoë b")])
def test_no_text_is_a_formula(text, shown) -> None:
    """Whatever it begins with."""
    assert harmless(text) == shown


def test_numbers_of_a_gradebook_are_written_out(school) -> None:
    """Seconds of a fortnight, many points: no spreadsheet or learning platform gets a power of ten, or fewer places."""
    assert [plain_number(value) for value in (1_234_567, 12345.678, 1e6, 0.0, 7, 10 / 3)] == [
        "1234567",
        "12345.678",
        "1000000",
        "0",
        "7",
        "3.333333",
    ]
    made = school.assignment(due="2026-10-01T12:00", late={"accept": True})
    school.submit("ada", made)
    assert ",1641600,," in school.done("tom", "GET", f"/assignments/{made}/gradebook.csv").content.decode()


def test_whoever_reads_anothers_graded_work_is_noted(school, made, ada) -> None:
    """Its files, as what was handed in; its own people are not."""
    school.graded(made, ada)
    school.done("prof", "POST", f"/assignments/{made}/feedback", json={})
    page = school.grade(ada)["notebooks"][0]["html"]
    for name in ("tom", "ada"):
        school.done(name, "GET", f"/submissions/{ada}/result-files/{page}")
    noted = [(row.actor, row.subject, row.detail["sha256"], row.detail["person"]) for row in school.audit("submission.download")]
    assert noted == [("tom", ada, page, "ada")]


def test_a_mended_test_grades_what_was_handed_in_before(school, made, ada) -> None:
    """If the batch is asked for the newest release; points stay until the result is there, and the receipt for ever."""
    school.graded(made, ada, 2)
    receipt = school.done("ada", "GET", f"/submissions/{ada}/receipt")
    mended = {**school.source_files, "ps1.ipynb": school.notebook("x = 1", "assert x in (1, 2)")}
    school.release(made, source=school.send("prof", mended), items=[{"id": "q1_test", "notebook": "ps1", "how": "cell", "max_points": 20}])
    run = school.batch(made, which="all")
    assert list(school.done(school.server_of(run), "GET", f"/grading/{run}")["sources"]) == ["1"]
    school.set_run(run, "cancelled")
    run = school.batch(made, which="all", newest=True)
    job = school.done(school.server_of(run), "GET", f"/grading/{run}")
    assert (list(job["sources"]), [task["release"] for task in job["tasks"]]) == (["2"], [2])
    assert school.done("tom", "GET", f"/submissions/{ada}")["max_points"] == 10
    assert school.put_result(run, ada, 18).status_code == 204
    found = school.done("tom", "GET", f"/submissions/{ada}")
    assert (found["points"], found["max_points"], found["release"]) == (18, 20, 2)
    assert school.done("ada", "GET", f"/submissions/{ada}/receipt") == receipt
    assert school.audit("batch.create")[-1].detail["to_newest"] == 1


def test_grading_by_the_newest_release_that_fails_changes_no_points(school, made, ada) -> None:
    """Its items may be others: the submission stays one of the release whose result holds, also for who gives points meanwhile."""
    school.graded(made, ada, 6)
    school.release(made, items=[{"id": "another_test", "notebook": "ps1", "how": "cell", "max_points": 20}])
    run = school.batch(made, which="all", newest=True)
    school.done("tom", "PUT", f"/submissions/{ada}/scores", json={"item": "ps1/essay", "points": 2})
    assert school.put_result(run, ada, state="failed").status_code == 204
    found = school.done("tom", "GET", f"/submissions/{ada}")
    assert (found["points"], found["max_points"], found["release"], found["needs_hand"]) == (8, 10, 1, 0)


def test_why_grading_again_failed_is_said_to_staff(school, made, ada) -> None:
    """The points of before hold, and it would be said nowhere else; when it has been graded, it is history."""
    school.graded(made, ada, 6)
    said = []
    for state in ("failed", "graded"):
        run = school.batch(made, which="all")
        assert school.put_result(run, ada, state=state, note=f"It {state}.").status_code == 204
        school.set_run(run, "done")
        one, listed = school.grade(ada), school.done("tom", "GET", f"/assignments/{made}/submissions")["submissions"]
        assert one["notes"] == one["submission"]["notes"] == listed[0]["notes"]
        said.append([note["text"] for note in one["notes"]])
    assert said == [["It failed.", "A cell was put back."], ["It graded."]]


def test_what_lacks_a_notebook_of_the_newest_release_keeps_its_own(school, made, ada) -> None:
    """It would be graded as if it had been left out."""
    two = {**school.student_files, "ps2.ipynb": school.notebook("# YOUR CODE HERE")}
    school.release(made, student=school.send("prof", two), source=school.send("prof", {**school.source_files, **two}))
    run = school.batch(made, newest=True)
    assert list(school.done(school.server_of(run), "GET", f"/grading/{run}")["sources"]) == ["1"]


@pytest.fixture
def broken(school, made, ada, clock) -> str:
    """A batch of two whose run has brought one result when its time was up."""
    clock.later(minutes=1)
    school.submit("ben", made)
    run = school.batch(made)
    clock.later(hours=4)
    assert school.put_result(run, ada).status_code == 204
    school.end_run(run, "failed", "Out of time.")
    return run


def _batch(school, made) -> dict:
    (batch,) = school.done("prof", "GET", f"/assignments/{made}/batches")["batches"]
    return batch


def test_what_a_run_leaves_is_graded_by_another(school, made, broken, clock) -> None:
    """Of the same batch, which goes on for whoever waits for it, and gets what has no result yet; points stay."""
    between = _batch(school, made)
    assert (between["state"], between["reason"]) == ("waiting", "Out of time. 1 of its submissions is left to another run.")
    (run,) = school.continue_batches()
    assert school.continue_batches() == []
    after = _batch(school, made)
    assert (after["run"], after["state"], after["graded"], after["total"]) == (run, "waiting", 1, 2)
    with school.house.database.reading() as session:
        row = session.get_one(RunRow, run)
        assert (row.owner, row.kind, row.resumes, row.state) == ("labkit-grader", "grade", broken, "waiting")
    school.set_run(run, "running")
    assert len(school.done(school.server_of(run), "GET", f"/grading/{run}")["tasks"]) == 1
    assert school.ask(school.server_of(broken), "GET", f"/grading/{broken}").status_code == 404
    assert [(row.actor, row.detail["after"]) for row in school.audit("batch.continue")] == [("labkit", broken)]
    clock.later(hours=4)
    school.end_run(run, "lost", "Its server is gone.")
    assert school.continue_batches() == []  # it has brought nothing, and so might all that follow: a person has a look
    assert _batch(school, made)["reason"] == "Its server is gone. 1 of its submissions is not graded: ask for a new batch."


def test_run_that_a_person_cancelled_is_followed_by_none(school, broken, monkeypatch) -> None:
    """Whoever it was; what the service stopped at the time limit goes on, but not without end."""
    for by in ("prof", "root"):
        school.end_run(broken, "cancelled", by=by)
        assert school.continue_batches() == []
    school.end_run(broken, "cancelled", by="labkit")
    with monkeypatch.context() as patch:
        patch.setattr("labkit_hub.service.courses.batchstate._MOST_RUNS", 1)
        assert school.continue_batches() == []
    assert len(school.continue_batches()) == 1


def test_batch_goes_on_neither_beside_a_newer_one_nor_a_day_later(school, made, broken, clock) -> None:
    """Somebody has asked anew; nobody waits any more."""
    clock.later(hours=30)
    assert school.continue_batches() == []
    school.end_run(broken, "failed")
    school.end_run(school.batch(made), "cancelled", by="prof")
    assert school.continue_batches() == []


def test_batch_that_is_cancelled_between_two_runs_has_no_other(school, made, broken) -> None:
    """The page has a button for it; who did it is said."""
    page = f"/courses/{school.course}/assignments/{made}"
    assert f"/runs/{broken}/cancel" in school.house.browse("tom").get(page).text
    school.end_run(broken, "failed", "Out of time.", by="tom")
    assert school.continue_batches() == []
    batch = _batch(school, made)
    assert (batch["state"], batch["goes_on"]) == ("failed", False)
    assert batch["reason"] == "Out of time. tom cancelled what it left. 1 of its submissions is not graded: ask for a new batch."
    assert f"/runs/{broken}/cancel" not in school.house.browse("tom").get(page).text


def test_batch_that_the_hub_has_no_profile_for_any_more_says_so(school, made, broken, monkeypatch) -> None:
    """Nobody waits for it: it goes on when there is one, unless it is cancelled."""
    monkeypatch.setattr("labkit_hub.service.courses.batches.grading_profile", lambda _: None)
    batch = _batch(school, made)
    assert (batch["state"], batch["goes_on"]) == ("failed", True)
    assert batch["reason"].startswith("Out of time. 1 of its submissions is not graded: the hub has no profile for grading any more.")
    assert f"/runs/{broken}/cancel" in school.house.browse("tom").get(f"/courses/{school.course}/assignments/{made}").text
