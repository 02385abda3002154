"""What the npm side of the extension promises."""

import json
from pathlib import Path

import labkit
import labkit_lab
from labkit_lab.server import ROUTES

EXTENSION = Path(labkit_lab.__file__).resolve().parents[1]


def test_one_version() -> None:
    """The npm package has the version of the Python package."""
    assert json.loads((EXTENSION / "package.json").read_text())["version"] == labkit.__version__


def test_lock_records_no_addresses() -> None:
    """The lock names packages by version and checksum only, so that any registry can serve them."""
    lock = (EXTENSION / "yarn.lock").read_text()
    assert "checksum:" in lock
    assert "://" not in lock


def test_names_agree() -> None:
    """The folder below `share/jupyter/labextensions`, the npm name and the declared destination are one."""
    name = json.loads((EXTENSION / "package.json").read_text())["name"]
    assert labkit_lab._jupyter_labextension_paths() == [{"src": "labextension", "dest": name}]


def test_server_part_is_enabled_by_the_shipped_config() -> None:
    """The config file that the wheel installs switches on the module that this package offers."""
    config = json.loads((EXTENSION / "jupyter-config" / "server-config" / "labkit_lab.json").read_text())
    module = labkit_lab._jupyter_server_extension_points()[0]["module"]
    assert config["ServerApp"]["jpserver_extensions"] == {module: True}


def test_every_route_is_documented() -> None:
    """The table of `docs/extension.md` names the routes that exist, and no other."""
    text = (EXTENSION.parent / "docs" / "extension.md").read_text(encoding="utf-8")
    documented = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `/labkit/")}
    assert documented == {pattern for pattern, _ in ROUTES}
