"""The door of the room: `Passback.send_grades`. The rest happens behind it, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from labkit_hub.service.audit import note_error
from labkit_hub.service.database import Database
from labkit_hub.service.passback import outbox
from labkit_hub.service.passback.changes import Fingerprint, fingerprints
from labkit_hub.service.passback.grades import assignments_to_send, released_grades
from labkit_hub.service.passback.outbox import Due, Grade, GradedAssignment
from labkit_hub.service.passback.platform import LineItem, Platform, PlatformFault, Score
from labkit_hub.service.passback.tables import LineItemRow
from labkit_hub.settings import PassbackSettings

__all__ = ["Passback"]

log = logging.getLogger(__name__)

_NEVER_CAME = "This person has never come here from the platform's course, so the platform cannot be told whose score it is."


@dataclass(frozen=True, slots=True)
class _Known:
    """What people had earned at the last look, which holds as long as the mark does."""

    mark: Fingerprint
    grades: dict[str, Grade]


class Passback:
    """Sends scores to the platform, each until it is there or refused for good.

    Parameters
    ----------
    clock : callable
        Returns the time, in UTC.
    """

    def __init__(
        self,
        database: Database,
        platform: Platform,
        settings: PassbackSettings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._platform, self._settings, self._clock = database, platform, settings, clock
        self._known: dict[str, _Known] = {}
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="passback", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End; what waits is sent after the next start."""
        self._closing.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._platform.close()

    def send_grades(self, assignment: GradedAssignment, grades: Mapping[str, Grade]) -> int:
        """Let the platform have these scores, and return how many of them are news to it; returns at once.

        The same scores once more change nothing; a score that has changed since (a regrade, an extension) is sent again.

        Parameters
        ----------
        grades : dict of user name to Grade
            Only what the people may read themselves.
        """
        with self._database.transaction() as session:
            changed = outbox.put_grades(session, assignment, grades, self._clock())
        self._wake.set()
        return changed

    def nudge(self) -> None:
        """Look at once, instead of in a while."""
        self._wake.set()

    # In the thread

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                self.look()
            except SQLAlchemyError as error:
                log.warning("Scores could not be looked through (%s); they are later.", type(error).__name__)
            except Exception as error:
                log.exception("Scores could not be sent")
                note_error(self._database, "passback", f"{type(error).__name__}: {error}")
            self._wake.wait(self._settings.look_s)
            self._wake.clear()

    def look(self) -> None:
        """Write down what has changed since, and send what is due."""
        with self._database.reading() as session:
            marks = fingerprints(session)  # before what they stand for: what changes in between is looked at again
            assignments = {one.id: one for one in assignments_to_send(session)}
            self._known = {key: known for key, known in self._known.items() if key in assignments}
            changed = {
                key: _Known(marks.get(key, ()), released_grades(session, key))
                for key in assignments
                if key not in self._known or self._known[key].mark != marks.get(key, ())
            }
        for key, found in changed.items():
            if found.grades:
                with self._database.transaction() as session:
                    outbox.put_grades(session, assignments[key], found.grades, self._clock())
            self._known[key] = found
        readable = {key: known.grades for key, known in self._known.items()}
        with self._database.reading() as session:
            waiting = outbox.due(session, {one.id: one.course_id for one in assignments.values()}, readable, self._clock())
        for due in waiting:
            if self._closing.is_set():
                return
            self._send(due, assignments[due.assignment_id])

    def _send(self, due: Due, assignment: GradedAssignment) -> None:
        try:
            if not due.subject:
                raise PlatformFault(_NEVER_CAME, "refused")
            item = self._line_item(due, assignment)
            at = self._clock()
            if due.last is not None:
                # The platform keeps the newest, and Moodle looks at whole seconds: neither a clock that was set back nor a change soon
                # after another may lose a score.
                at = max(at, due.last.replace(microsecond=0) + timedelta(seconds=1))
            try:
                self._platform.send(due.link.client_id, item, Score(due.subject, due.points, due.max_points, at))
            except PlatformFault as fault:
                if fault.kind != "gone":
                    raise
                self._forget(due, assignment)  # somebody has removed the column: the next time it is looked for, and made
                raise PlatformFault(fault.message, "again", 0.0) from fault
        except PlatformFault as fault:
            log.warning("A score could not be sent to the platform: %s", fault.message)
            with self._database.transaction() as session:
                attempts, pause_s = self._settings.attempts, self._settings.pause_s
                outbox.note_failed(session, due, assignment.course_id, fault, self._clock(), attempts=attempts, pause_s=pause_s)
            return
        with self._database.transaction() as session:
            outbox.note_sent(session, due, assignment.course_id, at)

    def _line_item(self, due: Due, assignment: GradedAssignment) -> LineItem:
        wanted = assignment.column
        with self._database.reading() as session:  # the first of a class has made it
            row = session.get(LineItemRow, assignment.id)
        if row is not None and row.context == due.link.context and (row.label, row.max_points) == wanted:
            return LineItem(row.url, row.label, row.max_points)
        item = self._platform.line_item(due.link.client_id, due.link.lineitems, assignment.id, *wanted)
        with self._database.transaction() as session:
            outbox.note_line_item(session, assignment, due.link.context, item.url)
        return item

    def _forget(self, due: Due, assignment: GradedAssignment) -> None:
        with self._database.transaction() as session:
            outbox.note_line_item(session, assignment, due.link.context, None)
