"""What is to be sent: written down first, so that nothing is lost and nothing is sent twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from labkit_hub.service.audit import note
from labkit_hub.service.passback.platform import PlatformFault
from labkit_hub.service.passback.tables import LaunchRow, LineItemRow, LinkRow, SendRow

__all__ = ["Due", "Grade", "GradedAssignment", "ask_again", "due", "note_failed", "note_line_item", "note_sent", "put_grades", "wait"]

_LONGEST_PAUSE_S = 3600.0
_ACTOR = "labkit"
_LABEL_LENGTH = 255  # more does not go into a column's name at Moodle or Canvas


@dataclass(frozen=True, slots=True)
class GradedAssignment:
    """An assignment as the platform's gradebook shows it."""

    id: str
    course_id: str
    label: str
    max_points: float

    @property
    def column(self) -> tuple[str, float]:
        """What its column is called there, and the maximum."""
        return self.label[:_LABEL_LENGTH], self.max_points


@dataclass(frozen=True, slots=True)
class Grade:
    """What somebody earned: late rule applied, and released to them."""

    points: float
    max_points: float


@dataclass(frozen=True, slots=True)
class Due:
    """A score to send now; ``subject`` is empty where the person never came from the platform."""

    assignment_id: str
    username: str
    points: float
    max_points: float
    subject: str
    link: LinkRow
    line_item: LineItemRow | None
    last: datetime | None


def put_grades(session: Session, assignment: GradedAssignment, grades: Mapping[str, Grade], now: datetime) -> int:
    """Write down what the platform is to have, and return how many scores are news; the same once more changes nothing."""
    if session.get(LinkRow, assignment.course_id) is None:
        return 0
    known = {row.username: row for row in session.scalars(select(SendRow).where(SendRow.assignment_id == assignment.id))}
    changed = 0
    for name, grade in sorted(grades.items()):
        row = known.get(name)
        if row is not None and (row.points, row.max_points) == (grade.points, grade.max_points):
            continue
        if row is None:
            row = SendRow(assignment_id=assignment.id, username=name, attempts=0)
            session.add(row)
        row.points, row.max_points, row.asked = grade.points, grade.max_points, now
        wait(row)
        changed += 1
    session.flush()
    return changed


def wait(row: SendRow) -> None:
    """Let a score be sent, as if it had never been tried."""
    row.state, row.attempts, row.not_before, row.message = "waiting", 0, None, ""


def ask_again(session: Session, assignment_id: str, *, everything: bool = False) -> int:
    """Let what failed be tried again (or everything be sent anew), and return how many scores that are."""
    rows = list(session.scalars(select(SendRow).where(SendRow.assignment_id == assignment_id)))
    chosen = [row for row in rows if everything or row.state == "failed" or row.not_before is not None]
    for row in chosen:
        wait(row)
    return len(chosen)


def due(
    session: Session, course_of: Mapping[str, str], readable: Mapping[str, Collection[str]], now: datetime, most: int = 200
) -> list[Due]:
    """Return what is to be sent now, those first who wait longest.

    Parameters
    ----------
    course_of : dict of assignment to course
        The assignments that may be sent.
    readable : dict of assignment to collection of user names
        Whose score is released now: feedback that was taken back is not sent, and blocks nobody's.
    """
    ready = or_(SendRow.not_before.is_(None), SendRow.not_before <= now)
    query = select(SendRow).where(SendRow.state == "waiting", ready).order_by(SendRow.asked, SendRow.username)
    found: list[Due] = []
    for row in session.scalars(query):
        link = session.get(LinkRow, course_of.get(row.assignment_id, ""))
        if link is None or row.username not in readable.get(row.assignment_id, ()):
            continue
        if len(found) == most:
            break
        launch = session.get(LaunchRow, (row.username, link.context))
        item = session.get(LineItemRow, row.assignment_id)
        subject = launch.subject if launch is not None else ""
        own = item if item is not None and item.context == link.context else None
        found.append(Due(row.assignment_id, row.username, row.points, row.max_points, subject, link, own, row.sent))
    return found


def note_line_item(session: Session, assignment: GradedAssignment, context: str, url: str | None) -> None:
    """Keep which column an assignment has; None forgets it."""
    row = session.get(LineItemRow, assignment.id)
    if url is None:
        if row is not None:
            session.delete(row)
        return
    row = row or LineItemRow(assignment_id=assignment.id)
    row.context, row.url, (row.label, row.max_points) = context, url, assignment.column
    session.add(row)


def note_sent(session: Session, one: Due, course_id: str, at: datetime) -> None:
    """Write down that the platform has a score; what has changed meanwhile waits on."""
    row = session.get(SendRow, (one.assignment_id, one.username))
    if row is None:
        return
    row.sent, row.sent_points, row.sent_max_points = at, one.points, one.max_points
    if (row.points, row.max_points) == (one.points, one.max_points):
        row.state, row.message, row.not_before, row.attempts = "sent", "", None, 0
    note(session, _ACTOR, "grade.sent", one.username, course_id=course_id, assignment=one.assignment_id, points=one.points)


def note_failed(session: Session, one: Due, course_id: str, fault: PlatformFault, now: datetime, *, attempts: int, pause_s: float) -> None:
    """Write down why a score could not be sent, and when it is tried again: never, if that is of no use."""
    row = session.get(SendRow, (one.assignment_id, one.username))
    if row is None or row.state != "waiting":
        return
    row.attempts += 1
    row.message = fault.message[:1000]
    if fault.kind == "again" and row.attempts < attempts:
        pause = fault.retry_after_s if fault.retry_after_s is not None else min(pause_s * 2 ** (row.attempts - 1), _LONGEST_PAUSE_S)
        row.not_before = now + timedelta(seconds=pause)
        return
    row.state, row.not_before = "failed", None
    facts = {"assignment": one.assignment_id, "message": row.message[:300], "attempts": row.attempts}
    note(session, _ACTOR, "grade.not-sent", one.username, course_id=course_id, **facts)
