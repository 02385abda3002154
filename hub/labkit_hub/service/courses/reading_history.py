"""What was done with one assignment, read from the audit, with names of people in place of ids of submissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses.tables import AssignmentRow, BatchRow, SubmissionRow
from labkit_hub.service.tables import AuditRow

__all__ = ["Deed", "assignment_history", "note_reading"]

_AT_ONCE = 200
_WORDS = {
    "assignment.create": "made the assignment",
    "assignment.change": "changed the settings",
    "assignment.peek": "asked for it without the right",
    "release.create": "released a version",
    "submission.create": "handed in",
    "submission.download": "downloaded a submission",
    "submission.view": "opened a graded notebook",
    "submission.peek": "asked for another's submission",
    "answers.view": "read answers",
    "batch.create": "asked for grading",
    "batch.continue": "went on with grading",
    "result.put": "graded",
    "score.change": "changed a score",
    "feedback.release": "released the feedback",
    "feedback.withdraw": "took the feedback back",
    "extension.give": "gave an extension",
    "extension.take": "took an extension back",
    "group.set": "set a group",
    "assignment.delete": "deleted the draft",
    "gradebook.export": "downloaded the gradebook",
    "grading.peek": "asked for a grading run without the right",
    "similarity.read": "compared the submissions",
    "passback.read": "read the points that the learning platform has",
    "grade.send": "sent points to the learning platform again",
    "grade.sent": "the learning platform has the points",
    "grade.not-sent": "the learning platform did not take the points",
    "file.peek": "asked for a file without the right",
}
_UNTOLD = frozenset({"after", "assignment", "sha256", "person", "refused", "run"})


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did what, when, to whom."""

    time: datetime
    actor: str
    action: str
    subject: str
    detail: str


def assignment_history(session: Session, assignment: AssignmentRow, *, before: int | None = None) -> tuple[list[Deed], int | None]:
    """Return the last deeds about an assignment, the last first, and where those before them begin."""
    people = _people(session, assignment)
    names = {assignment.id: "", assignment.name: ""}
    batches = set(session.scalars(select(BatchRow.id).where(BatchRow.assignment_id == assignment.id)))
    # The database looks first: a course's audit is long, and most of it is about others.
    submissions = select(SubmissionRow.id).where(SubmissionRow.assignment_id == assignment.id)
    named = cast(AuditRow.detail, Text).contains(assignment.id, autoescape=True)
    query = select(AuditRow).where(
        AuditRow.course_id == assignment.course_id,
        or_(AuditRow.subject == assignment.id, AuditRow.subject.in_(batches), AuditRow.subject.in_(submissions), named),
    )
    query = query.order_by(AuditRow.id.desc())
    if before is not None:
        query = query.where(AuditRow.id < before)
    found: list[tuple[int, Deed]] = []
    for row in session.scalars(query.execution_options(yield_per=500)):
        if not (row.subject in people or row.subject in batches or row.subject == assignment.id or _is_named(row, assignment)):
            continue
        subject = people.get(row.subject) or names.get(row.subject, row.subject if row.subject not in batches else "")
        deed = Deed(row.time, row.actor, _WORDS.get(row.action, row.action), subject, _told(row.detail))
        found.append((row.id, deed))
        if len(found) > _AT_ONCE:
            return [deed for _, deed in found[:-1]], found[-2][0]
    return [deed for _, deed in found], None


def note_reading(session: Session, assignment: AssignmentRow, who: Identity, subject: str, **detail: Any) -> None:
    """Write down, once a day, that somebody of the staff reads what others handed in."""
    since = datetime.now(UTC) - timedelta(days=1)
    known = select(AuditRow).where(
        AuditRow.action == "answers.view", AuditRow.subject == subject, AuditRow.actor == who.name, AuditRow.time > since
    )
    if not any(row.detail.get("of") == detail.get("of") for row in session.scalars(known)):
        note(session, who.name, "answers.view", subject, course_id=assignment.course_id, assignment=assignment.id, **detail)


def _is_named(row: AuditRow, assignment: AssignmentRow) -> bool:
    return bool(row.detail) and row.detail.get("assignment") == assignment.id


def _people(session: Session, assignment: AssignmentRow) -> dict[str, str]:
    query = select(SubmissionRow.id, SubmissionRow.person).where(SubmissionRow.assignment_id == assignment.id)
    return {row.id: row.person for row in session.execute(query)}


def _told(detail: Mapping[str, Any] | None) -> str:
    parts = [
        f"{name.replace('_', ' ')}: {_plain(value)}"
        for name, value in (detail or {}).items()
        if name not in _UNTOLD and value not in ("", None, False, [])
    ]
    return "; ".join(parts)[:500]


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_plain(part)}" for name, part in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_plain(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
