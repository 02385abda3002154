"""Annotated pictures on the pages of a submission: the student's outlines, comments at their places, and a place for one more."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from fastapi.responses import FileResponse, RedirectResponse
from pydantic import ValidationError
from sqlalchemy.orm import Session

from labkit.client.course_wire import GradeItem, NewRelease
from labkit.courses.records import AnnotationTask, Manifest, PinnedComment
from labkit.errors import InvalidInput
from labkit_hub.service.context import Identity
from labkit_hub.service.courses import releases
from labkit_hub.service.courses.access import submission_for
from labkit_hub.service.courses.office import hidden
from labkit_hub.service.courses.pinning import add_pin, drop_pin, stamp_of_pin
from labkit_hub.service.courses.reading_history import note_reading
from labkit_hub.service.courses.reading_pictures import Drawing, draw_document, draw_nothing, picture_of, tasks_of
from labkit_hub.service.courses.submissions import manifest_of
from labkit_hub.service.courses.tables import SubmissionRow
from labkit_hub.service.pages.coursework import Coursework, Opened, read_form

__all__ = ["Easel", "Pin", "Shown", "add_picture_pages", "pictures_of"]

_AS_DATA = {"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "private, max-age=600"}
_COLOURS = 7  # of courses' pictures.css, as the annotator has them
_PATIENCE_S = 3.0
_BUSY = "The hub draws for many others just now: load the page again to see the outlines."
_DRAWING_S = 3.0  # for all pictures of a page; one is drawn in any case
_LEFT = "The outlines are not drawn: those of the other pictures took all the time that a page has."
_PIN_SHARE = 60  # a pin's radius is this part of the longer side


@dataclass(frozen=True, slots=True)
class Pin:
    """A comment, with its number where it has a place; by nobody it is the grading run's."""

    number: int | None
    comment: PinnedComment

    @property
    def stamp(self) -> str:
        """What tells it from the others; empty where nobody takes it away."""
        return stamp_of_pin(self.comment) if self.comment.by else ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A task on a page."""

    task: AnnotationTask
    drawing: Drawing
    pins: tuple[Pin, ...]
    address: str
    is_whole: bool
    drawn_at: str = ""
    """Where it is drawn, if it is left out here."""

    @property
    def title(self) -> str:
        """What people read."""
        return self.task.title or self.task.id

    @property
    def radius(self) -> float:
        """How large a pin is, in pixels of the picture."""
        return round(max(self.drawing.width_px, self.drawing.height_px) / _PIN_SHARE, 2)

    @property
    def colours(self) -> int:
        """How many colours there are."""
        return _COLOURS


def add_picture_pages(router: APIRouter, work: Coursework) -> None:
    """Add the picture files of releases, and what pins a comment and takes one away."""
    office, person, form = work.office, Depends(work.office.context.door.person), Depends(read_form)

    @router.get("/courses/{course_id}/assignments/{assignment_id}/releases/{version}/pictures/{task_id}")
    def picture(course_id: str, assignment_id: str, version: int, task_id: str, who: Identity = person) -> Response:
        """Return the picture of a task, or its thumbnail, to the people of the course."""
        with office.reading(who) as session:
            work.open(session, course_id, assignment_id, who)
            asked = releases.asked_of(releases.release_of(session, assignment_id, version))
        task = next((one for one in tasks_of(office.store, asked) if one.id == task_id), None)
        found = picture_of(office.store, asked, task) if task else None
        if found is None:
            raise hidden("picture")
        return FileResponse(office.store.path(found.sha256), media_type=found.media_type, headers=_AS_DATA)

    @router.post("/courses/{course_id}/assignments/{assignment_id}/submissions/{submission_id}/pins")
    def pin(
        course_id: str,
        assignment_id: str,
        submission_id: str,
        only: str = "",
        fields: Mapping[str, str] = form,
        who: Identity = person,
    ) -> Response:
        """Pin a comment to a place, or take one away."""
        with office.changing(who) as session:
            work.open(session, course_id, assignment_id, who, staff=True)
            row, assignment, _ = submission_for(session, submission_id, who)
            if assignment.id != assignment_id:
                raise hidden("submission")
            task, now = fields.get("task", ""), office.now()
            if stamp := fields.get("drop"):
                drop_pin(session, row.id, f"/{task}", stamp, who, now)
            else:
                add_pin(session, row.id, f"/{task}", _comment(fields), who, now)
        address = work.assignment_path(course_id, assignment_id, "submissions", submission_id)
        return RedirectResponse(f"{address}{_beginning_with(task, only)}", 303)


def _beginning_with(task: str, only: str) -> str:
    """Return what follows the address of a submission's page, so that this picture is drawn before others and shown.

    The ids of items are letters and digits.
    """
    return f"?{urlencode({'picture': task} | ({'only': 'hand'} if only == 'hand' else {}))}#picture-{task}"


class Easel:
    """Draws the pictures of one page.

    When feedback is released a whole class looks at once. A page that waits holds a thread and a connection to the database, of which
    there are few for everything that the service does: it waits a little, and is then shown without outlines. What is drawn takes time,
    too, and a browser's memory: of many large ones the rest is left to another page.
    """

    def __init__(self, work: Coursework, opened: Opened, only: str) -> None:
        self._work, self._opened, self._only = work, opened, only
        self._until = time.monotonic() + _PATIENCE_S
        self._spent_s = 0.0

    def show(
        self, row: SubmissionRow, asked: NewRelease, manifest: Manifest, task: AnnotationTask, comments: tuple[PinnedComment, ...]
    ) -> Shown:
        """Return a task of a submission, with its outlines while there is time."""
        address_of, course, assignment = self._work.assignment_path, self._opened.course.id, self._opened.row.id
        found, drawn_at = picture_of(self._work.office.store, asked, task), ""
        size = found.size if found else None
        places = [(one.y, one.x) for one in comments if one.y is not None and one.x is not None]
        if self._spent_s >= _DRAWING_S and manifest.entry(task.path) is not None:
            drawing = draw_nothing(size, places, _LEFT)
            drawn_at = address_of(course, assignment, "submissions", row.id) + _beginning_with(task.id, self._only)
        else:
            drawing = self._draw(manifest, task, size, places)
        address = address_of(course, assignment, "releases", str(row.release), "pictures", task.id) if found else ""
        return Shown(task, drawing, _numbered(comments), address, found is not None and found.is_whole, drawn_at)

    def _draw(self, manifest: Manifest, task: AnnotationTask, size: tuple[int, int] | None, places: list[tuple[float, float]]) -> Drawing:
        office = self._work.office
        if not office.drawing.acquire(timeout=max(0.0, self._until - time.monotonic())):  # a large document is much memory
            return draw_nothing(size, places, _BUSY)
        begun = time.monotonic()
        try:
            return draw_document(office.store, manifest, task, size, places)
        finally:
            office.drawing.release()
            self._spent_s += time.monotonic() - begun


def pictures_of(
    session: Session,
    work: Coursework,
    opened: Opened,
    row: SubmissionRow,
    grade: GradeItem,
    who: Identity,
    *,
    is_staff: bool,
    query: Mapping[str, str],
) -> list[Shown]:
    """Return the annotated pictures of a submission, in their order; that staff look at another's is noted.

    What is asked for as ``picture`` is drawn first, then what follows it, until a page's time for drawing is over.
    """
    store, asked = work.office.store, releases.asked_of(releases.release_of(session, row.assignment_id, row.release))
    tasks, easel, manifest = tasks_of(store, asked), Easel(work, opened, query.get("only", "")), manifest_of(row)
    first = next((place for place, task in enumerate(tasks) if task.id == query.get("picture")), 0)
    order = (*tasks[first:], *tasks[:first])
    shown = {task.id: easel.show(row, asked, manifest, task, grade.pins.get(f"/{task.id}", ())) for task in order}
    ordered = [shown[task.id] for task in tasks]
    read = [one.task.path for one in ordered if is_staff and manifest.entry(one.task.path) is not None]
    if read:
        with work.office.changing(who) as noting:  # once for all of them: on SQLite nobody else writes meanwhile
            for path in read:
                note_reading(noting, opened.row, who, row.id, person=row.person, of=path)
    return ordered


def _numbered(comments: tuple[PinnedComment, ...]) -> tuple[Pin, ...]:
    """Return the comments as they are listed: those with a place have the number of their pin."""
    pins, number = [], 0
    for comment in comments:
        has_place = comment.y is not None and comment.x is not None
        number += has_place
        pins.append(Pin(number if has_place else None, comment))
    return tuple(pins)


def _comment(fields: Mapping[str, str]) -> PinnedComment:
    """Return what is to be pinned; without a place it is about the whole picture.

    Raises
    ------
    InvalidInput
        It has no words, or the place is none.
    """
    text = fields.get("text", "").strip()
    if not text:
        raise InvalidInput("The comment has no words.", hint="Click on the picture, then say what is meant.")
    try:
        return PinnedComment.model_validate({"text": text, "y": _number(fields, "y"), "x": _number(fields, "x")})
    except ValidationError as error:
        raise InvalidInput("The comment cannot be pinned.", hint="At most 4000 characters, at a place given by two numbers.") from error


def _number(fields: Mapping[str, str], name: str) -> str | None:
    return fields.get(name, "").strip().replace(",", ".") or None
