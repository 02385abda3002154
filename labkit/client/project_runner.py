"""A project's runs, wherever each of them is carried out: on this machine or by the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from labkit.client.settings import service_address
from labkit.errors import LabKitError, NotFound
from labkit.runs import LocalRunner, QueueEntry, Run, RunSpec

if TYPE_CHECKING:
    from labkit.client.hub_runner import HubRunner

__all__ = ["ProjectRunner"]


class ProjectRunner:
    """Carries each run out where its spec says; shows all of them, also while the hub is away or where there is none.

    Parameters
    ----------
    folder : Path
        The project's folder of runs; it need not exist yet.

    Attributes
    ----------
    here : LocalRunner
        For the runs of this machine.
    hub : HubRunner or None
        For those of the hub; None where this program belongs to no hub.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.here = LocalRunner(folder)
        self.hub = _hub_runner(folder)

    def submit(self, spec: RunSpec) -> Run:
        """Hand a run in, here or at the hub, as `LocalRunner.submit` and `HubRunner.submit` do.

        Raises
        ------
        NotFound
            It is for a hub, and there is none.
        """
        return self._hub().submit(spec) if spec.where == "hub" else self.here.submit(spec)

    def retry(self, run_id: str) -> Run:
        """Submit the same again, where it was carried out before."""
        return self._hub().retry(run_id) if self._is_hubs(run_id) else self.here.retry(run_id)

    def run(self, run_id: str) -> Run:
        """Return the run of this id.

        Raises
        ------
        NotFound
            There is no such run here.
        """
        return self.here.run(run_id) if self.hub is None else self.hub.run(run_id)

    def runs(self) -> list[Run]:
        """Return all runs of the project, the newest last."""
        return self.here.runs() if self.hub is None else self.hub.runs()

    def queue(self) -> tuple[QueueEntry, ...]:
        """Return the runs of this person that go on or wait, of all projects: those of this machine, then those of the hub."""
        return self.here.queue() + (() if self.hub is None else self.hub.queue())

    def move(self, run_id: str, place: int) -> None:
        """Let a waiting run be the one at `place` among those that wait where it waits."""
        if self._is_hubs(run_id):
            self._hub().move(run_id, place)
        else:
            self.here.move(run_id, place)

    def sync(self) -> LabKitError | None:
        """Bring the folders of the hub's runs in step with the hub; return what keeps it from answering."""
        if self.hub is None:
            return None
        try:
            self.hub.sync()
        except LabKitError as error:
            return error
        return self.hub.view.trouble

    def _is_hubs(self, run_id: str) -> bool:
        return self.run(run_id).spec.where == "hub"

    def _hub(self) -> HubRunner:
        if self.hub is None:
            raise NotFound(
                "There is no hub here.", hint="Train on this machine, or set LABKIT_SERVICE_URL and LABKIT_HUB_TOKEN (docs/runs.md)."
            )
        return self.hub


def _hub_runner(folder: Path) -> HubRunner | None:
    if service_address() is None:
        return None
    from labkit.client.hub_runner import HubRunner  # loads an HTTP client: not where there is no hub
    from labkit.client.view import hub_view

    view = hub_view()
    return None if view is None else HubRunner(folder, view)
