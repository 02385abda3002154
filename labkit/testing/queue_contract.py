"""What the queue keeps to on every hub: a class of tests that each kind of hub inherits."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from sqlalchemy import create_engine, text

from labkit.client.wire import HubRunItem
from labkit.testing.runs import wait_until

__all__ = ["JournalLine", "QueueContract", "QueuePlace", "Span", "lease_count", "overlapping", "patience", "read_spans", "unfair_starts"]


@dataclass(frozen=True, slots=True)
class JournalLine:
    """What a run's own server wrote down: when it began or ended to compute on a device; seconds on one clock for all."""

    run_id: str
    device: str
    began: bool
    time: float


@dataclass(frozen=True, slots=True)
class Span:
    """For how long somebody had a device."""

    device: str
    run_id: str
    begin: float
    end: float


class QueuePlace(Protocol):
    """A hub with its service, as these tests need it.

    Attributes
    ----------
    people : sequence of str
        At least four people with accounts, without courses; none is an admin.
    database_url : str
        The service's database.
    """

    people: Sequence[str]
    database_url: str

    def submit(self, person: str) -> str:
        """Put a short run into the line, for as long as it takes to be heard; return its id."""
        ...

    def submit_endless(self, person: str) -> str:
        """Put a run into the line that ends only when it is told to; return its id."""
        ...

    def runs(self, person: str) -> Sequence[HubRunItem]:
        """Return a person's runs, as the service says."""
        ...

    def cancel(self, person: str, run_id: str) -> None:
        """Cancel a run."""
        ...

    def kill_service(self) -> None:
        """Kill the service with SIGKILL, and see to it that it is started again."""
        ...

    def journal(self) -> Sequence[JournalLine]:
        """Return what the servers of the runs wrote down."""
        ...

    def server_names(self) -> Sequence[str]:
        """Return the names of all servers of runs that the hub has a row of."""
        ...


class QueueContract:
    """Tests of the queue; a subclass gives the fixture `place` with two fake devices and nothing in the line.

    ``submissions`` and ``kills`` may be lower where servers are slow to start.
    """

    submissions: ClassVar[int] = 50
    kills: ClassVar[int] = 3
    timeout_s: ClassVar[float] = 300.0

    def test_every_run_ends_once_and_no_device_is_leased_twice(self, place: QueuePlace) -> None:
        """Many submit at the same moment, and the service is killed again and again meanwhile."""
        owners = [place.people[k % len(place.people)] for k in range(self.submissions)]
        gate = threading.Barrier(len(owners))

        def submit(owner: str) -> str:
            gate.wait()
            return place.submit(owner)

        with ThreadPoolExecutor(len(owners)) as pool:
            submitted = [pool.submit(submit, owner) for owner in owners]
            for kill in range(1, self.kills + 1):
                self._wait_for_starts(place, kill * self.submissions // (self.kills + 2))
                place.kill_service()
            ids = [future.result() for future in submitted]
        self._wait_for_end(place)

        assert {run.id: run.state for person in place.people for run in place.runs(person)} == dict.fromkeys(ids, "done")
        assert Counter(line.run_id for line in place.journal() if line.began) == Counter(ids)
        assert overlapping(_computed(place.journal())) == []
        spans = read_spans(place.database_url)
        assert {span.run_id for span in spans} == set(ids)  # one that was refused in between has two
        assert overlapping(spans) == []
        assert {span.device for span in spans} == {"fake-0", "fake-1"}
        assert unfair_starts(spans, [run for person in place.people for run in place.runs(person)]) == []

    def test_a_cancelled_run_leaves_nothing(self, place: QueuePlace) -> None:
        """A waiting one never starts, one that computes is stopped; no server, no lease is left."""
        person = place.people[0]
        first = place.submit_endless(person)  # else it might be over, and the second have its device, before the second is cancelled
        wait_until(lambda: first in {line.run_id for line in place.journal()}, timeout_s=self.timeout_s)
        second = place.submit(person)
        place.cancel(person, second)
        assert self._state(place, person, second) == "cancelled"
        place.cancel(person, first)
        self._wait_for_end(place)
        assert self._state(place, person, first) == "cancelled"
        assert second not in {line.run_id for line in place.journal()}

    @staticmethod
    def _state(place: QueuePlace, person: str, run_id: str) -> str:
        return next((run.state for run in place.runs(person) if run.id == run_id), "")

    def _wait_for_starts(self, place: QueuePlace, count: int) -> None:
        wait_until(lambda: sum(line.began for line in place.journal()) >= count, timeout_s=self.timeout_s)

    def _wait_for_end(self, place: QueuePlace) -> None:
        """Wait until all runs have ended and all devices and servers are gone."""
        wait_until(lambda: all(run.has_ended for person in place.people for run in place.runs(person)), timeout_s=self.timeout_s)
        wait_until(lambda: not place.server_names() and lease_count(place.database_url) == 0, timeout_s=self.timeout_s)


def overlapping(spans: Iterable[Span]) -> list[tuple[Span, Span]]:
    """Return the pairs that had one device at the same time."""
    found, last = [], dict[str, Span]()
    for span in sorted(spans, key=lambda span: (span.begin, span.end)):
        before = last.get(span.device)
        if before is not None and before.end > span.begin:
            found.append((before, span))
        if before is None or span.end >= before.end:
            last[span.device] = span
    return found


def read_spans(database_url: str) -> list[Span]:
    """Return all leases that are over, from the service's own table, the first taken first."""
    rows = _query(database_url, "SELECT device_key, run_id, taken, freed FROM usage ORDER BY taken, id")
    return [Span(row[0], row[1], _seconds(row[2]), _seconds(row[3])) for row in rows]


def lease_count(database_url: str) -> int:
    """Return how many devices are lent, from the service's own table."""
    return int(_query(database_url, "SELECT count(*) FROM leases")[0][0])


def _query(database_url: str, sql: str) -> Sequence[Any]:
    engine = create_engine(database_url, connect_args=patience(database_url))
    try:
        with engine.connect() as connection:
            return connection.execute(text(sql)).all()
    finally:
        engine.dispose()


def patience(database_url: str) -> dict[str, Any]:
    """Return how long a database that is one file is waited for while the service writes: on a loaded machine longer than SQLite's 5 s."""
    return {"timeout": 60} if database_url.startswith("sqlite") else {}


def _seconds(moment: datetime | str) -> float:
    return (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).timestamp()


def _computed(journal: Sequence[JournalLine]) -> list[Span]:
    ends = {line.run_id: line.time for line in journal if not line.began}
    return [Span(line.device, line.run_id, line.time, ends[line.run_id]) for line in journal if line.began]


def unfair_starts(spans: Sequence[Span], runs: Sequence[HubRunItem]) -> list[tuple[Span, str]]:
    """Return the starts before which another person waited who had used devices for less time; for equals with a cap of one device."""
    owner = {run.id: run.owner for run in runs}
    first = {span.run_id: span for span in reversed(spans)}
    retried = {owner[run_id] for run_id, count in Counter(span.run_id for span in spans).items() if count > 1}

    def used_s(person: str, now: float) -> float:
        return sum(min(span.end, now) - span.begin for span in spans if owner[span.run_id] == person and span.begin < now)

    def waits(person: str, now: float) -> bool:
        busy = any(span.begin <= now < span.end for span in spans if owner[span.run_id] == person)
        return not busy and any(run.owner == person and run.submitted.timestamp() < now < first[run.id].begin for run in runs)

    people = set(owner.values()) - retried  # who has waited for another try was passed over with reason
    return [
        (span, person)
        for span in spans
        for person in people - {owner[span.run_id]}
        if waits(person, span.begin) and used_s(person, span.begin) < used_s(owner[span.run_id], span.begin) - 1e-3
    ]
