"""Courses, their rosters, and new assignments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import APIRouter, Depends, Form, Request, Response, UploadFile
from pydantic import ValidationError
from sqlalchemy.orm import Session

from labkit.client.course_wire import NewAssignment
from labkit.errors import InvalidInput, LabKitError, NotFound, response_for
from labkit_hub.service.context import Identity, QueueViews, ServiceContext
from labkit_hub.service.courses import assignments
from labkit_hub.service.courses.reading_class import assignment_lines
from labkit_hub.service.pages.render import Pages, back
from labkit_hub.service.passback import PassbackRoom
from labkit_hub.service.passback.links import link_course
from labkit_hub.service.people import courses, roster, sheet
from labkit_hub.service.people.mirror import Mirror
from labkit_hub.service.people.names import suggest_slug
from labkit_hub.service.people.wire import CourseChange, NewCourse, NewMember

__all__ = ["add_course_pages"]

_TITLE, _ID, _NAME, _FULL, _ROLE, _ASSIGNMENT, _PLATFORM = (Form(default="", max_length=5000) for _ in range(7))


def add_course_pages(
    router: APIRouter, context: ServiceContext, views: QueueViews, mirror: Mirror, passback: PassbackRoom, pages: Pages
) -> None:
    """Add the pages of courses, and what their forms do."""
    person = Depends(context.door.person)
    here, grader = f"{context.base_path}/courses", context.settings.courses.grader

    def show_all(request: Request, who: Identity, error: LabKitError | None = None, **typed: str) -> Response:
        with context.database.reading() as session:
            mine = courses.list_courses(session, who, everything=True)
        status = response_for(error).http_status if error else 200
        shown = {"title": "", "id": ""} | typed
        return pages.page(
            request, "courses.html", who, status=status, courses=mine, may_create=courses.may_create(who), typed=shown, error=error
        )

    def show_one(request: Request, course_id: str, who: Identity, error: LabKitError | None = None, **typed: str) -> Response:
        with context.database.reading() as session:
            course = courses.describe(session, course_id, who)
            members = roster.list_members(session, course_id, who)
            is_staff = who.is_admin or course.role in ("professor", "assistant")
            lines = assignment_lines(session, course_id, who, is_staff=is_staff)
            platform = passback.link_of(session, course_id, who) if is_staff else None
        return pages.page(
            request,
            "course.html",
            who,
            status=response_for(error).http_status if error else 200,
            course=course,
            members=members,
            roles=roster.ROLES,
            is_staff=is_staff,
            lines=lines,
            platform=platform,
            students=sum(member.role == "student" for member in members),
            may_change=who.is_admin or course.role == "professor",
            recent=views.recent(course=course_id, limit=10) if is_staff else (),
            typed={"name": "", "full_name": "", "role": "student", "assignment": ""} | typed,
            error=error,
        )

    def act(request: Request, course_id: str, who: Identity, said: str, change: Callable[[Session], object], **typed: str) -> Response:
        try:
            with context.database.transaction() as session:
                change(session)
        except LabKitError as error:
            return show_one(request, course_id, who, error, **typed)
        mirror.poke()
        return back(f"{here}/{course_id}", said)

    @router.get("/courses")
    def list_page(request: Request, who: Identity = person) -> Response:
        """Show the own courses; an admin sees all."""
        return show_all(request, who)

    @router.post("/courses")
    def create(request: Request, title: str = _TITLE, id: str = _ID, who: Identity = person) -> Response:  # noqa: A002
        """Make a course; its short name follows the title if none is given."""
        try:
            with context.database.transaction() as session:
                ask = _ask_course(id.strip() or suggest_slug(title), title)
                course = courses.create_course(session, ask, who, time_zone=context.settings.courses.time_zone)
        except LabKitError as error:
            return show_all(request, who, error, title=title, id=id)
        mirror.poke()
        return back(f"{here}/{course.id}", "created")

    @router.get("/courses/{course_id}")
    def course_page(request: Request, course_id: str, who: Identity = person) -> Response:
        """Show a course and as much of its roster as the person may see."""
        return show_one(request, course_id, who)

    @router.post("/courses/{course_id}/assignments")
    def draft(request: Request, course_id: str, assignment: str = _ASSIGNMENT, who: Identity = person) -> Response:
        """Make a draft of an assignment, and lead to its page."""
        try:
            with context.database.transaction() as session:
                made = assignments.create_assignment(session, course_id, _ask_assignment(assignment), who, datetime.now(UTC))
        except LabKitError as error:
            return show_one(request, course_id, who, error, assignment=assignment)
        return back(f"{here}/{course_id}/assignments/{made.id}", "drafted")

    async def read_form(request: Request) -> dict[str, str]:
        return {name: str(value) for name, value in (await request.form()).items()}

    form = Depends(read_form)

    @router.post("/courses/{course_id}/change")
    def change(request: Request, course_id: str, fields: dict[str, str] = form, who: Identity = person) -> Response:
        """Change the title, the bounds, or whether the course is archived."""
        return act(request, course_id, who, "saved", lambda session: courses.change_course(session, course_id, _ask_change(fields), who))

    @router.post("/courses/{course_id}/platform")
    def link(request: Request, course_id: str, platform: str = _PLATFORM, who: Identity = person) -> Response:
        """Say which course of the learning platform gets the points; an empty one is none."""
        try:
            with passback.office.changing(who) as session:
                link_course(session, course_id, platform or None, who, passback.office.now())
        except NotFound:
            raise
        except LabKitError as error:
            return show_one(request, course_id, who, error)
        passback.nudge()
        return back(f"{here}/{course_id}", "linked")

    @router.post("/courses/{course_id}/members")
    def put(
        request: Request, course_id: str, name: str = _NAME, full_name: str = _FULL, role: str = _ROLE, who: Identity = person
    ) -> Response:
        """Add somebody, or change the role."""
        return act(
            request,
            course_id,
            who,
            "saved",
            lambda session: roster.put_member(session, course_id, name, _ask_member(role, full_name), who, grader=grader),
            name=name,
            full_name=full_name,
            role=role,
        )

    @router.post("/courses/{course_id}/remove")
    def remove(request: Request, course_id: str, name: str = _NAME, who: Identity = person) -> Response:
        """Take somebody out of the course."""
        return act(request, course_id, who, "removed", lambda session: roster.remove_member(session, course_id, name, who))

    @router.post("/courses/{course_id}/roster")
    def upload(request: Request, course_id: str, file: UploadFile, who: Identity = person) -> Response:
        """Import a CSV file."""
        data = file.file.read()
        return act(
            request,
            course_id,
            who,
            "imported",
            lambda session: roster.import_roster(session, course_id, sheet.read_sheet(data), who, grader=grader),
        )


def _ask_course(course_id: str, title: str) -> NewCourse:
    try:
        return NewCourse(id=course_id, title=title)
    except ValidationError as error:
        raise InvalidInput("The title or the short name is too long.", hint="Shorten it.") from error


def _ask_assignment(name: str) -> NewAssignment:
    try:
        return NewAssignment(name=name.strip())
    except ValidationError as error:
        raise InvalidInput("The name has 1 to 150 characters.", hint="Nothing was made.") from error


def _ask_member(role: str, full_name: str) -> NewMember:
    try:
        return NewMember.model_validate({"role": role or "student", "full_name": full_name.strip() or None})
    except ValidationError as error:
        raise InvalidInput("This role or name cannot be used.", hint=f"Roles are: {', '.join(roster.ROLES)}.") from error


def _ask_change(fields: dict[str, str]) -> CourseChange:
    """Return what a form says; an empty bound is none."""
    wish: dict[str, object] = {}
    if "title" in fields:
        wish["title"] = fields["title"]
    if "time_zone" in fields:
        wish["time_zone"] = fields["time_zone"].strip() or None
    if "archived" in fields:
        wish["archived"] = fields["archived"] == "yes"
    for name in ("max_running", "hours_per_person", "hours_total"):
        if name in fields:
            wish[name] = fields[name].strip().replace(",", ".") or None
    try:
        return CourseChange.model_validate(wish)
    except ValidationError as error:
        raise InvalidInput("A bound is a number from 0 on, or empty for none; the title has up to 300 characters.") from error
