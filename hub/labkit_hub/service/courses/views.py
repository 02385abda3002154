"""The courses room as routes and pages read it: each function takes a session and who asks, and returns what goes over the wire."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.course_wire import (
    AssignmentItem,
    AssignmentList,
    AssignmentState,
    CourseAudit,
    CourseAuditItem,
    GradeItem,
    LateRule,
    SubmissionItem,
    SubmissionList,
)
from labkit.courses.records import GradeResult, Note
from labkit.errors import NotFound
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import releases, scores
from labkit_hub.service.courses.access import Seat, seat_at, seat_in, submission_for
from labkit_hub.service.courses.counting import Ledger, open_ledger, students_of
from labkit_hub.service.courses.history import history_of
from labkit_hub.service.courses.rules import group_of
from labkit_hub.service.courses.tables import AssignmentRow, FetchRow, ReleaseRow, SubmissionRow
from labkit_hub.service.tables import AuditRow, MemberRow

__all__ = ["assignment", "assignments", "audit", "full_names", "grade", "submission", "submissions", "with_ledgers"]

_NEVER = datetime.max.replace(tzinfo=UTC)


def assignments(session: Session, course_id: str, who: Identity) -> AssignmentList:
    """Return the assignments of a course as `who` sees them, by due time; drafts to staff only.

    Raises
    ------
    NotFound
    """
    return AssignmentList(assignments=tuple(item for item, _ in with_ledgers(session, course_id, who)))


def with_ledgers(session: Session, course_id: str, who: Identity) -> list[tuple[AssignmentItem, Ledger]]:
    """Return the same with what was handed in: all of it for staff, else only what `who` had a part in.

    Raises
    ------
    NotFound
    """
    seat = seat_in(session, course_id, who)
    rows = session.scalars(select(AssignmentRow).where(AssignmentRow.course_id == course_id))
    students = students_of(session, course_id) if seat.is_staff else frozenset()
    items = [_assignment(session, row, seat, students) for row in rows if seat.is_staff or row.state != "draft"]
    return sorted(items, key=lambda pair: (pair[0].due or _NEVER, pair[0].name.casefold()))


def assignment(session: Session, assignment_id: str, who: Identity) -> AssignmentItem:
    """Return one assignment.

    Raises
    ------
    NotFound
    """
    row, seat = seat_at(session, assignment_id, who)
    students = students_of(session, row.course_id) if seat.is_staff else frozenset()
    return _assignment(session, row, seat, students)[0]


def submissions(session: Session, assignment_id: str, who: Identity) -> SubmissionList:
    """Return what was handed in, the newest first: all to staff, to students what they had a part in.

    Raises
    ------
    NotFound
    """
    row, seat = seat_at(session, assignment_id, who)
    ledger = open_ledger(session, row, people=None if seat.is_staff else (who.name,))
    rows = ledger.rows if seat.is_staff else ledger.of(who.name)
    names, notes = full_names(session, row.course_id), _notes(session, row.id) if seat.is_staff else {}
    items = (_submission(one, ledger, seat, names.get(one.person, ""), notes.get(one.id, ())) for one in reversed(rows))
    return SubmissionList(submissions=tuple(items))


def submission(session: Session, submission_id: str, who: Identity) -> SubmissionItem:
    """Return one submission.

    Raises
    ------
    NotFound
    """
    row, assignment_row, seat = submission_for(session, submission_id, who)
    return _one(session, row, assignment_row, seat)


def grade(session: Session, submission_id: str, who: Identity) -> GradeItem:
    """Return what a submission earned; to its people once feedback is released, without what is for staff, or shows hidden tests.

    Raises
    ------
    NotFound
        There is none that `who` may know of yet.
    """
    row, assignment_row, seat = submission_for(session, submission_id, who)
    if not (seat.is_staff or row.feedback is not None):
        raise NotFound("The feedback is not released yet.", hint="Your professor releases it for all at once.")
    found, marks = scores.last_result(session, row.id), scores.marks_of(session, row.id)
    result = GradeResult.model_validate(found.result) if found is not None else None
    asked = releases.asked_of(releases.release_of(session, row.assignment_id, row.release))
    found_scores, outcomes = scores.scores_of(asked.items, result, marks), result.notebooks if result else ()
    return GradeItem(
        submission=_one(session, row, assignment_row, seat),
        scores=found_scores if seat.is_staff else tuple(score.for_student for score in found_scores),
        comments={mark.item: mark.comment for mark in marks.values() if mark.comment},
        pins=scores.pins_of(asked.items, result, marks),
        notebooks=outcomes if seat.is_staff else tuple(outcome.for_student for outcome in outcomes),
        notes=_notes(session, row.assignment_id, only=row.id).get(row.id, ()) if seat.is_staff else (),
        history=history_of(session, row.id) if seat.is_staff else (),
        rubric=asked.rubric if seat.is_staff else (),
        seconds=result.seconds if result else 0.0,
        isolation=result.isolation if result else "",
    )


def audit(session: Session, course_id: str, who: Identity, *, before: int | None = None, limit: int = 200) -> CourseAudit:
    """Return who did what in a course, the last first, to its professors.

    Raises
    ------
    NotFound, NotWritable
    """
    seat_in(session, course_id, who).require_professor(changes=False)
    query = select(AuditRow).where(AuditRow.course_id == course_id).order_by(AuditRow.id.desc()).limit(limit + 1)
    rows = session.scalars(query if before is None else query.where(AuditRow.id < before)).all()
    shown = rows[:limit]
    items = (CourseAuditItem(time=row.time, actor=row.actor, action=row.action, subject=row.subject, detail=row.detail) for row in shown)
    return CourseAudit(rows=tuple(items), next=shown[-1].id if len(rows) > limit else None)


def full_names(session: Session, course_id: str) -> dict[str, str]:
    """Return the full names of the people of a course, by user name."""
    query = select(MemberRow.username, MemberRow.full_name).where(MemberRow.course_id == course_id)
    return {row.username: row.full_name for row in session.execute(query)}


def _assignment(session: Session, row: AssignmentRow, seat: Seat, students: Collection[str]) -> tuple[AssignmentItem, Ledger]:
    group, people = group_of(session, row, seat.name)
    ledger = open_ledger(session, row, people=None if seat.is_staff else people)
    deadline, counting = ledger.deadline(people), ledger.counting(seat.name)
    fetch = session.get(FetchRow, (row.id, seat.name))
    has_feedback = counting is not None and counting.feedback is not None
    release = session.get(ReleaseRow, (row.id, row.version))
    asked = releases.asked_of(release) if release else None
    item = AssignmentItem(
        id=row.id,
        course=row.course_id,
        name=row.name,
        title=row.title or "",
        state=cast("AssignmentState", row.state),
        due=deadline.due,
        closes=deadline.closes,
        time_zone=seat.course.time_zone,
        grace_min=row.grace_min,
        late=LateRule.model_validate(row.late),
        attempts=deadline.attempts,
        attempts_used=ledger.attempts_used(people),
        counts="best" if row.counts == "best" else "last",
        group_size=row.group_size,
        group=people if group else (),
        release=row.version,
        fetched=fetch.version if fetch else 0,
        max_points=row.max_points or 0.0,
        expected=releases.expected_of(asked) if asked else (),
        upload_mb=asked.limits.upload_mb if asked else 20.0,
        extended=deadline.extended,
        submitted=counting.submitted if counting else None,
        feedback=has_feedback,
        points=ledger.worth(counting).points if counting is not None and has_feedback else None,
        waiting=len(ledger.to_grade()) if seat.is_staff else 0,
        submissions=len(ledger.counting_for(students)) if seat.is_staff else 0,
        own=seat.is_staff and row.created_by == seat.name,
    )
    return item, ledger


def _one(session: Session, row: SubmissionRow, assignment_row: AssignmentRow, seat: Seat) -> SubmissionItem:
    notes = _notes(session, assignment_row.id, only=row.id).get(row.id, ()) if seat.is_staff else ()
    name = full_names(session, assignment_row.course_id).get(row.person, "")
    ledger = open_ledger(session, assignment_row, people=None if seat.is_staff else (seat.name,))
    return _submission(row, ledger, seat, name, notes)


def _submission(row: SubmissionRow, ledger: Ledger, seat: Seat, full_name: str, notes: Any) -> SubmissionItem:
    worth = ledger.worth(row)
    shows = seat.is_staff or row.feedback is not None
    return SubmissionItem(
        id=row.id,
        assignment=row.assignment_id,
        person=row.person,
        full_name=full_name,
        group=tuple(row.members) if row.group_name else (),
        attempt=row.attempt,
        release=row.release,
        submitted=row.submitted,
        late_s=worth.late_s,
        sha256=row.sha256,
        size=row.size,
        counts=ledger.counts(row) if seat.is_staff else ledger.counting(seat.name) is row,
        state=worth.state,
        needs_hand=worth.needs_hand if shows else 0,
        points=worth.points if shows else None,
        max_points=worth.max_points if shows else None,
        penalty=worth.penalty if shows else 0.0,
        feedback=row.feedback is not None,
        notes=notes if seat.is_staff else (),
    )


def _notes(session: Session, assignment_id: str, *, only: str | None = None) -> dict[str, tuple[Note, ...]]:
    """Return the notes of each submission's result that holds, or of one, and those of a newer one that failed."""
    if only is None:
        last = scores.last_results(session, assignment_id)
    else:
        found = scores.last_result(session, only)
        last = {} if found is None else {only: found.result}
    failed = scores.failures(session, assignment_id, only=only)
    notes = {}
    for name, result in last.items():
        newer = failed.get(name, {}) if result["state"] != "failed" else {}
        notes[name] = tuple(Note.model_validate(one) for one in (*newer.get("notes", ()), *result.get("notes", ())))
    return notes
