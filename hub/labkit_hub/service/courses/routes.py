"""Routes of assignments, of what is handed out and of what is handed in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from labkit.client.course_wire import (
    ActivityAsk,
    AssignmentChange,
    AssignmentItem,
    AssignmentList,
    ClassView,
    CourseAudit,
    Extension,
    ExtensionAsk,
    ExtensionList,
    GroupAsk,
    GroupItem,
    GroupList,
    NewAssignment,
    NewRelease,
    NewSubmission,
    Receipt,
    ReleaseItem,
    SubmissionItem,
    SubmissionList,
)
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import activity, arrangements, assignments, classroom, releases, submissions, views
from labkit_hub.service.courses.office import Office

__all__ = ["add_routes"]

_Before = Annotated[int | None, Query(ge=0, lt=1 << 62)]


def add_routes(router: APIRouter, office: Office) -> None:
    """Add all of them."""
    _add_assignments(router, office)
    _add_releases(router, office)
    _add_submissions(router, office)
    _add_arrangements(router, office)
    _add_class(router, office)


def _add_assignments(router: APIRouter, office: Office) -> None:
    person = Depends(office.context.door.person)

    @router.get("/courses/{course_id}/assignments")
    def list_assignments(course_id: str, who: Identity = person) -> AssignmentList:
        """Return the assignments of a course."""
        with office.reading(who) as session:
            return views.assignments(session, course_id, who)

    @router.post("/courses/{course_id}/assignments", status_code=201)
    def create_assignment(course_id: str, ask: NewAssignment, who: Identity = person) -> AssignmentItem:
        """Make a draft."""
        with office.changing(who) as session:
            row = assignments.create_assignment(session, course_id, ask, who, office.now())
            return views.assignment(session, row.id, who)

    @router.get("/assignments/{assignment_id}")
    def get_assignment(assignment_id: str, who: Identity = person) -> AssignmentItem:
        """Return one assignment."""
        with office.reading(who) as session:
            return views.assignment(session, assignment_id, who)

    @router.patch("/assignments/{assignment_id}")
    def change_assignment(assignment_id: str, ask: AssignmentChange, who: Identity = person) -> AssignmentItem:
        """Change what is named."""
        with office.changing(who) as session:
            assignments.change_assignment(session, assignment_id, ask, who, office.now())
            return views.assignment(session, assignment_id, who)

    @router.delete("/assignments/{assignment_id}", status_code=204)
    def delete_assignment(assignment_id: str, who: Identity = person) -> None:
        """Remove a draft for which nobody has handed in."""
        with office.changing(who) as session:
            assignments.delete_assignment(session, assignment_id, who)


def _add_releases(router: APIRouter, office: Office) -> None:
    person = Depends(office.context.door.person)

    @router.post("/assignments/{assignment_id}/releases", status_code=201)
    def make_release(assignment_id: str, ask: NewRelease, who: Identity = person) -> ReleaseItem:
        """Hand out a new version."""
        with office.changing(who) as session:
            return releases.make_release(session, assignment_id, ask, who, office.now())

    @router.get("/assignments/{assignment_id}/releases/{version}")
    def get_release(assignment_id: str, version: int, who: Identity = person) -> ReleaseItem:
        """Return a release as students get it; that the caller fetched it is noted."""
        with office.changing(who) as session:
            item = releases.get_release(session, assignment_id, version, who)
            releases.note_fetch(session, assignment_id, version, who, office.now())
            return item

    @router.get("/assignments/{assignment_id}/releases/{version}/source")
    def get_source(assignment_id: str, version: int, who: Identity = person) -> NewRelease:
        """Return the whole of a release, its hidden part included, to staff."""
        with office.reading(who) as session:
            return releases.source_of(session, assignment_id, version, who)


def _add_submissions(router: APIRouter, office: Office) -> None:
    person = Depends(office.context.door.person)

    @router.post("/assignments/{assignment_id}/submissions", status_code=201, responses={200: {"model": Receipt}})
    def submit(assignment_id: str, ask: NewSubmission, response: Response, who: Identity = person) -> Receipt:
        """Hand in; asking again with the same key is answered with 200 and the same receipt."""
        receipt, is_new = submissions.submit(office, assignment_id, ask, who, office.now())
        response.status_code = 201 if is_new else 200
        return receipt

    @router.get("/assignments/{assignment_id}/submissions")
    def list_submissions(assignment_id: str, who: Identity = person) -> SubmissionList:
        """Return what was handed in: the caller's own, or all to staff."""
        with office.reading(who) as session:
            return views.submissions(session, assignment_id, who)

    @router.get("/submissions/{submission_id}")
    def get_submission(submission_id: str, who: Identity = person) -> SubmissionItem:
        """Return one submission."""
        with office.reading(who) as session:
            return views.submission(session, submission_id, who)

    @router.get("/submissions/{submission_id}/receipt")
    def get_receipt(submission_id: str, who: Identity = person) -> Receipt:
        """Return the receipt, as it was given."""
        with office.reading(who) as session:
            return submissions.receipt_of(session, submission_id, who)


def _add_arrangements(router: APIRouter, office: Office) -> None:
    person = Depends(office.context.door.person)

    @router.get("/assignments/{assignment_id}/extensions")
    def list_extensions(assignment_id: str, who: Identity = person) -> ExtensionList:
        """Return who may hand in later or more often."""
        with office.reading(who) as session:
            return arrangements.list_extensions(session, assignment_id, who)

    @router.put("/assignments/{assignment_id}/extensions/{name}")
    def give_extension(assignment_id: str, name: str, ask: ExtensionAsk, who: Identity = person) -> Extension:
        """Let somebody hand in later or more often."""
        with office.changing(who) as session:
            return arrangements.give_extension(session, assignment_id, name, ask, who, office.now())

    @router.delete("/assignments/{assignment_id}/extensions/{name}", status_code=204)
    def take_extension(assignment_id: str, name: str, who: Identity = person) -> None:
        """Take an extension back."""
        with office.changing(who) as session:
            arrangements.take_extension(session, assignment_id, name, who, office.now())

    @router.get("/assignments/{assignment_id}/groups")
    def list_groups(assignment_id: str, who: Identity = person) -> GroupList:
        """Return who hands in together."""
        with office.reading(who) as session:
            return arrangements.list_groups(session, assignment_id, who)

    @router.put("/assignments/{assignment_id}/groups/{name}")
    def put_group(assignment_id: str, name: str, ask: GroupAsk, who: Identity = person) -> GroupItem:
        """Let people hand in together."""
        with office.changing(who) as session:
            return arrangements.put_group(session, assignment_id, name, ask, who)


def _add_class(router: APIRouter, office: Office) -> None:
    person = Depends(office.context.door.person)

    @router.post("/assignments/{assignment_id}/activity", status_code=204)
    def note_activity(assignment_id: str, ask: ActivityAsk, who: Identity = person) -> None:
        """Say where the caller is with an assignment."""
        with office.changing(who) as session:
            activity.note_activity(session, assignment_id, ask, who, office.now())

    @router.get("/courses/{course_id}/class")
    def get_class(course_id: str, who: Identity = person) -> ClassView:
        """Return how far everybody is, to staff."""
        with office.reading(who) as session:
            return classroom.class_view(session, course_id, who, office.now(), office.store)

    @router.get("/courses/{course_id}/audit")
    def get_audit(course_id: str, before: _Before = None, who: Identity = person) -> CourseAudit:
        """Return who did what, to professors."""
        with office.reading(who) as session:
            return views.audit(session, course_id, who, before=before)
