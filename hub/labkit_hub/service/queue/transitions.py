"""How a run's row goes from one state to the next; who calls holds the queue's transaction."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from labkit.client.wire import HUB_END_STATES, HubRunState
from labkit_hub.profiles import Profile
from labkit_hub.service.audit import SERVICE
from labkit_hub.service.queue import tickets
from labkit_hub.service.queue.words import span
from labkit_hub.service.tables import RunRow
from labkit_hub.settings import QueueSettings

__all__ = ["ask_to_stop", "cancelled_reason", "end", "fail_attempt", "has_ended", "longest_s"]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 60.0


def has_ended(row: RunRow) -> bool:
    """Return whether a run is over for good."""
    return row.state in HUB_END_STATES


def end(session: Session, row: RunRow, state: HubRunState, reason: str, now: datetime) -> None:
    """End a run; nothing that was prepared for it can start any more."""
    row.state, row.reason, row.ended, row.not_before = state, reason, now, None
    tickets.void(session, row.owner, row.server_name, now)


def ask_to_stop(row: RunRow, by: str, now: datetime) -> None:
    """Note that the run's server is to be stopped."""
    row.state, row.asked_to_stop, row.asked_to_stop_by = "cancelling", now, by


def fail_attempt(session: Session, row: RunRow, message: str, settings: QueueSettings, now: datetime) -> None:
    """Count a start that has definitely failed: back into the line for a while, or the end after the last."""
    row.attempts += 1
    if row.attempts >= settings.attempts:
        tries = f" (tried {row.attempts} times)" if row.attempts > 1 else ""
        row.started = None
        end(session, row, "failed", f"Its server could not be started{tries}: {message}", now)
        return
    pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (row.attempts - 1)) * random.uniform(0.5, 1.5)
    row.state, row.reason, row.started = "waiting", message, None
    row.not_before = now + timedelta(seconds=min(pause_s, settings.start_timeout_s))
    tickets.void(session, row.owner, row.server_name, now)


def longest_s(row: RunRow, profile: Profile | None) -> float | None:
    """Return for how long a run may compute, in seconds; None if nothing bounds it any more."""
    bounds = [row.time_limit_s, profile.longest_h * 3600 if profile else None]
    return min((bound for bound in bounds if bound is not None), default=None)


def cancelled_reason(row: RunRow, profile: Profile | None) -> str:
    """Return who or what stopped a run, in a sentence."""
    if row.asked_to_stop_by == SERVICE:
        limit = longest_s(row, profile)
        return f"It was stopped at its time limit{f' of {span(limit)}' if limit else ''}."
    if row.asked_to_stop_by and row.asked_to_stop_by != row.owner:
        return f"{row.asked_to_stop_by} cancelled it."
    return "You cancelled it."
