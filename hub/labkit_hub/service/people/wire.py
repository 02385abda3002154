"""What the people room is asked, and what it answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from labkit.client.wire import Answer, Ask, CourseRole

__all__ = [
    "CourseChange",
    "CourseDetail",
    "CourseList",
    "MemberItem",
    "MemberList",
    "NewCourse",
    "NewMember",
    "RosterOutcome",
]

Hours = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class NewCourse(Ask):
    """``POST api/courses``: `id` stays for ever (it is part of group names), `title` may change."""

    id: Annotated[str, Field(max_length=200)]
    title: Annotated[str, Field(max_length=300)] = ""


class CourseChange(Ask):
    """``PUT api/courses/{id}``: what is left out stays as it is; the bounds are an admin's to set, null removes one.

    ``time_zone`` is an IANA name such as ``Europe/Berlin``: the local due times of all assignments are then meant there.
    """

    title: Annotated[str, Field(max_length=300)] | None = None
    archived: bool | None = None
    time_zone: Annotated[str, Field(max_length=64)] | None = None
    max_running: Annotated[int, Field(ge=0, le=10_000)] | None = None
    hours_per_person: Hours | None = None
    hours_total: Hours | None = None


class CourseDetail(Answer):
    """A course, as the caller sees it: `role` is the caller's own (None: an admin who is not in it)."""

    id: str
    title: str
    role: CourseRole | None = None
    created: AwareDatetime
    created_by: str
    archived: AwareDatetime | None = None
    max_running: int | None = None
    hours_per_person: float | None = None
    hours_total: float | None = None
    members: int | None = None
    time_zone: str = "UTC"


class CourseList(Answer):
    """``GET api/courses``: the caller's courses."""

    courses: tuple[CourseDetail, ...] = ()


class NewMember(Ask):
    """``PUT api/courses/{id}/members/{name}``: a name that is left out stays as it is."""

    role: CourseRole = "student"
    full_name: Annotated[str, Field(max_length=300)] | None = None


class MemberItem(Answer):
    """Somebody in a course."""

    username: str
    role: CourseRole
    full_name: str = ""
    added: AwareDatetime
    added_by: str = ""


class MemberList(Answer):
    """``GET api/courses/{id}/members``: all for staff, for a student only the own entry."""

    members: tuple[MemberItem, ...] = ()


class RosterOutcome(Answer):
    """``POST api/courses/{id}/roster``: whom the list added and changed, and how many it left as they were."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: int = 0
