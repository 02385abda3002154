"""A kernel from the worker's side, where none is started: the worker's own end of its sockets."""

from __future__ import annotations

from pathlib import Path

import pytest
import zmq
from jupyter_client.session import Session

from labkit.courses.grading import kernel
from labkit.courses.grading.kernel import GradingKernel
from labkit.courses.grading.places import Slot
from labkit.courses.records import Limits


def test_kernel_that_reads_nothing_does_not_hold_the_worker_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can answer unread: the ids of what it is sent are counted. Sending has an end."""
    monkeypatch.setattr(kernel, "_SEND_MS", 50)
    started: list[GradingKernel] = []

    def make(manager: object) -> object:
        return None

    monkeypatch.setattr(GradingKernel, "_start", lambda self: started.append(self))
    monkeypatch.setattr(GradingKernel, "end", lambda self: None)
    held = GradingKernel(Slot(tmp_path, str(tmp_path)), Limits(), make)  # type: ignore[arg-type]
    assert isinstance(held._session, Session)
    held._shell = held._context.socket(zmq.DEALER)
    held._shell.setsockopt(zmq.SNDHWM, 1)
    held._shell.connect(f"ipc://{tmp_path}/nobody")
    held._session.send(held._shell, "kernel_info_request")
    assert held.execute("1", 1.0, lambda *_: None).state == "died"
    held._context.destroy(linger=0)
