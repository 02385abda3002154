"""Asks the hub for the server of a run that has its device."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from labkit_hub.service.context import ServerView
from labkit_hub.service.queue import leases, tickets
from labkit_hub.service.queue.desk import Desk
from labkit_hub.service.queue.transitions import fail_attempt
from labkit_hub.service.tables import RunRow

__all__ = ["Starter"]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0
_LOOK_AFTER_S = 1.0


class Starter:
    """Starts servers; what it cannot tell, it leaves to the attendant."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def new_ticket(self, session: Session, row: RunRow, now: datetime) -> str:
        """Return the secret of a new ticket for the run's server; those before it are void."""
        tickets.void(session, row.owner, row.server_name, now)
        return tickets.make(
            session,
            username=row.owner,
            server_name=row.server_name,
            profile=row.profile,
            run_id=row.id,
            now=now,
            valid_s=self._desk.settings.ticket_s,
        )

    def start_soon(self, owner: str, run_id: str, secret: str) -> None:
        """Start a run's server as soon as one of the few starters is free."""
        key = (owner, f"run-{run_id}")
        self._desk.turns.start(key, lambda: self.start(run_id, secret))
        self._desk.turns.remind(key, _LOOK_AFTER_S)

    def start(self, run_id: str, secret: str) -> None:
        """Ask for a run's server until the hub has taken the request, has refused it, or cannot be understood."""
        tries = 0
        while (valid := self._valid(run_id, secret)) is not None:
            (row, secret), tries = valid, tries + 1
            options = {"profile": row.profile, "ticket": secret}
            hub, owner, name = self._desk.context.hub, row.owner, row.server_name
            view = self._desk.ask_hub(owner, name, lambda: hub.start_server(owner, name, options))  # noqa: B023
            if not _is_busy(view):
                self._note(row, view)
                return
            longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(tries - 1, 6))
            if self._desk.closing.wait(longest * random.uniform(0.5, 1.0)):
                return

    def _valid(self, run_id: str, secret: str) -> tuple[RunRow, str] | None:
        """Return the run and a ticket that is valid for long enough; None if the run is not to be started any more."""
        with self._desk.transaction() as session:
            now, row = self._desk.now(), session.get(RunRow, run_id)
            if row is None or row.state != "starting" or row.started is None:
                return None
            if now > row.started + timedelta(seconds=self._desk.settings.start_timeout_s):
                return None
            if not tickets.is_live(session, secret, now + timedelta(seconds=self._desk.settings.ticket_s / 2)):
                # It waited too long, or somebody who looked before the start was noted has voided it.
                secret = self.new_ticket(session, row, now)
            return row, secret

    def _note(self, row: RunRow, view: ServerView) -> None:
        """Write down what the hub answered."""
        if view.state in ("pending", "running"):
            with self._desk.transaction() as session:
                now, again = self._desk.now(), session.get(RunRow, row.id)
                for lease in leases.leases_of(session, row.owner, row.server_name):
                    lease.confirmed = lease.confirmed or now
                if again is not None and again.state == "starting" and view.state == "running":
                    again.state, again.started = "running", now
            self._desk.turns.remind((row.owner, row.server_name), _LOOK_AFTER_S)
        elif view.state in ("stopped", "absent"):
            self._refused(row, str(view.facts.get("message") or "The hub refused it."))
        else:
            self._desk.turns.remind((row.owner, row.server_name), _LOOK_AFTER_S)

    def _refused(self, row: RunRow, message: str) -> None:
        """Count the attempt if the server is definitely not there, and remove what is left of it."""
        user, name, hub = row.owner, row.server_name, self._desk.context.hub
        with self._desk.transaction() as session:
            tickets.void(session, user, name, self._desk.now())
        looked = self._desk.now()
        view = self._desk.ask_hub(user, name, lambda: hub.server(user, name))
        if view.state == "stopped":
            self._desk.ask_hub(user, name, lambda: hub.stop_server(user, name, remove=True))
        if view.state not in ("stopped", "absent"):
            self._desk.turns.remind((user, name), _LOOK_AFTER_S)
            return
        with self._desk.transaction() as session:
            now, again = self._desk.now(), session.get(RunRow, row.id)
            if again is None or again.state != "starting" or not leases.is_proof(session, user, name, looked, now):
                return
            fail_attempt(session, again, message, self._desk.settings, now)
            leases.free(session, user, name, now=now, why=f"not started: {message}")
        self._desk.changed()


def _is_busy(view: ServerView) -> bool:
    """Return whether the hub said that it starts too many servers just now: nothing was started, and it is asked again."""
    return view.state in ("stopped", "absent", "unknown") and (bool(view.facts.get("throttled")) or view.facts.get("status") in (429, 503))
