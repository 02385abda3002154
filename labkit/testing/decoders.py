"""Tasks for the decoding process that go wrong, as decoders of malformed files do."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from labkit.events import CancelToken, EventSink

__all__ = ["answer", "crash", "hang", "take_memory", "wait_until_cancelled"]


def answer(*, value: str, memory_bytes: int, on_event: EventSink, cancel: CancelToken) -> str:
    """Return what was given."""
    return value


def crash(*, memory_bytes: int, on_event: EventSink, cancel: CancelToken) -> None:
    """End as after a fault in a library written in C."""
    os.abort()


def hang(*, pid_file: str, memory_bytes: int, on_event: EventSink, cancel: CancelToken) -> None:
    """Never come back, whatever anybody asks."""
    Path(pid_file).write_text(str(os.getpid()))
    while True:
        time.sleep(60)


def take_memory(*, megabytes: int, memory_bytes: int, on_event: EventSink, cancel: CancelToken) -> int:
    """Take and use memory, and return how much."""
    taken = [np.ones(2**20, dtype=np.uint8) for _ in range(megabytes)]
    return len(taken)


def wait_until_cancelled(*, pid_file: str, memory_bytes: int, on_event: EventSink, cancel: CancelToken) -> None:
    """Stop when it is asked to."""
    Path(pid_file).write_text(str(os.getpid()))
    while True:
        cancel.raise_if_cancelled()
        time.sleep(0.01)
