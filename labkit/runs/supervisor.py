"""The supervisor of one run: ``python -m labkit.runs.supervisor RUN_DIR [--grace-s S] [--heartbeat-s S]``.

It holds the run's lock and a slot of its device, starts the child, keeps ``run.json`` fresh, stops the run when asked (the
cancel file, or SIGTERM) or when its time is up, and ends everything that belongs to the run before it writes how it ended.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from labkit.config import PATIENT_THREADS, LibrarySettings
from labkit.errors import LabKitError, Locked, StorageFull
from labkit.events import RunState, StateChange
from labkit.notebooks.lineage import adopt_orphans
from labkit.runs.family import end_descendants, end_leftovers, interrupt_kernels, new_scratch, out_of_memory_count, remove_scratch
from labkit.runs.inside import RUN_DIR_VARIABLE
from labkit.runs.records import GRACE_S, HEARTBEAT_S, RunRecord, RunSpec, load_run_record
from labkit.runs.stream import EventWriter
from labkit.runs.verdict import Ending, judge
from labkit.runs.waking import wake
from labkit.storage import RunLayout, hold_lock, load_record, save_record, utc_now

__all__ = ["Supervisor", "main"]

_POLL_S = 0.1
_LAST_SAVE_S = 2.0
_RESERVE_BYTES = 1 << 16


class Supervisor:
    """Carries one run from its start to an end state; only while it holds the run's lock.

    Parameters
    ----------
    device : int, optional
        Descriptor of the lease of a slot of the device; the child gets it too, and holds it until its family has ended.
    """

    def __init__(self, layout: RunLayout, *, grace_s: float = GRACE_S, heartbeat_s: float = HEARTBEAT_S, device: int | None = None) -> None:
        self.layout = layout
        self.heartbeat_s = heartbeat_s
        self.record: RunRecord = load_run_record(layout)
        self.events = EventWriter(layout.events)
        kill_kernel_s = max(grace_s - _LAST_SAVE_S, 0.75 * grace_s)
        self._steps = [
            (0.0, self._interrupt),
            (kill_kernel_s / 2, self._interrupt),
            (kill_kernel_s, self._kill_kernel),
            (grace_s, self._kill),
        ]
        self._device = device
        self._time_limit_s = load_record(layout.spec, RunSpec).time_limit_s
        self._time_is_up = False
        self._is_disowned = False
        self._stopped_at: float | None = None
        self._was_forced = False
        self._next_heartbeat = 0.0
        self._child: subprocess.Popen[bytes] | None = None
        self._adopts = False

    def limit_to(self, seconds: float) -> None:
        """Let the run compute no longer than this, counted from when its child was started; may be called from another thread."""
        self._time_limit_s = seconds if self._time_limit_s is None else min(seconds, self._time_limit_s)

    def disown(self) -> None:
        """Stop the run, which is lost: who let it begin does not count it as going on; may be called from another thread."""
        self._is_disowned = True
        self._request_cancel()

    def run(self) -> None:
        """Take the run to its end."""
        if self.record.has_ended:
            return
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._request_cancel())
        self._adopts = adopt_orphans()
        self._write("starting", started=utc_now())
        try:
            state, reason, exit_code = self._carry_out()
        except Exception as error:  # ours: the run must not stay open
            self._end_family()
            self._end("failed", _own_fault(error), None)
            raise
        self._end(state, reason, exit_code)

    def _carry_out(self) -> tuple[RunState, str, int | None]:
        self._reserve()
        if self.layout.cancel_request.exists():
            return "cancelled", "Cancelled before it started.", None
        scratch = new_scratch(self.record.id)
        memory_kills = out_of_memory_count()
        try:
            report_fd = self._start_child(scratch)
            self._write("running")
            exit_code = self._watch()
            self._end_family()
            ending = Ending(
                exit_code=exit_code,
                has_result=self.layout.result.exists(),
                cancel_requested=self.layout.cancel_request.exists() and not self._time_is_up,
                was_disowned=self._is_disowned,
                time_limit_s=self._time_limit_s if self._time_is_up else None,
                has_checkpoint=self.layout.checkpoints.resume_state.is_file(),
                was_forced=self._was_forced,
                memory_ran_out=out_of_memory_count() > memory_kills,
                report=_read_report(report_fd),
            )
        finally:
            remove_scratch(self.record.id)
            if self._is_disowned:
                self.layout.cancel_request.unlink(missing_ok=True)  # nobody has asked for it: the run may be taken up again
        return *judge(ending), exit_code

    def _end_family(self) -> None:
        left = end_descendants()
        if not self._adopts:  # not Linux: orphans are no descendants any more, and are known by their environment
            end_leftovers(self.layout.root)
        if left:
            print(f"could not end: {left}", flush=True)  # noqa: T201 - our output is the run's log

    def _start_child(self, scratch: Path) -> int:
        reading, writing = os.pipe()
        command = [
            sys.executable,
            "-P",
            "-m",
            "labkit.runs.child",
            str(self.layout.root),
            "--report",
            str(writing),
            "--scratch",
            str(scratch),
        ]
        threads = PATIENT_THREADS if LibrarySettings().runs.cpu_slots > 1 else {}
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,  # never written: it closes when we die, and tells the child
                cwd=self.layout.root,
                env={**threads, **os.environ, RUN_DIR_VARIABLE: str(self.layout.root), "PYTHONUNBUFFERED": "1"},
                pass_fds=(writing,) if self._device is None else (writing, self._device),
                start_new_session=True,
            )
        finally:
            os.close(writing)
        return reading

    def _watch(self) -> int:
        """Keep the record fresh and stop the child when asked, or when its time is up; return its exit code."""
        assert self._child is not None
        began = time.monotonic()
        while (exit_code := self._child.poll()) is None:
            now = time.monotonic()
            if self._stopped_at is None and self.layout.cancel_request.exists():
                self._stopped_at = now
                self._write("cancelling")
            elif self._stopped_at is None and self._time_limit_s is not None and now >= began + self._time_limit_s:
                self._stopped_at, self._time_is_up = now, True
                self._request_cancel()  # the work looks at this file
                self._write("cancelling", "Its time is up.")
            while self._stopped_at is not None and self._steps and now >= self._stopped_at + self._steps[0][0]:
                self._steps.pop(0)[1](self._child.pid)
            if now >= self._next_heartbeat:
                self._beat()
            time.sleep(_POLL_S)
        return exit_code

    def _request_cancel(self) -> None:
        with contextlib.suppress(OSError):
            self.layout.cancel_request.touch()

    def _interrupt(self, child_pid: int) -> None:
        interrupt_kernels(child_pid)

    def _kill_kernel(self, child_pid: int) -> None:
        self._was_forced = True
        end_descendants(spare=(child_pid,), timeout_s=1.0)

    def _kill(self, child_pid: int) -> None:
        os.kill(child_pid, signal.SIGKILL)
        end_descendants(spare=(child_pid,), timeout_s=1.0)

    def _beat(self) -> None:
        self._next_heartbeat = time.monotonic() + self.heartbeat_s
        self.record = self.record.model_copy(update={"heartbeat": utc_now()})
        with contextlib.suppress(StorageFull):  # the run itself will say so when it writes
            save_record(self.layout.record, self.record)

    def _write(self, state: RunState, reason: str = "", **changes: Any) -> None:
        """Go into `state`: first the event, then the record, so that who sees the record has all events."""
        self._next_heartbeat = time.monotonic() + self.heartbeat_s
        self.record = self.record.model_copy(update={"state": state, "reason": reason, "heartbeat": utc_now(), **changes})
        self.events.append(StateChange(state=state, reason=reason))
        save_record(self.layout.record, self.record)

    def _end(self, state: RunState, reason: str, exit_code: int | None) -> None:
        self.layout.reserve.unlink(missing_ok=True)
        self._write(state, reason, ended=utc_now(), exit_code=exit_code)

    def _reserve(self) -> None:
        # Random, so that a file system that compresses keeps the room as well.
        self.layout.reserve.write_bytes(os.urandom(_RESERVE_BYTES))


def _read_report(descriptor: int) -> dict[str, object]:
    """Return what the child wrote before it ended; it is in the pipe, or it will never be."""
    os.set_blocking(descriptor, False)
    try:
        record = json.loads(os.read(descriptor, 1 << 16) or b"{}")
    except (BlockingIOError, ValueError):
        return {}
    finally:
        os.close(descriptor)
    return record if isinstance(record, dict) else {}


def _own_fault(error: Exception) -> str:
    if isinstance(error, LabKitError):
        return f"{error.message} {error.hint}".strip()
    return f"The run's supervisor broke ({type(error).__name__}). Its log.txt says more."


def main(arguments: list[str] | None = None) -> int:
    """Supervise the run in a folder; a second supervisor of the same run steps back.

    A supervisor that the dispatcher starts inherits its locks as open descriptors, so that nobody else can have them between.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--grace-s", type=float, default=GRACE_S)
    parser.add_argument("--heartbeat-s", type=float, default=HEARTBEAT_S)
    parser.add_argument("--lock-fd", type=int, default=None)
    parser.add_argument("--device-fd", type=int, default=None)
    given = parser.parse_args(arguments)
    layout = RunLayout(given.run_dir.resolve())
    try:
        with hold_lock(layout.lock, what="this run") if given.lock_fd is None else _inherited(given.lock_fd, given.device_fd):
            Supervisor(layout, grace_s=given.grace_s, heartbeat_s=given.heartbeat_s, device=given.device_fd).run()
    except Locked as error:
        print(error.message, flush=True)  # noqa: T201
        return 1
    finally:
        with contextlib.suppress(LabKitError, OSError):
            wake()  # the dispatcher may have been killed, and others may wait for the device
    return 0


def _inherited(*leases: int | None) -> contextlib.AbstractContextManager[None]:
    """Keep leases from being inherited any further unless they are named, and until this program's end."""
    for lease in leases:
        if lease is not None:
            os.set_inheritable(lease, False)
    return contextlib.nullcontext()


if __name__ == "__main__":
    sys.exit(main())
