"""The dispatcher: ``python -m labkit.runs.dispatcher STATE_DIR [--lock-fd FD] [--delay-s S]``.

A small program that starts queued runs when their device is free. It lives only while there is something in the queue,
and only one at a time for a state folder. It may be killed at any moment: `labkit.runs.wake` starts another.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.runs.queue import RunQueue

__all__ = ["main"]

_STEP_EVERY_S = 0.25
_LOOK_EVERY_S = 0.05
_PATIENCE_S = 60.0  # for a state folder that cannot be written


def main(arguments: list[str] | None = None) -> int:
    """Take steps until the queue is empty; a second dispatcher steps back."""
    parser = argparse.ArgumentParser()
    parser.add_argument("state", type=Path)
    parser.add_argument("--lock-fd", type=int, default=None, help="descriptor that holds the dispatcher's lock already")
    parser.add_argument("--delay-s", type=float, default=0.0, help="wait so long before anything else")
    given = parser.parse_args(arguments)
    time.sleep(given.delay_s)  # a run that has just been started needs the processor more than we do
    from labkit.runs.leases import take_lease
    from labkit.runs.queue import RunQueue

    queue = RunQueue(given.state)
    lease = take_lease(queue.layout.dispatcher_lock) if given.lock_fd is None else given.lock_fd
    if lease is None:
        return 1
    os.set_inheritable(lease, False)
    return _go_on(queue, lease)


def _go_on(queue: RunQueue, lease: int) -> int:
    from labkit.errors import LabKitError
    from labkit.runs.dispatching import Dispatch

    dispatch = Dispatch(queue, _say)
    give_up_at = time.monotonic() + _PATIENCE_S
    while queue.layout.root.is_dir():
        stamp = queue.stamp()
        try:
            if not dispatch.step(lease):
                return 0
            give_up_at = time.monotonic() + _PATIENCE_S
        except (LabKitError, OSError) as error:
            _say(f"{queue.layout.root}: {error}")
            if time.monotonic() > give_up_at:
                return 1
        _pause(queue, stamp)
    return 0


def _pause(queue: RunQueue, stamp: int) -> None:
    """Wait a little, and no longer than until the queue changes."""
    until = time.monotonic() + _STEP_EVERY_S
    while queue.stamp() == stamp and time.monotonic() < until:
        time.sleep(_LOOK_EVERY_S)


def _say(line: str) -> None:
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), line, flush=True)  # noqa: T201 - our output is dispatcher.log


if __name__ == "__main__":
    sys.exit(main())
