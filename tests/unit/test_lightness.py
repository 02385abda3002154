"""``import labkit`` is light, and it is this checkout's."""

import subprocess
import sys
from pathlib import Path

import pytest

import labkit

HEAVY = ("torch", "dask", "ipywidgets", "jupyterhub", "zarr", "matplotlib", "papermill")


@pytest.mark.parametrize("module", ["labkit", "labkit.cli"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    """The top of the library and the command line load rooms only when they are used."""
    code = f"import sys, {module}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


def test_the_tests_run_against_this_checkout() -> None:
    """A cached environment must never test some other copy."""
    assert Path(labkit.__file__).is_relative_to(Path(__file__).parents[2])


@pytest.mark.parametrize("name", [n for n in labkit.__all__ if n != "__version__"])
def test_every_public_name_can_be_had(name: str) -> None:
    """The lazy table names things that exist."""
    assert getattr(labkit, name).__name__ == name
