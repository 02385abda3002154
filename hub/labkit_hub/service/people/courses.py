"""Courses: make one, change it, and who may do what in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from labkit.errors import AlreadyExists, InvalidInput, NotFound, NotWritable
from labkit_hub.groups import PROFESSORS
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses.deadlines import check_time_zone
from labkit_hub.service.courses.moving import move_course
from labkit_hub.service.people.names import course_slug
from labkit_hub.service.people.wire import CourseChange, CourseDetail, NewCourse
from labkit_hub.service.tables import CourseRow, MemberRow

__all__ = [
    "change_course",
    "create_course",
    "describe",
    "list_courses",
    "may_create",
    "require_change",
    "require_course",
    "role_in",
]

_BOUNDS = ("max_running", "hours_per_person", "hours_total")


def may_create(who: Identity) -> bool:
    """Whether `who` may create courses."""
    return who.is_admin or PROFESSORS in who.groups


def role_in(session: Session, course_id: str, name: str) -> str | None:
    """Return the role of a person in a course, archived ones too; None if there is none."""
    row = session.get(MemberRow, (course_id, name))
    return row.role if row else None


def require_course(session: Session, course_id: str, who: Identity) -> tuple[CourseRow, str | None]:
    """Return a course that `who` is in (or any, for an admin), and the role there.

    Raises
    ------
    NotFound
        There is none, or it is not for `who` to know.
    """
    course, role = session.get(CourseRow, course_id), role_in(session, course_id, who.name)
    if course is None or not (who.is_admin or role):
        raise NotFound(f"There is no course {course_id[:60]!r} of yours.", hint="The page Courses lists those that you are in.")
    return course, role


def require_change(role: str | None, who: Identity) -> None:
    """Return if `who` may change the course and its roster.

    Raises
    ------
    NotWritable
        Only its professors and admins may.
    """
    if role != "professor" and not who.is_admin:
        raise NotWritable("Only the professors of a course change it.", hint="Ask one of them, or an admin.")


def create_course(session: Session, ask: NewCourse, by: Identity, *, time_zone: str = "UTC") -> CourseDetail:
    """Make a course; whoever makes it is its professor.

    Raises
    ------
    NotWritable
        `by` may not.
    InvalidInput
        It cannot be called so.
    AlreadyExists
        There is one with this short name.
    """
    if not may_create(by):
        raise NotWritable(
            "Only professors and admins create courses.",
            hint=f"An admin can put you into the hub's group {PROFESSORS}, under Admin, Groups.",
        )
    course_id = course_slug(ask.id)
    if session.get(CourseRow, course_id) is not None:
        raise AlreadyExists(f"There is a course {course_id!r} already.", hint="Choose another short name.")
    now = datetime.now(UTC)
    course = CourseRow(id=course_id, title=ask.title.strip() or course_id, created=now, created_by=by.name, time_zone=time_zone)
    session.add(course)
    session.flush()
    session.add(MemberRow(course_id=course_id, username=by.name, role="professor", full_name="", added=now, added_by=by.name))
    note(session, by.name, "course.create", course_id, course_id=course_id, title=course.title)
    return _detail(course, "professor", 1)


def change_course(session: Session, course_id: str, ask: CourseChange, by: Identity) -> CourseDetail:
    """Change what is named in `ask`.

    Raises
    ------
    NotFound, NotWritable, InvalidInput
    """
    course, role = require_course(session, course_id, by)
    require_change(role, by)
    wish = {name: getattr(ask, name) for name in ask.model_fields_set}
    if not by.is_admin and any(name in wish and wish[name] != getattr(course, name) for name in _BOUNDS):
        raise NotWritable("How much a course may use is for an admin to set.", hint="Ask one.")
    changed: dict[str, Any] = {}
    for name, value in wish.items():
        if name == "archived":
            if bool(value) != (course.archived is not None):
                course.archived = datetime.now(UTC) if value else None
                changed[name] = bool(value)
            continue
        if name == "time_zone":
            value = check_time_zone(value or "UTC")
        if name == "title":
            value = (value or "").strip()
            if not value:
                raise InvalidInput("A course needs a title.", hint="Write one.")
        if getattr(course, name) != value:
            setattr(course, name, value)
            changed[name] = value
    if "time_zone" in changed:
        move_course(session, course, by.name, datetime.now(UTC))
    if changed:
        note(session, by.name, "course.change", course_id, course_id=course_id, **changed)
    return _detail(course, role, _count(session, course_id))


def list_courses(session: Session, who: Identity, *, everything: bool = False) -> list[CourseDetail]:
    """Return the courses of `who`, or all for an admin who asks for all; archived ones last."""
    roles = dict(session.execute(select(MemberRow.course_id, MemberRow.role).where(MemberRow.username == who.name)).all())
    query = select(CourseRow).order_by(CourseRow.archived.is_not(None), CourseRow.title, CourseRow.id)
    if not (everything and who.is_admin):
        query = query.where(CourseRow.id.in_(roles))
    counts = dict(session.execute(select(MemberRow.course_id, func.count()).group_by(MemberRow.course_id)).all())
    return [_detail(course, roles.get(course.id), counts.get(course.id, 0)) for course in session.scalars(query)]


def describe(session: Session, course_id: str, who: Identity) -> CourseDetail:
    """Return one course as `who` sees it.

    Raises
    ------
    NotFound
    """
    course, role = require_course(session, course_id, who)
    return _detail(course, role, _count(session, course_id))


def _count(session: Session, course_id: str) -> int:
    return session.scalar(select(func.count()).select_from(MemberRow).where(MemberRow.course_id == course_id)) or 0


def _detail(course: CourseRow, role: str | None, members: int) -> CourseDetail:
    shown = {
        "id": course.id,
        "title": course.title,
        "role": role,
        "created": course.created,
        "created_by": course.created_by,
        "archived": course.archived,
        "max_running": course.max_running,
        "hours_per_person": course.hours_per_person,
        "hours_total": course.hours_total,
        "time_zone": course.time_zone,
        "members": None if role == "student" else members,
    }
    return CourseDetail.model_validate(shown)
