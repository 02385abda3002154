"""A real hub for tests: started as ``make start`` does, in a folder of its own, on a free port."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from labkit.errors import RunFailed
from labkit.testing.ports import free_port, hub_ports
from labkit.testing.runs import is_alive, wait_until

__all__ = ["RunningHub", "hub_programs"]

_READY = re.compile(r"^LabKit is ready at (http://\S+)$")


class RunningHub:
    """Runs ``python -m labkit_hub start`` and waits until it says that it is ready; everything is ended on exit.

    Parameters
    ----------
    var : Path
        The hub's folder (``LABKIT_VAR``); start again with the same one to meet the same accounts and homes.
    port : int, optional
        A free one if not given.
    env : mapping, optional
        Further variables, such as ``LABKIT_COURSE_DIR``.
    prefix : sequence of str, optional
        Put before the command, such as ``setpriv ...``.
    python : str
        The interpreter; this one if not given.
    timeout_s : float
        How long to wait for the ready line.

    Attributes
    ----------
    url : str
        The address, without a slash at the end.
    output : list of str
        The lines printed so far.

    Examples
    --------
    >>> with RunningHub(tmp_path / "var") as hub:  # doctest: +SKIP
    ...     page.goto(f"{hub.url}/hub/login")
    ...     page.fill("#username_input", "student")
    ...     page.fill("#password_input", hub.logins["student"])
    """

    def __init__(
        self,
        var: Path,
        port: int | None = None,
        *,
        env: Mapping[str, str] | None = None,
        prefix: tuple[str, ...] = (),
        python: str = sys.executable,
        timeout_s: float = 180.0,
    ) -> None:
        self.var = var
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output: list[str] = []
        self._environment = {**os.environ, **(env or {}), "LABKIT_VAR": str(var), "LABKIT_PORT": str(self.port)}
        self._command = (*prefix, python, "-m", "labkit_hub")
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> RunningHub:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()

    @property
    def logins(self) -> dict[str, str]:
        """The generated passwords by user name."""
        return dict(json.loads((self.var / "logins.json").read_text())["passwords"])

    @property
    def log(self) -> str:
        """What hub, proxy and servers have logged since the start."""
        path = self.var / "log" / "hub.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not been stopped or killed since."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The process id of the command, while it runs."""
        if self._process is None:
            raise RunFailed("This hub does not run.", hint="Call start().")
        return self._process.pid

    @property
    def hub_pid(self) -> int:
        """The process id of JupyterHub itself."""
        return int((self.var / "run" / "hub.pid").read_text())

    def start(self) -> None:
        """Start it and wait for the ready line.

        Raises
        ------
        RunFailed
            It ended or said nothing in time; what it printed is in the message.
        """
        self.output, ready = [], threading.Event()
        self._process = subprocess.Popen(
            [*self._command, "start"],
            env={**hub_ports(), **self._environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process, ready), daemon=True)
        self._reader.start()
        if not ready.wait(self._timeout_s) or not any(map(_READY.match, self.output)):
            code = self.stop()
            raise RunFailed(f"The hub did not become ready (exit code {code}): " + "\n".join(self.output), hint=self.log[-4000:])

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        for line in process.stdout or ():
            self.output.append(line.rstrip("\n"))
            if line.startswith("Stop with"):  # the last line of the welcome
                ready.set()
        ready.set()

    def stop(self, number: signal.Signals = signal.SIGINT, *, timeout_s: float = 90.0) -> int:
        """Stop it as Ctrl-C does and return its exit code; if it does not end in time it is killed.

        In any case nothing of it runs any more afterwards.
        """
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if code != 0:
            self._end_rest()
        self._join(process)
        return code

    def wait(self, *, timeout_s: float = 90.0) -> int:
        """Wait until it ends by itself and return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            code = process.wait(timeout_s)
        finally:
            if process.poll() is None:
                self._process = process
        self._join(process)
        return code

    def kill(self) -> None:
        """Kill the command and JupyterHub with SIGKILL; proxy and servers stay behind, as after a crash."""
        process, self._process = self._process, None
        if process is None:
            return
        hub = psutil.Process(self.hub_pid)
        process.kill()
        hub.kill()
        process.wait()
        wait_until(lambda: not is_alive(hub))  # it is nobody's child now, and ends a moment later
        self._join(process)

    def _join(self, process: subprocess.Popen[str]) -> None:
        if self._reader is not None:
            self._reader.join(60)
        if process.stdout:
            process.stdout.close()

    def _end_rest(self) -> None:
        subprocess.run([*self._command, "stop"], env=self._environment, capture_output=True, check=False)


def hub_programs(var: Path, word: str) -> list[psutil.Process]:
    """Return the living programs of the hub in `var` that have this word in their command; one that has just ended is left out."""
    from labkit_hub.instance import instance_mark, members

    found = []
    for program in members(instance_mark(var)):
        with suppress(psutil.Error):
            if word in program.cmdline():
                found.append(program)
    return found
