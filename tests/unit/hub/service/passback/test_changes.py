"""What has changed since the last look is known without reading all submissions."""

from __future__ import annotations

from datetime import timedelta

from labkit.testing.passback import NOW
from labkit_hub.service.courses.tables import AssignmentRow, ExtensionRow, GradeRow, SubmissionRow
from labkit_hub.service.passback import door
from labkit_hub.service.passback.grades import released_grades
from labkit_hub.service.passback.tables import LinkRow
from labkit_hub.service.tables import MemberRow


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
