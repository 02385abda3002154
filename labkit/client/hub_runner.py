"""Runs on the hub's devices: hand in a spec, and the hub carries it out in its turn, in this person's own home."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path, PurePosixPath

from labkit.client.client import HubClient
from labkit.client.hub_run import HubRun
from labkit.client.settling import correct_hub, settle_by, tell_hub
from labkit.client.view import HubView
from labkit.client.wire import HubRunItem, NewHubRun
from labkit.errors import AlreadyExists, InvalidInput, LabKitError, NotFound
from labkit.events import RunState
from labkit.runs import QueueEntry, Run, RunSpec
from labkit.runs.finding import find_layout, list_runs, require_ended
from labkit.runs.records import RUN_ID_PATTERN
from labkit.runs.submitting import Submission, again, successor
from labkit.storage import RunLayout, sweep_scratch

__all__ = ["HubRunner", "sync_home"]

_LEFT_S = 3600.0  # handing in takes seconds, and while the hub is away as long as somebody's patience
_STATES: dict[str, RunState] = {"waiting": "queued", "starting": "starting", "running": "running", "cancelling": "cancelling"}


class HubRunner:
    """Hands runs to the hub, and keeps their folders in step with it.

    Parameters
    ----------
    folder : Path
        The project's folder of runs; it need not exist yet. It lies in the home, which the hub's servers have too.
    hub : HubClient or HubView
        Asks the hub; who looks at many runs shares one view.
    """

    def __init__(self, folder: Path, hub: HubClient | HubView) -> None:
        self.folder = folder.absolute()
        self.view = hub if isinstance(hub, HubView) else HubView(hub)

    def submit(self, spec: RunSpec) -> Run:
        """Check the notebook, put the run into the hub's line, and return at once.

        Handing in the same spec again, after a kill midway, goes on where that stopped.

        Raises
        ------
        NotFound
            The notebook of the spec does not exist.
        InvalidInput
            The notebook breaks the contract of run notebooks, the project lies outside the home, or the hub refuses the run.
        HubUnreachable
            The hub does not answer; nothing is left behind.
        NotWritable, StorageFull
            The folder of the run cannot be written; nothing is left behind.
        """
        return self._submit(Submission.checked(spec.model_copy(update={"where": "hub"})))

    def retry(self, run_id: str) -> Run:
        """Submit the same spec again, with the notebook as it was then, as a new run that names the old one in `resumes`.

        Raises
        ------
        NotFound
            There is no such run here.
        InvalidInput
            The run has not ended yet.
        """
        return self._submit(again(require_ended(self.run(run_id))))

    def _submit(self, submission: Submission) -> Run:
        spec = submission.spec
        wish = NewHubRun(
            title=spec.title,
            kind=spec.kind,
            path=_in_home(self.folder),
            course=spec.course,
            profile=spec.profile,
            time_limit_s=spec.time_limit_s,
            resumes=spec.resumes,
        )
        taken: list[HubRunItem] = []
        with contextlib.suppress(AlreadyExists):  # handed in before: what is there is what was asked for
            submission.hand_in(self.folder, lambda: taken.append(self.view.submit(spec.id, wish)), lambda: self._take_back(taken))
        return self.run(spec.id)

    def _take_back(self, taken: list[HubRunItem]) -> None:
        for item in taken:
            if not (self.folder / item.id).exists():
                with contextlib.suppress(LabKitError):  # else its server finds no folder, and says so
                    self.view.cancel(item.id)

    def run(self, run_id: str) -> Run:
        """Return the run of this id; one of this machine is given as such.

        Raises
        ------
        NotFound
            There is no such run here.
        """
        layout = find_layout(self.folder, run_id)
        run = HubRun(layout, self.view)
        return run if run.spec.where == "hub" else Run(layout)

    def runs(self) -> list[Run]:
        """Return all runs of the project, the newest last."""
        return list_runs(self.folder, self.run)

    def queue(self) -> tuple[QueueEntry, ...]:
        """Return the person's runs at the hub that go on or wait, of all projects: those that have started, then the line."""
        going = [item for item in self.view.items().values() if not item.has_ended]
        going.sort(key=lambda item: (item.place is not None, item.place or 0, item.submitted))
        return tuple(_entry(item) for item in going)

    def move(self, run_id: str, place: int) -> None:
        """Let a waiting run be the one at `place` (0: the first) among the person's own that wait.

        Raises
        ------
        NotFound
            The run does not wait at the hub.
        """
        if not re.match(RUN_ID_PATTERN, run_id):
            raise NotFound(f"There is no run {run_id!r}.", hint="List the runs to see their ids.", run_id=run_id)
        self.view.move(run_id, place)

    def sync(self) -> tuple[str, ...]:
        """Settle what ended at the hub without its supervisor, tell the hub what ended here, take up again what was lost.

        What a program that was killed while it handed a run in has left is removed.

        Returns
        -------
        tuple of str
            Ids of the runs that were taken up again: of each the one that goes on.
        """
        try:
            path = _in_home(self.folder)
        except InvalidInput:
            return ()
        sweep_scratch(self.folder, older_than_s=_LEFT_S)
        items = [item for item in self.view.items().values() if item.path == path and item.id not in self.view.in_step]
        return tuple(name for item in items if (name := self._try(item)) is not None)

    def _try(self, item: HubRunItem) -> str | None:
        """Deal with one run; what is wrong with it - its disk is full, the hub takes no more - is no trouble of the others."""
        try:
            return self._bring_in_step(item)
        except (LabKitError, OSError):
            return None  # the next sync tries again

    def _bring_in_step(self, item: HubRunItem) -> str | None:
        layout = RunLayout(self.folder / item.id)
        if not layout.spec.is_file():
            return None  # it is being handed in, or was removed: its server will find out
        run = HubRun(layout, self.view)
        record = Run.record(run)
        if item.has_ended and not record.has_ended:
            record = settle_by(run, item)
        elif record.has_ended and not item.has_ended:
            tell_hub(run, item, self.view)
        elif record.has_ended:
            correct_hub(record, item, self.view)
        following = self._take_up_again(run) if record.state == "lost" and item.has_ended else None
        if record.has_ended and item.has_ended:
            self.view.in_step.add(item.id)
        return following

    def _take_up_again(self, run: Run) -> str | None:
        following = successor(run, had_begun=run.layout.notebook.exists())
        if following is None or (self.folder / following.spec.id).exists():
            return None
        known = self.view.item(following.spec.id)
        if known is not None and known.has_ended:
            return None  # it was handed in once, and its folder was removed since
        if any(other.spec.resumes == run.id for other in self.runs()):
            return None  # somebody has gone on with it already
        self._submit(following)
        return following.spec.id


def sync_home(view: HubView) -> None:
    """Do as `HubRunner.sync` for every project of the home that the hub has runs of."""
    for path in {item.path for item in view.items().values() if item.id not in view.in_step}:
        HubRunner(Path.home() / path, view).sync()


def _in_home(folder: Path) -> str:
    """Return a folder relative to the home, as the hub's servers find it."""
    try:
        inside = folder.resolve().relative_to(Path.home().resolve())
    except ValueError:
        raise InvalidInput(
            f"{folder} lies outside of your home.", hint="The hub's servers see your home only: move the project there, or train here."
        ) from None
    return str(PurePosixPath(inside))


def _entry(item: HubRunItem) -> QueueEntry:
    return QueueEntry(
        run_id=item.id,
        folder=Path.home() / item.path,
        title=item.title,
        device=item.device or "hub",
        place=item.place,
        state=_STATES[item.state],
        since=item.submitted,
        where="hub",
    )
