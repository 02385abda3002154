"""The wheel brings the extension to JupyterLab and to Jupyter Server."""

import itertools
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import labkit_lab
from labkit import __version__

ROOT = Path(labkit_lab.__file__).resolve().parents[2]

pytestmark = pytest.mark.ci


@pytest.fixture(scope="module")
def installed_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout and unpack what it puts beside the packages."""
    if not (ROOT / "extension" / "labkit_lab" / "labextension" / "package.json").is_file():
        reason = "the extension is not built; docs/extension.md says how"
        pytest.skip(reason)
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    (data,) = place.glob("*.data/data")
    return data


def _jupyter(data: Path, *command: str) -> str:
    """Run a `jupyter` command that finds only what lies in `data`, and return what it says."""
    own = {
        "JUPYTER_PATH": data / "share" / "jupyter",
        "JUPYTER_CONFIG_DIR": data / "etc" / "jupyter",
        "JUPYTER_DATA_DIR": data / "none",
    }
    environment = {**os.environ, **{name: str(path) for name, path in own.items()}}
    done = subprocess.run(
        [sys.executable, "-m", *command], env=environment, cwd=data, capture_output=True, text=True, check=True, timeout=120
    )
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


def _listed_below(place: Path, listing: str) -> list[str]:
    """Return the lines of `listing` from the one that names `place` to the next one that names a folder."""
    lines = iter(listing.splitlines())
    next(line for line in lines if str(place) in line)
    return [line.strip() for line in itertools.takewhile(lambda line: "/" not in line, lines)]


def test_jupyterlab_lists_the_extension(installed_data: Path) -> None:
    """`jupyter labextension list` shows the extension of the wheel as enabled and fitting this JupyterLab."""
    listing = _jupyter(installed_data, "jupyterlab.labextensions", "list")
    assert f"labkit-lab v{__version__} enabled OK" in _listed_below(installed_data / "share", listing)


def test_server_lists_the_extension(installed_data: Path) -> None:
    """`jupyter server extension list` shows the server part as enabled and importable."""
    listing = _jupyter(installed_data, "jupyter_server.extension.serverextension", "list")
    lines = _listed_below(installed_data / "etc", listing)
    assert "labkit_lab enabled" in lines
    assert f"labkit_lab {__version__} OK" in lines
