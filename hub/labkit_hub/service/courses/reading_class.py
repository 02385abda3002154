"""Small sums about a class."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labkit_hub.service.tables import MemberRow

__all__ = ["count_students"]


def count_students(session: Session, course_id: str) -> int:
    """Return how many students are on the roster of a course."""
    query = select(func.count()).select_from(MemberRow).where(MemberRow.course_id == course_id, MemberRow.role == "student")
    return session.scalar(query) or 0
