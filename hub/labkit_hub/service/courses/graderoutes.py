"""Routes of grading: batches, the grading run's own, scores, feedback, gradebooks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import FileResponse

from labkit.client.course_wire import (
    BatchItem,
    BatchList,
    FeedbackAsk,
    FeedbackOutcome,
    GradeAsk,
    GradeItem,
    GradingJob,
    HandScore,
    Statistics,
    TaskResult,
    ViewAddress,
    ViewAsk,
)
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import batches, feedback, gradebook, grading, scores, statistics, views
from labkit_hub.service.courses.feedback import PageKeys
from labkit_hub.service.courses.gradebook import GradebookFormat
from labkit_hub.service.courses.office import Office

__all__ = ["PAGE_POLICY", "add_grade_routes"]

PAGE_POLICY = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Of a page that a student's notebook was made into: nothing in it runs, loads or leads anywhere."""
_Format = Annotated[GradebookFormat, Query(alias="format")]


def add_grade_routes(router: APIRouter, office: Office, keys: PageKeys) -> None:
    """Add all of them."""
    _add_batches(router, office)
    _add_scores(router, office)
    _add_pages(router, office, keys)
    _add_gradebooks(router, office)


def _add_batches(router: APIRouter, office: Office) -> None:
    person, grader = Depends(office.context.door.person), office.settings.grader

    @router.post("/assignments/{assignment_id}/batches", status_code=201)
    def ask_batch(assignment_id: str, ask: GradeAsk, who: Identity = person) -> BatchItem:
        """Put a grading run into the line."""
        with office.changing(who) as session:
            return batches.ask_batch(session, assignment_id, ask, who, grader=grader, profiles=office.context.profiles, now=office.now())

    @router.get("/assignments/{assignment_id}/batches")
    def list_batches(assignment_id: str, who: Identity = person) -> BatchList:
        """Return the grading batches."""
        with office.reading(who) as session:
            return batches.list_batches(session, assignment_id, who, office.context.profiles, office.now())

    @router.get("/grading/{run_id}")
    def get_job(run_id: str, who: Identity = person) -> GradingJob:
        """Return what is to be graded; for the run's own server only."""
        with office.reading(who) as session:
            return grading.job_of(session, grading.require_run(session, run_id, who, grader), office.settings.workers)

    @router.put("/grading/{run_id}/results/{submission_id}", status_code=204)
    def put_result(run_id: str, submission_id: str, said: TaskResult, who: Identity = person) -> None:
        """Take the result of one submission; for the run's own server only."""
        with office.changing(who) as session:
            batch = grading.require_run(session, run_id, who, grader)
            grading.put_result(session, batch, submission_id, said, grader, office.now())


def _add_scores(router: APIRouter, office: Office) -> None:
    person = Depends(office.context.door.person)

    @router.put("/submissions/{submission_id}/scores")
    def put_score(submission_id: str, ask: HandScore, who: Identity = person) -> GradeItem:
        """Give points and a comment by hand."""
        with office.changing(who) as session:
            scores.put_score(session, submission_id, ask, who, office.now())
            return views.grade(session, submission_id, who)

    @router.get("/submissions/{submission_id}/grade")
    def get_grade(submission_id: str, who: Identity = person) -> GradeItem:
        """Return scores and comments; to its people once feedback is released."""
        with office.reading(who) as session:
            return views.grade(session, submission_id, who)

    @router.post("/assignments/{assignment_id}/feedback")
    def release_feedback(assignment_id: str, ask: FeedbackAsk, who: Identity = person) -> FeedbackOutcome:
        """Release feedback, or take it back."""
        with office.changing(who) as session:
            return feedback.release_feedback(session, assignment_id, ask, who, office.now())

    @router.get("/assignments/{assignment_id}/statistics")
    def get_statistics(assignment_id: str, who: Identity = person) -> Statistics:
        """Return how the class did."""
        with office.reading(who) as session:
            return statistics.of_assignment(session, assignment_id, who)


def _add_pages(router: APIRouter, office: Office, keys: PageKeys) -> None:
    person = Depends(office.context.door.person)

    @router.post("/submissions/{submission_id}/view")
    def open_page(submission_id: str, ask: ViewAsk, who: Identity = person) -> ViewAddress:
        """Return an address that shows the page of a graded notebook for a while."""
        with office.changing(who) as session:
            sha256 = feedback.page_of(session, submission_id, ask.notebook, who)
        token, until = keys.make(sha256)
        return ViewAddress(address=f"{office.context.base_path}/api/view/{token}", until=until)

    @router.get("/view/{token}", response_class=FileResponse)
    def show_page(token: str) -> Response:
        """Show a page to whoever knows its address; nothing in it runs."""
        path = office.store.path(keys.page(token))
        return FileResponse(path, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": PAGE_POLICY})


def _add_gradebooks(router: APIRouter, office: Office) -> None:
    person = Depends(office.context.door.person)

    @router.get("/assignments/{assignment_id}/gradebook.csv")
    def assignment_gradebook(assignment_id: str, kind: _Format = "labkit", who: Identity = person) -> Response:
        """Return the points of an assignment."""
        with office.changing(who) as session:
            return _sheet(gradebook.assignment_gradebook(session, assignment_id, kind, who), f"grades-{assignment_id}")

    @router.get("/courses/{course_id}/gradebook.csv")
    def course_gradebook(course_id: str, kind: _Format = "labkit", who: Identity = person) -> Response:
        """Return the points of a course."""
        with office.changing(who) as session:
            return _sheet(gradebook.course_gradebook(session, course_id, kind, who), f"grades-{course_id}")


def _sheet(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
