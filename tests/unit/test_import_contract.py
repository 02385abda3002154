"""The import contract holds, and would fail on an upward import."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINTER = str(Path(sys.executable).with_name("lint-imports"))


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINTER, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": _path(folder)}
    )


def _path(folder: Path) -> str:
    return ":".join(str(folder / part) for part in (".", "extension", "hub"))


def copy_of_the_sources(folder: Path) -> Path:
    for part in ("labkit", "extension/labkit_lab", "hub/labkit_hub"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("labextension", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_arrows_only_point_down(tmp_path: Path) -> None:
    """The sources keep the contract."""
    done = lint(copy_of_the_sources(tmp_path))
    assert done.returncode == 0, done.stdout


def test_an_upward_import_breaks_the_contract(tmp_path: Path) -> None:
    """A room below that imports one above is found and named."""
    sources = copy_of_the_sources(tmp_path)
    with open(sources / "labkit/geometry/boxes.py", "a") as file:
        file.write("\nfrom labkit import tiling  # an arrow that points up\n")
    done = lint(sources)
    assert done.returncode == 1
    assert "labkit.geometry is not allowed to import labkit.tiling" in done.stdout


def test_torch_in_a_low_room_breaks_the_contract(tmp_path: Path) -> None:
    """A learning library stays out of the rooms that do not learn."""
    sources = copy_of_the_sources(tmp_path)
    with open(sources / "labkit/project/project.py", "a") as file:
        file.write("\nimport torch\n")
    done = lint(sources)
    assert done.returncode == 1
    assert "labkit.project is not allowed to import torch" in done.stdout
