"""The page of an assignment: for staff what was handed in and how grading stands, for students their own part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from labkit.client.course_wire import FeedbackAsk, GradeAsk, Statistics, SubmissionItem
from labkit.errors import LabKitError, NotFound
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import batches, feedback, resemblance, statistics, submissions, views
from labkit_hub.service.courses.reading_class import count_students
from labkit_hub.service.courses.reading_history import assignment_history
from labkit_hub.service.pages.coursework import Coursework, Opened, late_words, read_form, to
from labkit_hub.service.pages.histogram import draw_histogram

__all__ = ["add_assignment_pages", "class_numbers"]

Filter = tuple[str, str, int]


def add_assignment_pages(router: APIRouter, work: Coursework) -> None:
    """Add the page, and what its buttons do."""
    office, here = work.office, "/courses/{course_id}/assignments/{assignment_id}"
    person, form = Depends(office.context.door.person), Depends(read_form)

    def show(request: Request, course_id: str, assignment_id: str, who: Identity, error: LabKitError | None = None) -> Response:
        with office.reading(who) as session:
            opened = work.open(session, course_id, assignment_id, who)
            if opened.seat.is_staff:
                return work.show(request, "assignment.html", who, opened, error=error, **_for_staff(session, work, opened, who, request))
            return work.show(request, "assignment-own.html", who, opened, error=error, **_for_student(session, opened, who))

    @router.get(here)
    def assignment_page(request: Request, course_id: str, assignment_id: str, who: Identity = person) -> Response:
        """Show an assignment."""
        return show(request, course_id, assignment_id, who)

    @router.get(f"{here}/progress")
    def progress(request: Request, course_id: str, assignment_id: str, who: Identity = person) -> Response:
        """Return the batches alone: what an open page asks for again and again while something is being graded."""
        with office.reading(who) as session:
            opened = work.open(session, course_id, assignment_id, who, staff=True)
            known = batches.list_batches(session, assignment_id, who, office.context.profiles, office.now()).batches
            return work.show(request, "batches.html", who, opened, batches=known)

    @router.post(f"{here}/grade")
    def grade(request: Request, course_id: str, assignment_id: str, fields: Mapping[str, str] = form, who: Identity = person) -> Response:
        """Put a grading run into the line."""
        which: Literal["all", "ungraded"] = "all" if fields.get("which") == "all" else "ungraded"
        drop_hand, newest = (which == "all" and fields.get(name) == "yes" for name in ("drop_hand", "newest"))
        ask = GradeAsk(which=which, drop_hand=drop_hand, newest=newest)
        try:
            with office.changing(who) as session:
                work.open(session, course_id, assignment_id, who, staff=True)
                grader, profiles = office.settings.grader, office.context.profiles
                batches.ask_batch(session, assignment_id, ask, who, grader=grader, profiles=profiles, now=office.now())
        except NotFound:
            raise
        except LabKitError as error:
            return show(request, course_id, assignment_id, who, error)
        return to(work.assignment_path(course_id, assignment_id), "grading")

    @router.post(f"{here}/feedback")
    def release(request: Request, course_id: str, assignment_id: str, fields: Mapping[str, str] = form, who: Identity = person) -> Response:
        """Release the feedback, or take it back."""
        ask = FeedbackAsk(release=fields.get("release") != "no")
        try:
            with office.changing(who) as session:
                work.open(session, course_id, assignment_id, who, staff=True)
                feedback.release_feedback(session, assignment_id, ask, who, office.now())
        except NotFound:
            raise
        except LabKitError as error:
            return show(request, course_id, assignment_id, who, error)
        return to(work.assignment_path(course_id, assignment_id), "given-back" if ask.release else "taken-back")

    @router.get(f"{here}/similarity")
    def similarity(course_id: str, assignment_id: str, who: Identity = person) -> Response:
        """Show which submissions resemble one another, side by side."""
        with office.changing(who) as session:
            opened = work.open(session, course_id, assignment_id, who, staff=True)
            compared = resemblance.gather(session, opened.row, who)
        return HTMLResponse(resemblance.make_page(office.store, compared), headers={"Content-Security-Policy": resemblance.POLICY})

    @router.get(f"{here}/history")
    def history(
        request: Request,
        course_id: str,
        assignment_id: str,
        before: Annotated[int | None, Query(ge=0, lt=1 << 62)] = None,
        who: Identity = person,
    ) -> Response:
        """Show who did what with the assignment."""
        with office.reading(who) as session:
            opened = work.open(session, course_id, assignment_id, who, staff=True)
            opened.seat.require_professor(changes=False)
            rows, older = assignment_history(session, opened.row, before=before)
            return work.show(request, "assignment-history.html", who, opened, rows=rows, older=older)


def _for_staff(session: Session, work: Coursework, opened: Opened, who: Identity, request: Request) -> dict[str, Any]:
    everything = views.submissions(session, opened.row.id, who).submissions
    counting = [one for one in everything if one.counts]
    show = request.query_params.get("show", "")
    filters, shown = _filtered(everything, show)
    numbers = statistics.of_assignment(session, opened.row.id, who)
    return {
        "students": count_students(session, opened.row.course_id),
        "batches": batches.list_batches(session, opened.row.id, who, work.office.context.profiles, work.office.now()).batches,
        "submissions": sorted(shown, key=_by_name),
        "filters": filters,
        "show": show,
        "counting": len(counting),
        "older": sum(one.release != opened.row.version for one in counting),
        "releasable": sum(one.points is not None and not one.feedback for one in everything),
        "by_hand": sum(one.needs_hand > 0 for one in counting),
        "returned": sum(one.feedback for one in counting),
        "statistics": numbers,
        "picture": draw_histogram(numbers.histogram),
        "items": work.items(session, opened),
        "may_release": opened.seat.is_professor,
    }


def _filtered(everything: Sequence[SubmissionItem], show: str) -> tuple[list[Filter], list[SubmissionItem]]:
    """Return the choices with their numbers, and what is chosen."""
    counting = [one for one in everything if one.counts]
    parts: dict[str, tuple[str, list[SubmissionItem]]] = {
        "": ("that count", counting),
        "hand": ("by hand", [one for one in counting if one.needs_hand]),
        "open": ("not graded", [one for one in counting if one.state != "graded"]),
        "late": ("late", [one for one in counting if one.late_s]),
        "notes": ("with notes", [one for one in counting if one.notes]),
        "all": ("all attempts", list(everything)),
    }
    return [(key, label, len(rows)) for key, (label, rows) in parts.items()], parts.get(show, parts[""])[1]


def _by_name(one: SubmissionItem) -> tuple[str, str, int]:
    return ((one.full_name or one.person).casefold(), one.person, -one.attempt)


def _for_student(session: Session, opened: Opened, who: Identity) -> dict[str, Any]:
    own = views.submissions(session, opened.row.id, who).submissions
    numbers, share = class_numbers(session, opened, who)
    return {
        "submissions": own,
        "receipts": {one.id: submissions.receipt_of(session, one.id, who) for one in own},
        "late_words": late_words(opened.item),
        "statistics": numbers,
        "picture": draw_histogram(numbers.histogram if numbers else (), share),
    }


def class_numbers(session: Session, opened: Opened, who: Identity) -> tuple[Statistics | None, float | None]:
    """Return the numbers of the class and one's own part of the points; nothing before there are any for `who`."""
    try:
        numbers = statistics.of_assignment(session, opened.row.id, who)
    except NotFound:
        return None, None
    points, most = opened.item.points, opened.item.max_points
    share = points / most if points is not None and most else None
    return (numbers, share) if numbers.histogram else (None, None)
