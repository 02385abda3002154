"""Asks the hub's service over HTTP."""

from __future__ import annotations

from urllib.parse import quote

from labkit.client.asking import ServiceClient
from labkit.client.wire import HubRunItem, HubRunList, NewHubRun, RunMoveAsk, RunReport, Standing

__all__ = ["HubClient"]


class HubClient(ServiceClient):
    """Asks who one is and how one's runs stand, and hands runs in."""

    def standing(self, *, patience_s: float | None = None) -> Standing:
        """Return who is asking, and what may be done now."""
        return self._ask(Standing, "GET", "me", patience_s=patience_s)

    def runs(self, *, course: str | None = None, everybody: bool = False, patience_s: float | None = None) -> tuple[HubRunItem, ...]:
        """Return the person's own runs, the newest first; for staff also those of a course, for admins everybody's."""
        query = {"all": "1"} if everybody else {} if course is None else {"course": course}
        return self._ask(HubRunList, "GET", "runs", query=query, patience_s=patience_s).runs

    def run(self, run_id: str) -> HubRunItem:
        """Return a run as the hub sees it."""
        return self._ask(HubRunItem, "GET", _of(run_id))

    def submit(self, run_id: str, run: NewHubRun) -> HubRunItem:
        """Put a run into the hub's line; one that is there already is answered as it stands."""
        return self._ask(HubRunItem, "PUT", _of(run_id), run)

    def cancel(self, run_id: str, *, patience_s: float | None = None) -> HubRunItem:
        """Stop a run, or take it out of the line."""
        return self._ask(HubRunItem, "POST", _of(run_id, "cancel"), patience_s=patience_s)

    def move(self, run_id: str, place: int) -> HubRunItem:
        """Let a run be the one at `place` (0: the first) among the person's own that wait."""
        return self._ask(HubRunItem, "POST", _of(run_id, "move"), RunMoveAsk(place=place))

    def report(self, run_id: str, report: RunReport, *, patience_s: float | None = None) -> HubRunItem:
        """Say how a run ended whose own server could not."""
        return self._ask(HubRunItem, "POST", _of(run_id, "report"), report, patience_s=patience_s)


def _of(run_id: str, action: str = "") -> str:
    return f"runs/{quote(run_id, safe='')}" + (f"/{action}" if action else "")
