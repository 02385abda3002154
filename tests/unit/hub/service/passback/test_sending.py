"""Which points go to a learning platform, and when."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from labkit.testing.passback import NOW, actions, launch, set_points, states
from labkit_hub.service.courses.tables import AssignmentRow, GradeRow, SubmissionRow
from labkit_hub.service.passback import Grade, GradedAssignment
from labkit_hub.service.passback.links import keep_launch
from labkit_hub.service.passback.tables import SendRow
from labkit_hub.service.tables import CourseRow


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


def test_who_is_no_student_there_is_told_in_words(passback, platform, database, course) -> None:
    """Ada has left the platform's course: what it says is passed on, with what it may mean; Bob's score arrives."""
    platform.strangers.add("id of ada")
    passback.look()
    said = "The platform answered 400: Incorrect score received. Perhaps this person is no student of the platform's course."
    assert (states(database)["ada"], states(database)["bob"][0]) == (("failed", said), "sent")


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
    assert others.wait(60)
    with database.transaction() as session:
        session.get(SubmissionRow, "sub-zoe").feedback = NOW
    assert passback.send_grades(GradedAssignment("aaaaaaaaaaaa", "c", "Sheet 1", 10), {"zoe": Grade(9, 10)}) == 1
    assert arrived.wait(60)
    passback.stop()
