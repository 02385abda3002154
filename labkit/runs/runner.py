"""What every runner can do: the one on this machine, and others that carry runs out elsewhere.

A runner takes specs and gives runs. Whatever carries a run out, its folder is the same, and `labkit.runs.Run` reads it;
`labkit.testing.runner_contract` holds the tests that every runner passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from labkit.runs.queue import QueueEntry
from labkit.runs.records import RunSpec
from labkit.runs.run import Run

__all__ = ["Runner"]


@runtime_checkable
class Runner(Protocol):
    """Carries runs out, each in its turn."""

    def submit(self, spec: RunSpec) -> Run:
        """Check the notebook, queue the run for good, and return at once; it starts when its device is free.

        Raises
        ------
        NotFound
            The notebook does not exist.
        InvalidInput
            It breaks the contract of run notebooks.
        NotWritable, StorageFull
            The run's folder or the queue cannot be written; nothing is left behind.
        """
        ...

    def run(self, run_id: str) -> Run:
        """Return the run of this id.

        Raises
        ------
        NotFound
            There is no such run here.
        """
        ...

    def runs(self) -> Sequence[Run]:
        """Return all runs of the project, the newest last."""
        ...

    def queue(self) -> tuple[QueueEntry, ...]:
        """Return the runs that go on or wait, of all projects, the next first."""
        ...

    def move(self, run_id: str, place: int) -> None:
        """Let a waiting run be the one at `place` (0: the next) among those that wait for its device.

        Raises
        ------
        NotFound
            The run does not wait.
        """
        ...

    def retry(self, run_id: str) -> Run:
        """Submit the same spec again, as a new run that names the old one in `resumes`.

        Raises
        ------
        NotFound
            There is no such run here.
        InvalidInput
            The run has not ended yet.
        """
        ...
