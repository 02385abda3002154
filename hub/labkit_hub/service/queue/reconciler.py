"""Compares, again and again, what the queue believes with what the hub knows."""

from __future__ import annotations

import logging
import re
import threading
import time

from sqlalchemy import select

from labkit.runs.records import RUN_ID_PATTERN
from labkit_hub.service.queue import tickets
from labkit_hub.service.queue.desk import Desk
from labkit_hub.service.queue.devices import find_devices, write_devices
from labkit_hub.service.queue.line import ACTIVE_STATES
from labkit_hub.service.queue.turns import Key
from labkit_hub.service.tables import LeaseRow, RunRow

__all__ = ["Reconciler"]

log = logging.getLogger(__name__)

_TICK_S = 0.1
_RUN_SERVER = re.compile(rf"^run-{RUN_ID_PATTERN.strip('^$')}$")
_ALL: Key = ("", "*")


class Reconciler:
    """A thread that sends the attendant to servers: to those that hold something often, to all that the hub knows now and then."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._thread = threading.Thread(target=self._run, name="queue-reconciler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end, which comes when the desk closes."""
        self._thread.join()

    def reconcile(self) -> None:
        """Compare everything: devices, leases without a server, servers without a run, runs without a server."""
        found = find_devices(self._desk.context.settings.devices)
        with self._desk.transaction() as session:
            now = self._desk.now()
            if found is not None:
                write_devices(session, found, now)
            tickets.purge(session, now)
        self._desk.changed()
        self.look()
        for key in self._strangers():
            self._desk.look(*key)

    def look(self) -> None:
        """Look at all servers that hold a device or carry out a run."""
        for key in self._ours():
            self._desk.look(*key)

    def _ours(self) -> set[Key]:
        with self._desk.context.database.reading() as session:
            held = session.execute(select(LeaseRow.username, LeaseRow.server_name)).all()
            active = session.execute(select(RunRow.owner, RunRow.server_name).where(RunRow.state.in_(ACTIVE_STATES))).all()
        return {(str(user), str(name)) for user, name in (*held, *active)}

    def _strangers(self) -> set[Key]:
        """Return servers of runs, also stopped ones, that carry out no run that goes on."""
        servers = self._desk.context.hub.servers()
        if servers is None:
            return set()
        return {(view.user, view.name) for view in servers if _RUN_SERVER.match(view.name)} - self._ours()

    def _run(self) -> None:
        next_look = next_all = 0.0
        settings, turns = self._desk.settings, self._desk.turns
        while not self._desk.closing.wait(_TICK_S):
            try:
                for key in turns.due():
                    self._desk.look(*key)
                if time.monotonic() >= next_all:
                    next_all = time.monotonic() + settings.reconcile_s
                    next_look = time.monotonic() + settings.look_s
                    turns.look(_ALL, self.reconcile)
                elif time.monotonic() >= next_look:
                    next_look = time.monotonic() + settings.look_s
                    turns.look(_ALL, self.look)
            except Exception as error:
                self._desk.note_failure("reconciler", error)
                self._desk.closing.wait(1.0)
