"""What holds for whom: the rows of an assignment as a `Deadline`, and who hands in with whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from labkit.client.course_wire import LateRule
from labkit_hub.service.courses.deadlines import Deadline, Leave
from labkit_hub.service.courses.tables import AssignmentRow, ExtensionRow, GroupMemberRow
from labkit_hub.service.tables import MemberRow

__all__ = ["deadline_for", "general", "group_of", "leaves_of"]


def general(row: AssignmentRow) -> Deadline:
    """Return what holds for everybody."""
    return Deadline(
        due=row.due,
        closes=row.closes,
        grace=timedelta(minutes=row.grace_min),
        late=LateRule.model_validate(row.late),
        attempts=row.attempts,
    )


def leaves_of(session: Session, assignment_id: str) -> Mapping[str, Leave]:
    """Return all extensions of an assignment, by person."""
    rows = session.scalars(select(ExtensionRow).where(ExtensionRow.assignment_id == assignment_id))
    return {row.username: Leave(row.due, row.attempts) for row in rows}


def deadline_for(row: AssignmentRow, leaves: Mapping[str, Leave], people: Iterable[str]) -> Deadline:
    """Return what holds for these people together."""
    return general(row).with_leaves(leaves[name] for name in people if name in leaves)


def group_of(session: Session, assignment: AssignmentRow, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the group in which somebody hands in, and its members that are still in the course; no name and one person without one."""
    own = session.get(GroupMemberRow, (assignment.id, name))
    if own is None:
        return "", (name,)
    query = (
        select(GroupMemberRow.username)
        .join(MemberRow, MemberRow.username == GroupMemberRow.username)
        .where(
            GroupMemberRow.assignment_id == assignment.id,
            GroupMemberRow.group_name == own.group_name,
            MemberRow.course_id == assignment.course_id,
        )
        .order_by(GroupMemberRow.username)
    )
    return own.group_name, tuple(session.scalars(query)) or (name,)
