"""Runs on this machine: hand in a spec, and it is carried out in its turn."""

from __future__ import annotations

from pathlib import Path

from labkit.errors import InvalidInput
from labkit.runs.dispatching import Dispatch
from labkit.runs.finding import find_layout, list_runs, require_ended
from labkit.runs.queue import QueueEntry, RunQueue
from labkit.runs.records import GRACE_S, HEARTBEAT_S, RunSpec
from labkit.runs.run import Run
from labkit.runs.submitting import Submission, again
from labkit.runs.waking import wake

__all__ = ["LocalRunner"]

_DELAY_S = 1.5


class LocalRunner:
    """Carries out runs on this machine, one per device at a time, each under a supervisor that outlives this program.

    Parameters
    ----------
    folder : Path
        The project's folder of runs; it need not exist yet.
    grace_s : float
        How long a run has from a cancel until it is ended by force.
    heartbeat_s : float
        How often ``run.json`` is refreshed, at most 5.
    state : Path, optional
        The folder of the queue, by default that of this person (``LABKIT_STATE``).
    """

    def __init__(self, folder: Path, *, grace_s: float = GRACE_S, heartbeat_s: float = HEARTBEAT_S, state: Path | None = None) -> None:
        self.folder = folder.absolute()
        self._grace_s, self._heartbeat_s = grace_s, heartbeat_s
        self._queue = RunQueue(state)

    def submit(self, spec: RunSpec) -> Run:
        """Check the notebook, queue the run for good, and return at once; it starts when its device is free.

        Raises
        ------
        NotFound
            The notebook of the spec does not exist.
        InvalidInput
            The notebook breaks the contract of run notebooks (`labkit.notebooks.check_notebook`).
        NotWritable, StorageFull
            The folder of the run, or that of the queue, cannot be written; nothing is left behind.
        """
        return self._submit(Submission.checked(spec))

    def retry(self, run_id: str) -> Run:
        """Submit the same spec again, with the notebook as it was then, as a new run that names the old one in `resumes`.

        Raises
        ------
        NotFound
            There is no such run here.
        InvalidInput
            The run has not ended yet, or was the hub's.
        """
        return self._submit(again(require_ended(self.run(run_id))))

    def _submit(self, submission: Submission) -> Run:
        if submission.spec.where != "here":
            raise InvalidInput("This is a run of the hub.", hint="Hand it in where the hub can be reached.", run_id=submission.spec.id)
        with self._queue.hold():
            submission.put_into(self._queue, self.folder, grace_s=self._grace_s, heartbeat_s=self._heartbeat_s)
        Dispatch(self._queue).step()  # at once if the device is free; else the dispatcher does it in time
        wake(self._queue.layout.root, delay_s=_DELAY_S)
        return self.run(submission.spec.id)

    def run(self, run_id: str) -> Run:
        """Return the run of this id.

        Raises
        ------
        NotFound
            There is no such run here.
        """
        return Run(find_layout(self.folder, run_id), self._queue)

    def runs(self) -> list[Run]:
        """Return all runs, the newest last."""
        return list_runs(self.folder, self.run)

    def queue(self) -> tuple[QueueEntry, ...]:
        """Return the runs of this person on this machine that go on or wait, of all projects, the next first."""
        return self._queue.entries()

    def move(self, run_id: str, place: int) -> None:
        """Let a waiting run be the one at `place` (0: the next) among those that wait for its device.

        Raises
        ------
        NotFound
            The run does not wait in this queue.
        """
        self._queue.move(run_id, place)
