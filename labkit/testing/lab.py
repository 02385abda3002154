"""A real JupyterLab with this checkout's extension, for tests."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from labkit.testing.browser import WITHIN_S
from labkit.testing.ports import free_port
from labkit.testing.runs import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["WITHIN_S", "Lab", "kept_workspace", "kernels_of", "reload_lab", "running_lab"]

_GRACE_S = 15


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab and the home that it shows."""

    home: Path
    url: str
    log: Path
    pid: int

    @property
    def projects(self) -> Path:
        """Where its projects lie."""
        return self.home / "projects"


def _link_extension(place: Path, labextension: Path, name: str) -> None:
    if not (labextension / "package.json").is_file():
        reason = "the extension is not built; docs/extension.md says how"
        pytest.skip(reason)
    labextensions = place / "share" / "labextensions"
    labextensions.mkdir(parents=True)
    (labextensions / name).symlink_to(labextension)


def _environment(place: Path, *, server_part: bool) -> dict[str, str]:
    """Return an environment in which nobody's own settings are found."""
    config = place / "etc" / "jupyter_server_config.d"
    config.mkdir(parents=True)
    (config / "labkit_lab.json").write_text(json.dumps({"ServerApp": {"jpserver_extensions": {"labkit_lab": server_part}}}))
    labconfig = place / "etc" / "labconfig"
    labconfig.mkdir()
    quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (labconfig / "page_config.json").write_text(json.dumps(quiet))
    (place / "home").mkdir()
    own = {
        "HOME": "home",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_CONFIG_PATH": "etc",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_PATH": "share",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "LABKIT_PROJECTS": "home/projects",
    }
    return {**os.environ, **{name: str(place / part) for name, part in own.items()}}


@contextmanager
def running_lab(
    place: Path, labextension: Path | None, name: str, *, server_part: bool = True, python: Path = Path(sys.executable)
) -> Iterator[Lab]:
    """Start `jupyter lab` with a home below `place`, and end it.

    Parameters
    ----------
    place : Path
        An empty folder for everything that the server keeps.
    labextension : Path, optional
        The built extension, without which the test is skipped; None starts a JupyterLab without it.
    name : str
        The extension's name.
    server_part : bool
        Whether the server extension is switched on.
    python : Path
        Whose JupyterLab; by default this one's.
    """
    if labextension is not None:
        _link_extension(place, labextension, name)
    environment = _environment(place, server_part=server_part)
    token = secrets.token_hex(16)
    command = [str(python), "-m", "jupyterlab", "--no-browser", "--allow-root", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={place / 'home'}", "--LabApp.extension_manager=readonly", "--LabApp.expose_app_in_browser=True"]
    # a port of its own: Jupyter counts up from 8888, and of two servers that start at the same moment one would not listen
    command += [f"--ServerApp.port={free_port()}", "--ServerApp.port_retries=0"]
    command += ["--ServerApp.base_url=/user/zo@b", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]  # as under a hub
    log = place / "log.txt"
    with log.open("wb") as sink:
        server = subprocess.Popen(command, env=environment, cwd=place, stdout=sink, stderr=subprocess.STDOUT)
    try:
        info = _server_info(server, place / "runtime", log)
        yield Lab(home=place / "home", url=f"{info['url']}lab?reset&token={token}", log=log, pid=server.pid)
    finally:
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    """End a server as a hub does. One that is stopped in the middle of a request may wait for that request's thread for ever."""
    server.terminate()
    try:
        server.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _server_info(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> dict[str, str]:
    """Return what the server writes of itself once it listens."""
    deadline = time.monotonic() + WITHIN_S
    file = runtime / f"jpserver-{server.pid}.json"
    while time.monotonic() < deadline and server.poll() is None:
        if file.is_file() and (text := file.read_text()).endswith("}"):
            info: dict[str, str] = json.loads(text)
            return info
        time.sleep(0.05)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


def kernels_of(lab: Lab) -> list[psutil.Process]:
    """Return the living kernels of a JupyterLab."""
    found = []
    for child in psutil.Process(lab.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            if "ipykernel_launcher" in " ".join(child.cmdline()):
                found.append(child)
    return found


def kept_workspace(page: Page, lab: Lab) -> dict[str, Any]:
    """Return what JupyterLab has kept of its window, by the names of those who keep it; empty while it is nothing."""
    answer = page.request.get(f"{lab.url.partition('?')[0]}/api/workspaces/default")
    return dict(answer.json()["data"]) if answer.ok else {}


def reload_lab(page: Page, lab: Lab, *, tab: str, noted: str = "") -> None:
    """Load JupyterLab again as it was left, once it has kept that: it does so a moment after each change.

    Parameters
    ----------
    page : Page
        That shows the JupyterLab.
    lab : Lab
        Which one.
    tab : str
        Part of the name that an open tab has in the layout, such as the id of an image.
    noted : str
        What a tab must have kept beside that it is open.
    """

    def is_kept() -> bool:
        kept = kept_workspace(page, lab)
        return tab in json.dumps(kept.get("layout-restorer:data")) and noted in json.dumps(kept)

    wait_until(is_kept, timeout_s=WITHIN_S)
    page.goto(lab.url.replace("lab?reset&", "lab?"))
