"""The process in which pictures are decoded, seen from outside: it may crash, hang or swallow memory, and only it dies.

Requests go to it pickled, since they come from us; its answers come as JSON, since what it decodes comes from anywhere.
"""

from __future__ import annotations

import json
import os
import pickle
import selectors
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psutil

from labkit import errors
from labkit.config import ImportLimits, LibrarySettings
from labkit.errors import LabKitError, UnreadableImage, UnsupportedFormat
from labkit.events import CancelToken, EventSink, from_record, ignore_events

__all__ = ["Decoder", "open_decoder"]

_TICK_S = 0.1
_CANCEL_S = 5.0  # after that long a cancelled process that has not stopped by itself is killed
_WATCH_S = 0.5
_OVERHEAD_BYTES = 384 * 2**20  # what the program itself and its threads take beside the decoding


@contextmanager
def open_decoder(limits: ImportLimits | None = None) -> Iterator[Decoder]:
    """Give a decoder, which starts its process at the first task, and end it afterwards.

    Parameters
    ----------
    limits : ImportLimits, optional
        By default those of the settings.
    """
    decoder = Decoder(limits or LibrarySettings().imports)
    try:
        yield decoder
    finally:
        decoder.close()


class Decoder:
    """One child process after the other: a new one is started after one had to be killed."""

    def __init__(self, limits: ImportLimits) -> None:
        self.limits = limits
        self._child: subprocess.Popen[bytes] | None = None
        self._unread = b""

    @property
    def pid(self) -> int | None:
        """The process, if there is one now."""
        return None if self._child is None else self._child.pid

    def run(
        self,
        task: str,
        arguments: Mapping[str, Any],
        *,
        what: str,
        stall_s: float,
        on_event: EventSink = ignore_events,
        cancel: CancelToken | None = None,
    ) -> Any:
        """Carry out a task in the child and return its result, which is plain JSON.

        Parameters
        ----------
        task : str
            "module:function"; the function takes the arguments, `on_event` and `cancel`.
        arguments : mapping
            Anything that can be pickled.
        what : str
            What it works on, for messages.
        stall_s : float
            Longest time without a message from the child.
        on_event, cancel
            Events of the task; the token ends it.

        Raises
        ------
        UnreadableImage
            The child crashed or got stuck.
        UnsupportedFormat
            It needs more memory than it may have.
        Cancelled
            The token was set.
        LabKitError
            Whatever the task raised.
        """
        child = self._started()
        message = pickle.dumps((task, dict(arguments), self.limits.memory_mb * 10**6))
        try:
            self._send(child, message)
            return self._answer(child, _Watch(child, what, stall_s, self._memory_bytes), on_event, cancel or CancelToken())
        except BaseException as error:
            if not (isinstance(error, LabKitError) and getattr(error, "child_lives", False)):
                self.close()
            raise

    def close(self) -> None:
        """End the child."""
        child, self._child, self._unread = self._child, None, b""
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def _memory_bytes(self) -> int:
        return self.limits.memory_mb * 10**6 + _OVERHEAD_BYTES

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        # Two arenas: memory that threads give back is used by others instead of being kept for each; large pieces go back at once,
        # small ones are kept for the next: every page that is asked for anew costs a fault.
        surroundings = {
            **os.environ,
            "MALLOC_ARENA_MAX": "2",
            "MALLOC_MMAP_THRESHOLD_": str(2**20),
            "MALLOC_TRIM_THRESHOLD_": str(2**26),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._child = subprocess.Popen(
            [sys.executable, "-m", "labkit.tiling.decoding", str(os.getpid()), str(self._memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=surroundings,
            start_new_session=True,  # Ctrl-C is ours to take
        )
        return self._child

    def _send(self, child: subprocess.Popen[bytes], message: bytes) -> None:
        if child.stdin is None:
            raise RuntimeError("the child has no input")
        try:
            child.stdin.write(struct.pack(">Q", len(message)) + message)
            child.stdin.flush()
        except BrokenPipeError:
            pass  # it is dead: the answer will not come, and that says why

    def _answer(self, child: subprocess.Popen[bytes], watch: _Watch, on_event: EventSink, cancel: CancelToken) -> Any:
        asked_to_stop: float | None = None
        for line in self._lines(child):
            if cancel.cancelled and asked_to_stop is None:
                asked_to_stop = time.monotonic()
                self._send(child, b"")
            if asked_to_stop is not None and time.monotonic() - asked_to_stop > _CANCEL_S:
                cancel.raise_if_cancelled()
            if line is None:
                watch.look()
                continue
            watch.heard()
            kind, content = line.popitem()
            if kind == "event":
                on_event(from_record(content))
            elif kind == "result":
                cancel.raise_if_cancelled()  # it came too late for the child, but nothing is shown yet
                return content
            else:
                raise _error_of(content)
        if cancel.cancelled:
            cancel.raise_if_cancelled()
        raise watch.death()

    def _lines(self, child: subprocess.Popen[bytes]) -> Iterator[dict[str, Any] | None]:
        """Yield the messages of the child, and None whenever there was none for a moment; ends with the child."""
        if child.stdout is None:
            raise RuntimeError("the child has no output")
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            while True:
                while b"\n" in self._unread:
                    text, _, self._unread = self._unread.partition(b"\n")
                    yield json.loads(text)
                if not selector.select(_TICK_S):
                    yield None
                    continue
                got = os.read(child.stdout.fileno(), 2**16)
                if not got:
                    return
                self._unread += got


class _Watch:
    """Looks after one task of a child: its time and its memory."""

    def __init__(self, child: subprocess.Popen[bytes], what: str, stall_s: float, memory_bytes: int) -> None:
        self._child, self._what, self._stall_s, self._memory_bytes = child, what, stall_s, memory_bytes
        self._heard = self._looked = time.monotonic()

    def heard(self) -> None:
        """Note that the child lives."""
        self._heard = time.monotonic()

    def look(self) -> None:
        """Raise when the child takes too long, or too much."""
        now = time.monotonic()
        if now - self._heard > self._stall_s:
            raise UnreadableImage(
                f"{self._what} was given up: its decoder made no progress for {self._stall_s:.0f} seconds.",
                hint="Open it in the program that made it and save it again, or allow more time (LABKIT_IMPORTS__STALL_S).",
                reason="time",
            )
        if now - self._looked > _WATCH_S:
            self._looked = now
            if _private_bytes(self._child.pid) > self._memory_bytes * 5 // 4:
                raise _out_of_memory(self._what)

    def death(self) -> LabKitError:
        """Return why the child ended before it answered."""
        code = self._child.wait()
        if code == -signal.SIGKILL:
            return _out_of_memory(self._what)
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return UnreadableImage(
            f"{self._what} cannot be read: its decoder crashed ({how}).",
            hint="The file is damaged or malformed. Open it in the program that made it and save it again.",
            reason="crash",
        )


def _out_of_memory(what: str) -> UnsupportedFormat:
    return UnsupportedFormat(
        f"{what} needs more memory to be decoded than is allowed.",
        hint="Save it as a tiled TIFF, which is read piece by piece, or allow more (LABKIT_IMPORTS__MEMORY_MB).",
        reason="memory",
    )


def _private_bytes(pid: int) -> int:
    try:
        used = psutil.Process(pid).memory_info()
    except psutil.NoSuchProcess:
        return 0
    return int(used.rss - used.shared)


def _error_of(content: dict[str, Any]) -> BaseException:
    """Return the error that a child tells of: ours by name, anything else as a fault of the program."""
    kind = getattr(errors, str(content["type"]), None)
    if isinstance(kind, type) and issubclass(kind, LabKitError):
        facts = {key: value for key, value in content.get("facts", {}).items() if isinstance(value, (str, int, float))}
        error = kind(content["message"], hint=content["hint"], **facts)
        error.child_lives = True  # type: ignore[attr-defined]
        return error
    return RuntimeError(f"{content['type']}: {content['message']}")
