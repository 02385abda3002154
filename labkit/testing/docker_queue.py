"""The queue of a compose stack, for `labkit.testing.queue_contract`: people with homes in volumes, runs in containers."""

from __future__ import annotations

import json
import os
import secrets
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.client.wire import HubRunItem, HubRunList
from labkit.testing.queue_contract import JournalLine
from labkit.testing.runs import cells_spec, wait_until
from labkit.testing.stack import Stack, docker, wait_for

if TYPE_CHECKING:
    import httpx

__all__ = ["DockerPlace", "give_to_student"]

_RUNS = "projects/cells/runs"
_NAMES = ("anna", "ben", "carl", "dora")
_PATIENCE_S = 240.0  # a hub or a service that was killed starts again meanwhile
# A run's only cell: what it says of itself lies in the home.
_CELL = """
import os, time
from pathlib import Path
from labkit.runs import current_run
def note(began):
    with (Path.home() / "journal").open("a") as journal:
        print(Path(os.environ["LABKIT_RUN_DIR"]).name, os.environ["LABKIT_DEVICE"], began, time.time(), file=journal)
note(1)
{work}
note(0)
current_run().write_result({{"answer": 42}})
"""


class DockerPlace:
    """New people on a running stack, and nothing in the line.

    Attributes
    ----------
    people : sequence of str
    database_url : str
        Of the service, as the host reaches it.
    """

    def __init__(self, stack: Stack, admin: httpx.Client, folder: Path) -> None:
        self.stack, self._admin, self._folder = stack, admin, folder
        mark = secrets.token_hex(2)
        self.people: Sequence[str] = [f"{name}-{mark}" for name in _NAMES]
        password = (stack.folder / "secrets" / "postgres_password").read_text().strip()
        self.database_url = f"postgresql+psycopg://labkit:{password}@{stack.subnet}.1.2/labkit"
        self._tokens = {name: self._enter(name) for name in self.people}
        self.homes = {name: self._home(name) for name in self.people}

    def _enter(self, name: str) -> str:
        """Make the account and return a token of it."""
        assert self.ask_hub("POST", f"users/{name}").status_code == 201
        return str(self.ask_hub("POST", f"users/{name}/tokens", json={}).json()["token"])

    def _home(self, name: str) -> Path:
        """Make the home's volume, as the first server would, and return where it lies on this machine."""
        from labkit_hub.placement import home_volume_name

        volume = home_volume_name(self.stack.name, name)
        docker("volume", "create", volume)
        home = Path(docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume).strip())
        os.chown(home, 1000, 1000)
        return home

    def ask_hub(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Ask the hub's API as the admin."""
        xsrf = next(cookie.value or "" for cookie in self._admin.cookies.jar if cookie.name == "_xsrf" and cookie.path == "/hub/")
        headers = {"Referer": f"{self.stack.url}/hub/admin", "X-XSRFToken": xsrf}
        return self._admin.request(method, f"/hub/api/{path}", headers=headers, **content)

    work = "time.sleep(0.2)"
    """What a run does that is not told anything else."""

    def submit(self, person: str, work: str | None = None) -> str:
        """Put a run into the line that does this work."""
        from labkit.runs.submitting import Submission

        folder = self.homes[person] / _RUNS
        own = self._folder / secrets.token_hex(4)
        own.mkdir(parents=True)
        spec = cells_spec(own, _CELL.format(work=work or self.work), where="hub")
        body = {"kind": "test", "path": _RUNS}

        def hand_in() -> None:
            give_to_student(self.homes[person] / "projects")
            wait_until(lambda: self._ask("PUT", person, f"runs/{spec.id}", body) is not None, timeout_s=_PATIENCE_S)

        Submission.checked(spec).hand_in(folder, hand_in, lambda: None)
        return spec.id

    def submit_endless(self, person: str) -> str:
        """Put a run into the line that ends only when it is told to."""
        return self.submit(person, "time.sleep(600)")

    def submit_until_let_go(self, person: str) -> str:
        """Put a run into the line that computes until `let_go`."""
        return self.submit(person, 'while not (Path.home() / "enough").exists(): time.sleep(0.1)')

    def let_go(self, person: str) -> None:
        """Let such a run of a person come to its end."""
        (self.homes[person] / "enough").touch()

    def runs(self, person: str) -> Sequence[HubRunItem]:
        """Return a person's runs."""
        found = wait_for(lambda: self._ask("GET", person, "runs"), "the runs")
        return HubRunList.model_validate(found).runs

    def run(self, person: str, run_id: str) -> HubRunItem:
        """Return one run."""
        return next(run for run in self.runs(person) if run.id == run_id)

    def cancel(self, person: str, run_id: str) -> None:
        """Cancel a run."""
        wait_until(lambda: self._ask("POST", person, f"runs/{run_id}/cancel") is not None, timeout_s=_PATIENCE_S)

    def kill_service(self) -> None:
        """Kill the service in the hub's container; the hub starts it again."""
        self.kill_in_hub("labkit_hub.service")

    def kill_in_hub(self, words: str) -> None:
        """Kill the program of the hub's container whose command has these words."""
        hub = self.stack.container("hub")

        def find() -> int | None:  # it may have to come back from the kill before
            found = [int(line.split()[0]) for line in docker("top", hub, "-eo", "pid,args").splitlines()[1:] if words in line]
            return found[0] if len(found) == 1 else None

        os.kill(wait_for(find, f"the one program {words}"), signal.SIGKILL)

    def journal(self) -> Sequence[JournalLine]:
        """Return what the runs wrote into the homes."""
        lines = [line.split() for home in self.homes.values() if (home / "journal").is_file() for line in (home / "journal").open()]
        return [JournalLine(run_id, device, began == "1", float(moment)) for run_id, device, began, moment in lines]

    def server_names(self) -> Sequence[str]:
        """Return the named servers that the hub has rows of."""
        answer = wait_for(lambda: _well(self.ask_hub("GET", "users", params={"include_stopped_servers": "1"})), "the hub")
        return [name for user in answer.json() for name in user["servers"] if name]

    def devices(self) -> list[dict[str, Any]]:
        """Return the devices, as the admin sees them."""
        answer = wait_for(lambda: _well(self._admin.get("/services/labkit/api/devices")), "the service")
        return list(answer.json()["devices"])

    def _ask(self, method: str, person: str, path: str, body: Any = None) -> Any:
        """Return the answer; None while the service is away."""
        import httpx

        answer: httpx.Response | None = None
        with suppress(httpx.HTTPError):
            headers = {"Authorization": f"token {self._tokens[person]}"}
            with self.stack.session() as session:
                answer = session.http.request(method, f"/services/labkit/api/{path}", json=body, headers=headers)
        if answer is None or answer.status_code >= 500 or answer.status_code == 403:
            return None
        assert answer.status_code < 300, answer.text
        return json.loads(answer.text)


def give_to_student(folder: Path) -> None:
    """Make all of a folder the student's own, else it would be somebody else's; what is there for a moment only may vanish meanwhile."""
    for place, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            with suppress(FileNotFoundError):  # another run's folder that has just got its name, or a file that has just been replaced
                os.chown(Path(place) / name, 1000, 1000)


def _well(answer: httpx.Response) -> httpx.Response | None:
    """Return a proper answer; what a hub says that starts, or whose database is away, is none."""
    return answer if answer.status_code == 200 and answer.headers["content-type"].startswith("application/json") else None
