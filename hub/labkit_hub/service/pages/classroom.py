"""The class: how far everybody is, who is stuck and where. For staff of the course only."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import APIRouter, Depends, Request, Response

from labkit.client.course_wire import AssignmentItem, ClassCell, ClassRow, ClassView
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity
from labkit_hub.service.courses.classroom import class_view
from labkit_hub.service.courses.gradebook import harmless, plain_number
from labkit_hub.service.pages.coursework import Coursework
from labkit_hub.service.pages.timewords import points
from labkit_hub.service.pages.words import ago
from labkit_hub.service.people import courses

__all__ = ["Cell", "Place", "Standing", "add_class_page", "class_sheet", "places_of", "rows_of"]

_HEADER = (
    *("username", "name", "assignment", "fetched", "started", "pictures", "objects", "submitted", "attempts", "state", "points", "passed"),
    *("stuck_cell", "stuck_error", "stuck_since", "stuck_times", "trainings", "device_hours", "last_seen"),
)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mark:
    """One step of the way, done or not."""

    letter: str
    word: str
    done: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """How far one student is with one assignment, in marks and words."""

    marks: tuple[Mark, ...]
    word: str
    kind: str
    drawn: str = ""
    stuck: str = ""
    stuck_error: str = ""
    stuck_words: str = ""

    @property
    def words(self) -> str:
        """All of it, for a screen reader."""
        done = [mark.word for mark in self.marks if mark.done]
        return ", ".join(done) if done else "nothing yet"


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of the table."""

    student: ClassRow
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A cell at which students are stuck now."""

    assignment: AssignmentItem
    cell: str
    error: str
    people: tuple[str, ...]
    since: datetime | None


def add_class_page(router: APIRouter, work: Coursework) -> None:
    """Add the page and the file."""
    office, person = work.office, Depends(work.office.context.door.person)

    @router.get("/courses/{course_id}/class")
    def class_page(request: Request, course_id: str, who: Identity = person) -> Response:
        """Show the class."""
        with office.reading(who) as session:
            course = courses.describe(session, course_id, who)
            view = class_view(session, course_id, who, office.now(), office.store)
        places = places_of(view)
        return work.page(
            request,
            "class.html",
            who,
            course=course,
            assignments=view.assignments,
            rows=rows_of(view),
            places=places,
            stuck=[one for one in view.students if _is_stuck(one)],
            annotates=any(cell.pictures_asked for one in view.students for cell in one.cells),
            hours=sum(one.device_hours for one in view.students),
        )

    @router.get("/courses/{course_id}/class.csv")
    def class_file(course_id: str, who: Identity = person) -> Response:
        """Return the class as CSV."""
        with office.changing(who) as session:
            text = class_sheet(class_view(session, course_id, who, office.now(), office.store))
            note(session, who.name, "class.export", course_id, course_id=course_id)
        headers = {"Content-Disposition": f'attachment; filename="class-{course_id}.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def rows_of(view: ClassView) -> list[Standing]:
    """Return the lines, whoever needs help first: who is stuck, the longest first; then who has done least."""
    items = {one.id: one for one in view.assignments}
    many = Counter((cell.assignment, cell.stuck_cell) for one in view.students for cell in one.cells if _fails(cell))
    found = [
        Standing(one, tuple(_cell(cell, items[cell.assignment], many[cell.assignment, cell.stuck_cell]) for cell in one.cells))
        for one in view.students
    ]
    return sorted(found, key=lambda line: _need(line.student))


def places_of(view: ClassView) -> list[Place]:
    """Return the cells at which somebody is stuck, those of most people first."""
    by_cell: dict[tuple[str, str], list[tuple[ClassRow, ClassCell]]] = {}
    for student in view.students:
        for cell in student.cells:
            if _fails(cell):
                by_cell.setdefault((cell.assignment, cell.stuck_cell), []).append((student, cell))
    items = {one.id: one for one in view.assignments}
    places = []
    for (assignment, cell_name), found in by_cell.items():
        found.sort(key=lambda pair: pair[1].stuck_since or _LAST)
        names = tuple(student.full_name or student.person for student, _ in found)
        places.append(Place(items[assignment], cell_name or "a cell", found[0][1].stuck_error, names, found[0][1].stuck_since))
    return sorted(places, key=lambda place: (-len(place.people), place.since or _LAST, place.cell))


def class_sheet(view: ClassView) -> str:
    """Return the class as CSV: a line for each student and assignment."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_HEADER)
    titles = {one.id: one.name for one in view.assignments}
    for one in view.students:
        for cell in one.cells or (ClassCell(assignment=""),):
            writer.writerow(
                [
                    harmless(one.person),
                    harmless(one.full_name),
                    harmless(titles.get(cell.assignment, "")),
                    cell.fetched or "",
                    _time(cell.started),
                    "" if cell.pictures is None else cell.pictures,
                    "" if cell.objects is None else cell.objects,
                    _time(cell.submitted),
                    cell.attempts or "",
                    cell.state,
                    "" if cell.points is None else plain_number(cell.points),
                    "" if cell.passed is None else cell.passed,
                    harmless(cell.stuck_cell),
                    harmless(cell.stuck_error),
                    _time(cell.stuck_since),
                    cell.stuck_times or "",
                    one.trainings,
                    plain_number(one.device_hours),
                    _time(one.last_seen),
                ]
            )
    return "\ufeff" + text.getvalue()


def _cell(cell: ClassCell, item: AssignmentItem, stuck: int) -> Cell:
    has_submitted = bool(cell.attempts)
    annotated = (Mark("A", "annotated", bool(cell.objects)),) if cell.pictures_asked else ()
    marks = (
        Mark("F", "fetched", bool(cell.fetched)),
        Mark("S", "started", cell.started is not None or has_submitted),
        *annotated,
        Mark("H", "handed in", has_submitted),
        Mark("G", "graded", cell.points is not None),
    )
    (word, kind), drawn = _word(cell, item), _drawn(cell)
    if not _fails(cell):
        return Cell(marks, word, kind, drawn)
    times = f"{cell.stuck_times} times" if cell.stuck_times > 1 else "once"
    others = "" if stuck < 2 else f", {stuck - 1} other{'s' if stuck > 2 else ''} too"
    told = f"{times}, for {ago(cell.stuck_since)}{others}" if cell.stuck_since else f"{times}{others}"
    return Cell(marks, word, kind, drawn, cell.stuck_cell or "a cell", cell.stuck_error, told)


def _drawn(cell: ClassCell) -> str:
    """Return how much is annotated, in words; nothing where nothing is known."""
    if not cell.pictures_asked or cell.objects is None:
        return ""
    objects = f"{cell.objects} object{'s' if cell.objects != 1 else ''}"
    if cell.pictures_asked == 1:
        return f"{objects} annotated"
    return f"{objects} in {cell.pictures or 0} of {cell.pictures_asked} pictures"


def _word(cell: ClassCell, item: AssignmentItem) -> tuple[str, str]:
    if cell.points is not None:
        return f"{points(cell.points)} of {points(item.max_points)}", "did"
    if cell.attempts:
        return {"failed": "grading failed", "queued": "being graded"}.get(cell.state, "handed in"), "did"
    if item.due is not None and item.due < datetime.now(UTC):
        return "missed", "stuck"
    if cell.started:
        return "working" + (f", {cell.passed} pass" if cell.passed is not None else ""), "faint"
    return ("fetched" if cell.fetched else "not fetched"), "faint"


def _fails(cell: ClassCell) -> bool:
    return bool(cell.stuck_cell or cell.stuck_error)


def _is_stuck(one: ClassRow) -> bool:
    return any(_fails(cell) for cell in one.cells)


def _need(one: ClassRow) -> tuple[int, datetime, int, int, str]:
    since = min((cell.stuck_since or _LAST for cell in one.cells if _fails(cell)), default=_LAST)
    handed = sum(bool(cell.attempts) for cell in one.cells)
    fetched = sum(bool(cell.fetched) for cell in one.cells)
    return (0 if _is_stuck(one) else 1, since, handed, fetched, (one.full_name or one.person).casefold())


def _time(when: datetime | None) -> str:
    return when.isoformat(timespec="seconds") if when else ""
