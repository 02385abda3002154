"""What the parts of the queue room share."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from labkit.errors import StorageUnreachable
from labkit_hub.profiles import Profile
from labkit_hub.service.audit import note_error
from labkit_hub.service.context import ServerView, ServiceContext
from labkit_hub.service.queue.line import UsageBook, load_line
from labkit_hub.service.queue.policy import Plan, make_plan
from labkit_hub.service.queue.turn import in_turn
from labkit_hub.service.queue.turns import Key, Turns
from labkit_hub.settings import CourseSettings, QueueSettings

__all__ = ["Desk"]

log = logging.getLogger(__name__)

_PLAN_AGE_S = 0.5  # two hundred people who look at their place are one question to the database
_LOOKS_AT_ONCE = 6


class Desk:
    """The context, who has to be woken when something changes, and the plan that people are told.

    Attributes
    ----------
    wake : threading.Event
        Set when somebody may be next now.
    closing : threading.Event
        Set when the room closes.
    book : UsageBook
        The leases of late.
    """

    def __init__(self, context: ServiceContext) -> None:
        self.context = context
        self.profiles: Mapping[str, Profile] = {profile.slug: profile for profile in context.profiles}
        self.wake = threading.Event()
        self.closing = threading.Event()
        self.book = UsageBook()
        self.turns = Turns(context.settings.queue.starts_at_once, _LOOKS_AT_ONCE, self.note_failure)
        self.attend: Callable[[str, str], None] = lambda _user, _name: None  # the attendant's, set by the room
        self._planning = threading.Lock()
        self._changes = 0
        self._plan: tuple[int, float, Plan] | None = None

    @property
    def settings(self) -> QueueSettings:
        """The queue's own settings."""
        return self.context.settings.queue

    @property
    def grading(self) -> CourseSettings:
        """What holds for grading runs."""
        return self.context.settings.grading

    @staticmethod
    def now() -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    def transaction(self) -> AbstractContextManager[Session]:
        """Begin a transaction of the queue."""
        return in_turn(self.context.database)

    def changed(self) -> None:
        """Say that the line, a lease, a device or a limit is not what it was."""
        self._changes += 1
        self.wake.set()

    def look(self, user: str, name: str) -> None:
        """Let somebody look at a server, soon."""
        self.turns.look((user, name), lambda: self.attend(user, name))

    def plan(self) -> Plan:
        """Return the plan as people are told it: half a second old at the most, and no older than the last change before the question."""
        asked = self._changes
        with self._planning:  # who comes while it is made waits for it, instead of making another
            if self._plan is not None and self._plan[0] >= asked and time.monotonic() - self._plan[1] < _PLAN_AGE_S:
                return self._plan[2]
            changes, made = self._changes, time.monotonic()
            with self.context.database.reading() as session:
                line = load_line(session, self.settings, self.profiles, self.now(), self.book, grading=self.grading)
                plan = make_plan(line)
            self._plan = (changes, made, plan)
            return plan

    def ask_hub(self, user: str, name: str, question: Callable[[], ServerView]) -> ServerView:
        """Ask the hub about a server; no answer is ``unknown``."""
        try:
            return question()
        except StorageUnreachable as error:
            return ServerView(user, name, "unknown", facts={"message": error.message})

    def note_failure(self, where: str, error: BaseException) -> None:
        """Write an error of ours where an admin sees it."""
        log.error("%s failed", where, exc_info=error)
        note_error(self.context.database, where, f"{type(error).__name__}: {error}")

    def is_known(self, key: Key) -> bool:
        """Return whether a server is one of the queue's own by its name."""
        return key[1].startswith("run-")
