"""A run that the hub carries out, seen from the person's side."""

from __future__ import annotations

from labkit.client.settling import settle_by
from labkit.client.view import HubView
from labkit.client.wire import HubRunItem
from labkit.errors import LabKitError
from labkit.runs import Run, RunQueue, RunRecord
from labkit.runs.answering import at_hub
from labkit.storage import RunLayout

__all__ = ["HubRun", "line_words"]


class HubRun(Run):
    """One run of the hub: its folder says how it goes on, as that of any other; the hub says when.

    While the hub is away, it stands as it was when the hub last answered, and a cancel still reaches it: by its folder.
    """

    def __init__(self, layout: RunLayout, view: HubView, queue: RunQueue | None = None) -> None:
        super().__init__(layout, queue)
        self.view = view

    @property
    def shown_device(self) -> str:
        """The hub's name for the device."""
        item = self.view.item(self.id)
        return (item and item.device) or super().shown_device

    @property
    def page(self) -> str | None:
        """Address of its page at the hub; None where that is not known."""
        item = self.view.item(self.id)
        return at_hub(item.page) if item and item.page else None

    def record(self) -> RunRecord:
        """Return how the run stands; one that ended at the hub before it began is settled."""
        record = super().record()
        if record.state != "queued":
            return record
        item = self.view.item(self.id)
        return record if item is None or not item.has_ended else settle_by(self, item)

    def place(self) -> int | None:
        """Return how many runs come before it in the hub's line; None where it does not wait, or that is not known."""
        item = self.view.item(self.id)
        return None if item is None else item.place

    def before(self) -> int:
        """Return how many runs come before it."""
        return self.place() or 0

    def waiting_words(self) -> str:
        """Return its place and why it waits, in a sentence."""
        item = self.view.item(self.id)
        return "" if item is None else line_words(item)

    def cancel(self) -> None:
        """Ask the run to stop and return at once; a hub that is away hears of it when it is back."""
        super().cancel()
        try:
            item = self.view.cancel(self.id)
        except LabKitError:
            return  # the folder has the request: whoever carries the run out sees it, and the next sync tells the hub
        if item.has_ended and self.record().state == "queued":
            settle_by(self, item)


def line_words(item: HubRunItem) -> str:
    """Return where a run stands in the hub's line and why it waits; empty for one that does not wait."""
    if item.state != "waiting":
        return ""
    place = "" if item.place is None else "next in the hub's line" if item.place == 0 else f"{_ordinal(item.place + 1)} in the hub's line"
    return ": ".join(part for part in (place, item.reason) if part) or "in the hub's line"


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
