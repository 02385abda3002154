"""What the parts of the courses room share: settings, the store, the clock, and who looks where they should not."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from labkit.errors import Conflict, NotFound
from labkit_hub.service.audit import note
from labkit_hub.service.context import Identity, ServiceContext
from labkit_hub.service.courses.store import FileStore
from labkit_hub.settings import CourseSettings

__all__ = ["Office", "Smell", "hidden"]

_NOTED_PER_HOUR = 50
_SENT_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Smell:
    """Somebody asked for what is another's: worth a row in the audit."""

    action: str
    subject: str
    course_id: str | None


def hidden(what: str, smell: Smell | None = None) -> NotFound:
    """Return the one answer for what is not there and for what is not for the caller to know; both sound the same."""
    return NotFound(f"There is no such {what}.", hint="The page of the course lists what you may see.", smell=smell)


class Office:
    """The context with the room's own store and clock."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context
        settings = self.settings
        self.store = FileStore(
            context.settings.course_files_dir,
            most_bytes=int(settings.file_mb * 1e6),
            keep_free_bytes=int(settings.keep_free_mb * 1e6),
        )
        self.reading_notebooks = threading.BoundedSemaphore(2)  # each takes some ten times its size in memory
        self.drawing = threading.BoundedSemaphore(2)  # likewise, by itself: who hands in waits for no pages
        self._lock = threading.Lock()
        self._noted: dict[tuple[str, int], int] = {}
        self._sending: Counter[str] = Counter()

    @property
    def settings(self) -> CourseSettings:
        """The room's own settings."""
        return self.context.settings.courses

    @staticmethod
    def now() -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    @contextmanager
    def reading(self, who: Identity) -> Iterator[Session]:
        """Give a session that only looks; what smells is noted."""
        with self._smelling(who), self.context.database.reading() as session:
            yield session

    @contextmanager
    def changing(self, who: Identity) -> Iterator[Session]:
        """Give a session that changes something; what smells is noted, and nothing is changed then."""
        with self._smelling(who), self.context.database.transaction() as session:
            yield session

    @contextmanager
    def sending(self, name: str) -> Iterator[None]:
        """Let somebody send a file, of not too many at a time: what is half sent takes room that nobody counts.

        Raises
        ------
        Conflict
            Too many of theirs are being sent.
        """
        with self._lock:
            if self._sending[name] >= _SENT_AT_ONCE:
                raise Conflict(f"{_SENT_AT_ONCE} files of yours are being sent already.", hint="Wait until one of them has arrived.")
            self._sending[name] += 1
        try:
            yield
        finally:
            with self._lock:
                self._sending[name] -= 1
                if not self._sending[name]:
                    del self._sending[name]

    @contextmanager
    def _smelling(self, who: Identity) -> Iterator[None]:
        try:
            yield
        except NotFound as error:
            smell = error.facts.get("smell")
            if isinstance(smell, Smell) and self._is_worth(who.name):
                with self.context.database.transaction() as session:
                    note(session, who.name, smell.action, smell.subject, course_id=smell.course_id, refused=True)
            raise

    def _is_worth(self, name: str) -> bool:
        """Whether one more row is written about somebody: who asks ten thousand times fills no table."""
        hour = int(time.time() // 3600)
        with self._lock:
            self._noted = {key: count for key, count in self._noted.items() if key[1] == hour}
            self._noted[name, hour] = self._noted.get((name, hour), 0) + 1
            return self._noted[name, hour] <= _NOTED_PER_HOUR
