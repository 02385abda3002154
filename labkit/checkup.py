"""What `labkit doctor` looks at: whether this environment has what LabKit needs, and whether it works together."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np
import zarr

from labkit.config import cache_dir, projects_dir
from labkit.storage import Record

__all__ = ["Finding", "examine"]

_MIN_FREE_GB = 5


class Finding(Record):
    """One thing looked at. `absent` is an optional part that is not installed: not a fault."""

    name: str
    state: Literal["ok", "absent", "fault"]
    detail: str
    hint: str = ""


def examine() -> tuple[Finding, ...]:
    """Look at everything; a check that breaks is a fault, not a crash."""
    return tuple(_safely(name, check) for name, check in _CHECKS)


def _safely(name: str, check: Callable[[str], Finding]) -> Finding:
    try:
        return check(name)
    except Exception as error:  # whatever goes wrong in a check is what the doctor was called for
        return Finding(
            name=name, state="fault", detail=f"{type(error).__name__}: {error}", hint="Install LabKit again into a fresh environment."
        )


def _python(name: str) -> Finding:
    return Finding(name=name, state="ok", detail=f"{platform.python_version()}, labkit-studio {_version('labkit-studio')}")


def _folder(name: str) -> Finding:
    folder = projects_dir()
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    with tempfile.TemporaryFile(dir=existing) as file:
        file.write(b"x")
    free_gb = shutil.disk_usage(existing).free / 1e9
    detail = f"{folder}, {free_gb:.0f} GB free"
    if free_gb < _MIN_FREE_GB:
        return Finding(name=name, state="fault", detail=detail, hint=f"Free some space: imports need {_MIN_FREE_GB} GB and more.")
    return Finding(name=name, state="ok", detail=detail)


def _cache(name: str) -> Finding:
    cache_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=cache_dir()):
        return Finding(name=name, state="ok", detail=str(cache_dir()))


def _storage(name: str) -> Finding:
    values = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    with tempfile.TemporaryDirectory() as folder:
        array = zarr.create_array(Path(folder) / "a.zarr", shape=values.shape, dtype=values.dtype, chunks=(16, 16), shards=(32, 32))
        array[...] = values
        same = bool((np.asarray(zarr.open_array(Path(folder) / "a.zarr", mode="r")[...]) == values).all())
    state: Literal["ok", "fault"] = "ok" if same else "fault"
    return Finding(
        name=name, state=state, detail=f"zarr {_version('zarr')}, numpy {_version('numpy')}", hint="" if same else "Reinstall zarr."
    )


def _torch(name: str) -> Finding:
    """Torch and torchvision of different builds break at import, so the pair is tried in a process of its own."""
    if _version("torch") == "-":
        return Finding(name=name, state="absent", detail="not installed", hint="pip install 'labkit-studio[train]'")
    code = (
        "import json, torch, torchvision; torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5); "
        "print(json.dumps([torch.__version__, torchvision.__version__, torch.cuda.device_count()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit {done.returncode}"
        hint = "torch and torchvision must be of one build: pip install torch==2.14.1 torchvision==0.29.1"
        return Finding(name=name, state="fault", detail=last, hint=hint)
    torch, torchvision, devices = json.loads(done.stdout)
    return Finding(name=name, state="ok", detail=f"torch {torch}, torchvision {torchvision}, {devices or 'no'} GPU(s)")


def _notebooks(name: str) -> Finding:
    code = "import papermill, ipykernel; print(papermill.__version__, ipykernel.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    papermill, ipykernel = done.stdout.split()
    return Finding(name=name, state="ok", detail=f"papermill {papermill}, ipykernel {ipykernel}")


def _lab(name: str) -> Finding:
    if _version("jupyterlab") == "-":
        return Finding(name=name, state="absent", detail="not installed", hint="pip install 'labkit-studio[lab]'")
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "labextension", "list"], capture_output=True, text=True, timeout=120, check=False
    )
    listed = [line.strip() for line in (done.stdout + done.stderr).splitlines() if "labkit-lab" in line]
    if not listed or "OK" not in listed[0]:
        hint = "Install LabKit from its wheel, or run 'make extension' in a checkout."
        return Finding(name=name, state="fault", detail=listed[0] if listed else "the extension is not installed", hint=hint)
    return Finding(name=name, state="ok", detail=f"jupyterlab {_version('jupyterlab')}, labkit-lab enabled")


def _hub(name: str) -> Finding:
    if _version("jupyterhub") == "-":
        return Finding(name=name, state="absent", detail="not installed", hint="pip install 'labkit-studio[hub]'")
    return Finding(name=name, state="ok", detail=f"jupyterhub {_version('jupyterhub')}")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "-"


_CHECKS: tuple[tuple[str, Callable[[str], Finding]], ...] = (
    ("python", _python),
    ("projects folder", _folder),
    ("cache folder", _cache),
    ("storage", _storage),
    ("learning", _torch),
    ("notebooks", _notebooks),
    ("jupyterlab", _lab),
    ("hub", _hub),
)
