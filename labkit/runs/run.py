"""A run, seen from outside: follow it, ask it to stop, take its result."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from labkit.errors import LabKitError, Locked, NotWritable, RunFailed
from labkit.events import CancelToken, EventSink, Log, RunState, StateChange, ignore_events
from labkit.runs.family import end_leftovers, remove_scratch, thaw_supervisor
from labkit.runs.queue import RunQueue
from labkit.runs.records import RunRecord, RunSpec, load_run_record
from labkit.runs.stream import EventWriter, RunEvent, follow_events, iter_events
from labkit.runs.waking import wake
from labkit.storage import INCOMING_PREFIX, RunLayout, explain_os_errors, hold_lock, load_record, save_record, utc_now

__all__ = ["Run"]

_WAKE_EVERY_S = 5.0
_UNQUEUED_S = 15.0
_SAY_PLACE_AFTER_S = 1.0
_POLL_S = 0.1
_PROBE_EVERY_S = 1.0
_SILENT = timedelta(seconds=30)
_LOST = "The run was lost: its supervisor died (a reboot, or a server that was stopped). Start it again with resume."
BEFORE_IT_STARTED = "Cancelled before it started."


class Run:
    """One run, seen from outside; several programs may look at the same run.

    Parameters
    ----------
    layout : RunLayout
        The run's folder.
    queue : RunQueue, optional
        The queue that it was put in; by default that of this person on this machine.
    """

    def __init__(self, layout: RunLayout, queue: RunQueue | None = None) -> None:
        self.layout = layout
        self.queue = queue or RunQueue()
        self.spec: RunSpec = load_record(layout.spec, RunSpec)

    @property
    def id(self) -> str:
        """The run's id."""
        return self.spec.id

    @property
    def state(self) -> RunState:
        """The state as it is now."""
        return self.record().state

    @property
    def shown_device(self) -> str:
        """What it computes on, as it is shown to a person; ``hub`` where that is not known (yet)."""
        return "hub" if self.spec.where == "hub" else self.spec.device

    def record(self) -> RunRecord:
        """Return how the run stands.

        ``run.json`` is written by whoever holds the run's lock. While the supervisor lives that is the supervisor.
        When the record says that the run goes on, but nobody holds the lock, the supervisor was killed: the caller
        takes the lock, ends what may be left of the run and settles it as ``lost``, once and for all.
        """
        record = load_run_record(self.layout)
        if record.has_ended or record.state == "queued":
            return record
        try:
            with hold_lock(self.layout.lock, timeout_s=0, what="this run"):
                return self.settle("lost", _LOST)
        except Locked:
            return record
        except NotWritable:  # somebody else's run, which we may only read: judge by its heartbeat and write nothing
            silent = utc_now() - (record.heartbeat or record.created) > _SILENT
            return record.model_copy(update={"state": "lost", "reason": _LOST}) if silent else record

    def is_silent(self) -> bool:
        """Return whether the run should go on, but its supervisor has not been heard of for half a minute (stopped, or starved).

        It is not lost: its lock is held. It may answer again.
        """
        record = load_run_record(self.layout)
        if record.has_ended or record.state == "queued":
            return False
        return utc_now() - (record.heartbeat or record.created) > _SILENT

    def place(self) -> int | None:
        """Return how many runs wait for the same device before this one (0: it is the next), None where it does not wait."""
        return self.queue.place(self.id)

    def before(self) -> int:
        """Return how many runs that go on or wait come before this one on its device."""
        entries = [entry for entry in self.queue.entries() if entry.device == self.spec.device]
        ids = [entry.run_id for entry in entries]
        place = entries[ids.index(self.id)].place if self.id in ids else None
        return 0 if place is None else place + sum(entry.place is None for entry in entries)

    def look_after(self) -> bool:
        """See to it that the queue goes on; return whether the run is in it, as far as can be told here."""
        if self.spec.where == "hub":
            return True
        wake(self.queue.layout.root)
        return self.queue.ticket(self.id) is not None

    def waiting_words(self) -> str:
        """Return in a sentence what the run waits for, empty where that cannot be told."""
        before = self.before()
        if not before:
            return ""
        runs = "1 run is" if before == 1 else f"{before} runs are"
        return f"Waiting for {self.spec.device} to be free: {runs} before this one."

    def settle(self, state: RunState, reason: str) -> RunRecord:
        """End a run that has no supervisor; the caller holds its lock."""
        record = load_run_record(self.layout)
        if record.has_ended:
            return record  # it ended while we took the lock
        end_leftovers(self.layout.root)
        remove_scratch(self.id)
        self.layout.reserve.unlink(missing_ok=True)
        for unfinished in self.layout.root.glob(f"{INCOMING_PREFIX}*"):  # what a killed supervisor was writing
            unfinished.unlink(missing_ok=True)
        record = record.model_copy(update={"state": state, "reason": reason, "ended": utc_now()})
        EventWriter(self.layout.events).append(StateChange(state=state, reason=reason))
        save_record(self.layout.record, record)
        return record

    def events(self, since_seq: int = 0) -> Iterator[RunEvent]:
        """Yield the events so far that are numbered above `since_seq`."""
        return iter_events(self.layout.events, since_seq)

    def cancel(self) -> None:
        """Ask the run to stop and return at once; its supervisor reacts within a second. Nothing happens after an end."""
        if self.record().has_ended:
            return
        with explain_os_errors(self.layout.root):
            self.layout.cancel_request.touch()
        if self.is_silent():
            thaw_supervisor(self.layout.root)  # one that was stopped could not react
        if self.record().state == "queued":
            self._cancel_queued()

    def _cancel_queued(self) -> None:
        try:
            with hold_lock(self.layout.lock, timeout_s=0, what="this run"):
                self.settle("cancelled", BEFORE_IT_STARTED)
        except Locked:
            return  # its supervisor has just come, and reads the request
        with contextlib.suppress(LabKitError):  # else the dispatcher takes it out: the run has ended
            self.queue.remove(self.id)

    def wait(
        self,
        on_event: EventSink = ignore_events,
        cancel: CancelToken | None = None,
        timeout_s: float | None = None,
        *,
        since_seq: int = 0,
    ) -> RunRecord:
        """Forward the run's events until it has ended, and return its record; while it waits in the queue, say how many are before it.

        Parameters
        ----------
        on_event : callable, optional
            Gets each event numbered above `since_seq`, in order, on this thread.
        cancel : CancelToken, optional
            When it is set, the run is asked to stop; the wait goes on until it has.
        timeout_s : float, optional
            After this time the record is returned as it stands; ``record.has_ended`` is then False.
        """
        watch = _Watch(self, on_event, cancel, timeout_s)
        for event in follow_events(self.layout.events, watch.is_over, since_seq=since_seq, poll_s=_POLL_S):
            on_event(event.event)
        return self.record()

    def result(self) -> dict[str, Any]:
        """Return what the run made.

        Raises
        ------
        RunFailed
            The run is not done; the message is its reason, the facts are ``run_id``, ``state`` and ``log``.
        """
        record = self.record()
        if record.state != "done":
            raise RunFailed(
                record.reason or f"The run is {record.state}.",
                hint=f"{self.layout.notebook.name} and {self.layout.log.name} in {self.layout.root} say more.",
                run_id=self.id,
                state=record.state,
                log=str(self.layout.log),
            )
        result: dict[str, Any] = json.loads(self.layout.result.read_bytes())
        return result


class _Watch:
    """Looks at a run while somebody waits for it: whether it has ended, is to stop, or the time is up."""

    def __init__(self, run: Run, on_event: EventSink, cancel: CancelToken | None, timeout_s: float | None) -> None:
        self._run, self._on_event, self._cancel = run, on_event, cancel
        now = time.monotonic()
        self._until = None if timeout_s is None else now + timeout_s
        self._next_probe = self._in_queue_at = now
        self._next_wake = now + _SAY_PLACE_AFTER_S
        self._said = ""

    def is_over(self) -> bool:
        """Return whether the wait is over."""
        now = time.monotonic()
        if self._cancel is not None and self._cancel.cancelled:
            self._run.cancel()
            self._cancel = None
        record = load_run_record(self._run.layout)
        if not record.has_ended and now >= self._next_probe:
            self._next_probe = now + _PROBE_EVERY_S
            record = self._run.record()
        if record.state == "queued" and now >= self._next_wake:
            self._next_wake = now + _WAKE_EVERY_S
            self._look_at_queue(now)
        return record.has_ended or (self._until is not None and now >= self._until)

    def _look_at_queue(self, now: float) -> None:
        """See to it that the queue goes on, and say where in it the run is."""
        if self._run.look_after():
            self._in_queue_at = now
        elif now - self._in_queue_at > _UNQUEUED_S:
            raise RunFailed(
                "The run waits in no queue of this machine.", hint="Submit it again with retry.", run_id=self._run.id, state="queued"
            )
        words = self._run.waiting_words()
        if words and words != self._said:
            self._said = words
            self._on_event(Log(words))
