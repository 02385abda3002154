"""Whether anything has changed that points rest on: told by sums that the database makes, so that no submission is read for it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labkit_hub.service.courses.tables import AssignmentRow, ExtensionRow, GradeRow, SubmissionRow
from labkit_hub.service.passback.tables import LinkRow
from labkit_hub.service.tables import MemberRow

__all__ = ["Fingerprint", "fingerprints"]

Fingerprint = tuple[Any, ...]
"""What is compared with what it was at the last look; the same means the same points, released to the same people."""


def fingerprints(session: Session) -> dict[str, Fingerprint]:
    """Return that of each assignment of a linked course: five queries, however many there are.

    It holds what `labkit_hub.service.passback.grades.released_grades` reads: rules, extensions, submissions, feedback, sums, students;
    and to which course of the platform they go. A late rule looks at when something was handed in and never at the clock.
    """
    linked = select(LinkRow.course_id)
    mine = select(AssignmentRow.id).where(AssignmentRow.course_id.in_(linked))
    students = _students(session)
    submitted = _sums(session, _of_submissions().where(SubmissionRow.assignment_id.in_(mine)))
    graded = _sums(session, _of_grades().where(SubmissionRow.assignment_id.in_(mine)))
    extended = _sums(session, _of_extensions().where(ExtensionRow.assignment_id.in_(mine)))
    query = select(AssignmentRow, LinkRow.context, LinkRow.linked).join(LinkRow, LinkRow.course_id == AssignmentRow.course_id)
    return {
        row.id: (
            *(context, since, students.get(row.course_id)),
            *(row.name, row.title, row.max_points, row.due, row.grace_min, row.counts, repr(row.late)),
            *(sums.get(row.id) for sums in (submitted, graded, extended)),
        )
        for row, context, since in session.execute(query)
    }


def _students(session: Session) -> dict[str, frozenset[str]]:
    query = select(MemberRow.course_id, MemberRow.username).join(LinkRow, LinkRow.course_id == MemberRow.course_id)
    found: dict[str, set[str]] = {}
    for course_id, name in session.execute(query.where(MemberRow.role == "student")):
        found.setdefault(course_id, set()).add(name)
    return {course_id: frozenset(names) for course_id, names in found.items()}


def _of_submissions() -> Any:
    row = SubmissionRow
    sums = (func.count(), func.max(row.submitted), func.count(row.feedback), func.max(row.feedback))
    return select(row.assignment_id, *sums).group_by(row.assignment_id)


def _of_grades() -> Any:
    row = GradeRow
    sums = (func.count(), func.max(row.changed), func.sum(row.points), func.sum(row.max_points), func.sum(row.needs_hand))
    query = select(SubmissionRow.assignment_id, *sums).select_from(row).join(SubmissionRow, SubmissionRow.id == row.submission_id)
    return query.group_by(SubmissionRow.assignment_id)


def _of_extensions() -> Any:
    row = ExtensionRow
    return select(row.assignment_id, func.count(), func.max(row.given)).group_by(row.assignment_id)


def _sums(session: Session, query: Any) -> dict[str, Fingerprint]:
    return {key: tuple(sums) for key, *sums in session.execute(query)}
