"""Work on servers, side by side, but never two things with one server at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.exc import SQLAlchemyError

from labkit.errors import LabKitError

__all__ = ["Key", "Turns"]

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""A server: its user and its name."""

_Job = tuple[str, Callable[[], None], ThreadPoolExecutor]


class Turns:
    """Two pools, one for starts and one for looks; what concerns one server happens in the order in which it was asked for.

    Parameters
    ----------
    starts, looks : int
        Sizes of the pools.
    on_error : callable
        Gets what failed and how; errors of the hub's or the database's absence are only logged, since everything is looked at again.
    """

    def __init__(self, starts: int, looks: int, on_error: Callable[[str, BaseException], None]) -> None:
        self._starts = ThreadPoolExecutor(starts, thread_name_prefix="queue-start")
        self._looks = ThreadPoolExecutor(looks, thread_name_prefix="queue-look")
        self._on_error = on_error
        self._guard = threading.Lock()
        self._jobs: dict[Key, deque[_Job]] = {}  # the first of each is at work
        self._due: dict[Key, float] = {}
        self._closed = False

    def start(self, key: Key, job: Callable[[], None]) -> None:
        """Start a server when what is asked of it before is done."""
        self._add(key, ("start", job, self._starts))

    def look(self, key: Key, job: Callable[[], None]) -> None:
        """Look at a server; once, however often it is asked for meanwhile."""
        self._add(key, ("look", job, self._looks))

    def remind(self, key: Key, delay_s: float) -> None:
        """Note that a server is to be looked at in a moment."""
        with self._guard:
            due = time.monotonic() + delay_s
            self._due[key] = min(due, self._due.get(key, due))

    def due(self) -> list[Key]:
        """Return the servers whose moment has come, and forget the notes."""
        with self._guard:
            now = time.monotonic()
            ready = [key for key, moment in self._due.items() if moment <= now]
            for key in ready:
                del self._due[key]
        return ready

    @property
    def busy(self) -> bool:
        """Whether something is at work, or waits for its turn."""
        with self._guard:
            return bool(self._jobs)

    def close(self) -> None:
        """End: what is at work comes to its end, the rest is dropped."""
        with self._guard:
            self._closed = True
            for jobs in self._jobs.values():
                while len(jobs) > 1:
                    jobs.pop()
        for pool in (self._starts, self._looks):
            pool.shutdown(wait=True, cancel_futures=True)

    def _add(self, key: Key, job: _Job) -> None:
        with self._guard:
            jobs = self._jobs.setdefault(key, deque())
            if self._closed or any(job[0] == waiting[0] for waiting in list(jobs)[1:]):
                return
            jobs.append(job)
            if len(jobs) == 1:
                self._submit(key, job)

    def _submit(self, key: Key, job: _Job) -> None:
        job[2].submit(self._run, key, job)

    def _run(self, key: Key, job: _Job) -> None:
        try:
            job[1]()
        except (LabKitError, SQLAlchemyError) as error:
            log.warning("%s of %s did not succeed (%s: %s); it is tried again.", job[0].capitalize(), key, type(error).__name__, error)
        except Exception as error:
            self._on_error(f"{job[0]} of {key[1] or 'server'} of {key[0]}", error)
        finally:
            with self._guard:
                jobs = self._jobs[key]
                jobs.popleft()
                if jobs and not self._closed:
                    self._submit(key, jobs[0])
                elif not jobs:
                    del self._jobs[key]
