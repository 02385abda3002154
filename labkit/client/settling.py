"""Folder and hub agree again: what ended in one place and not in the other, because somebody was killed or away in between."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from labkit.client.wire import HubRunItem, RunReport
from labkit.errors import Locked
from labkit.events import RunState
from labkit.runs import Run, RunRecord
from labkit.storage import hold_lock

if TYPE_CHECKING:
    from labkit.client.view import HubView

__all__ = ["correct_hub", "settle_by", "tell_hub"]

_MOST_REASON = 4000
_NO_WORD = "The hub says that the run has ended, but the run left no word of it. Start it again with retry."


def settle_by(run: Run, item: HubRunItem) -> RunRecord:
    """End a run as it ended at the hub, if nobody carries it out; what its own supervisor has written counts more."""
    try:
        with hold_lock(run.layout.lock, timeout_s=0, what="this run"):
            return run.settle(_end_of(item), item.reason or _NO_WORD)
    except Locked:
        return Run.record(run)  # it is there after all, and will write how it ended


def _end_of(item: HubRunItem) -> RunState:
    """Return the end state for a folder without one: a run that is done would have written that itself."""
    ends: dict[str, RunState] = {"cancelled": "cancelled", "failed": "failed"}
    return ends.get(item.state, "lost")


def tell_hub(run: Run, item: HubRunItem, view: HubView) -> None:
    """Take a run that has ended here before the hub let it begin out of the hub's line."""
    if item.state in ("waiting", "starting") and run.record().has_ended:
        with contextlib.suppress(Exception):
            view.cancel(run.id)


def correct_hub(record: RunRecord, item: HubRunItem, view: HubView) -> None:
    """Tell the hub how a run ended that it takes for lost: its service was away for longer than the run's own server tried to say so.

    Raises
    ------
    LabKitError
        The hub does not answer.
    """
    if item.state == "lost" and record.state in ("done", "failed", "cancelled"):
        view.report(record.id, RunReport(state=record.state, reason=record.reason[:_MOST_REASON]))
