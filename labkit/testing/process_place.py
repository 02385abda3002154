"""A real hub with its real service whose servers are processes, as tests of the queue need it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.client import HubClient
from labkit.client.settings import ServiceAddress
from labkit.client.wire import HubRunItem, NewHubRun
from labkit.runs.submitting import Submission
from labkit.storage import RunLayout
from labkit.testing.hub import hub_programs
from labkit.testing.light_hub import LightHub
from labkit.testing.queue_contract import JournalLine, patience
from labkit.testing.runs import WRITE_RESULT, cells_spec, is_alive, wait_until
from labkit_hub.homes import UserHome

if TYPE_CHECKING:
    import httpx
    import psutil

__all__ = ["ProcessPlace", "process_place"]

_PATIENCE_S = 120.0
_SETTINGS = {
    "LABKIT_DEVICES__FAKE": "2",
    "LABKIT_DEVICES__NVIDIA": "false",
    "LABKIT_IDLE__SERVER_S": "0",
    "LABKIT_IDLE__DEVICE_S": "0",
    "LABKIT_QUEUE__LOOK_S": "1",
    "LABKIT_QUEUE__RECONCILE_S": "3",
    "LABKIT_QUEUE__WAITING_PER_PERSON": "50",
}


class ProcessPlace:
    """One hub for all tests of a file; each has people of its own, so that nobody's runs are another test's.

    Attributes
    ----------
    hub : LightHub
    people : sequence of str
        Of this test.
    database_url : str
        The service's.
    """

    def __init__(self, hub: LightHub, journal: Path, database_url: str = "") -> None:
        self.hub = hub
        self.people: Sequence[str] = ()
        self.database_url = database_url or f"sqlite:///{hub.var / 'labkit.sqlite'}"
        self._journal = journal
        self._clients: dict[str, HubClient] = {}
        self._notebooks = journal.parent

    def begin(self) -> None:
        """Forget what earlier tests did: they have left nothing that goes on."""
        from sqlalchemy import create_engine, text

        engine = create_engine(self.database_url, connect_args=patience(self.database_url))
        with engine.begin() as connection:
            for table in ("usage", "tickets", "runs"):
                connection.execute(text(f"DELETE FROM {table}"))
        engine.dispose()
        self._journal.write_text("")
        self.people = [f"{name}{secrets.token_hex(2)}" for name in ("anna", "ben", "carl", "dora")]
        for person in self.people:
            self.add(person)

    def add(self, person: str) -> HubClient:
        """Make an account and a home, and return who asks the service for this person."""
        self.hub.api("POST", f"/users/{person}")
        token = self.hub.api("POST", f"/users/{person}/tokens", {}).json()["token"]
        UserHome.of(self.hub.var / "homes", person).prepare()
        self._clients[person] = HubClient(ServiceAddress(f"{self.hub.url}/services/labkit", token), patience_s=_PATIENCE_S)
        return self._clients[person]

    def home(self, person: str) -> Path:
        """Return a person's home."""
        return UserHome.of(self.hub.var / "homes", person).root

    def folder(self, person: str, run_id: str) -> RunLayout:
        """Return the folder of a run."""
        return RunLayout(self.home(person) / "projects" / "cells" / "runs" / run_id)

    def submit(self, person: str, *cells: str) -> str:
        """Put a run into the line, by default one that is soon done."""
        submission = Submission.checked(cells_spec(self._notebooks, *(cells or (WRITE_RESULT,)), where="hub"))
        run_id, wish = submission.spec.id, NewHubRun(kind="test", path="projects/cells/runs")
        folder = self.folder(person, run_id).root.parent
        submission.hand_in(folder, lambda: self._clients[person].submit(run_id, wish), lambda: None)
        return run_id

    def submit_endless(self, person: str) -> str:
        """Put a run into the line that ends only when it is told to."""
        return self.submit(person, "import time\nwhile True: time.sleep(0.1)")

    def runs(self, person: str) -> Sequence[HubRunItem]:
        """Return a person's runs."""
        return self._clients[person].runs()

    def run(self, person: str, run_id: str) -> HubRunItem:
        """Return one run."""
        return self._clients[person].run(run_id)

    def cancel(self, person: str, run_id: str) -> None:
        """Cancel a run."""
        self._clients[person].cancel(run_id)

    def kill_service(self) -> None:
        """Kill the service; the hub starts it again."""
        wait_until(lambda: self.service() is not None, timeout_s=_PATIENCE_S)  # it may have to come back from the kill before
        service = self.processes("labkit_hub.service")[0]
        service.kill()
        wait_until(lambda: not is_alive(service))
        wait_until(lambda: self.service() is not None, timeout_s=_PATIENCE_S)

    def service(self) -> psutil.Process | None:
        """Return the process of the service, None while there is none."""
        return next(iter(self.processes("labkit_hub.service")), None)

    def processes(self, word: str) -> list[psutil.Process]:
        """Return the processes of this hub with this word in their command."""
        return hub_programs(self.hub.var, word)

    def journal(self) -> Sequence[JournalLine]:
        """Return what the servers of runs wrote down."""
        return [JournalLine(**json.loads(line)) for line in self._journal.read_text().splitlines()]

    def server_names(self) -> Sequence[str]:
        """Return the names of all servers of runs that the hub has a row of."""
        users = self.hub.api("GET", "/users?include_stopped_servers=1").json()
        return [name for user in users for name in user["servers"] if name]

    def set_devices(self, action: str) -> None:
        """Take all devices out of use, or use them again."""
        for device in self.ask_as_admin("GET", "devices").json()["devices"]:
            self.ask_as_admin("POST", f"devices/{device['id']}/{action}")

    def ask_as_admin(self, method: str, path: str) -> httpx.Response:
        """Ask the service's API."""
        import httpx

        token = self.hub.api("POST", "/users/admin/tokens", {}).json()["token"]
        url, headers = f"{self.hub.url}/services/labkit/api/{path}", {"Authorization": f"token {token}"}
        return httpx.request(method, url, headers=headers, trust_env=False, timeout=30).raise_for_status()


@contextmanager
def process_place(folder: Path, *, env: Mapping[str, str] | None = None, database_url: str = "") -> Iterator[ProcessPlace]:
    """Give one; nothing of it runs afterwards.

    Parameters
    ----------
    env : mapping, optional
        Further settings of the hub.
    database_url : str
        The service's database, if it is not the one that is there without any setting.
    """
    journal = folder / "journal.jsonl"
    journal.touch()
    with LightHub(folder / "var", env={**_SETTINGS, "LIGHT_HUB_JOURNAL": str(journal), **(env or {})}) as hub:
        hub.api("POST", "/users/admin")
        yield ProcessPlace(hub, journal, database_url)
