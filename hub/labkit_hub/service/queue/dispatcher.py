"""Gives devices to the runs whose turn it is."""

from __future__ import annotations

import logging
import threading
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from labkit_hub.service.queue import leases
from labkit_hub.service.queue.desk import Desk
from labkit_hub.service.queue.line import load_line
from labkit_hub.service.queue.policy import Start, make_plan
from labkit_hub.service.queue.starter import Starter
from labkit_hub.service.queue.transitions import end
from labkit_hub.service.tables import RunRow

__all__ = ["Dispatcher"]

log = logging.getLogger(__name__)

_EVERY_S = 1.0


class Dispatcher:
    """A thread that decides as soon as something has changed, and every second."""

    def __init__(self, desk: Desk, starter: Starter) -> None:
        self._desk = desk
        self._starter = starter
        self._thread = threading.Thread(target=self._run, name="queue-dispatcher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end, which comes when the desk closes."""
        self._desk.wake.set()
        self._thread.join()

    def decide(self) -> int:
        """Start what can start now; return how many runs that are.

        Lease, state and ticket are one transaction: whoever is killed afterwards leaves a run that says ``starting``, and the
        attendant of the next service finds out how far it came.
        """
        jobs, waited = [], []
        with self._desk.transaction() as session:
            now = self._desk.now()
            if not self._is_anybody_waiting(session):
                return 0
            line = load_line(session, self._desk.settings, self._desk.profiles, now, self._desk.book, grading=self._desk.grading)
            for start in make_plan(line).starts:
                row = session.get_one(RunRow, start.run_id)
                if not self._take(session, row, start, now):
                    log.warning("A device of run %s was somebody else's a moment before.", row.id)
                    continue
                row.state, row.started, row.reason, row.not_before, row.reported = "starting", now, "", None, None
                jobs.append((row.owner, row.id, self._starter.new_ticket(session, row, now)))
                waited.append((now - row.submitted).total_seconds())
        for owner, run_id, secret in jobs:
            self._starter.start_soon(owner, run_id, secret)
        if jobs:
            self._desk.changed()
        for seconds in waited:
            self._desk.context.meters.waited(seconds)
        return len(jobs)

    def _take(self, session: Session, row: RunRow, start: Start, now: datetime) -> bool:
        return leases.take(
            session,
            start.devices,
            username=row.owner,
            server_name=row.server_name,
            run_id=row.id,
            course_id=row.course_id,
            now=now,
            until=None,
        )

    def _is_anybody_waiting(self, session: Session) -> bool:
        """Return whether there is anything to decide; runs whose profile is not in the settings any more end, else they waited for ever."""
        orphans = select(RunRow).where(RunRow.state == "waiting", RunRow.profile.not_in(list(self._desk.profiles)))
        for row in session.scalars(orphans):
            reason = f"The hub has no profile {row.profile!r} any more. Start it again with another."
            end(session, row, "failed", reason, self._desk.now())
        return session.scalar(select(RunRow.id).where(RunRow.state == "waiting").limit(1)) is not None

    def _run(self) -> None:
        while not self._desk.closing.is_set():
            self._desk.wake.wait(_EVERY_S)
            self._desk.wake.clear()
            if self._desk.closing.is_set():
                return
            try:
                self.decide()
            except SQLAlchemyError as error:
                log.warning("No decision was possible (%s: %s); the next try is in a moment.", type(error).__name__, error)
                self._desk.closing.wait(_EVERY_S)
            except Exception as error:
                self._desk.note_failure("dispatcher", error)
                self._desk.closing.wait(_EVERY_S)
