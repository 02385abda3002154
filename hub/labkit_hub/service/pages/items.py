"""Grading by hand, cell by cell: the answers of all submissions to one item below each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from labkit.client.course_wire import NewRelease
from labkit.courses.records import GradeResult, Item
from labkit.errors import LabKitError
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import releases, scores, views
from labkit_hub.service.courses.counting import open_ledger
from labkit_hub.service.courses.reading_answers import CellText, answer_in, cells_of, notebook_of
from labkit_hub.service.courses.reading_history import note_reading
from labkit_hub.service.courses.reading_marks import Standing, scored, standings
from labkit_hub.service.courses.reading_order import in_order
from labkit_hub.service.courses.reading_pictures import tasks_of
from labkit_hub.service.courses.submissions import manifest_of
from labkit_hub.service.courses.tables import SubmissionRow
from labkit_hub.service.pages.coursework import Coursework, Opened, numbers_in, read_form, to
from labkit_hub.service.pages.marks import Row
from labkit_hub.service.pages.pictures import Easel, Shown
from labkit_hub.service.pages.saving import Saving, read_saving, rubric_of, save_marks

__all__ = ["add_item_pages"]

_PER_PAGE = 25
_EXECUTED_BYTES = 20_000_000


def add_item_pages(router: APIRouter, work: Coursework) -> None:
    """Add the page, and what its form does."""
    office, here = work.office, "/courses/{course_id}/assignments/{assignment_id}/items"
    person, form = Depends(office.context.door.person), Depends(read_form)

    @router.get(here)
    def by_item(
        request: Request, course_id: str, assignment_id: str, item: str = "", page: int = 1, only: str = "", who: Identity = person
    ) -> Response:
        """Show the answers to one item."""
        with office.reading(who) as session:
            opened = work.open(session, course_id, assignment_id, who, staff=True)
            return _show(request, session, work, opened, who, item, page, only == "hand", None)

    @router.post(here)
    def save(
        request: Request,
        course_id: str,
        assignment_id: str,
        item: str = "",
        page: int = 1,
        only: str = "",
        fields: Mapping[str, str] = form,
        who: Identity = person,
    ) -> Response:
        """Save what the form asks for; what else was typed stays on the page."""
        with office.changing(who) as session:
            opened = work.open(session, course_id, assignment_id, who, staff=True)
            among = {row.id for row in open_ledger(session, opened.row).rows}
            saved = save_marks(session, opened, read_saving(fields), who, office.now(), among=among)
        if saved.is_clean and only != "hand":
            kept = {"item": item, "page": str(max(1, page)), "saved": ".".join(map(str, saved.numbers))}
            return to(work.assignment_path(course_id, assignment_id, "items"), **kept)
        with office.reading(who) as session:
            opened = work.open(session, course_id, assignment_id, who, staff=True)
            return _show(request, session, work, opened, who, item, page, only == "hand", saved)


def _show(
    request: Request,
    session: Session,
    work: Coursework,
    opened: Opened,
    who: Identity,
    key: str,
    page: int,
    only_hand: bool,
    saved: Saving | None,
) -> Response:
    items = sorted(work.items(session, opened), key=lambda one: one.how != "hand") if opened.row.version else []
    chosen = next((one for one in items if one.key == key), items[0] if items else None)
    if chosen is None:
        return work.show(request, "items.html", who, opened, items=(), chosen=None)
    just = numbers_in(request.query_params.get("saved", ""))
    rows, total, page = _rows(session, work, opened, chosen, page, only_hand, saved, just)
    with work.office.changing(who) as noting:
        note_reading(noting, opened.row, who, opened.row.id, of=chosen.key)
    source = releases.source_of(session, opened.row.id, opened.row.version, who).source
    first = (page - 1) * _PER_PAGE
    query = {"item": chosen.key} | ({"only": "hand"} if only_hand else {})
    address = f"{work.assignment_path(opened.course.id, opened.row.id, 'items')}?{urlencode(query)}"
    return work.show(
        request,
        "items.html",
        who,
        opened,
        status=409 if saved and saved.has_conflict else 200,
        items=items,
        chosen=chosen,
        only_hand=only_hand,
        rows=rows,
        page=page,
        first=first + 1,
        last=first + len(rows),
        total=total,
        address=address,
        solution=answer_in(notebook_of(work.office.store, source, chosen.notebook), chosen.id) if chosen.notebook else None,
    )


def _rows(
    session: Session, work: Coursework, opened: Opened, item: Item, page: int, only_hand: bool, saved: Saving | None, just: set[int]
) -> tuple[list[Row], int, int]:
    """Return the rows of a page, how many there are on all, and which page it is."""
    ledger, names = open_ledger(session, opened.row), views.full_names(session, opened.row.course_id)
    if saved is not None:
        by_id = {row.id: row for row in ledger.rows}
        rows = [(by_id[row.submission], row) for row in saved.rows]
        total = max(len(rows), len(in_order(session, ledger)) if not only_hand else len(rows))
    else:
        wanted = in_order(session, ledger, only_hand=only_hand)
        if only_hand:
            done = scored(session, opened.row.id, item.key)
            wanted = [row for row in wanted if row.id not in done]
        total = len(wanted)
        page = min(max(1, page), max(1, -(-total // _PER_PAGE)))
        found = [(row, one) for row in wanted[(page - 1) * _PER_PAGE : page * _PER_PAGE] for one in _one(session, row, item, only_hand)]
        rows = [(row, Row(number, one, outcome="saved" if number in just else "same")) for number, (row, one) in enumerate(found)]
    versions = {row.release for row, _ in rows}
    asked = {version: releases.asked_of(releases.release_of(session, opened.row.id, version)) for version in versions}
    easel = Easel(work, opened, "hand" if only_hand else "")
    return (
        [
            replace(
                one,
                rubric=rubric_of(asked[row.release].rubric, one.standing),
                person=names.get(row.person) or row.person,
                late_s=ledger.worth(row).late_s,
                answer=_answer(session, work, row, item),
                picture=_picture(session, work, easel, row, item, asked[row.release]),
            )
            for row, one in rows
        ],
        total,
        max(1, page),
    )


def _one(session: Session, row: SubmissionRow, item: Item, only_hand: bool) -> list[Standing]:
    return [one for one in standings(session, row) if one.key == item.key and not (only_hand and one.points is not None)]


def _picture(session: Session, work: Coursework, easel: Easel, row: SubmissionRow, item: Item, asked: NewRelease) -> Shown | None:
    """Return the annotated picture that an item is about, if it is about one."""
    tasks = () if item.notebook else tasks_of(work.office.store, asked)
    task = next((one for one in tasks if f"/{one.id}" == item.key), None)
    if task is None:
        return None
    last = scores.last_result(session, row.id)
    result = GradeResult.model_validate(last.result) if last is not None else None
    pins = scores.pins_of(asked.items, result, scores.marks_of(session, row.id))
    return easel.show(row, asked, manifest_of(row), task, pins.get(item.key, ()))


def _answer(session: Session, work: Coursework, row: SubmissionRow, item: Item) -> CellText | None:
    """Return what was handed in for an item, with what it printed when it was graded."""
    if not item.notebook:
        return None
    store = work.office.store
    answer = answer_in(notebook_of(store, manifest_of(row), item.notebook), item.id)
    last = scores.last_result(session, row.id)
    outcome = (
        next((one for one in GradeResult.model_validate(last.result).notebooks if one.notebook == item.notebook), None) if last else None
    )
    if answer is None or outcome is None or outcome.executed is None:
        return answer
    try:
        executed = answer_in(cells_of(store.read(outcome.executed, _EXECUTED_BYTES)), item.id)
    except LabKitError:
        return answer
    return replace(answer, outputs=executed.outputs) if executed else answer
