"""A Docker swarm of one node for tests, of a Docker engine of its own: the machine's engine, its networks and its rules stay as they are.

The engine runs in namespaces of its own (processes, mounts, network). The kernel ends all of it with the first process, and no
interface, mount or rule of iptables is left. A pair of interfaces is the only way to it, and it has none to the world.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from labkit.errors import RunFailed
from labkit.testing.lent_images import lend_images, stores_as_folders
from labkit.testing.stack import wait_for

__all__ = ["Swarm"]

_OURS, _ITS = "10.223.255.1", "10.223.255.2"


class Swarm:
    """An engine that is the only manager of a swarm; needs root.

    Parameters
    ----------
    folder : Path
        For the engine's socket and images; a short path, since a socket's name has 107 characters at most.
    """

    address = _ITS
    """Where ports that services publish on the host are reached."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket, self.data = folder, folder / "docker.sock", folder / "data"
        self._link = f"lk{secrets.token_hex(3)}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *images: str) -> None:
        """Start the engine with these images of the machine's own engine, and make it a swarm.

        Raises
        ------
        RunFailed
            It did not start; the end of its log is the hint.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lent = lend_images(images, self.data) if stores_as_folders() else []
        # The engine makes mounts of these two folders unless they are some, and would hide what is mounted within.
        mounts = [f"mount --bind {path} {path}" for path in (self.data, self.data / "overlay2")] if lent else []
        mounts[1:1] = [f"mount --make-shared {self.data}"] if lent else []
        mounts += [f"mount --bind {source} {target} && mount -o remount,ro,bind {target}" for source, target in lent]
        own = f"--data-root={self.data} --exec-root={self.folder}/exec --pidfile={self.folder}/pid --host=unix://{self.socket}"
        # The hub is uid and gid 1000, and may use the socket; no address here is one of the machine's engine.
        networks = "--bip=10.219.0.1/24 --default-address-pool=base=10.219.128.0/17,size=24"
        engine = " && ".join([*mounts, "ip link set lo up", f"exec dockerd {own} --group=1000 {networks}"])
        # It ends with whoever started it, however that ends.
        apart = ["setpriv", "--pdeathsig=KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        with (self.folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen([*apart, "sh", "-c", engine], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_for(lambda: self._is_up() or None, "the engine", timeout_s=120)
            self._connect()
            if images and not lent:
                self._load(images)
            self.docker("swarm", "init", "--advertise-addr", _ITS)
        except RunFailed as error:
            log_text = (self.folder / "dockerd.log").read_text(errors="replace")
            self.stop()
            raise RunFailed(error.message, hint=log_text[-3000:]) from error

    def stop(self) -> None:
        """End the engine and all its containers, and remove what it has stored."""
        process, self._process = self._process, None
        if process is not None:
            for child in psutil.Process(process.pid).children():
                child.send_signal(signal.SIGKILL)  # the first process of its namespace: the kernel ends the others
            process.kill()
            process.wait()
        deadline = time.monotonic() + 20
        while self.folder.exists() and time.monotonic() < deadline:
            shutil.rmtree(self.folder, ignore_errors=True)
            time.sleep(0.1)

    def _load(self, images: Sequence[str]) -> None:
        """Bring images over where they cannot be lent."""
        save = subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE)
        loaded = subprocess.run(["docker", "load"], stdin=save.stdout, env=self._environment(), capture_output=True, text=True, check=False)
        if save.wait() != 0 or loaded.returncode != 0:
            raise RunFailed(f"The images were not brought over: {loaded.stderr}")

    def docker(self, *words: str, check: bool = True, env: Mapping[str, str] | None = None) -> str:
        """Run ``docker`` with these words on this engine and return what it says.

        Raises
        ------
        RunFailed
            It failed, and `check` is set.
        """
        done = subprocess.run(
            ["docker", *words], env=self._environment() | dict(env or {}), capture_output=True, text=True, check=False, timeout=120
        )
        if check and done.returncode != 0:
            raise RunFailed(f"docker {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def volume(self, name: str) -> Path:
        """Return the folder that a volume is."""
        return self.data / "volumes" / name / "_data"

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": f"unix://{self.socket}"}

    def _is_up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RunFailed("The engine has ended.")
        return subprocess.run(["docker", "version"], env=self._environment(), capture_output=True, check=False).returncode == 0

    def _connect(self) -> None:
        """Lay a line from here into the engine's network; it vanishes with the engine."""
        assert self._process is not None
        (inner,) = psutil.Process(self._process.pid).children()
        there = ["nsenter", f"--target={inner.pid}", "--net"]
        for command in (
            ["ip", "link", "add", self._link, "type", "veth", "peer", "name", "outside", "netns", str(inner.pid)],
            ["ip", "address", "add", f"{_OURS}/30", "dev", self._link],
            ["ip", "link", "set", self._link, "up"],
            [*there, "ip", "address", "add", f"{_ITS}/30", "dev", "outside"],
            [*there, "ip", "link", "set", "outside", "up"],
        ):
            subprocess.run(command, check=True, capture_output=True)
