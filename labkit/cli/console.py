"""What the command line shows while it works, and how it answers."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from pydantic import BaseModel
from tqdm import tqdm

from labkit.events import CancelToken, Event, Log, Metric, Progress

__all__ = ["Answer", "TerminalSink", "cancel_on_interrupt", "print_answer", "print_json"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command gives back: data for programs, lines for people, what went wrong in parts, and the exit code."""

    data: dict[str, Any] | BaseModel
    lines: tuple[str, ...] = field(default=())
    complaints: tuple[str, ...] = field(default=())
    exit_code: int = 0


def print_answer(answer: Answer, *, as_json: bool) -> None:
    """Print one JSON object, or the lines for people, to standard output; for people, complaints to standard error."""
    if as_json:
        print_json(answer.data.model_dump(mode="json") if isinstance(answer.data, BaseModel) else answer.data)
    else:
        sys.stdout.write("".join(line + "\n" for line in answer.lines))
        sys.stdout.flush()
        sys.stderr.write("".join(line + "\n" for line in answer.complaints))


def print_json(data: dict[str, Any]) -> None:
    """Print one object on one line, in ASCII and without NaN, so that any program in any locale can read it."""
    sys.stdout.write(json.dumps(_finite(data), default=str, allow_nan=False) + "\n")
    sys.stdout.flush()


def _finite(value: Any) -> Any:
    """Return `value` with null for each number that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


class TerminalSink:
    """Shows events on standard error: bars on a terminal, otherwise lines for warnings and stages."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._terminal = sys.stderr.isatty()
        self._quiet = quiet and not self._terminal
        self._bar: tqdm[Any] | None = None
        self._stage = ""
        self._loss: float | None = None
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        with self._lock:
            if isinstance(event, Log):
                self._say(event)
            elif isinstance(event, Metric) and event.name == "loss":
                self._loss = event.value
            elif isinstance(event, Progress) and self._terminal:
                self._advance(event)

    def close(self) -> None:
        """Leave the terminal tidy."""
        with self._lock:
            if self._bar is not None:
                self._bar.close()
                self._bar = None

    def _say(self, event: Log) -> None:
        if self._quiet and event.level == "info":
            return
        prefix = "" if event.level == "info" else f"{event.level}: "
        tqdm.write(prefix + event.text, file=sys.stderr)

    def _advance(self, event: Progress) -> None:
        if self._bar is None or self._stage != event.stage:
            if self._bar is not None:
                self._bar.close()
            self._stage = event.stage
            self._bar = tqdm(total=event.total or None, desc=event.stage, unit=f" {event.unit}", file=sys.stderr, leave=True)
        if self._loss is not None and event.stage == "training":
            self._bar.set_postfix_str(f"loss {self._loss:.3f}", refresh=False)
        self._bar.total = event.total or None  # may be known better by now
        self._bar.update(event.done - self._bar.n)


@contextmanager
def cancel_on_interrupt() -> Iterator[CancelToken]:
    """Give a token that Ctrl-C sets; a second Ctrl-C stops at once."""
    token = CancelToken()
    if threading.current_thread() is not threading.main_thread():
        yield token
        return
    before = signal.getsignal(signal.SIGINT)

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if token.cancelled:
            raise KeyboardInterrupt
        token.cancel()
        with contextlib.suppress(OSError):  # straight to the terminal: the signal may have come in the middle of a write to sys.stderr
            os.write(2, b"\nStopping; press Ctrl-C again to stop at once.\n")

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield token
    finally:
        signal.signal(signal.SIGINT, before)
