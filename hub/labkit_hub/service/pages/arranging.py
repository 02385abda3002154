"""The settings of an assignment: what holds for everybody, for whom something else does, who hands in together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from labkit.client.course_wire import AssignmentChange, ExtensionAsk, GroupAsk
from labkit.errors import InvalidInput, LabKitError, NotFound
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import arrangements, assignments, releases, views
from labkit_hub.service.courses.tables import AssignmentRow
from labkit_hub.service.pages.coursework import Coursework, late_words, read_form, to
from labkit_hub.service.passback.wire import SendAsk
from labkit_hub.service.people import roster

__all__ = ["add_arranging_pages"]

_Asked = TypeVar("_Asked", AssignmentChange, ExtensionAsk)
_NO_EXTENSION = {"person": "", "due": "", "attempts": "", "reason": ""}
_NO_GROUP = {"name": "", "members": ""}


def add_arranging_pages(router: APIRouter, work: Coursework) -> None:
    """Add the page, and what its forms do."""
    office, here = work.office, "/courses/{course_id}/assignments/{assignment_id}"
    person, form = Depends(office.context.door.person), Depends(read_form)

    def show(request: Request, course_id: str, assignment_id: str, who: Identity, **more: Any) -> Response:
        with office.reading(who) as session:
            work.open(session, course_id, assignment_id, who, staff=True)
        platform = work.passback.read(assignment_id, who)  # which notes that others' points are read
        with office.reading(who) as session:
            opened = work.open(session, course_id, assignment_id, who, staff=True)
            shown: dict[str, Any] = {
                "platform": platform,
                "failed": sum(one.state == "failed" for one in platform.items),
                "names": views.full_names(session, course_id),
                "typed": _fields_of(opened.row),
                "was": json.dumps(_fields_of(opened.row), sort_keys=True),
                "extension_typed": _NO_EXTENSION,
                "group_typed": _NO_GROUP,
                "late_words": late_words(opened.item),
                "is_untouched": not assignments.has_submissions(session, assignment_id),
                "extensions": arrangements.list_extensions(session, assignment_id, who).extensions,
                "groups": arrangements.list_groups(session, assignment_id, who).groups,
                "members": [one for one in roster.list_members(session, course_id, who) if one.role == "student"],
                "releases": [releases.get_release(session, assignment_id, n, who) for n in range(opened.row.version, 0, -1)],
            }
            return work.show(request, "assignment-settings.html", who, opened, **(shown | more))

    def act(
        request: Request, course_id: str, assignment_id: str, who: Identity, change: Callable[[Session], object], said: str, **typed: Any
    ) -> Response:
        try:
            with office.changing(who) as session:
                work.open(session, course_id, assignment_id, who, staff=True)
                change(session)
        except LabKitError as error:
            if isinstance(error, NotFound) and "smell" in error.facts:
                raise
            return show(request, course_id, assignment_id, who, error=error, **typed)
        return to(work.assignment_path(course_id, assignment_id, "settings"), said)

    @router.get(f"{here}/settings")
    def settings(request: Request, course_id: str, assignment_id: str, who: Identity = person) -> Response:
        """Show what holds."""
        return show(request, course_id, assignment_id, who)

    @router.post(f"{here}/settings")
    def change(request: Request, course_id: str, assignment_id: str, fields: Mapping[str, str] = form, who: Identity = person) -> Response:
        """Change what holds for everybody."""
        return act(
            request,
            course_id,
            assignment_id,
            who,
            lambda session: assignments.change_assignment(session, assignment_id, _change(fields), who, office.now()),
            "saved",
            typed=_typed(fields),
            was=fields.get("was", ""),
        )

    @router.post(f"{here}/delete")
    def delete(request: Request, course_id: str, assignment_id: str, who: Identity = person) -> Response:
        """Remove a draft for which nobody has handed in."""
        try:
            with office.changing(who) as session:
                work.open(session, course_id, assignment_id, who, staff=True)
                assignments.delete_assignment(session, assignment_id, who)
        except NotFound:
            raise
        except LabKitError as error:
            return show(request, course_id, assignment_id, who, error=error)
        return to(f"{work.courses_path}/{course_id}", "deleted")

    @router.post(f"{here}/passback")
    def send(request: Request, course_id: str, assignment_id: str, fields: Mapping[str, str] = form, who: Identity = person) -> Response:
        """Send points to the learning platform again: what failed, or all."""
        try:
            with office.reading(who) as session:
                work.open(session, course_id, assignment_id, who, staff=True)
            work.passback.send_again(assignment_id, SendAsk(everything=fields.get("everything") == "yes"), who)
        except NotFound:
            raise
        except LabKitError as error:
            return show(request, course_id, assignment_id, who, error=error)
        return to(work.assignment_path(course_id, assignment_id, "settings"), "sent-again")

    @router.post(f"{here}/extensions")
    def give(request: Request, course_id: str, assignment_id: str, fields: Mapping[str, str] = form, who: Identity = person) -> Response:
        """Give an extension."""
        typed = {name: fields.get(name, "").strip() for name in _NO_EXTENSION}
        return act(
            request,
            course_id,
            assignment_id,
            who,
            lambda session: arrangements.give_extension(session, assignment_id, typed["person"], _extension(typed), who, office.now()),
            "extended",
            extension_typed=typed,
        )

    @router.post(f"{here}/extensions/remove")
    def take(request: Request, course_id: str, assignment_id: str, fields: Mapping[str, str] = form, who: Identity = person) -> Response:
        """Take an extension back."""
        name = fields.get("person", "")
        return act(
            request,
            course_id,
            assignment_id,
            who,
            lambda session: arrangements.take_extension(session, assignment_id, name, who, office.now()),
            "unextended",
        )

    @router.post(f"{here}/groups")
    def group(request: Request, course_id: str, assignment_id: str, fields: Mapping[str, str] = form, who: Identity = person) -> Response:
        """Put people together, or dissolve a group."""
        typed = {name: fields.get(name, "") for name in _NO_GROUP}
        ask = GroupAsk(members=tuple(line.strip() for line in typed["members"].splitlines()[:50] if line.strip()))
        return act(
            request,
            course_id,
            assignment_id,
            who,
            lambda session: arrangements.put_group(session, assignment_id, typed["name"], ask, who),
            "grouped",
            group_typed=typed,
        )


def _fields_of(row: AssignmentRow) -> dict[str, Any]:
    """Return what the form shows of an assignment."""
    return {
        "name": row.name,
        "state": row.state,
        "due": row.due_local,
        "closes": row.closes_local,
        "grace_min": str(row.grace_min or ""),
        "attempts": str(row.attempts or ""),
        "counts": row.counts,
        "group_size": str(row.group_size),
        "accept": bool(row.late.get("accept")),
        "percent_per_day": _number(row.late.get("percent_per_day")),
        "floor_percent": _number(row.late.get("floor_percent")),
    }


def _typed(fields: Mapping[str, str]) -> dict[str, Any]:
    names = ("name", "state", "due", "closes", "grace_min", "attempts", "counts", "group_size", "percent_per_day", "floor_percent")
    return {name: fields.get(name, "") for name in names} | {"accept": fields.get("accept") == "yes"}


def _change(fields: Mapping[str, str]) -> AssignmentChange:
    """Return what was changed in the form since it was loaded; it has all fields, so what is empty is taken away.

    What was not touched stays as it is now: somebody else may have changed it meanwhile.
    """
    typed = {name: value.strip() if isinstance(value, str) else value for name, value in _typed(fields).items()}
    late = {
        "accept": typed["accept"],
        "percent_per_day": typed["percent_per_day"].replace(",", ".") or 0,
        "floor_percent": typed["floor_percent"].replace(",", ".") or 0,
    }
    wish: dict[str, Any] = {name: typed[name] for name in ("name", "state", "due", "closes", "counts")}
    wish |= {"grace_min": typed["grace_min"] or 0, "group_size": typed["group_size"] or 1, "late": late}
    wish |= {"attempts": typed["attempts"]} if typed["attempts"] else {"unlimited_attempts": True}
    was = _was(fields)
    same = {name for name, value in typed.items() if name in was and value == was[name]}
    same |= {"late"} if same >= set(late) else set()
    same |= {"unlimited_attempts"} if "attempts" in same else set()
    return _asked(AssignmentChange, {name: value for name, value in wish.items() if name not in same})


def _was(fields: Mapping[str, str]) -> dict[str, Any]:
    try:
        was = json.loads(fields.get("was", ""))
    except (ValueError, RecursionError):
        return {}
    return was if isinstance(was, dict) else {}


def _extension(typed: Mapping[str, str]) -> ExtensionAsk:
    return _asked(ExtensionAsk, {"due": typed["due"] or None, "attempts": typed["attempts"] or None, "reason": typed["reason"]})


_SAID = {
    "name": "The name has 1 to 150 characters.",
    "grace_min": "The grace is a number of minutes, up to a week.",
    "attempts": "Attempts are a number from 1 on, or empty.",
    "group_size": "How many hand in together is a number from 1 to 50.",
    "late": "What is taken off for being late is a percentage, 0 to 100.",
    "reason": "The reason has up to 300 characters.",
}


def _asked(kind: type[_Asked], wish: dict[str, Any]) -> _Asked:
    try:
        return kind.model_validate(wish)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise InvalidInput(_SAID.get(field, f"The field {field} cannot be used so."), hint="Nothing was changed.") from error


def _number(value: Any) -> str:
    return f"{value:g}" if value else ""
