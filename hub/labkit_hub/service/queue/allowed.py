"""Who may use which profile, and for which course something counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from labkit.client.wire import CourseItem
from labkit.errors import InvalidInput, NotFound, NotWritable
from labkit_hub.profiles import Profile

__all__ = ["choose_course", "choose_profile", "may_use", "usable"]

Purpose = Literal["server", "run", "grade"]


def may_use(profile: Profile, courses: Iterable[CourseItem], is_admin: bool) -> bool:
    """Return whether somebody with these courses may use a profile; a person without a course counts as a student."""
    courses = tuple(courses)
    roles: set[str] = {course.role for course in courses} or {"student"}
    if is_admin:
        roles.add("admin")
    if profile.courses and not any(course.id in profile.courses for course in courses):
        return False
    return not roles.isdisjoint(profile.roles)


def usable(profiles: Iterable[Profile], purpose: Purpose, courses: Iterable[CourseItem], is_admin: bool) -> tuple[Profile, ...]:
    """Return the profiles that somebody may use for a purpose."""
    courses = tuple(courses)
    return tuple(p for p in profiles if purpose in p.purposes and may_use(p, courses, is_admin))


def choose_profile(
    profiles: Sequence[Profile], purpose: Purpose, slug: str | None, courses: Iterable[CourseItem], is_admin: bool
) -> Profile:
    """Return the profile that was asked for, or else the first that fits: for a run the first with a device.

    Raises
    ------
    InvalidInput
        There is no such profile for this purpose; the message names those that there are.
    NotWritable
        The person may not use it, or none at all.
    """
    allowed = usable(profiles, purpose, courses, is_admin)
    names = ", ".join(p.slug for p in allowed)
    if slug:
        for profile in allowed:
            if profile.slug == slug:
                return profile
        if any(p.slug == slug and purpose in p.purposes for p in profiles):
            raise NotWritable(f"You may not use the profile {slug!r}.", hint=f"Choose one of {names}." if names else "Ask an admin.")
        what = "runs" if purpose == "run" else "servers"
        raise InvalidInput(f"No profile for {what} is called {slug[:64]!r}.", hint=f"Choose one of {names}." if names else "Ask an admin.")
    if not allowed:
        raise NotWritable("None of the hub's profiles is open to you.", hint="Ask an admin, or the professor of your course.")
    if purpose == "run":
        return next((p for p in allowed if p.gpus), allowed[0])
    return allowed[0]


def choose_course(wanted: str | None, courses: Sequence[CourseItem]) -> CourseItem | None:
    """Return the course for which something counts: the one that was asked for, else the person's first by id, else none.

    Who is in a course cannot leave it out: its limits would bind nobody.

    Raises
    ------
    NotFound
        The person is in no such course.
    """
    if not wanted:
        return min(courses, key=lambda course: course.id, default=None)
    for course in courses:
        if course.id == wanted:
            return course
    names = ", ".join(course.id for course in courses)
    hint = f"Your courses are {names}." if names else "Ask the professor to put you into the course."
    raise NotFound(f"You are in no course called {wanted[:64]!r}.", hint=hint)
