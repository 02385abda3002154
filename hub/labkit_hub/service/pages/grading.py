"""Grading by hand: one submission with all its items, and beside the solution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from labkit.client.course_wire import GradeItem
from labkit.courses.records import NotebookOutcome
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import releases, views
from labkit_hub.service.courses.access import submission_for
from labkit_hub.service.courses.counting import open_ledger
from labkit_hub.service.courses.office import hidden
from labkit_hub.service.courses.reading_answers import CellText, compare, notebook_of
from labkit_hub.service.courses.reading_history import note_reading
from labkit_hub.service.courses.reading_marks import standings
from labkit_hub.service.courses.reading_order import place_of
from labkit_hub.service.courses.submissions import manifest_of
from labkit_hub.service.courses.tables import SubmissionRow
from labkit_hub.service.pages.coursework import Coursework, Opened, numbers_in, read_form, to
from labkit_hub.service.pages.marks import Row
from labkit_hub.service.pages.pictures import pictures_of
from labkit_hub.service.pages.saving import Saving, read_saving, rubric_of, save_marks

__all__ = ["Book", "add_grading_pages", "books_of", "show_grading"]


@dataclass(frozen=True, slots=True)
class Book:
    """A notebook of a submission: the address of its page if it was executed, else what was handed in."""

    name: str
    outcome: NotebookOutcome | None
    address: str
    file: str = ""
    cells: tuple[CellText, ...] = ()


def add_grading_pages(router: APIRouter, work: Coursework) -> None:
    """Add the page where scores are given, and the comparison; the address itself is shown by the feedback's page."""
    office, here = work.office, "/courses/{course_id}/assignments/{assignment_id}/submissions/{submission_id}"
    person, form = Depends(office.context.door.person), Depends(read_form)

    @router.post(f"{here}/scores")
    def save(
        request: Request,
        course_id: str,
        assignment_id: str,
        submission_id: str,
        only: str = "",
        fields: Mapping[str, str] = form,
        who: Identity = person,
    ) -> Response:
        """Save what the form asks for; what else was typed stays on the page."""
        with office.changing(who) as session:
            opened, row = _submission(session, work, course_id, assignment_id, submission_id, who)
            saved = save_marks(session, opened, read_saving(fields), who, office.now(), among={row.id})
            after = place_of(session, open_ledger(session, opened.row), row, only_hand=only == "hand").after
        if saved.is_clean:
            target = after if saved.wants_next and after else row.id
            kept = {} if target != row.id else {"saved": ".".join(map(str, saved.numbers))}
            return to(work.assignment_path(course_id, assignment_id, "submissions", target), only=only, **kept)
        with office.reading(who) as session:
            opened, row = _submission(session, work, course_id, assignment_id, submission_id, who)
            return show_grading(request, session, work, opened, row, who, saved=saved)

    @router.get(f"{here}/compare")
    def beside(
        request: Request,
        course_id: str,
        assignment_id: str,
        submission_id: str,
        notebook: str = "",
        all: str = "",  # noqa: A002
        who: Identity = person,
    ) -> Response:
        """Show a notebook beside that of the source."""
        with office.reading(who) as session:
            opened, row = _submission(session, work, course_id, assignment_id, submission_id, who)
            source = releases.source_of(session, assignment_id, row.release, who).source
            if notebook not in source.notebooks:
                raise hidden("notebook")
            with office.changing(who) as noting:
                note_reading(noting, opened.row, who, row.id, person=row.person, of=notebook)
            mine, theirs = notebook_of(office.store, manifest_of(row), notebook), notebook_of(office.store, source, notebook)
            pairs = compare(mine, theirs)
            shown = pairs if all else tuple(pair for pair in pairs if not pair.is_same)
            one = views.submission(session, row.id, who)
            known: dict[str, Any] = {"one": one, "notebook": notebook, "everything": bool(all), "has_cells": bool(mine)}
            return work.show(request, "compare.html", who, opened, pairs=shown if mine else (), **known)


def show_grading(
    request: Request, session: Session, work: Coursework, opened: Opened, row: SubmissionRow, who: Identity, saved: Saving | None = None
) -> Response:
    """Return the page of one submission for staff."""
    grade, ledger = views.grade(session, row.id, who), open_ledger(session, opened.row)
    only_hand = request.query_params.get("only") == "hand"
    just = numbers_in(request.query_params.get("saved", ""))
    asked = releases.asked_of(releases.release_of(session, opened.row.id, row.release))
    rows = saved.rows if saved else _rows(session, row, asked.rubric, just)
    scores = grade.scores
    books = books_of(session, work, row, grade, who, is_staff=True)
    for book in books:
        if book.cells:  # what was not executed is read here, and not in a frame, which notes it by itself
            with work.office.changing(who) as noting:
                note_reading(noting, opened.row, who, row.id, person=row.person, of=book.name)
    others = {one.id: one for name in row.members for one in ledger.of(name) if one.id != row.id}
    return work.show(
        request,
        "grading.html",
        who,
        opened,
        frames=True,
        status=409 if saved and saved.has_conflict else 200,
        one=grade.submission,
        grade=grade,
        books=books,
        pictures=pictures_of(session, work, opened, row, grade, who, is_staff=True, query=request.query_params),
        rows=rows[:-1],
        whole=rows[-1],
        totals=[change for change in grade.history if not change.item],
        earned=sum(score.points for score in scores if score.points is not None),
        grade_max=sum(score.item.max_points for score in scores),
        neighbours=place_of(session, ledger, row, only_hand=only_hand),
        only_hand=only_hand,
        others=sorted(others.values(), key=lambda one: one.attempt),
    )


def books_of(session: Session, work: Coursework, row: SubmissionRow, grade: GradeItem, who: Identity, *, is_staff: bool) -> list[Book]:
    """Return the notebooks of the release that was handed in, as they came out of grading."""
    manifest = manifest_of(row)
    outcomes = {outcome.notebook: outcome for outcome in grade.notebooks}
    asked = releases.asked_of(releases.release_of(session, row.assignment_id, row.release))
    addresses = work.frames(row.id, [name for name in asked.student.notebooks if name in outcomes and outcomes[name].html], who)
    books = []
    for name in asked.student.notebooks:
        outcome, entry, address = outcomes.get(name), manifest.entry(f"{name}.ipynb"), addresses.get(name, "")
        cells = () if address or not is_staff else notebook_of(work.office.store, manifest, name)
        books.append(Book(name, outcome, address, entry.sha256 if entry else "", cells))
    return books


def _rows(session: Session, row: SubmissionRow, rubric: Any, just: set[int]) -> tuple[Row, ...]:
    found = standings(session, row)
    return tuple(
        Row(number, one, rubric_of(rubric, one), outcome="saved" if number in just else "same") for number, one in enumerate(found)
    )


def _submission(
    session: Session, work: Coursework, course_id: str, assignment_id: str, submission_id: str, who: Identity
) -> tuple[Opened, SubmissionRow]:
    """Return a submission of an assignment, for staff.

    Raises
    ------
    NotFound
    """
    opened = work.open(session, course_id, assignment_id, who, staff=True)
    row, assignment, _ = submission_for(session, submission_id, who)
    if assignment.id != assignment_id:
        raise hidden("submission")
    return opened, row
