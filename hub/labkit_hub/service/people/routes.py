"""Routes of the people room."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from labkit.client.wire import Standing
from labkit_hub.service import notices
from labkit_hub.service.context import Identity, QueueViews, ServiceContext
from labkit_hub.service.people import courses, roster, sheet
from labkit_hub.service.people.mirror import Mirror
from labkit_hub.service.people.wire import (
    CourseChange,
    CourseDetail,
    CourseList,
    MemberItem,
    MemberList,
    NewCourse,
    NewMember,
    RosterOutcome,
)

__all__ = ["PeopleRoom"]


class PeopleRoom:
    """``api/me`` and ``api/courses``; `mirror` is told of each change."""

    def __init__(self, context: ServiceContext, views: QueueViews, mirror: Mirror) -> None:
        self.router = _routes(context, views, mirror)
        self._mirror = mirror

    def start(self) -> None:
        """Begin to mirror the roster."""
        self._mirror.start()

    def stop(self) -> None:
        """End."""
        self._mirror.stop()


def standing(context: ServiceContext, views: QueueViews, who: Identity) -> Standing:
    """Return who `who` is and what may be done now."""
    queue, paused = views.standing(who), views.paused()
    with context.database.reading() as session:
        announcement = notices.announcement(session)
    mine = tuple(
        course.model_copy(update={"hours_left": queue.course_hours_left.get(course.id)}) for course in context.people.courses_of(who.name)
    )
    return Standing(
        name=who.name,
        is_admin=who.is_admin,
        courses=mine,
        profiles=queue.profiles,
        devices=queue.devices,
        pause=paused.reason if paused else "",
        hours_left=queue.hours_left,
        announcement=announcement,
    )


def _routes(context: ServiceContext, views: QueueViews, mirror: Mirror) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["people"])
    database, grader = context.database, context.settings.courses.grader
    person = Depends(context.door.person)

    @router.get("/me")
    def me(who: Identity = person) -> Standing:
        """Return who the caller is and what may be done now."""
        return standing(context, views, who)

    @router.get("/courses")
    def list_courses(all: bool = False, who: Identity = person) -> CourseList:  # noqa: A002
        """Return the caller's courses; with ``all=1`` an admin gets every one."""
        with database.reading() as session:
            return CourseList(courses=tuple(courses.list_courses(session, who, everything=all)))

    @router.post("/courses", status_code=201)
    def create_course(ask: NewCourse, who: Identity = person) -> CourseDetail:
        """Make a course."""
        with database.transaction() as session:
            course = courses.create_course(session, ask, who, time_zone=context.settings.courses.time_zone)
        mirror.poke()
        return course

    @router.get("/courses/{course_id}")
    def get_course(course_id: str, who: Identity = person) -> CourseDetail:
        """Return one course."""
        with database.reading() as session:
            return courses.describe(session, course_id, who)

    @router.put("/courses/{course_id}")
    def change_course(course_id: str, ask: CourseChange, who: Identity = person) -> CourseDetail:
        """Change a course."""
        with database.transaction() as session:
            course = courses.change_course(session, course_id, ask, who)
        mirror.poke()
        return course

    @router.get("/courses/{course_id}/members")
    def list_members(course_id: str, who: Identity = person) -> MemberList:
        """Return the roster."""
        with database.reading() as session:
            return MemberList(members=tuple(roster.list_members(session, course_id, who)))

    @router.get("/courses/{course_id}/members/{name}")
    def get_member(course_id: str, name: str, who: Identity = person) -> MemberItem:
        """Return one entry of the roster."""
        with database.reading() as session:
            return roster.member(session, course_id, name, who)

    @router.put("/courses/{course_id}/members/{name}")
    def put_member(course_id: str, name: str, ask: NewMember, who: Identity = person) -> MemberItem:
        """Put somebody into the course, or change the role."""
        with database.transaction() as session:
            item = roster.put_member(session, course_id, name, ask, who, grader=grader)
        mirror.poke()
        return item

    @router.delete("/courses/{course_id}/members/{name}", status_code=204)
    def remove_member(course_id: str, name: str, who: Identity = person) -> None:
        """Take somebody out of the course."""
        with database.transaction() as session:
            roster.remove_member(session, course_id, name, who)
        mirror.poke()

    async def read_body(request: Request) -> bytes:
        return await request.body()

    body = Depends(read_body)

    @router.post("/courses/{course_id}/roster")
    def import_roster(course_id: str, data: bytes = body, who: Identity = person) -> RosterOutcome:
        """Import a CSV file, which is the body of the request."""
        with database.reading() as session:
            courses.require_course(session, course_id, who)
        entries = sheet.read_sheet(data)
        with database.transaction() as session:
            outcome = roster.import_roster(session, course_id, entries, who, grader=grader)
        mirror.poke()
        return outcome

    @router.get("/courses/{course_id}/roster.csv")
    def export_roster(course_id: str, who: Identity = person) -> Response:
        """Return the roster as CSV."""
        with database.reading() as session:
            text = sheet.write_sheet(roster.list_members(session, course_id, who))
        headers = {"Content-Disposition": f'attachment; filename="{course_id}-roster.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    return router
