"""Who is who: `labkit_hub.service.context.People`, from the roster and the hub."""

from __future__ import annotations

from sqlalchemy import select

from labkit.client.wire import CourseItem
from labkit_hub.service.database import Database
from labkit_hub.service.hubapi import HubClient
from labkit_hub.service.tables import CourseRow, MemberRow

__all__ = ["Directory"]


class Directory:
    """Answers from the database, and asks the hub who is an admin."""

    def __init__(self, database: Database, hub: HubClient) -> None:
        self._database = database
        self._hub = hub

    def courses_of(self, name: str) -> tuple[CourseItem, ...]:
        """Return the courses of a person that are not archived, with the role in each, by title."""
        query = (
            select(CourseRow.id, CourseRow.title, MemberRow.role)
            .join(MemberRow, MemberRow.course_id == CourseRow.id)
            .where(MemberRow.username == name, CourseRow.archived.is_(None))
            .order_by(CourseRow.title, CourseRow.id)
        )
        with self._database.reading() as session:
            found = session.execute(query).all()
        return tuple(CourseItem.model_validate({"id": course_id, "title": title, "role": role}) for course_id, title, role in found)

    def is_admin(self, name: str) -> bool:
        """Return whether the hub calls this person an admin.

        Raises
        ------
        StorageUnreachable
            The hub gave no definite answer.
        """
        return self._hub.is_admin(name)
