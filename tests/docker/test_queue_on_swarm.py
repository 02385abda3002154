"""deploy/swarm.yml on a swarm of one node: the queue keeps its contract, runs happen once, and what is hardened is read back.

No packet is sent to an address of the world: the routes say what would become of it.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from labkit.client.wire import HubRunItem, HubRunList
from labkit.runs.submitting import Submission
from labkit.testing.docker_queue import give_to_student
from labkit.testing.queue_contract import JournalLine, QueueContract, lease_count
from labkit.testing.runs import WRITE_RESULT, cells_spec, wait_until
from labkit.testing.stack import wait_for
from labkit.testing.swarm import Swarm
from labkit_hub.layout import VarLayout
from labkit_hub.placement.names import home_volume_name, server_object_name

pytestmark = [pytest.mark.docker, pytest.mark.ci]
CHECKOUT = Path(__file__).resolve().parents[2]
STACK, PREFIX, PORT = "lk", "lksw", 8000
RUNS = "projects/cells/runs"
PATIENCE_S = 240.0
COMPUTE = """
import os, time
def note(began):
    with open(os.path.expanduser("~/journal"), "a") as journal:
        journal.write(f"{os.path.basename(os.environ['LABKIT_RUN_DIR'])} {os.environ['LABKIT_DEVICE']} {began} {time.time()}\\n")
note(1)
WORK
note(0)
"""
DEAF = """
import signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
while True:
    time.sleep(0.1)
"""
KILL_SERVICE = """
import os
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        if b"labkit_hub.service" in open(f"/proc/{pid}/cmdline", "rb").read().split(b"\\0"):
            os.kill(int(pid), 9)
    except OSError:
        pass  # another program, which has just ended
"""


@dataclass
class SwarmPlace:
    """The stack, and some people of a test."""

    swarm: Swarm
    folder: Path
    token: str
    people: Sequence[str] = ()
    tokens: dict[str, str] = field(default_factory=dict)
    work: str = "time.sleep(0.5)"

    @property
    def database_url(self) -> str:
        """The service's database, in the hub's volume."""
        return f"sqlite:///{VarLayout(self.swarm.volume(f'{STACK}_hub')).service_database}"

    def up(self) -> None:
        """Deploy it and wait until the service answers."""
        environment = os.environ | {"LABKIT_SECRETS": str(self.folder / "secrets")}
        subprocess.run(["sh", str(CHECKOUT / "images" / "secrets.sh")], env=environment, check=True, capture_output=True)
        own = {
            "CHECKOUT": str(CHECKOUT),
            "TESTER_TOKEN": self.token,
            "LABKIT_SECRETS": str(self.folder / "secrets"),
            "LABKIT_DOCKER_GID": "1000",
            "LABKIT_DOCKER_SOCKET": str(self.swarm.socket),
            "LABKIT_STUDENT_IMAGE": "labkit/student-small:local",
            "LABKIT_PREFIX": PREFIX,
            "LABKIT_PORT": str(PORT),
            "LABKIT_DEVICES__FAKE": "2",
            "LABKIT_DEVICES__NVIDIA": "false",
        }
        files = ["-c", str(CHECKOUT / "deploy" / "swarm.yml"), "-c", str(CHECKOUT / "tests" / "docker" / "test-swarm.yml")]
        self.swarm.docker("stack", "deploy", "--resolve-image=never", *files, STACK, env=own)
        wait_for(lambda: self.ask("GET", "/services/labkit/health") is not None or None, "the service on the swarm")

    def with_people(self, *names: str) -> SwarmPlace:
        """Return it for new people, who have homes."""
        tokens = {}
        for name in names:
            assert self.ask("POST", f"/hub/api/users/{name}", {}) is not None
            tokens[name] = self.ask("POST", f"/hub/api/users/{name}/tokens", {})["token"]
            self.swarm.docker("volume", "create", home_volume_name(PREFIX, name))
            (self.home(name) / RUNS).mkdir(parents=True)
            give_to_student(self.home(name))
        return SwarmPlace(self.swarm, self.folder, self.token, names, tokens)

    def home(self, person: str) -> Path:
        """Return a person's home."""
        return self.swarm.volume(home_volume_name(PREFIX, person))

    def submit(self, person: str) -> str:
        notebooks = self.folder / "notebooks"
        notebooks.mkdir(exist_ok=True)
        spec = cells_spec(notebooks, COMPUTE.replace("WORK", self.work), WRITE_RESULT, where="hub")
        runs = self.home(person) / RUNS

        def put() -> None:
            give_to_student(runs)
            body = {"kind": "test", "path": RUNS}
            wait_until(lambda: self.ask("PUT", f"/services/labkit/api/runs/{spec.id}", body, person) is not None, timeout_s=PATIENCE_S)

        Submission.checked(spec).hand_in(runs, put, lambda: None)
        return spec.id

    def submit_endless(self, person: str) -> str:
        return replace(self, work="time.sleep(600)").submit(person)

    def runs(self, person: str) -> Sequence[HubRunItem]:
        found = wait_for(lambda: self.ask("GET", "/services/labkit/api/runs", person=person), "the list of runs", timeout_s=PATIENCE_S)
        return HubRunList.model_validate(found).runs

    def state(self, person: str, run_id: str) -> str:
        """Return how a run stands."""
        return next((run.state for run in self.runs(person) if run.id == run_id), "")

    def cancel(self, person: str, run_id: str) -> None:
        wait_until(lambda: self.ask("POST", f"/services/labkit/api/runs/{run_id}/cancel", person=person) is not None, timeout_s=PATIENCE_S)

    def kill_service(self) -> None:
        self.swarm.docker("exec", self.container(f"{STACK}_hub"), "python", "-c", KILL_SERVICE)

    def journal(self) -> Sequence[JournalLine]:
        return [line for person in self.people for line in self.journal_of(person)]

    def journal_of(self, person: str) -> Sequence[JournalLine]:
        """Return what the runs of one person wrote into that person's home."""
        path = self.home(person) / "journal"
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [JournalLine(run_id, device, began == "1", float(moment)) for run_id, device, began, moment in lines]

    def server_names(self) -> Sequence[str]:
        found = [self.ask("GET", f"/hub/api/users/{person}?include_stopped_servers=1") for person in self.people]
        return ["?" for model in found if model is None] + [name for model in found if model for name in model["servers"] if name]

    def ask(self, method: str, path: str, body: Any = None, person: str = "") -> Any:
        """Return the answer to a person or to the tests' own service; None if nobody answers."""
        headers = {"Authorization": f"token {self.tokens[person] if person else self.token}"}
        try:
            answer = httpx.request(
                method, f"http://{self.swarm.address}:{PORT}{path}", json=body, headers=headers, timeout=30, trust_env=False
            )
        except httpx.HTTPError:
            return None
        if answer.status_code >= 500 or (answer.status_code in (403, 404) and path.startswith("/services/")):
            return None  # a hub that starts has no way to the service yet
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.text else {}

    def container(self, service: str) -> str:
        """Return the id of the one container of a service."""
        return wait_for(lambda: " ".join(self.containers(service)) or None, service)

    def containers(self, service: str) -> list[str]:
        """Return the ids of what runs for a service, also one that is removed already."""
        return self.swarm.docker("ps", "-q", "--filter", f"label=com.docker.swarm.service.name={service}").split()

    def services(self) -> dict[str, str]:
        """Return the ids of all services by their names."""
        return dict(line.split() for line in self.swarm.docker("service", "ls", "--format", "{{.Name}} {{.ID}}").splitlines())

    def inside(self, service: str, *command: str) -> str:
        """Run a command in a service's container."""
        return self.swarm.docker("exec", self.container(service), *command, check=False)

    def service(self, name: str) -> dict[str, Any]:
        """Return what the swarm says of a service."""
        return dict(json.loads(self.swarm.docker("service", "inspect", name))[0]["Spec"])


@pytest.fixture(scope="module")
def hub(swarm: Swarm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmPlace]:
    """LabKit on the swarm."""
    place = SwarmPlace(swarm, tmp_path_factory.mktemp("swarm"), secrets.token_hex(16))
    try:
        place.up()
        yield place
    finally:
        print(swarm.docker("service", "logs", "--tail", "80", f"{STACK}_hub", check=False))


class TestOnSwarm(QueueContract):
    """The contract, with servers that are services of the swarm; it comes first in this module, since it counts all that was used."""

    submissions = 5
    kills = 1
    timeout_s = PATIENCE_S

    @pytest.fixture
    def place(self, hub: SwarmPlace, request: pytest.FixtureRequest) -> SwarmPlace:
        """New people, whose names differ in odd characters only."""
        letter = "q" if "once" in request.node.name else "r"
        return hub.with_people(f"{letter}-a", f"{letter}.a", f"{letter}_a", f"{letter}+a")

    def test_a_run_that_is_killed_from_outside_is_lost_once(self, hub: SwarmPlace) -> None:
        """Its service has no restart policy and no virtual address; there is one task, and afterwards none, and the device is free."""
        place = hub.with_people("killed")
        run_id, name = begun(place, "time.sleep(300)")
        spec = place.service(name)
        assert spec["TaskTemplate"]["RestartPolicy"]["Condition"] == "none"
        assert spec["EndpointSpec"] == {"Mode": "dnsrr"}
        place.swarm.docker("kill", place.container(name))
        self._wait_for_end(place)
        assert place.state("killed", run_id) == "lost"
        assert [line.run_id for line in place.journal()] == [run_id]
        wait_until(lambda: name not in place.services(), timeout_s=self.timeout_s)
        assert place.containers(name) == []

    def test_a_device_is_free_when_the_task_is_gone(self, hub: SwarmPlace) -> None:
        """Not when its service is: a run that does not listen computes on until its time is over."""
        place = hub.with_people("deaf")
        run_id, name = begun(place, DEAF)
        (container,) = place.containers(name)
        place.cancel("deaf", run_id)
        wait_until(lambda: name not in place.services(), timeout_s=self.timeout_s)
        was_there = place.containers(name) == [container]
        wait_until(lambda: lease_count(place.database_url) == 0, timeout_s=self.timeout_s)
        assert (was_there, place.containers(name), place.state("deaf", run_id)) == (True, [], "cancelled")

    def test_a_hub_killed_while_it_starts_a_run_goes_on_with_it(self, hub: SwarmPlace) -> None:
        """The next hub finds the server by its name; what it knows nothing of at all is removed before it opens."""
        place = hub.with_people("orphan")
        place.work = "time.sleep(300)"
        stranger = ["--name", "stranger", "--label", f"labkit.hub={PREFIX}", "--endpoint-mode", "dnsrr", "--no-resolve-image", "--init"]
        place.swarm.docker("service", "create", "--detach", *stranger, "labkit/student-small:local", "sleep", "600")
        run_id = place.submit("orphan")
        name = server_object_name(PREFIX, "orphan", f"run-{run_id}")
        wait_until(lambda: name in place.services(), timeout_s=self.timeout_s)
        first = place.services()[name]
        place.swarm.docker("kill", place.container(f"{STACK}_hub"))
        wait_until(lambda: place.state("orphan", run_id) == "running" and place.journal(), timeout_s=self.timeout_s)
        assert place.services()[name] == first
        assert "stranger" not in place.services()
        assert place.containers("stranger") == []
        place.cancel("orphan", run_id)
        self._wait_for_end(place)
        assert [line.began for line in place.journal()] == [True]
        assert place.containers(name) == []


def begun(place: SwarmPlace, work: str) -> tuple[str, str]:
    """Submit a run of the only person and wait until it computes; return its id and the name of its service."""
    (person,) = place.people
    place.work = work
    run_id = place.submit(person)
    wait_until(lambda: place.journal(), timeout_s=PATIENCE_S)
    return run_id, server_object_name(PREFIX, person, f"run-{run_id}")


@pytest.fixture(scope="module")
def server(hub: SwarmPlace) -> tuple[SwarmPlace, str]:
    """A person's own server that answers: where, and the name of its service."""
    place = hub.with_people("s.a")
    place.ask("POST", "/hub/api/users/s.a/server", {"user_options": {"profile": "cpu"}})
    answer = wait_for(lambda: _status(place), "the server")
    assert "started" in answer
    return place, server_object_name(PREFIX, "s.a", "")


def _status(place: SwarmPlace) -> dict[str, Any] | None:
    """Return what JupyterLab itself says of how it stands."""
    model = place.ask("GET", "/hub/api/users/s.a")
    is_ready = model is not None and model["servers"].get("", {}).get("ready")
    return place.ask("GET", "/user/s.a/api/status", person="s.a") if is_ready else None


def test_what_the_swarm_is_told(server: tuple[SwarmPlace, str]) -> None:
    """Limits and hardening that a service's spec can hold."""
    place, name = server
    task = place.service(name)["TaskTemplate"]
    container = task["ContainerSpec"]
    assert task["Resources"]["Limits"] == {"NanoCPUs": 1_500_000_000, "MemoryBytes": 1_000_000_000, "Pids": 256}
    assert task["RestartPolicy"]["Condition"] == "none"
    assert (container["CapabilityDrop"], container["ReadOnly"], container["User"]) == (["ALL"], True, "1000:1000")
    assert [mount["Type"] for mount in container["Mounts"]] == ["volume", "tmpfs", "tmpfs"]


def test_what_the_kernel_knows(server: tuple[SwarmPlace, str]) -> None:
    """No capabilities, seccomp and limits; but new privileges are not shut out: that is the daemon's to set."""
    place, name = server
    lines = place.inside(name, "cat", "/proc/self/status").splitlines()
    facts = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert [int(facts[cap], 16) for cap in ("CapEff", "CapPrm", "CapBnd", "CapInh")] == [0, 0, 0, 0]
    assert (facts["Seccomp"], facts["Uid"].split()[0], facts["NoNewPrivs"]) == ("2", "1000", "0")
    assert int(place.inside(name, "sh", "-c", "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null")) == 256
    shm = int(place.inside(name, "sh", "-c", "df -B1 --output=size /dev/shm | tail -1"))
    assert abs(shm - 100_000_000) < 8192
    for path, is_writable in (("/home/student/x", True), ("/tmp/x", True), ("/opt/labkit/x", False), ("/x", False)):
        assert ("written" in place.inside(name, "sh", "-c", f"touch {path} 2>&1 && echo written")) == is_writable


def test_no_route_leads_out_of_a_server(server: tuple[SwarmPlace, str]) -> None:
    """On an internal overlay alone there is none to metadata, the world or the host's bridge; the proxy, on another one too, has one."""
    place, name = server
    destinations = {line.split()[1] for line in place.inside(name, "cat", "/proc/net/route").splitlines()[1:]}
    assert len(destinations) == 1
    assert "00000000" not in destinations
    assert "00000000" in place.inside(f"{STACK}_proxy", "cat", "/proc/net/route").split()
