"""What the platform is to have: points of the submissions that count, as far as their people may read them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit_hub.service.courses.counting import open_ledger
from labkit_hub.service.courses.tables import AssignmentRow, SubmissionRow
from labkit_hub.service.passback.outbox import Grade, GradedAssignment
from labkit_hub.service.passback.tables import LinkRow
from labkit_hub.service.tables import CourseRow, MemberRow

__all__ = ["assignments_to_send", "released_grades"]


def assignments_to_send(session: Session) -> list[GradedAssignment]:
    """Return the assignments of linked courses of which some feedback is released."""
    with_feedback = select(SubmissionRow.assignment_id).where(SubmissionRow.feedback.is_not(None))
    query = (
        select(AssignmentRow)
        .join(LinkRow, LinkRow.course_id == AssignmentRow.course_id)
        .join(CourseRow, CourseRow.id == AssignmentRow.course_id)
        .where(AssignmentRow.id.in_(with_feedback), CourseRow.archived.is_(None))
        .order_by(AssignmentRow.created)
    )
    return [GradedAssignment(row.id, row.course_id, row.title or row.name, row.max_points) for row in session.scalars(query)]


def released_grades(session: Session, assignment_id: str) -> dict[str, Grade]:
    """Return what each student of the course earned, of those whose feedback is released."""
    row = session.get(AssignmentRow, assignment_id)
    if row is None:
        return {}
    ledger = open_ledger(session, row)
    students = session.scalars(select(MemberRow.username).where(MemberRow.course_id == row.course_id, MemberRow.role == "student"))
    found = {}
    for name in students:
        submission = ledger.counting(name)
        if submission is None or submission.feedback is None:
            continue
        worth = ledger.worth(submission)
        if worth.points is not None:
            found[name] = Grade(worth.points, row.max_points if worth.max_points is None else worth.max_points)
    return found
