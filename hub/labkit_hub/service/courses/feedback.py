"""What comes back to students: when it is released, and the page of a graded notebook under an address that nobody can guess."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.course_wire import FeedbackAsk, FeedbackOutcome
from labkit.courses.records import GradeResult
from labkit.errors import InvalidInput
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses.access import lock_assignment, seat_at, submission_for
from labkit_hub.service.courses.counting import open_ledger
from labkit_hub.service.courses.office import Smell, hidden
from labkit_hub.service.courses.scores import last_result
from labkit_hub.service.courses.tables import AssignmentRow, ResultRow, SubmissionRow
from labkit_hub.service.tables import AuditRow

__all__ = ["PageKeys", "page_of", "release_feedback", "result_file"]


def release_feedback(session: Session, assignment_id: str, ask: FeedbackAsk, who: Identity, now: datetime) -> FeedbackOutcome:
    """Let students read what graded submissions earned, or take that back; what is not graded yet is left out.

    Raises
    ------
    NotFound, NotWritable
    InvalidInput
        A submission that was named is not one of this assignment.
    """
    _, seat = seat_at(session, assignment_id, who)
    seat.require_professor()
    row = lock_assignment(session, assignment_id)
    ledger, wanted = open_ledger(session, row), set(ask.submissions)
    if missing := wanted - {one.id for one in ledger.rows}:
        raise InvalidInput(f"{min(missing)[:20]!r} is no submission of this assignment.", hint="Reload the list.")
    chosen = [one for one in ledger.rows if not wanted or one.id in wanted]
    ready = [one for one in chosen if not ask.release or ledger.is_graded(one)]
    changed = [one for one in ready if (one.feedback is not None) != ask.release]
    for one in changed:
        one.feedback = now if ask.release else None
        action = "feedback.release" if ask.release else "feedback.withdraw"
        note(session, who.name, action, one.id, course_id=row.course_id, assignment=row.id, person=one.person)
    return FeedbackOutcome(submissions=tuple(one.id for one in changed), not_graded=len(chosen) - len(ready))


def result_file(session: Session, submission_id: str, sha256: str, who: Identity) -> tuple[str, bool]:
    """Return the name of a file that the last grading run left of a submission, and whether the work is another person's.

    Its people read it once feedback is released.

    Of executed notebooks and their pages they read those without hidden tests.

    Raises
    ------
    NotFound
    """
    row, assignment, seat = submission_for(session, submission_id, who)
    found = last_result(session, row.id)
    if found is None or not (seat.is_staff or row.feedback is not None):
        raise hidden("file", Smell("file.peek", row.id, assignment.course_id) if not seat.is_staff else None)
    readable = _for_student(found) if not seat.is_staff else None
    for file in found.files:
        if file["sha256"] == sha256 and (readable is None or sha256 in readable):
            return str(file["path"]).rsplit("/", 1)[-1], who.name not in row.members
    raise hidden("file", Smell("file.peek", row.id, assignment.course_id))


def _for_student(found: ResultRow) -> set[str]:
    """Return the files of a result that show no hidden test."""
    outcomes = (outcome.for_student for outcome in GradeResult.model_validate(found.result).notebooks)
    return {sha256 for outcome in outcomes for _, sha256 in outcome.files}


def page_of(session: Session, submission_id: str, notebook: str, who: Identity) -> str:
    """Return the hash of the page of a graded notebook.

    Raises
    ------
    NotFound
        There is none, or feedback is not released yet.
    """
    row, assignment, seat = submission_for(session, submission_id, who)
    found = last_result(session, row.id)
    if found is None or not (seat.is_staff or row.feedback is not None):
        raise hidden("page")
    for one in GradeResult.model_validate(found.result).notebooks:
        outcome = one if seat.is_staff else one.for_student
        if outcome.notebook == notebook and outcome.html is not None:
            _note_reading(session, row, assignment, notebook, who)
            return outcome.html
    raise hidden("page")


def _note_reading(session: Session, row: SubmissionRow, assignment: AssignmentRow, notebook: str, who: Identity) -> None:
    """Write down, once a day, that somebody reads another person's work."""
    if who.name in row.members:
        return
    since = datetime.now().astimezone() - timedelta(days=1)
    query = select(AuditRow.id).where(
        AuditRow.action == "submission.view", AuditRow.subject == row.id, AuditRow.actor == who.name, AuditRow.time > since
    )
    if session.scalar(query.limit(1)) is None:
        note(session, who.name, "submission.view", row.id, course_id=assignment.course_id, person=row.person, notebook=notebook)


@dataclass(frozen=True, slots=True)
class _Key:
    sha256: str
    until: datetime


class PageKeys:
    """Addresses of pages, each for a while; a service that starts again knows none of them.

    Parameters
    ----------
    valid_s : float
        For how long one holds.
    """

    def __init__(self, valid_s: float, clock: Callable[[], datetime]) -> None:
        self._valid = timedelta(seconds=valid_s)
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, _Key] = {}

    def make(self, sha256: str) -> tuple[str, datetime]:
        """Return a new token for a page, and until when it holds."""
        now, token = self._clock(), secrets.token_urlsafe(32)
        with self._lock:
            self._keys = {name: key for name, key in self._keys.items() if key.until > now}
            self._keys[token] = _Key(sha256, now + self._valid)
        return token, now + self._valid

    def page(self, token: str) -> str:
        """Return the hash of the page that a token shows.

        Raises
        ------
        NotFound
            It shows none, or not any more.
        """
        with self._lock:
            key = self._keys.get(token)
        if key is None or key.until <= self._clock():
            raise hidden("page")
        return key.sha256
