"""``events.jsonl``: one stream of a run's events, appended by several programs, read by many."""

from __future__ import annotations

import fcntl
import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from labkit.events import Event, Metric, as_record, from_record
from labkit.storage import explain_os_errors, utc_now

__all__ = ["EventWriter", "RunEvent", "follow_events", "iter_events", "read_events"]

_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One line of the stream: the event, its number in the stream (from 1, without gaps) and when it was written (UTC)."""

    seq: int
    time: datetime
    event: Event

    def as_record(self) -> dict[str, Any]:
        """Return the line as it stands in the file."""
        return {"seq": self.seq, "time": _text(self.time), **_finite(as_record(self.event))}


class EventWriter:
    """Appends events; safe among threads and among the programs of one machine.

    Parameters
    ----------
    path : Path
        The run's ``events.jsonl``; its folder exists.

    Notes
    -----
    The file itself is the lock (``flock``), and the number of a line follows from the last line. A line that a
    killed writer left unfinished was never acknowledged and is cut off by the next one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._end, self._seq = -1, 0  # where the file ended after our last line, and that line's number

    def __call__(self, event: Event) -> None:
        """Append `event`: a writer is a sink."""
        self.append(event)

    def append(self, event: Event) -> int:
        """Append `event` and return its number.

        Raises
        ------
        StorageFull
            The disk is full; the stream is as it was.
        """
        with self._lock, explain_os_errors(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                return self._append_locked(descriptor, event)
            finally:
                os.close(descriptor)  # gives the lock back too

    def _append_locked(self, descriptor: int, event: Event) -> int:
        size = os.fstat(descriptor).st_size
        if size != self._end:
            self._seq, end = _last_line(descriptor, size)
            if end < size:
                os.ftruncate(descriptor, end)
                size = end
        seq = self._seq + 1
        data = (json.dumps(RunEvent(seq, utc_now(), event).as_record(), allow_nan=False, default=_plain) + "\n").encode()
        try:
            written = os.pwrite(descriptor, data, size)
            if written < len(data):  # nearly full: the rest fails and names the reason
                os.pwrite(descriptor, data[written:], size + written)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
        self._end, self._seq = size + len(data), seq
        return seq


def _last_line(descriptor: int, size: int) -> tuple[int, int]:
    """Return the number of the last whole line (0: none) and where it ends."""
    length = min(size, _TAIL_BYTES)
    while True:
        tail = os.pread(descriptor, length, size - length)
        whole = tail[: tail.rfind(b"\n") + 1]
        start = whole.rfind(b"\n", 0, len(whole) - 1)
        if whole and (start >= 0 or length == size):
            line = _parse(whole[start + 1 :])
            return (int(line["seq"]) if line else 0), size - length + len(whole)
        if length == size:
            return 0, 0
        length = min(size, length * 8)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("seq"), int) else None


def _finite(value: Any) -> Any:
    """Replace NaN and infinity, which JSON lacks, by None."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    """Turn a number of numpy or torch into one of Python."""
    return _finite(value.item()) if hasattr(value, "item") else str(value)


def _text(time_: datetime) -> str:
    return time_.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _event(record: dict[str, Any]) -> RunEvent | None:
    """Return the event of a line, or None for a type that only a newer version knows."""
    try:
        if record.get("type") == Metric.type and record.get("value") is None:
            record = {**record, "value": math.nan}
        event = from_record(record)
        when = datetime.fromisoformat(record["time"])
    except (KeyError, ValueError):
        return None
    return RunEvent(record["seq"], when, event)


class _Reader:
    """Reads what was appended since the last time."""

    def __init__(self, path: Path, since_seq: int, offset: int = 0) -> None:
        self._path, self._seq, self.offset = path, since_seq, offset

    def read(self) -> Iterator[RunEvent]:
        try:
            with open(self._path, "rb") as file:
                file.seek(self.offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        return  # still being written, or left unfinished by a kill
                    self.offset += len(line)
                    record = _parse(line)
                    if record is None or record["seq"] <= self._seq:
                        continue
                    self._seq = record["seq"]
                    event = _event(record)
                    if event is not None:
                        yield event
        except FileNotFoundError:
            return  # nothing has happened yet


def iter_events(path: Path, since_seq: int = 0) -> Iterator[RunEvent]:
    """Yield the events numbered above `since_seq`; an unfinished last line is ignored."""
    yield from _Reader(path, since_seq).read()


def read_events(path: Path, *, offset: int = 0, since_seq: int = 0) -> tuple[list[RunEvent], int]:
    """Return the events from the byte `offset` of the file on, and the offset to read on from the next time."""
    reader = _Reader(path, since_seq, offset)
    return list(reader.read()), reader.offset


def follow_events(path: Path, has_ended: Callable[[], bool], *, since_seq: int = 0, poll_s: float = 0.2) -> Iterator[RunEvent]:
    """Yield the events numbered above `since_seq` as they come, until `has_ended` says so and all have been given."""
    reader = _Reader(path, since_seq)
    while True:
        ended = has_ended()  # asked before reading: what is written before the end is then read
        yield from reader.read()
        if ended:
            return
        time.sleep(poll_s)
