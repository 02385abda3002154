"""Runs on this machine: hand in a spec, follow the run, ask it to stop, take its result."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from labkit.errors import Locked, NotFound, NotWritable, RunFailed
from labkit.events import CancelToken, EventSink, RunState, StateChange, ignore_events
from labkit.runs.family import end_leftovers, remove_scratch
from labkit.runs.inside import RUN_DIR_VARIABLE
from labkit.runs.records import GRACE_S, HEARTBEAT_S, RUN_ID_PATTERN, RunRecord, RunSpec, load_run_record
from labkit.runs.stream import EventWriter, RunEvent, follow_events, iter_events
from labkit.storage import RunLayout, explain_os_errors, hold_lock, load_record, new_folder, save_record, utc_now, write_text

__all__ = ["LocalRunner", "Run"]

_START_TIMEOUT_S = 60.0
_POLL_S = 0.1
_PROBE_EVERY_S = 1.0
_SILENT = timedelta(seconds=30)
_LOST = "The run was lost: its supervisor died (a reboot, or a server that was stopped). Start it again with resume."


class Run:
    """One run, seen from outside; several programs may look at the same run.

    Parameters
    ----------
    layout : RunLayout
        The run's folder.
    """

    def __init__(self, layout: RunLayout) -> None:
        self.layout = layout
        self.spec: RunSpec = load_record(layout.spec, RunSpec)

    @property
    def id(self) -> str:
        """The run's id."""
        return self.spec.id

    @property
    def state(self) -> RunState:
        """The state as it is now."""
        return self.record().state

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
                return self._settle("lost", _LOST)
        except Locked:
            return record
        except NotWritable:  # somebody else's run, which we may only read: judge by its heartbeat and write nothing
            silent = utc_now() - (record.heartbeat or record.created) > _SILENT
            return record.model_copy(update={"state": "lost", "reason": _LOST}) if silent else record

    def _settle(self, state: RunState, reason: str) -> RunRecord:
        """End a run that has no supervisor; the caller holds its lock."""
        record = load_run_record(self.layout)
        if record.has_ended:
            return record  # it ended while we took the lock
        end_leftovers(self.layout.root)
        remove_scratch(self.id)
        self.layout.reserve.unlink(missing_ok=True)
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
        if self.record().state == "queued":
            try:
                with hold_lock(self.layout.lock, timeout_s=0, what="this run"):
                    self._settle("cancelled", "Cancelled before it started.")
            except Locked:
                return  # its supervisor has just come, and reads the request

    def wait(
        self,
        on_event: EventSink = ignore_events,
        cancel: CancelToken | None = None,
        timeout_s: float | None = None,
        *,
        since_seq: int = 0,
    ) -> RunRecord:
        """Forward the run's events until it has ended, and return its record.

        Parameters
        ----------
        on_event : callable, optional
            Gets each event numbered above `since_seq`, in order, on this thread.
        cancel : CancelToken, optional
            When it is set, the run is asked to stop; the wait goes on until it has.
        timeout_s : float, optional
            After this time the record is returned as it stands; ``record.has_ended`` is then False.
        """
        watch = _Watch(self, cancel, timeout_s)
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

    def __init__(self, run: Run, cancel: CancelToken | None, timeout_s: float | None) -> None:
        self._run, self._cancel = run, cancel
        now = time.monotonic()
        self._until = None if timeout_s is None else now + timeout_s
        self._queued_until = now + _START_TIMEOUT_S
        self._next_probe = now

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
        if record.state == "queued" and now > self._queued_until:
            raise RunFailed("The run was never started.", hint="Start it again.", run_id=self._run.id, state="queued")
        return record.has_ended or (self._until is not None and now >= self._until)


class LocalRunner:
    """Carries out runs on this machine, each under a supervisor that outlives this program.

    Parameters
    ----------
    folder : Path
        The project's folder of runs; it need not exist yet.
    grace_s : float
        How long a run has from a cancel until it is ended by force.
    heartbeat_s : float
        How often ``run.json`` is refreshed, at most 5.
    """

    def __init__(self, folder: Path, *, grace_s: float = GRACE_S, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.folder = folder.absolute()
        self._options = ["--grace-s", str(grace_s), "--heartbeat-s", str(heartbeat_s)]

    def submit(self, spec: RunSpec) -> Run:
        """Write the run's folder, start its supervisor and return when that has taken the run over.

        Raises
        ------
        NotFound
            The notebook of the spec does not exist.
        NotWritable, StorageFull
            The folder cannot be written; nothing is left behind.
        RunFailed
            The supervisor could not be started; the hint names its log.
        """
        if not spec.notebook.is_file():
            raise NotFound(f"The notebook {spec.notebook} does not exist.", hint="Check the path.", path=str(spec.notebook))
        layout = RunLayout(self.folder / spec.id)
        with new_folder(layout.root) as incoming:
            draft = RunLayout(incoming)
            save_record(draft.spec, spec)
            write_text(draft.config, json.dumps(spec.config, indent=2, allow_nan=False) + "\n")
        self._start(layout)
        return Run(layout)

    def run(self, run_id: str) -> Run:
        """Return the run of this id.

        Raises
        ------
        NotFound
            There is no such run here.
        """
        layout = RunLayout(self.folder / run_id)
        if not re.match(RUN_ID_PATTERN, run_id) or not layout.spec.is_file():
            raise NotFound(f"There is no run {run_id!r} in {self.folder}.", hint="List the runs to see their ids.", run_id=run_id)
        return Run(layout)

    def runs(self) -> list[Run]:
        """Return all runs, the newest last."""
        if not self.folder.is_dir():
            return []
        names = [p.name for p in self.folder.iterdir() if re.match(RUN_ID_PATTERN, p.name) and RunLayout(p).spec.is_file()]
        return sorted((self.run(name) for name in names), key=lambda run: (run.spec.created, run.id))

    def _start(self, layout: RunLayout) -> None:
        command = [sys.executable, "-P", "-m", "labkit.runs.supervisor", str(layout.root), *self._options]
        with explain_os_errors(layout.log), open(layout.log, "ab") as log:
            supervisor = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=layout.root,
                env={name: value for name, value in os.environ.items() if name != RUN_DIR_VARIABLE},
                start_new_session=True,
            )
        threading.Thread(target=supervisor.wait, daemon=True).start()  # so that it does not stay as a zombie of ours
        _wait_until_taken(layout, supervisor)


def _wait_until_taken(layout: RunLayout, supervisor: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not layout.record.exists():
        if supervisor.returncode is not None or time.monotonic() > deadline:
            raise RunFailed(
                "The run's supervisor could not be started.", hint=f"{layout.log} says why.", run_id=layout.root.name, log=str(layout.log)
            )
        time.sleep(0.02)
