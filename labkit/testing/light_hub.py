"""A real hub with the real service whose servers cost nothing: for tests of many people, many starts and many refusals.

Accounts are made as people log in with one password for all, and each "server" is an answerer inside the hub's own process
(``tests/integration/light_hub_config.py``). Everything between is the product's: configuration, hooks, pages, service, proxy.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from labkit.errors import RunFailed
from labkit.testing.hub_session import HubSession
from labkit.testing.ports import free_port, hub_ports

if TYPE_CHECKING:
    import httpx

__all__ = ["PASSWORD", "LightHub"]

PASSWORD = "the-same-for-everybody"
_CHECKOUT = Path(__file__).resolve().parents[2]
_CONFIG = _CHECKOUT / "tests" / "integration" / "light_hub_config.py"


class LightHub:
    """Runs one, and waits until hub and service answer.

    Parameters
    ----------
    var : Path
        The hub's folder.
    env : mapping, optional
        Further variables.
    name : str
        A name of this machine below which people's servers get names of their own, such as ``lab.localhost``; browsers know such names,
        and nothing else does.

    Attributes
    ----------
    url : str
        The address, without a slash at the end.
    public_url : str
        The same for browsers.
    """

    def __init__(self, var: Path, *, env: Mapping[str, str] | None = None, name: str = "") -> None:
        self.var, self.port = var, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.public_url = f"http://{name}:{self.port}" if name else self.url
        env = {**(env or {}), **({"LABKIT_SUBDOMAIN_HOST": self.public_url} if name else {})}
        self._token = secrets.token_hex(16)
        own = {"LABKIT_VAR": str(var), "LABKIT_PORT": str(self.port), "LIGHT_HUB_TOKEN": self._token, "LIGHT_HUB_PASSWORD": PASSWORD}
        self._environment = {**os.environ, "LABKIT_INSTANCE": str(var.resolve()), **env, **own}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> LightHub:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """What hub, service and proxy have said."""
        path = self.var / "light.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, *, timeout_s: float = 120.0) -> None:
        """Start it.

        Raises
        ------
        RunFailed
            It did not come up; the end of its log is the hint.
        """
        self.var.mkdir(parents=True, exist_ok=True)
        with (self.var / "light.log").open("ab") as log:
            command = [sys.executable, "-m", "jupyterhub", "-f", str(_CONFIG)]
            environment = {**hub_ports(), **self._environment}
            self._process = subprocess.Popen(command, cwd=self.var, env=environment, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._is_open():
                return
            time.sleep(0.2)
        self.stop()
        raise RunFailed("The hub did not come up.", hint=self.log[-4000:])

    def stop(self) -> None:
        """Stop it; nothing of it runs any more afterwards."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        command = [sys.executable, "-m", "labkit_hub", "stop"]
        subprocess.run(command, env=self._environment, capture_output=True, check=False)

    def kill(self) -> None:
        """Kill the hub with SIGKILL; proxy, service and servers stay behind, as after a crash."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _is_open(self) -> bool:
        """Say whether hub and service answer; not those of a hub that was killed before."""
        import httpx

        try:
            if self._process is None or int((self.var / "run" / "hub.pid").read_text()) != self._process.pid:
                return False
            return httpx.get(f"{self.url}/services/labkit/health", timeout=5, trust_env=False).status_code == 200
        except (httpx.HTTPError, OSError, ValueError):
            return False

    def session(self, name: str) -> HubSession:
        """Return a session in which `name` has logged in."""
        session = HubSession(self.url)
        session.login(name, PASSWORD)
        return session

    def api(self, method: str, path: str, json: Any = None) -> httpx.Response:
        """Ask the hub's REST API as an admin's script does; `path` begins after ``/hub/api``."""
        import httpx

        headers = {"Authorization": f"token {self._token}"}
        return httpx.request(method, f"{self.url}/hub/api{path}", json=json, headers=headers, timeout=60, trust_env=False)

    def server(self, user: str, name: str = "") -> dict[str, Any] | None:
        """Return what the hub says of a server that runs, starts or stops; None if it does none of it, or there is no such person yet."""
        answer = self.api("GET", f"/users/{quote(user)}")
        if answer.status_code == 404:
            return None
        found: dict[str, Any] | None = answer.json()["servers"].get(name)
        return found
