"""A student's kernel from the worker's side. Whatever it sends is bounded before it is read, and believed only as a claim."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil
import zmq
from jupyter_client.manager import KernelManager

from labkit.courses.grading.places import Slot
from labkit.courses.grading.provisioners import HEADROOM, ContainerProvisioner, GradingProvisioner, ProcessProvisioner
from labkit.courses.grading.room import held_in
from labkit.courses.records import Limits
from labkit.errors import LabKitError, WorkerLost

__all__ = ["Ending", "GradingKernel", "Sink"]

_FRAME_BYTES = 4_000_000
_WAITING_MESSAGES = 8
_WORKER_GROWTH = 300_000_000
_CROWD_BYTES = 100_000_000  # one program alone runs into its own limit, which it can live on with
_LOOK_S = 0.05
_DISK_EVERY_S = 0.5
_MOST_FILES = 20_000
_LAST_WORDS_S = 1.0
_WATCHER_S = 30.0
_SEND_MS = 2000

Sink = Callable[[str, dict[str, Any]], None]
"""Gets type and content of each message of the cell that is executed."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a cell ended.

    Attributes
    ----------
    state : {"ok", "error", "timeout", "died"}
        As the kernel says; interrupted when its time was up; the kernel is gone.
    text : str
        Why, where that is known.
    """

    state: Literal["ok", "error", "timeout", "died"]
    text: str = ""
    seconds: float = 0.0


class GradingKernel:
    """One kernel, started when it is made.

    Raises
    ------
    WorkerLost
        It did not start in its time.
    """

    def __init__(self, slot: Slot, limits: Limits, provisioner: Callable[[Any], GradingProvisioner]) -> None:
        self.slot, self.limits = slot, limits
        self._why = ""
        self.overfull = False
        """Whether it was ended because its slot is full."""
        context = zmq.Context()
        for option, value in (
            (zmq.MAXMSGSIZE, max(_FRAME_BYTES, 2 * limits.cell_output_bytes)),
            (zmq.RCVHWM, _WAITING_MESSAGES),
            (zmq.SNDTIMEO, _SEND_MS),
            (zmq.LINGER, 0),
            (zmq.RECONNECT_IVL, 10),
        ):
            context.setsockopt(option, value)
        self._context = context
        manager = KernelManager(context=context, transport="ipc", ip=str(slot.root / f"s{secrets.token_hex(4)}"))
        for number, name in enumerate(("shell", "iopub", "stdin", "hb", "control"), start=1):
            setattr(manager, f"{name}_port", number)
        manager.session.key = secrets.token_hex(32).encode()
        self._manager = manager
        self._session = manager.session
        self._provisioner = provisioner(manager)
        manager.provisioner = self._provisioner
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        try:
            self._start()
        except BaseException:
            self.end()
            raise

    def _start(self) -> None:
        deadline = time.monotonic() + self.limits.start_s
        self._manager.start_kernel()
        connect = self._manager
        self._shell, self._iopub, self._control = connect.connect_shell(), connect.connect_iopub(), connect.connect_control()
        for socket in (self._shell, self._iopub, self._control):
            socket.linger = 0
        self._poller = zmq.Poller()
        self._poller.register(self._shell, zmq.POLLIN)
        self._poller.register(self._iopub, zmq.POLLIN)
        self._watcher.start()
        self._wait_until_ready(deadline)

    def _listen_again(self) -> None:
        """Connect anew to what the kernel publishes: a frame that was too large has ended the connection for good."""
        self._poller.unregister(self._iopub)
        self._iopub.close(0)
        self._iopub = self._manager.connect_iopub()
        self._poller.register(self._iopub, zmq.POLLIN)
        with contextlib.suppress(WorkerLost):
            self._wait_until_ready(time.monotonic() + 5.0)

    def _wait_until_ready(self, deadline: float) -> None:
        """Ask until both an answer and something published have come: what is published before one listens is lost."""
        answered = heard = False
        ask_at, every_s = 0.0, 0.05
        while not (answered and heard):
            now = time.monotonic()
            if now > deadline or not self.is_alive:
                if not self.is_alive and not self._ran_out_of_memory():
                    self._blame_docker()
                raise WorkerLost(
                    self._why or "The kernel did not start in its time.", hint="See whether the image and its packages are whole."
                )
            if now >= ask_at:
                with contextlib.suppress(zmq.Again):
                    self._session.send(self._shell, "kernel_info_request")
                ask_at, every_s = now + every_s, min(1.0, 2 * every_s)
            for socket, _ in self._poller.poll(50):
                if self._receive(socket) is not None:
                    answered |= socket is self._shell
                    heard |= socket is self._iopub

    @property
    def is_alive(self) -> bool:
        """Whether the kernel's program lives."""
        return self._provisioner.exit_code is None

    def execute(self, code: str, limit_s: float, sink: Sink, *, store_history: bool = True) -> Ending:
        """Execute one cell, and return in little more than `limit_s` seconds, whatever the code does.

        Raises
        ------
        WorkerLost
            The kernel ended by no fault of its own.
        """
        began = time.monotonic()
        content = {"code": code, "silent": False, "store_history": store_history, "allow_stdin": False, "stop_on_error": False}
        request = self._session.msg("execute_request", {**content, "user_expressions": {}})
        try:
            self._session.send(self._shell, request)
        except zmq.Again:  # it can answer what it has not read: the ids of messages are counted
            self.end()
            return Ending("died", "The kernel does not read what it is sent, and was ended.", time.monotonic() - began)
        ending = self._follow(request["header"]["msg_id"], began + limit_s, sink)
        if ending.state in ("ok", "error") and ending.text:
            self._listen_again()
        return Ending(ending.state, ending.text, time.monotonic() - began)

    def _follow(self, request: str, deadline: float, sink: Sink) -> Ending:
        """Read messages until the cell has ended, or its time."""
        status, idle, interrupted_at, quiet_at = "", False, 0.0, 0.0
        grace_s = min(2.0, max(0.5, self.limits.cell_s))
        while True:
            now = time.monotonic()
            if status and (idle or now > quiet_at):
                if interrupted_at:
                    return Ending("timeout", f"It took longer than {_s(self.limits.cell_s)} and was interrupted.")
                return Ending("ok" if status == "ok" else "error", "" if idle else "The end of its output was lost.")
            if not self.is_alive and not self._poller.poll(0):  # its last words have been read
                return Ending("died", self._how_it_ended())
            if not interrupted_at and now > deadline:
                interrupted_at = now
                with contextlib.suppress(zmq.Again):
                    self._session.send(self._control, "interrupt_request")
            if interrupted_at and now > interrupted_at + grace_s:
                self._blame_docker()
                self.end()
                return Ending("died", f"It took longer than {_s(self.limits.cell_s)}, ignored the interrupt, and its kernel was ended.")
            for socket, _ in self._poller.poll(100):
                for _ in range(_WAITING_MESSAGES):
                    message = self._receive(socket, zmq.NOBLOCK)
                    if message is None:
                        break
                    kind, parent, packed = message
                    if parent != request:
                        continue
                    if socket is self._shell:
                        if kind == "execute_reply":
                            status = str(self._unpack(packed).get("status"))
                            quiet_at = time.monotonic() + _LAST_WORDS_S
                    elif kind == "status":
                        idle |= self._unpack(packed).get("execution_state") == "idle"
                    else:
                        sink(kind, self._unpack(packed))

    def _receive(self, socket: Any, flags: int = 0) -> tuple[str, str, bytes] | None:
        """Return type, parent and packed content of the next message; None where there is none; what is malformed is empty."""
        try:
            frames = socket.recv_multipart(flags)
        except zmq.Again:
            return None
        except zmq.ZMQError:
            return None
        try:
            _, frames = self._session.feed_identities(frames)
            message = self._session.deserialize(frames, content=False)
            return str(message["msg_type"]), str(message["parent_header"].get("msg_id")), bytes(message["content"])
        except Exception:  # forged, cut, too deep: any error of any reader of it
            return "", "", b""

    def _unpack(self, packed: bytes) -> dict[str, Any]:
        try:
            content = self._session.unpack(packed)
        except Exception:
            return {}
        return content if isinstance(content, dict) else {}

    def _watch(self) -> None:
        """End a kernel that takes more than it may; the reason is kept."""
        own, programs, disk_at = psutil.Process(), self._provisioner, 0.0
        before = own.memory_info().rss
        while not self._ended.wait(_LOOK_S):
            why = ""
            number, memory = programs.crowd()
            most = self.limits.memory_mb * 1_000_000 + HEADROOM + _CROWD_BYTES
            if number > self.limits.pids:
                why = f"The kernel started more than {self.limits.pids} programs and was ended."
            elif memory > most and programs.weight() > most:
                why = f"The kernel used more memory than {self.limits.memory_mb} MB and was ended."
            elif own.memory_info().rss > before + _WORKER_GROWTH:
                why = "The kernel sent more than can be read and was ended."
            elif time.monotonic() > disk_at:
                if too_much(self.slot.root, self.limits.files_mb * 1_000_000):
                    self.overfull = True
                    why = f"The notebook wrote more than {self.limits.files_mb} MB, or too many files, and its kernel was ended."
                disk_at = time.monotonic() + _DISK_EVERY_S
            if why and not self._ended.is_set():
                self._why = why
                with contextlib.suppress(WorkerLost):  # who waits for the kernel ends it, too, and is told
                    programs.end()
                return

    def _how_it_ended(self) -> str:
        code = self._provisioner.exit_code
        if self._why:
            return self._why
        if self._ran_out_of_memory():
            return f"The kernel used more memory than {self.limits.memory_mb} MB and was ended."
        self._blame_docker()
        if code is not None and (code < 0 or code > 128):
            return f"The kernel was killed by signal {-code if code < 0 else code - 128}."
        return f"The kernel ended itself (exit code {code})."

    def _ran_out_of_memory(self) -> bool:
        container = getattr(self._provisioner, "container", None)
        return container is not None and not container.lost and container.ran_out_of_memory()

    def _blame_docker(self) -> None:
        if self._provisioner.lost:
            raise WorkerLost("Docker went away with the kernel.", hint="Grade this submission again.", engine=True, away=True)

    def end(self) -> None:
        """End the kernel, and all it started; close what is open."""
        self._ended.set()
        self._provisioner.end()
        if self._watcher.is_alive() and threading.current_thread() is not self._watcher:
            self._watcher.join(_WATCHER_S)  # it may be ending programs, and must not take those of the next kernel for them

    def close(self) -> None:
        """End it, and let go of the sockets."""
        self.end()
        with contextlib.suppress(zmq.ZMQError, LabKitError, OSError):
            for socket in (self._shell, self._iopub, self._control):
                socket.close(0)
        self._context.destroy(linger=0)


def _s(seconds: float) -> str:
    return f"{seconds:g} s"


def too_much(root: Path, most: int) -> bool:
    """Whether a folder holds more bytes, or more files, than it may; links are not followed."""
    size, number = held_in(root, _MOST_FILES)
    return size > most or number > _MOST_FILES


def provisioner_of(
    slot: Slot, limits: Limits, *, task: str, device: str, container: Callable[[ContainerProvisioner], None] | None = None
) -> Callable[[Any], GradingProvisioner]:
    """Return what makes the provisioner for a manager."""

    def make(manager: Any) -> GradingProvisioner:
        kind = ProcessProvisioner if container is None else ContainerProvisioner
        made: GradingProvisioner = kind(kernel_id=secrets.token_hex(8), kernel_spec=None, parent=manager)
        made.setup(slot, limits, task, device)
        if container is not None and isinstance(made, ContainerProvisioner):
            container(made)
        return made

    return make
