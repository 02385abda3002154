"""How a kernel is started, interrupted and ended: one provisioner for programs, one for containers.

They are handed to `jupyter_client`'s manager as objects: no kernelspec of a notebook, and no entry point, decides what is started.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from typing import Any

import psutil
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from labkit.courses.grading.containers import Container, Engine
from labkit.courses.grading.places import Slot
from labkit.courses.grading.shapes import ContainerShape
from labkit.courses.records import Limits
from labkit.errors import WorkerLost
from labkit.runs.family import end_descendants

__all__ = ["HEADROOM", "ContainerProvisioner", "GradingProvisioner", "ProcessProvisioner"]

_MB = 1_000_000
HEADROOM = 300 * _MB
"""Memory that a program has beyond its limit: what Python and its packages map before the student's first line."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# What a program needs to find its packages, and nothing that could open a door.
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "CUDA_VISIBLE_DEVICES")


class GradingProvisioner(KernelProvisionerBase):
    """What both have in common."""

    slot: Slot
    limits: Limits
    task: str = ""
    device: str = "cpu"

    def setup(self, slot: Slot, limits: Limits, task: str, device: str) -> None:
        """Say where the kernel is to be started, and what it may use."""
        self.slot, self.limits, self.task, self.device = slot, limits, task, device

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Return what is started: ipykernel, told all by its command line."""
        manager: Any = self.parent
        ports = [f"--{name}={getattr(manager, f'{name}_port')}" for name in ("shell", "iopub", "stdin", "hb", "control")]
        name = manager.ip.rpartition("/")[2]
        command = [self.python, "-P", "-m", "ipykernel_launcher", "--transport=ipc", f"--ip={self.slot.inner}/{name}", *ports]
        command += [f"--Session.key=b'{manager.session.key.decode()}'", "-f", f"{self.temporary}/{name}.json"]
        command += ["--HistoryManager.enabled=False", "--IPKernelApp.log_level=50"]
        # -P, since a student's random.py must not break the start; after it, their helper.py is found as at home.
        command += ["--IPKernelApp.exec_lines=__import__('sys').path.insert(0, '')"]
        return {"cmd": command, "env": self.environment()}

    def _connection(self) -> Any:
        manager: Any = self.parent
        return manager.get_connection_info(session=False)

    @property
    def python(self) -> str:
        """The program of the kernel."""
        return sys.executable

    @property
    def temporary(self) -> str:
        """The kernel's folder for temporary files."""
        return f"{self.slot.inner}/tmp"

    def environment(self) -> dict[str, str]:
        """Return the variables of a kernel."""
        threads = str(max(1, int(self.limits.cpu)))
        return {
            "HOME": f"{self.slot.inner}/home",
            "TMPDIR": self.temporary,
            "IPYTHONDIR": f"{self.temporary}/ipython",
            "MPLCONFIGDIR": f"{self.temporary}/matplotlib",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "GOMP_SPINCOUNT": "2000",
            **dict.fromkeys(_THREADS, threads),
            **({} if self.device == "cuda" else {"CUDA_VISIBLE_DEVICES": ""}),
        }

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it lives."""
        raise NotImplementedError

    @property
    def lost(self) -> bool:
        """Whether it was ended by what is ours, and not by what it executed."""
        return False

    def crowd(self) -> tuple[int, int]:
        """Return how many programs there are, and how many bytes of memory they hold; (0, 0) where the system limits both."""
        return 0, 0

    def weight(self) -> int:
        """Return the bytes of memory of all its programs, what they share counted once: slower than `crowd`, and right."""
        return 0

    def end(self) -> None:
        """End the kernel and all it started, at once."""
        raise NotImplementedError

    @property
    def has_process(self) -> bool:
        """Whether something was started and has not been cleared away."""
        return self.exit_code is None

    async def poll(self) -> int | None:
        """Return how it ended; None while it lives."""
        return self.exit_code

    async def wait(self) -> int | None:
        """Return how it ended."""
        return self.exit_code

    async def kill(self, restart: bool = False) -> None:
        """End it."""
        self.end()

    async def terminate(self, restart: bool = False) -> None:
        """End it."""
        self.end()

    async def cleanup(self, restart: bool = False) -> None:
        """End it."""
        self.end()


class ProcessProvisioner(GradingProvisioner):
    """A kernel as a program in a session of its own."""

    process: subprocess.Popen[bytes] | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the program, with limits that it cannot raise again."""
        self.process = subprocess.Popen(
            cmd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.slot.work,
            env=kwargs["env"],
            start_new_session=True,
            preexec_fn=_Limiter(self.limits),
        )
        return self._connection()

    def environment(self) -> dict[str, str]:
        """Return the variables of a kernel: a few of ours, none that holds a secret."""
        return {name: os.environ[name] for name in _KEPT if name in os.environ} | super().environment()

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it lives."""
        return self.process.poll() if self.process else -1

    def crowd(self) -> tuple[int, int]:
        """Return how many programs there are below this one, and the memory that they hold."""
        number = memory = 0
        for program in psutil.Process().children(recursive=True):
            try:
                memory += program.memory_info().rss
                number += 1
            except psutil.Error:
                continue
        return number, memory

    def weight(self) -> int:
        """Return the proportional set sizes together."""
        total = 0
        for program in psutil.Process().children(recursive=True):
            try:
                total += program.memory_full_info().pss
            except (psutil.Error, AttributeError):
                continue
        return total

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel alone."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signum)

    def end(self) -> None:
        """Kill the kernel's group, and whatever has left it."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except OSError:
                self.process.kill()
            self.process.wait()
        end_descendants()


class _Limiter:
    """Sets limits between fork and exec; made before, for nothing may be imported there."""

    def __init__(self, limits: Limits) -> None:
        self.prctl = _prctl()
        self.parent = os.getpid()
        memory = limits.memory_mb * _MB + HEADROOM
        seconds = int(limits.submission_s * max(1.0, limits.cpu)) + 60
        size = limits.files_mb * _MB
        self.limits = (
            (resource.RLIMIT_DATA, memory),
            (resource.RLIMIT_FSIZE, size),
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_CORE, 0),
        )

    def __call__(self) -> None:
        self.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it dies with its worker
        if os.getppid() != self.parent:
            os._exit(1)
        for what, most in self.limits:
            hard = resource.getrlimit(what)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(what, (most, most))


def _prctl() -> Any:
    if not sys.platform.startswith("linux"):
        return lambda *_: 0
    import ctypes

    return ctypes.CDLL(None).prctl


class ContainerProvisioner(GradingProvisioner):
    """A kernel as a container."""

    engine: Engine
    shape: ContainerShape
    container: Container | None = None

    @property
    def python(self) -> str:
        """The image's own."""
        return "python"

    @property
    def temporary(self) -> str:
        """Memory of the container."""
        return "/tmp"

    def environment(self) -> dict[str, str]:
        """Return the variables of a kernel."""
        return super().environment() | {"HOME": "/tmp"}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the container."""
        self.container = self.engine.start(cmd, self.slot, self.limits, task=self.task, image=self.shape.image, environment=kwargs["env"])
        return self._connection()

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it lives."""
        return self.container.exit_code if self.container else -1

    @property
    def lost(self) -> bool:
        """Whether Docker ended it."""
        return self.container is not None and self.container.lost

    async def send_signal(self, signum: int) -> None:
        """Signals do not reach a container's kernel: it is interrupted by message."""

    def end(self) -> None:
        """Kill and remove the container.

        Raises
        ------
        WorkerLost
            It is still there: nothing may be written where it can write, too.
        """
        if self.container is not None:
            if not self.container.remove():
                raise WorkerLost("A container cannot be removed.", hint="See Docker's log.", engine=True, away=True)
            self.container.exit_code = -9 if self.container.exit_code is None else self.container.exit_code
