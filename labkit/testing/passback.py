"""A course that is linked to a learning platform, with what was graded in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.testing.learning_platform import CLIENT, PlayedPlatform
from labkit_hub.service.courses.tables import AssignmentRow, GradeRow, SubmissionRow
from labkit_hub.service.database import Database
from labkit_hub.service.internal import Launch
from labkit_hub.service.passback.links import keep_launch
from labkit_hub.service.passback.tables import LinkRow, SendRow
from labkit_hub.service.tables import AuditRow, CourseRow, MemberRow

__all__ = ["NOW", "Clock", "actions", "launch", "link_course", "set_points", "states"]

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until a test sets it on."""

    time = NOW

    def __call__(self) -> datetime:
        """Return the time."""
        return self.time

    def later(self, **span: float) -> None:
        """Let a span pass, in the words of `timedelta`."""
        self.time += timedelta(**span)


def link_course(database: Database, platform: PlayedPlatform) -> None:
    """Make a linked course: ada, bob and zoe came from the platform, kim did not; the feedback of all but zoe is released."""
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
        facts = {"created_by": "prof", "late": {}, "state": "released", "version": 1, "max_points": 10.0, "folded": "ps 1"}
        session.add(AssignmentRow(id="aaaaaaaaaaaa", course_id="c", name="PS 1", title="Sheet 1", created=NOW, **facts))
        session.flush()
        for name, points, released in (("ada", 7.5, True), ("bob", 10.0, True), ("kim", 3.0, True), ("zoe", 9.0, False)):
            _hand_in(session, name, points, NOW if released else None)


def _hand_in(session: Session, name: str, points: float, feedback: datetime | None) -> None:
    row = {"sha256": "0" * 64, "size": 1, "receipt": {}, "attempt": 1, "release": 1, "key": name, "members": [name]}
    session.add(SubmissionRow(id=f"sub-{name}", assignment_id="aaaaaaaaaaaa", person=name, submitted=NOW, feedback=feedback, **row))
    session.flush()
    session.add(GradeRow(submission_id=f"sub-{name}", state="graded", points=points, max_points=10, needs_hand=0, changed=NOW))


def launch(platform: PlayedPlatform, name: str, *, teaches: bool = False) -> Launch:
    """Return what is kept of somebody's coming from the platform."""
    return Launch(
        user=name,
        context="ctx",
        title="At the platform",
        subject=f"id of {name}",
        client_id=CLIENT,
        lineitems=f"{platform.url}/items",
        teaches=teaches,
    )


def set_points(database: Database, name: str, points: float) -> None:
    """Change what somebody's submission has earned."""
    with database.transaction() as session:
        session.get_one(GradeRow, f"sub-{name}").points = points


def states(database: Database) -> dict[str, tuple[str, str]]:
    """Return how sending stands, and in which words, by user name."""
    with database.reading() as session:
        return {row.username: (row.state, row.message) for row in session.scalars(select(SendRow))}


def actions(database: Database) -> list[str]:
    """Return what the audit says was done, the first first."""
    with database.reading() as session:
        return [row.action for row in session.scalars(select(AuditRow).order_by(AuditRow.id))]
