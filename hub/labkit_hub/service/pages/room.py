"""The pages' room: everything that a browser opens, and what it sends by forms."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from labkit.errors import LabKitError, NotFound
from labkit_hub.service.context import QueueViews, ServiceContext
from labkit_hub.service.courses.room import CoursesRoom
from labkit_hub.service.pages.admin import add_admin_pages
from labkit_hub.service.pages.arranging import add_arranging_pages
from labkit_hub.service.pages.assignments import add_assignment_pages
from labkit_hub.service.pages.classroom import add_class_page
from labkit_hub.service.pages.courses import add_course_pages
from labkit_hub.service.pages.coursework import Coursework
from labkit_hub.service.pages.feedback import add_submission_pages
from labkit_hub.service.pages.grading import add_grading_pages
from labkit_hub.service.pages.items import add_item_pages
from labkit_hub.service.pages.line import add_line_pages
from labkit_hub.service.pages.networks import NetworkRoom
from labkit_hub.service.pages.pictures import add_picture_pages
from labkit_hub.service.pages.render import STATIC_DIR, Pages
from labkit_hub.service.pages.storage import Sizes
from labkit_hub.service.passback import PassbackRoom
from labkit_hub.service.people.mirror import Mirror

__all__ = ["PagesRoom"]

_STATIC = {
    name: "text/css" if name.endswith(".css") else "text/javascript"
    for name in ("labkit.css", "labkit.js", "courses.css", "courses.js", "pictures.css", "pictures.js")
}


class PagesRoom:
    """Start page, runs, courses with their assignments, admin page."""

    def __init__(
        self,
        context: ServiceContext,
        views: QueueViews,
        mirror: Mirror,
        hub_path: str,
        sizes: Sizes,
        networks: NetworkRoom | None,
        courses: CoursesRoom,
        passback: PassbackRoom,
    ) -> None:
        self._pages = Pages(context, hub_path)
        self.router = APIRouter(include_in_schema=False)
        add_line_pages(self.router, context, views, self._pages)
        add_course_pages(self.router, context, views, mirror, passback, self._pages)
        work = Coursework(courses.office, courses.keys, views, passback, self._pages)
        for add in (add_assignment_pages, add_arranging_pages, add_item_pages, add_grading_pages, add_submission_pages, add_class_page):
            add(self.router, work)
        add_picture_pages(self.router, work)
        add_admin_pages(self.router, context, views, sizes, networks, self._pages)
        self.router.add_api_route("/static/{name}", _static, methods=["GET"])

    def start(self) -> None:
        """Do nothing: no work beside the routes."""

    def stop(self) -> None:
        """Do nothing."""

    def render_error(self, request: Request, status: int, error: LabKitError) -> Response:
        """Return the page of an error."""
        return self._pages.page(request, "error.html", None, status=status, error=error, code=status)


def _static(name: str) -> FileResponse:
    if name not in _STATIC:
        raise NotFound("There is nothing at this address.")
    return FileResponse(STATIC_DIR / name, media_type=_STATIC[name], headers={"Cache-Control": "public, max-age=300"})
