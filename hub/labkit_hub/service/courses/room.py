"""The courses room, put together."""

from __future__ import annotations

import logging
import threading

from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError

from labkit_hub.service.audit import note_error
from labkit_hub.service.context import ServiceContext
from labkit_hub.service.courses import uploads
from labkit_hub.service.courses.feedback import PageKeys
from labkit_hub.service.courses.fileroutes import LARGE_BODIES, add_file_routes, add_grading_files
from labkit_hub.service.courses.graderoutes import add_grade_routes
from labkit_hub.service.courses.office import Office
from labkit_hub.service.courses.routes import add_routes

__all__ = ["CoursesRoom"]

log = logging.getLogger(__name__)

_SWEEP_EVERY_S = 3600.0
_SWEEP_ALL_AFTER = 24  # for it everything is read through


class CoursesRoom:
    """``api/assignments``, ``api/submissions``, ``api/files``, ``api/grading``; removes files that nobody uses."""

    def __init__(self, context: ServiceContext) -> None:
        self.office = Office(context)
        self.router = APIRouter(prefix="/api", tags=["assignments"])
        add_routes(self.router, self.office)
        add_file_routes(self.router, self.office)
        self.keys = PageKeys(self.office.settings.view_s, self.office.now)
        add_grade_routes(self.router, self.office, self.keys)
        add_grading_files(self.router, self.office)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._sweep, name="course-files", daemon=True)

    def limit_of(self, path: str) -> int | None:
        """Return the most bytes that are taken at a path, if whole files are sent there."""
        is_file = LARGE_BODIES.fullmatch(path.removeprefix(self.office.context.base_path))
        return self.office.store.most_bytes if is_file else None

    def start(self) -> None:
        """Make the store, and begin to look after it."""
        self.office.store.open()
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _sweep(self) -> None:
        database, rounds = self.office.context.database, 0
        while not self._closing.wait(_SWEEP_EVERY_S):
            rounds += 1
            try:
                uploads.sweep(self.office.store, database, self.office.now())
                if rounds % _SWEEP_ALL_AFTER == 1:
                    gone = uploads.sweep_unnamed(self.office.store, database, self.office.now())
                    log.info("%d files of courses that nothing named any more were removed.", gone)
            except SQLAlchemyError as error:
                log.warning("The courses' files could not be looked through (%s); the next try is in an hour.", type(error).__name__)
            except Exception as error:
                log.exception("The courses' files could not be looked through")
                note_error(database, "course files", f"{type(error).__name__}: {error}")
