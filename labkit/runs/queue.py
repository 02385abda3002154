"""The queue of this person's runs on this machine, over all projects: one small file, a ticket, for each run.

Who adds, moves or takes up tickets holds the queue's lock; who only looks does not. A ticket that cannot be read, or
whose project cannot be reached, is passed over and blocks no other.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field

from labkit.config import LibrarySettings, state_dir
from labkit.errors import CorruptStore, LabKitError, NotFound
from labkit.events import RunState
from labkit.runs.leases import take_lease
from labkit.runs.records import END_STATES, Device, RunId, RunSpec, Where, run_state
from labkit.storage import Record, RunLayout, StateLayout, explain_os_errors, hold_lock, load_record, save_record, utc_now

__all__ = ["QueueEntry", "RunQueue", "Ticket"]

EntryState = RunState | Literal["unreachable"]

_LOCK_TIMEOUT_S = 30.0
# What a run needs of the surroundings in which it was handed in. Nothing secret is ever written: keys come from the
# surroundings of whoever starts the run, normally the same.
_KEPT_PREFIXES = ("LABKIT_", "CUDA_", "OMP_", "GOMP_", "MKL_", "LC_", "XDG_", "NVIDIA_", "PYTHON")
_KEPT_NAMES = frozenset(
    {"PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "TMPDIR", "HOME", "LANG", "MPLBACKEND", "JUPYTERHUB_USER"}
)
_SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")


class Ticket(Record):
    """One run's file in the queue, from its submission until its end.

    ``folder`` is the project's folder of runs and ``volume`` the file system that it lies on, ``rank`` the order (the
    lowest is first), ``variables`` what the run's programs get beside the surroundings of whoever starts them, and
    ``starts`` how often that was tried.
    """

    format: Literal[1] = 1
    run_id: RunId
    folder: Path
    volume: int
    title: str = ""
    device: Device = "cpu"
    rank: float
    since: AwareDatetime
    grace_s: float
    heartbeat_s: float
    python: str = ""
    variables: dict[str, str] = Field(default_factory=dict)
    starts: int = 0

    @property
    def layout(self) -> RunLayout:
        """The run's folder."""
        return RunLayout(self.folder / self.run_id)

    def surroundings(self) -> dict[str, str]:
        """Return the variables for the run's programs: those that were kept, and what this program has beside them."""
        return {name: value for name, value in os.environ.items() if not _is_kept(name)} | self.variables

    def is_gone(self) -> bool:
        """Return whether the run's folder was removed for good; one on a disk that is not there just now may come back."""
        nearest = next(p for p in (self.folder, *self.folder.parents) if p.exists())
        return not self.layout.spec.exists() and nearest.stat().st_dev == self.volume


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One run in the queue, as it is shown.

    Attributes
    ----------
    run_id, title, device : str
        Of the run.
    folder : Path
        The folder of runs that it lies in: ``runs/`` of its project.
    place : int or None
        How many runs wait for the same device before it; None once it has started.
    state : str
        The run's state, or ``unreachable`` while its project's folder cannot be read.
    since : datetime
        When it was handed in (UTC).
    where : {"here", "hub"}
        Whether it waits in the queue of this machine, or in that of the hub.
    """

    run_id: str
    folder: Path
    title: str
    device: str
    place: int | None
    state: EntryState
    since: datetime
    where: Where = "here"


class RunQueue:
    """The tickets in a state folder.

    Parameters
    ----------
    root : Path, optional
        The state folder; by default the person's own (``LABKIT_STATE``). It need not exist yet.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.layout = StateLayout((root or state_dir()).absolute())
        self._read: dict[Path, tuple[tuple[int, int, int], Ticket]] = {}

    def hold(self) -> AbstractContextManager[None]:
        """Hold the queue's lock.

        Raises
        ------
        NotWritable, StorageFull
            The state folder cannot be written.
        Locked
            Another program held the lock for half a minute.
        """
        return hold_lock(self.layout.queue_lock, timeout_s=_LOCK_TIMEOUT_S, what="the queue of runs")

    def tickets(self) -> list[Ticket]:
        """Return all tickets that can be read, the first to start first."""
        found, read = [], {}
        for path in self._paths():
            with contextlib.suppress(NotFound, CorruptStore, OSError):
                facts = path.stat()
                stamp = (facts.st_ino, facts.st_mtime_ns, facts.st_size)  # a ticket is replaced, never written into
                known = self._read.get(path)
                read[path] = known if known is not None and known[0] == stamp else (stamp, load_record(path, Ticket))
                found.append(read[path][1])
        self._read = read
        return sorted(found, key=lambda ticket: (ticket.rank, ticket.since, ticket.run_id))

    def ticket(self, run_id: str) -> Ticket | None:
        """Return the ticket of a run, or None where it has none."""
        try:
            return load_record(self.layout.ticket(run_id), Ticket)
        except (NotFound, CorruptStore):
            return None

    def _paths(self) -> list[Path]:
        if not self.layout.queue.is_dir():
            return []
        return [path for path in self.layout.queue.iterdir() if path.suffix == ".json" and not path.name.startswith(".")]

    def is_empty(self) -> bool:
        """Return whether there is nothing to do at all."""
        return not self._paths()

    def stamp(self) -> int:
        """Return a number that is another one after each change of the queue."""
        try:
            return self.layout.queue.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def put(self, ticket: Ticket) -> None:
        """Write a ticket, readable by its owner alone; the caller holds the lock."""
        self.layout.root.mkdir(parents=True, exist_ok=True)
        self.layout.queue.mkdir(mode=0o700, exist_ok=True)
        save_record(self.layout.ticket(ticket.run_id), ticket)

    def add(self, spec: RunSpec, folder: Path, *, grace_s: float, heartbeat_s: float, rank: float | None = None) -> None:
        """Put a new run at the end, or at a given rank; the caller holds the lock."""
        last = max((ticket.rank for ticket in self.tickets()), default=0.0)
        with explain_os_errors(self.layout.queue):
            self.put(
                Ticket(
                    run_id=spec.id,
                    folder=folder,
                    volume=_volume_of(folder),
                    title=spec.title,
                    device=spec.device,
                    rank=last + 1 if rank is None else rank,
                    since=utc_now(),
                    grace_s=grace_s,
                    heartbeat_s=heartbeat_s,
                    python=sys.executable,
                    variables={name: value for name, value in os.environ.items() if _is_kept(name)},
                )
            )

    def remove(self, run_id: str) -> None:
        """Take a run's ticket away; nothing happens if there is none."""
        with explain_os_errors(self.layout.queue):
            self.layout.ticket(run_id).unlink(missing_ok=True)

    def take_slot(self, device: str) -> int | None:
        """Take a free slot of a device: return the lease (see `labkit.runs.leases`), None where all are taken."""
        slots = LibrarySettings().runs.cpu_slots if device == "cpu" else 1
        for slot in range(slots):
            path = self.layout.device_lock(device, slot)
            path.parent.mkdir(parents=True, exist_ok=True)
            lease = take_lease(path)
            if lease is not None:
                return lease
        return None

    def entries(self) -> tuple[QueueEntry, ...]:
        """Return the runs that go on or wait, in order."""
        waiting: Counter[str] = Counter()
        found = []
        for ticket in self.tickets():
            state = _state_of(ticket)
            if state is None:
                continue
            place = None
            if state == "queued":
                place = waiting[ticket.device]
                waiting[ticket.device] += 1
            found.append(QueueEntry(ticket.run_id, ticket.folder, ticket.title, ticket.device, place, state, ticket.since))
        return tuple(found)

    def place(self, run_id: str) -> int | None:
        """Return how many runs wait for the same device before this one; None where it does not wait here."""
        return next((entry.place for entry in self.entries() if entry.run_id == run_id), None)

    def move(self, run_id: str, place: int) -> None:
        """Let a waiting run be the one at `place` (0: the next) among those that wait for its device.

        Raises
        ------
        NotFound
            The run does not wait in this queue.
        """
        with self.hold():
            entry = next((e for e in self.entries() if e.run_id == run_id and e.place is not None), None)
            if entry is None:
                raise NotFound(
                    f"The run {run_id} does not wait in the queue.", hint="Only a run that has not started can be moved.", run_id=run_id
                )
            others = [e.run_id for e in self.entries() if e.device == entry.device and e.place is not None and e.run_id != run_id]
            others.insert(max(0, place), run_id)
            self._rank_anew(others)

    def _rank_anew(self, order: list[str]) -> None:
        """Deal the ranks that these runs have out anew, in the given order; only what changes is written."""
        tickets = {ticket.run_id: ticket for ticket in self.tickets() if ticket.run_id in order}
        ranks = _all_different(sorted(ticket.rank for ticket in tickets.values()))
        for rank, run_id in zip(ranks, (name for name in order if name in tickets), strict=True):
            if tickets[run_id].rank != rank:
                self.put(tickets[run_id].model_copy(update={"rank": rank}))


def _all_different(ranks: list[float]) -> list[float]:
    """Return ascending `ranks` with equal ones (of a run and its successor) set apart by next to nothing."""
    for k in range(1, len(ranks)):
        if ranks[k] <= ranks[k - 1]:
            ranks[k] = ranks[k - 1] + 1e-6
    return ranks


def _state_of(ticket: Ticket) -> EntryState | None:
    """Return how a run in the queue stands, None if it has ended or was removed."""
    try:
        if not ticket.layout.spec.exists():
            return None if ticket.is_gone() else "unreachable"
        state = run_state(ticket.layout)
    except (LabKitError, OSError):
        return "unreachable"
    return None if state in END_STATES else state


def _volume_of(folder: Path) -> int:
    return next(p for p in (folder, *folder.parents) if p.exists()).stat().st_dev


def _is_kept(name: str) -> bool:
    return (name in _KEPT_NAMES or name.startswith(_KEPT_PREFIXES)) and not any(sign in name for sign in _SECRET)
