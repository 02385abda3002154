"""Containers for kernels and for the scorer: what they may, how they are started and removed."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from typing import Any

from labkit.courses.grading.places import Slot
from labkit.courses.grading.shapes import ContainerShape
from labkit.courses.records import Limits
from labkit.errors import LabKitError, WorkerLost

__all__ = ["BATCH_LABEL", "Container", "Engine", "hardened"]

BATCH_LABEL = "labkit.grading"
_UNTIL_LABEL = "labkit.grading.until"
_TASK_LABEL = "labkit.grading.task"
_MB = 1_000_000
_SLACK_S = 900.0


class Engine:
    """A Docker engine, asked through its API."""

    def __init__(self, shape: ContainerShape, batch: str) -> None:
        import docker

        self.shape, self.batch = shape, batch
        address = {"base_url": shape.docker_host} if shape.docker_host else {}
        self._errors = docker.errors
        try:
            environment = {} if address else docker.utils.kwargs_from_env()
            self.api = docker.APIClient(version="auto", timeout=60, **address, **environment)
        except (docker.errors.DockerException, OSError) as error:
            raise WorkerLost("No Docker engine answers.", hint="Start it, set DOCKER_HOST, or grade in the process shape.") from error

    def start(self, command: list[str], slot: Slot, limits: Limits, *, task: str, image: str, environment: dict[str, str]) -> Container:
        """Start a container; whatever fails, none is left.

        Raises
        ------
        WorkerLost
            The engine does not do it.
        """
        name = f"{self.shape.prefix}{secrets.token_hex(8)}"
        labels = {BATCH_LABEL: self.batch, _TASK_LABEL: task, _UNTIL_LABEL: str(int(time.time() + limits.submission_s + _SLACK_S))}
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
            raise WorkerLost(f"Docker made no container: {_words(error)}", hint="See whether the image is there.", engine=True) from error
        try:
            self.api.start(container.id)
        except (self._errors.DockerException, OSError) as error:
            self.remove(container.id)
            raise WorkerLost(f"Docker started no container: {_words(error)}", hint="See Docker's log.", engine=True) from error
        container.watch()
        return container

    def remove(self, name: str) -> None:
        """Kill and remove a container; one that is gone is no matter."""
        for _ in range(3):
            try:
                self.api.remove_container(name, force=True, v=True)
                return
            except self._errors.NotFound:
                return
            except (self._errors.DockerException, OSError):
                time.sleep(0.2)  # "removal already in progress", or an engine that restarts

    def sweep(self, task: str | None = None) -> int:
        """Remove the containers of this batch (of one task), and of any batch that were to be gone by now; return how many."""
        with contextlib.suppress(self._errors.DockerException, OSError):
            wanted = [f"{BATCH_LABEL}={self.batch}"] + ([f"{_TASK_LABEL}={task}"] if task else [])
            found = {row["Id"] for row in self.api.containers(all=True, filters={"label": wanted})}
            if task is None:
                every = self.api.containers(all=True, filters={"label": [BATCH_LABEL]})
                found |= {row["Id"] for row in every if _is_over(row["Labels"].get(_UNTIL_LABEL, ""))}
            for container in found:
                self.remove(container)
            return len(found)
        return 0


class Container:
    """One running container."""

    def __init__(self, engine: Engine, id_: str, name: str) -> None:
        self.engine, self.id, self.name = engine, id_, name
        self.exit_code: int | None = None

    def watch(self) -> None:
        """Learn of its end as soon as the engine knows."""
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        try:
            self.exit_code = int(self.engine.api.wait(self.id, timeout=None)["StatusCode"])
        except Exception:  # removed, or the engine is gone: the container is of no more use either way
            self.exit_code = -1 if self.exit_code is None else self.exit_code

    def ran_out_of_memory(self) -> bool:
        """Whether the system ended it for want of memory."""
        try:
            return bool(self.engine.api.inspect_container(self.id)["State"].get("OOMKilled"))
        except Exception:
            return False

    def remove(self) -> None:
        """Kill and remove it."""
        self.engine.remove(self.id)


def hardened(shape: ContainerShape, slot: Slot, limits: Limits) -> dict[str, Any]:
    """Return the host's side of a container that executes a stranger's code."""
    memory = limits.memory_mb * _MB
    volume = bool(shape.slots)
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
            {"Name": "nofile", "Soft": 1024, "Hard": 1024},
        ],
        "log_config": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}},
        "mounts": [mount],
    }


def _is_over(until: str) -> bool:
    return until.isdigit() and int(until) < time.time()


def _words(error: Exception) -> str:
    if isinstance(error, LabKitError):
        return error.message
    return str(getattr(error, "explanation", "") or error).splitlines()[0][:300]
