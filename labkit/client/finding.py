"""Finds an assignment by what people call it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from labkit.client.course_wire import AssignmentItem, SubmissionItem
from labkit.client.courses import CourseClient
from labkit.errors import InvalidInput, LabKitError, NotFound

__all__ = ["course_id_of", "find_assignment", "own_submissions", "time_zone_of"]


def course_id_of(client: CourseClient, course: str | None) -> str:
    """Return the id of a course that is named by id or title; without a name that of the only one.

    Raises
    ------
    NotFound, InvalidInput
        There is no such course of the caller, or there are several.
    """
    known = client.standing().courses
    found = [one.id for one in known if course is None or course == one.id] or [one.id for one in known if _same(one.title, course or "")]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.id for one in known)
    if not known:
        raise NotFound("You are in no course.", hint="Who gives the course can add you.")
    if not found:
        raise NotFound(f"You are in no course {course!r}.", hint=f"Yours: {names}.")
    raise InvalidInput("You are in several courses.", hint=f"Say which with --course: {names}.")


def find_assignment(client: CourseClient, name: str, course: str | None = None) -> AssignmentItem:
    """Return the assignment that is called so, by id, name or title, in one of the caller's courses.

    Raises
    ------
    NotFound, InvalidInput
        There is none, or there are several.
    """
    courses = [course_id_of(client, course)] if course is not None else [one.id for one in client.standing().courses]
    items = [item for one in courses for item in client.assignments(one)]
    found = _matching(items, name)
    if len(found) == 1:
        return found[0]
    if not found:
        names = ", ".join(item.name for item in items)
        raise NotFound(f"There is no assignment {name!r}.", hint=f"There are: {names}." if names else "None has been released yet.")
    raise InvalidInput(
        f"Several courses have an assignment {name!r}.", hint=f"Say which with --course: {', '.join(item.course for item in found)}."
    )


def own_submissions(client: CourseClient, assignment: str, *, patience_s: float | None = None) -> list[SubmissionItem]:
    """Return what the caller or their group has handed in, the newest first: staff are told of everybody's."""
    name = client.standing(patience_s=patience_s).name
    return [one for one in client.submissions(assignment, patience_s=patience_s) if name == one.person or name in one.group]


def time_zone_of(client: CourseClient, assignment: str) -> str:
    """Return the time zone of the course of an assignment; UTC where the hub does not tell now: it is only for what is shown."""
    try:
        return client.assignment(assignment, patience_s=0).time_zone
    except LabKitError:
        return "UTC"


def _matching(items: Sequence[AssignmentItem], name: str) -> list[AssignmentItem]:
    for fits in (lambda item: item.id == name, lambda item: _same(item.name, name), lambda item: _same(item.title, name)):
        if found := [item for item in items if fits(item)]:
            return found
    return []


def _same(a: str, b: str) -> bool:
    return unicodedata.normalize("NFC", a).casefold() == unicodedata.normalize("NFC", b).casefold()
