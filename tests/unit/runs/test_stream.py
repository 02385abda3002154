"""The stream of events: numbers without gaps, whole lines, many writers."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from labkit.errors import StorageFull
from labkit.events import Log, Metric, Progress, StateChange
from labkit.runs import EventWriter, follow_events, iter_events

WRITE_MANY = """
import sys
from pathlib import Path
from labkit.events import Log
from labkit.runs import EventWriter
writer = EventWriter(Path(sys.argv[1]))
for i in range(150):
    writer.append(Log(f"{sys.argv[2]} {i} " + "x" * (i * 60 % 9000)))
"""


def test_two_programs_write_one_stream(tmp_path: Path) -> None:
    """Programs and threads that write at once give numbers 1..n without gap or repetition, each in its own order."""
    path = tmp_path / "events.jsonl"
    programs = [subprocess.Popen([sys.executable, "-c", WRITE_MANY, str(path), name]) for name in "ab"]
    writer = EventWriter(path)
    threads = [threading.Thread(target=lambda t=t: [writer.append(Log(f"{t} {i} ")) for i in range(100)]) for t in "cd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [program.wait() for program in programs] == [0, 0]
    events = list(iter_events(path))
    assert [e.seq for e in events] == list(range(1, 501))
    for name, count in (("a", 150), ("b", 150), ("c", 100), ("d", 100)):
        numbers = [int(e.event.text.split()[1]) for e in events if e.event.text.startswith(name)]
        assert numbers == list(range(count))


def test_unfinished_line_is_ignored_and_repaired(tmp_path: Path) -> None:
    """What a killed writer left of a line is not read, and the next writer cuts it off."""
    path = tmp_path / "events.jsonl"
    EventWriter(path).append(Log("first"))
    with open(path, "ab") as file:
        file.write(b'{"seq": 2, "time": "2026-01-01T00:00:00')
    assert [e.event for e in iter_events(path)] == [Log("first")]
    assert EventWriter(path).append(Log("second")) == 2
    assert [(e.seq, e.event) for e in iter_events(path)] == [(1, Log("first")), (2, Log("second"))]


def test_only_an_unfinished_line(tmp_path: Path) -> None:
    """A stream that holds nothing whole begins again at 1."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"seq"')
    assert EventWriter(path).append(Log("first")) == 1
    assert [e.seq for e in iter_events(path)] == [1]


def test_line_as_in_the_contract(tmp_path: Path) -> None:
    """A line holds seq, time, type and the event's own fields, as plain JSON, NaN as null."""
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    writer.append(Progress(done=np.int64(3), total=10, unit="steps", stage="train"))
    writer.append(Metric(epoch=1, step=5, name="loss", value=np.float32("nan")))
    first, second = [json.loads(line) for line in path.read_text().splitlines()]
    assert {k: v for k, v in first.items() if k != "time"} == {
        "seq": 1, "type": "progress", "done": 3, "total": 10, "unit": "steps", "stage": "train"
    }  # fmt: skip
    assert second["value"] is None
    [loss] = [e.event for e in iter_events(path, since_seq=1)]
    assert math.isnan(loss.value)


def test_unknown_type_is_skipped(tmp_path: Path) -> None:
    """An event of a newer version does not stop an older reader."""
    path = tmp_path / "events.jsonl"
    path.write_text('{"seq": 1, "time": "2026-01-01T00:00:00.000Z", "type": "hologram"}\n')
    EventWriter(path).append(Log("known"))
    assert [e.event for e in iter_events(path)] == [Log("known")]


def test_full_disk_leaves_the_stream_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that fits only in part is taken back, and the error says that the disk is full."""
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    writer.append(Log("first"))
    real = os.pwrite

    def half(descriptor: int, data: bytes, offset: int) -> int:
        if b"second" not in data:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[: data.index(b"second") + 6], offset)

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(StorageFull):
        writer.append(Log("second"))
    monkeypatch.undo()
    assert writer.append(Log("third")) == 2
    assert [e.event for e in iter_events(path)] == [Log("first"), Log("third")]


def test_follow_gives_all_until_the_end(tmp_path: Path) -> None:
    """Following ends when the run has, and gives what was written before that."""
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    writer.append(Log("early"))

    def has_ended() -> bool:
        writer.append(StateChange("done"))
        return True

    assert [e.event for e in follow_events(path, has_ended)] == [Log("early"), StateChange("done")]
