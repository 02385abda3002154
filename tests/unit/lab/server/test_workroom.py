"""What goes on beside routes: programs for torch, and the watch over the queue of runs."""

import logging
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from labkit.errors import NotFound, WorkerLost
from labkit.project import Project
from labkit.runs import LocalRunner, RunQueue
from labkit.storage import hold_lock
from labkit.testing.runs import submit_cells, wait_until
from labkit_lab.server.watch import RunWatch
from labkit_lab.server.workroom import Workroom


@pytest.fixture
def room() -> Iterator[Workroom]:
    room = Workroom(idle_s=0.05)
    yield room
    room.close()


def test_errands_are_done_beside_the_server(room: Workroom, project: Project) -> None:
    """What a function returns or raises comes back; its program ends when nothing is to be done."""
    assert room.wait_for("learning.devices")[-1].name == "cpu"
    with pytest.raises(NotFound):
        room.wait_for("cards.card_of_model", project.path, "none/1")
    wait_until(lambda: not room.is_staffed)


def test_a_program_that_dies_is_said_and_replaced(project: Project) -> None:
    """Somebody who asked is told to try again, and then is served by another program."""
    room = Workroom()
    room.wait_for("learning.devices")
    assert room._pool is not None
    for pid in room._pool._processes:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(WorkerLost, match="died"):
        wait_until(lambda: room.wait_for("learning.devices") is None)
    assert room.wait_for("learning.devices")
    room.close()


@pytest.mark.parametrize("waits", [True, False])
def test_only_runs_under_way_are_activity(project: Project, waits: bool) -> None:
    """A server whose person has a run in the queue is not idle; with an empty queue it may be culled."""
    queue = RunQueue().layout
    queue.root.mkdir(parents=True)
    looked, active = threading.Event(), threading.Event()
    with hold_lock(queue.device_lock("cpu", 0), what="the CPU"):
        run = submit_cells(LocalRunner(project.layout.runs), "1 + 1")
        if not waits:
            run.cancel()
        watch = RunWatch(logging.getLogger("test"), active.set, every_s=0.01)
        original, watch._has_runs = watch._has_runs, lambda: (original(), looked.set())[0]  # type: ignore[method-assign]
        watch.start()
        if waits:
            assert active.wait(60)
        else:
            wait_until(lambda: looked.is_set() or RunQueue().is_empty())
            assert not active.is_set()
        watch.close()
        run.cancel()
