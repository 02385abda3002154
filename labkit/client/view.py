"""What the hub said last of a person's runs: asked anew after a moment, and kept while the hub is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from labkit.client.client import HubClient
from labkit.client.settings import service_address
from labkit.client.wire import HubRunItem, NewHubRun, RunReport, Standing
from labkit.errors import LabKitError

__all__ = ["HubView", "hub_view"]

_FRESH_S = 2.0
_QUIET = 10  # times as long, where no run of the person goes on or waits: there may be hundreds who look
_CANCEL_S = 2.0  # a cancel reaches the run by its folder, too
_AWAY_S = 5.0  # so long a hub that is away is not asked again by whoever only looks


class HubView:
    """The person's runs at the hub; safe among threads, and shared by all that look at runs in one program.

    Parameters
    ----------
    client : HubClient
        Asks the hub.
    fresh_s : float
        How long an answer is good while a run goes on or waits.

    Attributes
    ----------
    in_step : set of str
        Runs whose folders and whose entries at the hub have ended alike: nothing is left to be done for them.
    """

    def __init__(self, client: HubClient, *, fresh_s: float = _FRESH_S) -> None:
        self.client = client
        self._fresh_s = fresh_s
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._changes = 0
        self._items: dict[str, HubRunItem] = {}
        self._good_until = 0.0
        self._trouble: LabKitError | None = None
        self._standing: tuple[float, Standing] | None = None
        self.in_step: set[str] = set()

    @property
    def trouble(self) -> LabKitError | None:
        """What kept the hub from answering when it was asked last; None if it did answer."""
        return self._trouble

    def items(self) -> Mapping[str, HubRunItem]:
        """Return the runs by id, the newest first, as they are or (see `trouble`) as they were when the hub last answered."""
        if time.monotonic() >= self._good_until and self._asking.acquire(blocking=self._good_until == 0.0):
            try:
                if time.monotonic() >= self._good_until:
                    self._look()
            finally:
                self._asking.release()
        with self._lock:  # while another thread asks, what was known before is good enough
            return dict(self._items)

    def item(self, run_id: str) -> HubRunItem | None:
        """Return a run as the hub sees it, None where that is not known."""
        return self.items().get(run_id)

    def standing(self) -> Standing:
        """Return who the person is to the hub, and what may be done now, as it was a moment ago at the most."""
        known = self._standing
        if known is None or time.monotonic() >= known[0]:
            known = self._standing = time.monotonic() + self._fresh_s, self.client.standing(patience_s=0)
        return known[1]

    def own_line(self) -> list[str]:
        """Return the ids of the person's runs that wait at the hub, in the order of the line."""
        waiting = [item for item in self.items().values() if item.place is not None]
        return [item.id for item in sorted(waiting, key=lambda item: item.place or 0)]

    def submit(self, run_id: str, run: NewHubRun) -> HubRunItem:
        """Put a run into the hub's line."""
        return self._changed(self.client.submit(run_id, run))

    def cancel(self, run_id: str) -> HubRunItem:
        """Stop a run, or take it out of the line."""
        return self._changed(self.client.cancel(run_id, patience_s=_CANCEL_S))

    def move(self, run_id: str, place: int) -> HubRunItem:
        """Change the order of the person's own runs that wait."""
        return self._changed(self.client.move(run_id, place))

    def report(self, run_id: str, report: RunReport) -> HubRunItem:
        """Say how a run ended whose own server could not."""
        return self._changed(self.client.report(run_id, report, patience_s=0))

    def _look(self) -> None:
        changes, trouble, found = self._changes, None, None
        try:
            found = self.client.runs(patience_s=0)
        except LabKitError as error:
            trouble = error
        with self._lock:
            self._trouble = trouble
            if found is not None:
                self._items = {item.id: item for item in found}
            if changes == self._changes:  # else the answer may be older than the change
                self._good_until = time.monotonic() + self._good_for_s(found)

    def _good_for_s(self, found: tuple[HubRunItem, ...] | None) -> float:
        if found is None:
            return _AWAY_S
        return self._fresh_s * (1 if any(not item.has_ended for item in found) else _QUIET)

    def _changed(self, item: HubRunItem) -> HubRunItem:
        with self._lock:
            self._items = {item.id: item, **{key: other for key, other in self._items.items() if key != item.id}}
            self._changes += 1
            self._standing = None
            self._good_until = 0.0  # the places of the others have changed too
        return item


_views: dict[tuple[str, str], HubView] = {}
_views_lock = threading.Lock()


def hub_view() -> HubView | None:
    """Return this program's view of the hub that it belongs to, None where there is no hub."""
    address = service_address()
    if address is None:
        return None
    with _views_lock:
        key = address.url, address.token
        if key not in _views:
            _views[key] = HubView(HubClient(address))
        return _views[key]
