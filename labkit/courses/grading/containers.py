"""Containers for kernels and for the scorer: what they may, how they are started and removed."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from labkit.courses.grading.labels import BATCH_LABEL, RUN_LABEL, TASK_LABEL, UNTIL_LABEL
from labkit.courses.grading.places import Slot, unused
from labkit.courses.grading.shapes import ContainerShape
from labkit.courses.records import Limits
from labkit.errors import LabKitError, WorkerLost

__all__ = ["Container", "Engine", "hardened", "sweep_run"]

_MB = 1_000_000
_SLACK_S = 900.0
_REMOVE_S = 30.0
_PATIENCE_S = 5.0
_AWAY_S = 60.0
_ASK_EVERY_S = 0.5
_REMOVED_AT_ONCE = 8
_LOOKS = 3
_BETWEEN_LOOKS_S = 0.3
_STAYS_S = 2.0
"""An engine that still answers so long after a container was ended did not end it because it is being stopped."""
_PING_S = 3.0  # longer, and it waits in the queue of a socket for an engine that is started anew
_ENDED_FROM_OUTSIDE = (137, 143, 255)


class Engine:
    """A Docker engine, asked through its API."""

    def __init__(self, shape: ContainerShape, batch: str) -> None:
        import docker

        self.shape, self.batch = shape, batch
        address = {"base_url": shape.docker_host} if shape.docker_host else {}
        self._errors = docker.errors
        self.not_found: type[Exception] = docker.errors.NotFound
        try:
            environment = {} if address else docker.utils.kwargs_from_env()
            self.api = docker.APIClient(version="auto", timeout=60, **address, **environment)
        except (docker.errors.DockerException, OSError) as error:
            raise WorkerLost(
                "No Docker engine answers.", hint="Start it, set DOCKER_HOST, or grade in the process shape.", engine=True, away=True
            ) from error

    def start(self, command: list[str], slot: Slot, limits: Limits, *, task: str, image: str, environment: dict[str, str]) -> Container:
        """Start a container; whatever fails, none is left.

        Raises
        ------
        WorkerLost
            The engine does not do it.
        """
        name = f"{self.shape.prefix}{secrets.token_hex(8)}"
        labels = {BATCH_LABEL: self.batch, TASK_LABEL: task, UNTIL_LABEL: str(int(time.time() + limits.submission_s + _SLACK_S))}
        if self.shape.run:
            labels[RUN_LABEL] = self.shape.run
        try:
            made = self.api.create_container(
                image,
                command=command,
                name=name,
                user=self.shape.user,
                hostname="kernel",
                working_dir=f"{slot.inner}/work",
                environment=environment,
                labels=labels,
                host_config=self.api.create_host_config(**hardened(self.shape, slot, limits)),
            )
            container = Container(self, made["Id"], name)
        except (self._errors.DockerException, OSError) as error:
            self.remove(name)
            raise self._fault(f"Docker made no container: {_words(error)}", "See whether the image is there.", error) from error
        try:
            self.api.start(container.id)
        except (self._errors.DockerException, OSError) as error:
            self.remove(container.id)
            raise self._fault(f"Docker started no container: {_words(error)}", "See Docker's log.", error) from error
        container.watch()
        return container

    def _fault(self, text: str, hint: str, error: Exception) -> WorkerLost:
        """Return an error that says whether Docker is away, and may come back."""
        answered = isinstance(error, self._errors.APIError) and error.status_code not in (502, 503, 504)
        return WorkerLost(text, hint=hint, engine=True, away=not answered)

    def remove(self, name: str, patience_s: float | None = None) -> bool:
        """Kill and remove a container, and return whether it is gone, or at least runs no more."""
        deadline = time.monotonic() + (_REMOVE_S if patience_s is None else patience_s)
        while True:
            try:
                self.api.remove_container(name, force=True, v=True)
                return True
            except self._errors.NotFound:
                return True
            except (self._errors.DockerException, OSError):  # "removal already in progress", or an engine that restarts
                if time.monotonic() > deadline:
                    return self._is_ended(name)
                time.sleep(0.2)

    def _is_ended(self, name: str) -> bool:
        try:
            return not self.api.inspect_container(name)["State"].get("Running", True)
        except self._errors.NotFound:
            return True
        except (self._errors.DockerException, OSError):
            return False

    def sweep(self, task: str | None = None) -> bool:
        """Remove containers that are to be gone, and return whether they are.

        Parameters
        ----------
        task : str, optional
            Those of this task only; by default all of this batch.

        Returns
        -------
        bool
            False where one may still write into a slot, or Docker does not answer.
        """
        wanted = [f"{BATCH_LABEL}={self.batch}"] + ([f"{TASK_LABEL}={task}"] if task else [])
        found = self._listed(wanted)
        return found is not None and self._remove_all(row["Id"] for row in found)

    def sweep_to_the_end(self) -> bool:
        """Remove all of this batch, whose programs are ended: what the engine was making for them just then appears a moment later."""
        gone = self.sweep()
        for _ in range(_LOOKS - 1):
            time.sleep(_BETWEEN_LOOKS_S)
            gone = self.sweep()
        return gone

    def sweep_left(self, volumes: Collection[str] = ()) -> bool:
        """Remove what batches that were killed have left.

        Parameters
        ----------
        volumes : collection of str
            Slots that are ours now, by their volumes: what another batch has on them is to be gone.

        Returns
        -------
        bool
            False where a container of another batch may still write into a slot of ours, or Docker does not answer.
        """
        found = self._listed([BATCH_LABEL])
        if found is None:
            return False
        others = [row for row in found if row["Labels"].get(BATCH_LABEL) != self.batch]
        on_ours = {row["Id"] for row in others if _sources(row) & set(volumes)}
        gone = self._remove_all(on_ours)
        with unused(self.shape, {source for row in others for source in _sources(row)} - set(volumes)) as abandoned:
            forgotten = {row["Id"] for row in others if _sources(row) & abandoned or _is_over(row["Labels"].get(UNTIL_LABEL, ""))}
            self._remove_all(forgotten - on_ours)
        return gone

    def sweep_run(self, run: str) -> bool:
        """Remove all containers of a run at the hub, of whichever of its batches."""
        found = self._listed([f"{RUN_LABEL}={run}"])
        return found is not None and self._remove_all(row["Id"] for row in found)

    def _listed(self, labels: list[str]) -> list[dict[str, Any]] | None:
        """Return containers with these labels; None where Docker does not answer."""
        try:
            return list(self.api.containers(all=True, filters={"label": labels}))
        except (self._errors.DockerException, OSError):
            return None

    def _remove_all(self, ids: Iterable[str]) -> bool:
        """Remove containers, some at a time: each takes the engine its moment, and who is being cancelled has few."""
        wanted = list(ids)
        if len(wanted) < 2:
            return all(self.remove(id_, _PATIENCE_S) for id_ in wanted)
        with ThreadPoolExecutor(min(_REMOVED_AT_ONCE, len(wanted))) as pool:
            return all(list(pool.map(lambda id_: self.remove(id_, _PATIENCE_S), wanted)))

    def stays(self) -> bool:
        """Return whether the engine goes on: one that is being stopped takes no new connection, and ends its containers meanwhile."""
        until = time.monotonic() + _STAYS_S
        while self._answers():
            if time.monotonic() > until:
                return True
            time.sleep(_BETWEEN_LOOKS_S)
        return False

    def _answers(self) -> bool:
        """Ask by a connection of its own: those that are open may outlive what they lead to."""
        import docker

        address = {"base_url": self.shape.docker_host} if self.shape.docker_host else docker.utils.kwargs_from_env()
        try:
            client = docker.APIClient(version=self.api.api_version, timeout=_PING_S, **address)
            try:
                return bool(client.ping())
            finally:
                client.close()
        except (self._errors.DockerException, OSError):
            return False


class Container:
    """One running container."""

    def __init__(self, engine: Engine, id_: str, name: str) -> None:
        self.engine, self.id, self.name = engine, id_, name
        self.exit_code: int | None = None
        self.lost = False
        """Whether Docker went away, and it was ended by neither us nor what it executed, or nobody can tell."""
        self._removed = False

    def watch(self) -> None:
        """Learn of its end as soon as the engine knows."""
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        while self.exit_code is None:
            try:
                code: int | None = int(self.engine.api.wait(self.id, timeout=None)["StatusCode"])
            except Exception:  # a proxy's patience has an end, an engine restarts: the container may run on
                code = self._ask_again()
            if code is not None and self.exit_code is None:
                self.exit_code = code

    def _ask_again(self) -> int | None:
        """Return how it ended where waiting for it failed; None while it runs."""
        deadline = time.monotonic() + _AWAY_S
        while not self._removed:
            time.sleep(_ASK_EVERY_S)
            try:
                state = self.engine.api.inspect_container(self.id)["State"]
            except Exception as error:
                self.lost = not self._removed
                if not isinstance(error, self.engine.not_found) and time.monotonic() < deadline:
                    continue
                return -1
            if state.get("Running"):
                self.lost = False
                return None
            code = int(state.get("ExitCode", -1))
            self.lost = not self._removed and not state.get("OOMKilled") and code in _ENDED_FROM_OUTSIDE
            return code
        return -1

    def ran_out_of_memory(self) -> bool:
        """Whether the system ended it for want of memory; where Docker does not say, or was being stopped, it is lost."""
        try:
            if self.engine.api.inspect_container(self.id)["State"].get("OOMKilled"):
                return True
        except Exception as error:
            self.lost = not self._removed and not isinstance(error, self.engine.not_found)
            return False
        # An engine that stops in order ends its containers by the same signals that a program can send itself.
        if not self._removed and self.exit_code in _ENDED_FROM_OUTSIDE and not self.engine.stays():
            self.lost = True
        return False

    def remove(self) -> bool:
        """Kill and remove it, and return whether it is gone."""
        self._removed = True
        return self.engine.remove(self.id)


def hardened(shape: ContainerShape, slot: Slot, limits: Limits) -> dict[str, Any]:
    """Return the host's side of a container that executes a stranger's code."""
    memory = limits.memory_mb * _MB
    volume = bool(shape.slots)
    cpu_s = int(limits.submission_s * max(1.0, limits.cpu)) + 60
    mount = {"Type": "volume" if volume else "bind", "Source": slot.source, "Target": slot.inner, "ReadOnly": False}
    return {
        "network_mode": "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        "init": True,
        "privileged": False,
        "ipc_mode": "private",
        "pids_limit": limits.pids,
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": int(limits.cpu * 1e9),
        "shm_size": min(64 * _MB, memory),
        "tmpfs": {"/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={shape.tmp_mb * _MB}"},
        "ulimits": [
            {"Name": "fsize", "Soft": limits.files_mb * _MB, "Hard": limits.files_mb * _MB},
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "cpu", "Soft": cpu_s, "Hard": cpu_s},  # of each program: the last bound where nobody is left to end it
            {"Name": "nofile", "Soft": 1024, "Hard": 1024},
        ],
        "log_config": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}},
        "mounts": [mount],
    }


def sweep_run(shape: ContainerShape, run: str) -> None:
    """Remove what a run at the hub has left: it begins, or has just ended, and nobody else ends its containers."""
    with contextlib.suppress(WorkerLost):
        engine = Engine(shape, "")
        engine.sweep_run(run)
        engine.sweep_left()


def _sources(row: dict[str, Any]) -> set[str]:
    """Return what a container has mounted: names of volumes, paths of folders."""
    return {str(mount.get("Name") or mount.get("Source")) for mount in row.get("Mounts") or ()}


def _is_over(until: str) -> bool:
    return until.isdigit() and int(until) < time.time()


def _words(error: Exception) -> str:
    if isinstance(error, LabKitError):
        return error.message
    return (str(getattr(error, "explanation", "") or error).splitlines() or [type(error).__name__])[0][:300]
