"""The decoding process may crash, hang or swallow memory: only it ends, and the error says why."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labkit.config import ImportLimits
from labkit.errors import Cancelled, UnreadableImage, UnsupportedFormat
from labkit.events import CancelToken
from labkit.tiling.decoder import Decoder, open_decoder

TASKS = "labkit.testing.decoders"
WITHIN_S = 30


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    with open_decoder(ImportLimits(memory_mb=64)) as decoder:
        yield decoder


def _run(decoder: Decoder, task: str, stall_s: float = WITHIN_S, cancel: CancelToken | None = None, **arguments: object) -> object:
    return decoder.run(f"{TASKS}:{task}", arguments, what="a.tif", stall_s=stall_s, cancel=cancel)


def _still_works(decoder: Decoder) -> bool:
    return _run(decoder, "answer", value="yes") == "yes"


def _wait_for(file: Path) -> int:
    deadline = time.monotonic() + WITHIN_S
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int(file.read_text())


def _is_gone(pid: int) -> bool:
    try:
        psutil.Process(pid).wait(WITHIN_S)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def test_a_crash_is_told_in_words(decoder: Decoder) -> None:
    """A decoder that aborts is an unreadable file; the next one is read."""
    with pytest.raises(UnreadableImage, match=r"a\.tif .* crashed \(SIGABRT\)") as caught:
        _run(decoder, "crash")
    assert caught.value.hint
    assert _still_works(decoder)


def test_a_hang_is_ended(decoder: Decoder, tmp_path: Path) -> None:
    """A decoder that makes no progress is killed after its time; the next file is read."""
    with pytest.raises(UnreadableImage, match="no progress") as caught:
        _run(decoder, "hang", stall_s=2, pid_file=str(tmp_path / "pid"))
    assert caught.value.reason == "time"  # type: ignore[attr-defined]
    assert _is_gone(_wait_for(tmp_path / "pid"))
    assert _still_works(decoder)


def test_too_much_memory_is_refused(decoder: Decoder) -> None:
    """The kernel gives no more than the limit, which becomes one line."""
    with pytest.raises(UnsupportedFormat, match="more memory") as caught:
        _run(decoder, "take_memory", megabytes=4000)
    assert caught.value.reason == "memory"  # type: ignore[attr-defined]
    assert _still_works(decoder)


def test_what_fits_the_memory_is_given(decoder: Decoder) -> None:
    """The limit is no less than what it says."""
    assert _run(decoder, "take_memory", megabytes=64) == 64


def test_a_cancel_ends_a_task_that_listens(decoder: Decoder, tmp_path: Path) -> None:
    """The process stops by itself and takes the next task."""
    cancel = CancelToken()
    threading.Thread(target=lambda: (_wait_for(tmp_path / "pid"), cancel.cancel())).start()
    with pytest.raises(Cancelled):
        _run(decoder, "wait_until_cancelled", cancel=cancel, pid_file=str(tmp_path / "pid"))
    assert decoder.pid == int((tmp_path / "pid").read_text())
    assert _still_works(decoder)


def test_a_cancel_ends_a_task_that_does_not(decoder: Decoder, tmp_path: Path) -> None:
    """What does not listen is killed."""
    cancel = CancelToken()
    threading.Thread(target=lambda: (_wait_for(tmp_path / "pid"), cancel.cancel())).start()
    with pytest.raises(Cancelled):
        _run(decoder, "hang", cancel=cancel, pid_file=str(tmp_path / "pid"))
    assert _is_gone(_wait_for(tmp_path / "pid"))


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    """SIGKILL of the program that asked ends the decoder too, even one that hangs."""
    script = f"""
from labkit.tiling.decoder import open_decoder
with open_decoder() as decoder:
    decoder.run("{TASKS}:hang", {{"pid_file": {str(tmp_path / "pid")!r}}}, what="a", stall_s=600)
"""
    parent = subprocess.Popen([sys.executable, "-c", script])
    child = _wait_for(tmp_path / "pid")
    parent.kill()
    parent.wait()
    assert _is_gone(child)


def test_the_limits_are_freed(decoder: Decoder) -> None:
    """After the work no process is left."""
    assert _still_works(decoder)
    pid = decoder.pid
    decoder.close()
    assert pid is not None
    assert _is_gone(pid)
