"""What the pages of assignments share: who looks at which assignment of which course, and how they answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from labkit.client.course_wire import AssignmentItem
from labkit.courses.records import Item
from labkit.errors import LabKitError, response_for
from labkit_hub.service.context import Identity, QueueViews
from labkit_hub.service.courses import feedback, releases, views
from labkit_hub.service.courses.access import Seat, seat_at
from labkit_hub.service.courses.feedback import PageKeys
from labkit_hub.service.courses.office import Office, hidden
from labkit_hub.service.courses.tables import AssignmentRow
from labkit_hub.service.pages.render import Pages
from labkit_hub.service.passback import PassbackRoom
from labkit_hub.service.people import courses
from labkit_hub.service.people.wire import CourseDetail

__all__ = ["Coursework", "Opened", "late_words", "numbers_in", "read_form", "to"]


@dataclass(frozen=True, slots=True)
class Opened:
    """An assignment that somebody looks at."""

    row: AssignmentRow
    seat: Seat
    course: CourseDetail
    item: AssignmentItem


class Coursework:
    """The courses room, the queue and what goes to the learning platform, as pages use them.

    Parameters
    ----------
    keys : PageKeys
        Addresses of the pages that notebooks were made into.
    """

    def __init__(self, office: Office, keys: PageKeys, queue: QueueViews, passback: PassbackRoom, pages: Pages) -> None:
        self.office = office
        self.queue = queue
        self.passback = passback
        self._keys = keys
        self._pages = pages

    @property
    def courses_path(self) -> str:
        """Where the pages of courses are."""
        return f"{self.office.context.base_path}/courses"

    def assignment_path(self, course_id: str, assignment_id: str, *more: str) -> str:
        """Return the address of a page of an assignment."""
        return "/".join([self.courses_path, *(quote(part, safe="") for part in (course_id, "assignments", assignment_id, *more))])

    def open(self, session: Session, course_id: str, assignment_id: str, who: Identity, *, staff: bool = False) -> Opened:
        """Return an assignment of a course.

        Raises
        ------
        NotFound
            There is none that `who` may know of; or it is for staff only, and `who` is none.
        """
        row, seat = seat_at(session, assignment_id, who)
        if row.course_id != course_id:
            raise hidden("assignment")
        if staff:
            seat.require_staff(changes=False)
        return Opened(row, seat, courses.describe(session, course_id, who), views.assignment(session, assignment_id, who))

    def items(self, session: Session, opened: Opened, version: int | None = None) -> tuple[Item, ...]:
        """Return what earns points in a release, by default the last; nothing before the first."""
        wanted = opened.row.version if version is None else version
        return releases.asked_of(releases.release_of(session, opened.row.id, wanted)).items if wanted else ()

    def frames(self, submission_id: str, notebooks: Iterable[str], who: Identity) -> dict[str, str]:
        """Return short-lived addresses of the pages of graded notebooks; that staff open another's is noted."""
        found: dict[str, str] = {}
        with self.office.changing(who) as session:
            for notebook in notebooks:
                token, _ = self._keys.make(feedback.page_of(session, submission_id, notebook, who))
                found[notebook] = f"{self.office.context.base_path}/api/view/{token}"
        return found

    def page(self, request: Request, name: str, who: Identity, **values: Any) -> Response:
        """Return a page of a course."""
        return self._pages.page(request, name, who, **values)

    def show(self, request: Request, name: str, who: Identity, opened: Opened, *, frames: bool = False, **values: Any) -> Response:
        """Return a page of an assignment; with what went wrong, if something did."""
        error: LabKitError | None = values.get("error")
        status = values.pop("status", response_for(error).http_status if error else 200)
        known: dict[str, Any] = {"course": opened.course, "item": opened.item, "may_change": opened.seat.is_professor}
        return self._pages.page(request, name, who, status=status, frames=frames, **(known | values))


def to(path: str, said: str = "", **query: str) -> RedirectResponse:
    """Lead to a page after a form, so that loading it again sends nothing twice."""
    asked = {key: value for key, value in {"said": said, **query}.items() if value}
    return RedirectResponse(f"{path}?{urlencode(asked)}" if asked else path, 303)


def numbers_in(text: str) -> set[int]:
    """Return the numbers of an address, ``1.4.7``."""
    return {int(part) for part in text.split(".")[:2000] if part.isdecimal() and len(part) < 6}


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form."""
    return {name: str(value) for name, value in (await request.form()).items()}


def late_words(item: AssignmentItem) -> str:
    """Return in words what it costs to be late."""
    if not item.late.accept:
        return "Nothing is accepted late."
    if not item.late.percent_per_day:
        return "Late submissions lose nothing."
    floor = f", but never below {item.late.floor_percent:g} %" if item.late.floor_percent else ""
    return f"Each begun day costs {item.late.percent_per_day:g} % of the points{floor}."
