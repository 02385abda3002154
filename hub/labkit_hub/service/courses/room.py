"""The courses room, put together."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError

from labkit_hub.service.audit import note_error
from labkit_hub.service.context import ServiceContext
from labkit_hub.service.courses import continuing, uploads
from labkit_hub.service.courses.feedback import PageKeys
from labkit_hub.service.courses.fileroutes import LARGE_BODIES, add_file_routes, add_grading_files
from labkit_hub.service.courses.graderoutes import add_grade_routes
from labkit_hub.service.courses.office import Office
from labkit_hub.service.courses.routes import add_routes

__all__ = ["CoursesRoom"]

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 10.0
_SWEEP_EVERY_S = 3600.0
_SWEEP_ALL_AFTER = 24  # for it everything is read through
_PARTS = 24  # of the folder: one each hour
_FEW = 10


class CoursesRoom:
    """``api/assignments``, ``api/submissions``, ``api/files``, ``api/grading``; removes unused files, lets broken batches go on."""

    def __init__(self, context: ServiceContext) -> None:
        self.office = Office(context)
        self.router = APIRouter(prefix="/api", tags=["assignments"])
        add_routes(self.router, self.office)
        add_file_routes(self.router, self.office)
        self.keys = PageKeys(self.office.settings.view_s, self.office.now)
        add_grade_routes(self.router, self.office, self.keys)
        add_grading_files(self.router, self.office)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="courses", daemon=True)

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

    def continue_batches(self) -> list[str]:
        """Let batches whose run has ended too early be graded to their end; return their new runs."""
        context, office = self.office.context, self.office
        return continuing.continue_batches(context.database, grader=office.settings.grader, profiles=context.profiles, now=office.now())

    def _look_after(self) -> None:
        next_sweep, sweeps = time.monotonic() + _SWEEP_EVERY_S, 0
        while not self._closing.wait(_LOOK_EVERY_S):
            self._do("grading batches", self.continue_batches)
            if time.monotonic() >= next_sweep:
                next_sweep = time.monotonic() + _SWEEP_EVERY_S
                self._do("course files", self._sweep)
                self._do("course files", self._sweep_unknown)
                if sweeps % _SWEEP_ALL_AFTER == 0:
                    self._do("course files", self._sweep_unnamed)
                sweeps += 1

    def _sweep(self) -> None:
        uploads.sweep(self.office.store, self.office.context.database, self.office.now())

    def _sweep_unnamed(self) -> None:
        gone = uploads.sweep_unnamed(self.office.store, self.office.context.database, self.office.now())
        log.info("%d files of courses that nothing named any more were removed.", gone)

    def _sweep_unknown(self) -> None:
        hour = int(self.office.now().timestamp() // 3600)
        swept = uploads.sweep_unknown(self.office.store, self.office.context.database, hour % _PARTS, _PARTS)
        if swept.gone or swept.doubted:
            log.warning("Files of courses that the database does not know: %d were removed, %d will be.", swept.gone, swept.doubted)
        if swept.doubted > swept.known + _FEW:
            text = "Most of them are not known to the database. They are removed in two weeks: is it the right database?"
            note_error(self.office.context.database, "course files", text)

    def _do(self, what: str, look: Callable[[], object]) -> None:
        try:
            look()
        except SQLAlchemyError as error:
            log.warning("The %s could not be looked through (%s); they are again, later.", what, type(error).__name__)
        except Exception as error:
            log.exception("The %s could not be looked through", what)
            note_error(self.office.context.database, what, f"{type(error).__name__}: {error}")
