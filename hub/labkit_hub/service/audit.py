"""Who did what to whom: rows that are added in the same transaction as the change itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from labkit_hub.service.database import Database
from labkit_hub.service.tables import AuditRow

__all__ = ["ERROR", "SERVICE", "last_errors", "note", "note_error"]

log = logging.getLogger(__name__)

ERROR = "error"
"""The action of a row that is an error worth an admin's look."""
SERVICE = "labkit"
"""The actor of what the service does by itself."""
_LONGEST = 255


def note(session: Session, actor: str, action: str, subject: str, *, course_id: str | None = None, **detail: Any) -> None:
    """Add a row.

    Parameters
    ----------
    session : Session
        The transaction of the change that is noted: both happen or neither.
    actor : str
        The person's name; ``labkit`` for the service itself.
    action : str
        Noun and verb with a dot: ``course.create``, ``member.remove``, ``run.cancel``, ``run.correct``, ``device.stop``, ``line.pause``.
    subject : str
        To whom or what it was done: a name, a run's id, a course's id.
    **detail
        Plain values that JSON can hold.
    """
    session.add(
        AuditRow(
            time=datetime.now(UTC), actor=actor[:_LONGEST], action=action, subject=subject[:_LONGEST], course_id=course_id, detail=detail
        )
    )


def note_error(database: Database, where: str, message: str, **detail: Any) -> None:
    """Add an error in a transaction of its own; that it cannot be written is only logged, since the database may be the error."""
    try:
        with database.transaction() as session:
            note(session, SERVICE, ERROR, where, message=message[:2000], **detail)
    except SQLAlchemyError as error:
        log.warning("An error of %s could not be noted (%s): %s", where, type(error).__name__, message)


def last_errors(session: Session, limit: int = 20) -> Sequence[AuditRow]:
    """Return the last errors, the newest first."""
    return session.scalars(select(AuditRow).where(AuditRow.action == ERROR).order_by(AuditRow.id.desc()).limit(limit)).all()
