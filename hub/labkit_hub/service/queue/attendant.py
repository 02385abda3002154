"""Looks after one server: what the queue wants of it, what the hub says of it, and what follows.

Everything that may go wrong ends here: services that were killed between two steps, answers that were lost, containers that died.
So there is one rule for all: **first make sure that nothing can start, then ask the hub, then believe it only if it says that the
server is not there**. A refusal, a fault or silence says nothing, and the server is looked at again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from labkit_hub.service.audit import SERVICE
from labkit_hub.service.context import ServerView
from labkit_hub.service.queue import leases, tickets
from labkit_hub.service.queue.desk import Desk
from labkit_hub.service.queue.starter import Starter
from labkit_hub.service.queue.transitions import ask_to_stop, cancelled_reason, end, fail_attempt, has_ended, longest_s
from labkit_hub.service.tables import DeviceRow, LeaseRow, RunRow

__all__ = ["Attendant"]

log = logging.getLogger(__name__)

_SOON_S = 0.5
_GONE = ("stopped", "absent")

Aim = Literal["there", "gone"]


class Attendant:
    """Looks after servers, one call for each look."""

    def __init__(self, desk: Desk, starter: Starter) -> None:
        self._desk = desk
        self._starter = starter

    def attend(self, user: str, name: str) -> None:
        """Look at one server, and do what is to be done now."""
        for _ in range(2):
            aim, state = self._aim(user, name)
            if aim is None:
                return
            looked = self._desk.now()
            view = self._desk.ask_hub(user, name, lambda: self._desk.context.hub.server(user, name))
            if aim == "gone" and view.state in ("running", "pending"):
                looked = self._desk.now()
                view = self._stop(user, name)
            if view.state == "unknown":
                return
            if view.state not in _GONE:
                self._there(user, name, view, aim)
                return
            if view.state == "stopped" and name:  # a refused or failed start leaves this behind, and it counts against the person
                self._stop(user, name)
            if not self._gone(user, name, looked, state):
                return

    # -- what is wanted --

    def _aim(self, user: str, name: str) -> tuple[Aim | None, str]:
        """Return what the queue wants of a server, and the state of its run; if it is to go, no ticket of it is valid afterwards."""
        with self._desk.transaction() as session:
            now, held = self._desk.now(), leases.leases_of(session, user, name)
            row = _run_of(session, user, name)
            aim: Aim | None
            if row is not None:
                aim = self._aim_of_run(row, now)
            elif self._desk.is_known((user, name)):
                aim = "gone"
            else:
                aim = self._aim_of_server(session, held, now)
            if aim == "gone":
                tickets.void(session, user, name, now)
            return aim, row.state if row else ""

    def _aim_of_run(self, row: RunRow, now: datetime) -> Aim:
        began = row.started or now
        if row.state == "running":
            limit = longest_s(row, self._desk.profiles.get(row.profile))
            if limit is not None and now > began + timedelta(seconds=limit + self._desk.settings.grace_s):
                ask_to_stop(row, SERVICE, now)
        if row.state == "starting" and self._is_overdue(row, now):
            return "gone"
        return "there" if row.state in ("starting", "running") else "gone"

    def _aim_of_server(self, session: Session, held: Sequence[LeaseRow], now: datetime) -> Aim | None:
        if not held:
            return None
        over = any(lease.until is not None and lease.until < now for lease in held)
        devices = [session.get_one(DeviceRow, lease.device_id) for lease in held]
        stopped = any(device.state == "stopped" and device.seen is not None for device in devices)  # by an admin; else it only vanished
        return "gone" if over or stopped else "there"

    def _is_overdue(self, row: RunRow, now: datetime) -> bool:
        return row.started is not None and now > row.started + timedelta(seconds=self._desk.settings.start_timeout_s)

    # -- what follows --

    def _stop(self, user: str, name: str) -> ServerView:
        return self._desk.ask_hub(user, name, lambda: self._desk.context.hub.stop_server(user, name, remove=bool(name)))

    def _there(self, user: str, name: str, view: ServerView, aim: Aim) -> None:
        with self._desk.transaction() as session:
            now, row = self._desk.now(), _run_of(session, user, name)
            for lease in leases.leases_of(session, user, name):
                lease.confirmed = lease.confirmed or now
            if row is not None and row.state == "starting" and view.state == "running" and aim == "there":
                row.state, row.started = "running", now
        if aim == "gone" or view.state == "pending":
            self._desk.turns.remind((user, name), _SOON_S)

    def _gone(self, user: str, name: str, looked: datetime, state: str) -> bool:
        """Draw the conclusion from a server that is not there; True if it has to be looked at once more."""
        secret = None
        with self._desk.transaction() as session:
            now, row = self._desk.now(), _run_of(session, user, name)
            if tickets.has_live(session, user, name, now):
                tickets.void(session, user, name, now)  # a request with it may still be under way: it leads nowhere now
                return True
            if not leases.is_proof(session, user, name, looked, now) or (row.state if row else "") != state:
                return True
            if row is not None and row.state == "starting" and not self._is_overdue(row, now) and not _was_admitted(session, row):
                secret = self._starter.new_ticket(session, row, now)
            else:
                why = self._conclude(session, row, now)
                leases.free(session, user, name, now=now, why=why)
        self._desk.changed()
        if row is not None and secret is not None:
            self._starter.start_soon(row.owner, row.id, secret)
        return False

    def _conclude(self, session: Session, row: RunRow | None, now: datetime) -> str:
        """Bring a run whose server is definitely gone to its end, or back into the line; return why its device is free."""
        if row is None:
            return "its server has stopped"
        if has_ended(row):
            return row.state
        if row.state == "cancelling":
            profile = self._desk.profiles.get(row.profile)
            by_limit = row.asked_to_stop_by == SERVICE
            end(session, row, "failed" if by_limit else "cancelled", cancelled_reason(row, profile), now)
        elif row.state == "running":
            end(session, row, "lost", "Its server stopped before it could say how the run ended. Resume it, or try it again.", now)
        elif row.state == "starting":
            late = self._is_overdue(row, now)
            message = f"It did not answer within {self._desk.settings.start_timeout_s:.0f} s." if late else "It stopped before it answered."
            fail_attempt(session, row, message, self._desk.settings, now)
        return row.state


def _run_of(session: Session, user: str, name: str) -> RunRow | None:
    """Return the run that a server carries out, if it is one of the queue's and of this person."""
    if not name.startswith("run-"):
        return None
    row = session.get(RunRow, name.removeprefix("run-"))
    return row if row is not None and row.owner == user else None


def _was_admitted(session: Session, row: RunRow) -> bool:
    return row.started is not None and tickets.used_since(session, row.owner, row.server_name, row.started)
