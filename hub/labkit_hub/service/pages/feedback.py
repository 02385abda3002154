"""The page of one submission: for staff where scores are given, for its people what came back."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from labkit_hub.service.context import Identity
from labkit_hub.service.courses import views
from labkit_hub.service.courses.access import submission_for
from labkit_hub.service.courses.office import hidden
from labkit_hub.service.courses.tables import SubmissionRow
from labkit_hub.service.pages.assignments import class_numbers
from labkit_hub.service.pages.coursework import Coursework, Opened, late_words
from labkit_hub.service.pages.grading import books_of, show_grading
from labkit_hub.service.pages.histogram import draw_histogram
from labkit_hub.service.pages.pictures import pictures_of

__all__ = ["add_submission_pages"]


def add_submission_pages(router: APIRouter, work: Coursework) -> None:
    """Add the page."""
    office, person = work.office, Depends(work.office.context.door.person)

    @router.get("/courses/{course_id}/assignments/{assignment_id}/submissions/{submission_id}")
    def submission_page(request: Request, course_id: str, assignment_id: str, submission_id: str, who: Identity = person) -> Response:
        """Show a submission."""
        with office.reading(who) as session:
            opened = work.open(session, course_id, assignment_id, who)
            row, assignment, seat = submission_for(session, submission_id, who)
            if assignment.id != assignment_id:
                raise hidden("submission")
            if seat.is_staff:
                return show_grading(request, session, work, opened, row, who)
            return _show(request, session, work, opened, row, who)


def _show(request: Request, session: Session, work: Coursework, opened: Opened, row: SubmissionRow, who: Identity) -> Response:
    grade = views.grade(session, row.id, who)
    numbers, share = class_numbers(session, opened, who)
    return work.show(
        request,
        "feedback.html",
        who,
        opened,
        frames=True,
        one=grade.submission,
        scores=grade.scores,
        comments=grade.comments,
        books=books_of(session, work, row, grade, who, is_staff=False),
        pictures=pictures_of(session, work, opened, row, grade, who, is_staff=False, query=request.query_params),
        late_words=late_words(opened.item),
        statistics=numbers,
        picture=draw_histogram(numbers.histogram if numbers else (), share),
    )
