"""A whole hub for the bench, with as many accounts as are wanted; everything is gone when it closes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nativeauthenticator.orm import UserInfo
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench.hub_spawner import ANSWERER
from labkit.testing.ports import free_port
from labkit_hub.instance import MARK, end_all, instance_mark
from labkit_hub.logins import hash_password
from labkit_hub.proxy import install_proxy
from labkit_hub.settings import Settings

__all__ = ["PASSWORD", "hub_of"]

PASSWORD = "bench-bench-bench"
_CHECKOUT = Path(__file__).resolve().parent.parent
_READY_S = 120.0


@contextmanager
def hub_of(names: list[str], *, devices: int) -> Iterator[str]:
    """Start proxy, hub and service with accounts for `names`, and give the address."""
    with tempfile.TemporaryDirectory() as folder:
        var, port, answerer = Path(folder) / "var", free_port(), free_port()
        environment = os.environ | {
            MARK: instance_mark(var),
            ANSWERER: str(answerer),
            "LABKIT_VAR": str(var),
            "LABKIT_PORT": str(port),
            "LABKIT_DEVICES__FAKE": str(devices),
            "LABKIT_DEVICES__NVIDIA": "false",
            "PYTHONPATH": os.pathsep.join([str(_CHECKOUT), os.environ.get("PYTHONPATH", "")]),
        }
        var.mkdir()
        install_proxy(Settings().proxy_dir)
        log = Path(folder) / "log.txt"
        try:
            with log.open("wb") as output:
                _launch([sys.executable, "-m", "bench.hub_answerer", str(answerer)], environment, var, output.fileno())
                _launch(
                    [sys.executable, "-m", "jupyterhub", "-f", str(_CHECKOUT / "bench/hub_config.py")], environment, var, output.fileno()
                )
            url = f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/services/labkit/health", log)
            _make_accounts(var, names)
            yield url
        finally:
            end_all(instance_mark(var))


def _launch(command: list[str], environment: dict[str, str], folder: Path, output: int) -> None:
    subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)


def _wait_for(url: str, log: Path) -> None:
    opener, until = urllib.request.build_opener(urllib.request.ProxyHandler({})), time.monotonic() + _READY_S
    while time.monotonic() < until:
        try:
            with opener.open(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the hub did not come up:\n{log.read_text(errors='replace')[-4000:]}")


def _make_accounts(var: Path, names: list[str]) -> None:
    """Write the accounts into the hub's database; all have one password, each login checks it with bcrypt as usual."""
    engine, hashed = create_engine(f"sqlite:///{var / 'jupyterhub.sqlite'}", connect_args={"timeout": 30}), hash_password(PASSWORD)
    with Session(engine) as session, session.begin():
        session.add_all(UserInfo(username=name, password=hashed, is_authorized=True) for name in names)
    engine.dispose()
