"""Settings of the library, read from ``LABKIT_*`` variables once, at an entry point."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["PATIENT_THREADS", "ImportLimits", "LibrarySettings", "RunLimits", "cache_dir", "courses_dir", "projects_dir", "state_dir"]

# For programs that share cores: students on a hub's machine, runs side by side, tests. OpenMP threads that spin while they wait
# slow one another down many times over there; these spin for some ten microseconds and then sleep. A program alone is left as
# it is: waking threads costs it up to half its speed (docs/training.md). Read by GNU's OpenMP, as in torch, when it loads.
PATIENT_THREADS = {"GOMP_SPINCOUNT": "2000"}


class ImportLimits(BaseModel):
    """What the process that decodes pictures may use.

    Attributes
    ----------
    memory_mb : int
        Memory in MB beside that of the program itself (``LABKIT_IMPORTS__MEMORY_MB``).
    header_s : float
        Longest time for reading a header, in seconds (``LABKIT_IMPORTS__HEADER_S``).
    stall_s : float
        Longest time without progress, in seconds, to which the size of the picture adds (``LABKIT_IMPORTS__STALL_S``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_mb: Annotated[int, Field(ge=64)] = 1024
    header_s: Annotated[float, Field(gt=0)] = 30.0
    stall_s: Annotated[float, Field(gt=0)] = 60.0


class RunLimits(BaseModel):
    """What the runs of a person may use on this machine.

    Attributes
    ----------
    cpu_slots : int
        How many runs compute on the CPU at a time (``LABKIT_RUNS__CPU_SLOTS``).
    notebook_mb : float
        Largest notebook that is taken for a run, in MB (``LABKIT_RUNS__NOTEBOOK_MB``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu_slots: Annotated[int, Field(ge=1, le=64)] = 1
    notebook_mb: Annotated[float, Field(gt=0)] = 10.0


class LibrarySettings(BaseSettings):
    """What the library needs to know of its surroundings.

    Attributes
    ----------
    projects : Path
        The folder in which a person's projects lie (``LABKIT_PROJECTS``).
    courses : Path
        The folder in which a person's course work lies (``LABKIT_COURSES``).
    cache : Path
        Where fetched sample data and copies of training sets are kept (``LABKIT_CACHE``).
    state : Path
        Where the queue of runs lies (``LABKIT_STATE``).
    quota_gb : float or None
        Most disk that imports may fill, in GB (``LABKIT_QUOTA_GB``); None means all free disk less 5 GB.
    encoders : Path or None
        Folder of pretrained encoders that the admin fills (``LABKIT_ENCODERS``).
    cache_gb : float
        Most that copies of training sets of an object store may fill, in GB (``LABKIT_CACHE_GB``); those that nobody used for longest go.
    offline : bool
        Never try to fetch sample data (``LABKIT_OFFLINE``).
    imports : ImportLimits
        Limits of the decoding of pictures.
    runs : RunLimits
        Limits of runs.
    """

    model_config = SettingsConfigDict(env_prefix="LABKIT_", env_nested_delimiter="__", extra="ignore", frozen=True)

    projects: Path = Path("~/projects")
    courses: Path = Path("~/courses")
    cache: Path = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "labkit"
    state: Path = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state") / "labkit"
    quota_gb: float | None = None
    encoders: Path | None = None
    cache_gb: Annotated[float, Field(gt=0)] = 20.0
    offline: bool = False
    imports: ImportLimits = ImportLimits()
    runs: RunLimits = RunLimits()


def projects_dir() -> Path:
    """Return the folder of a person's projects: ``$LABKIT_PROJECTS``, else ``~/projects``."""
    return LibrarySettings().projects.expanduser()


def courses_dir() -> Path:
    """Return the folder of a person's course work: ``$LABKIT_COURSES``, else ``~/courses``."""
    return LibrarySettings().courses.expanduser()


def cache_dir() -> Path:
    """Return the folder for fetched sample data: ``$LABKIT_CACHE``, else ``~/.cache/labkit``."""
    return LibrarySettings().cache.expanduser()


def state_dir() -> Path:
    """Return the folder of what outlives programs but belongs to no project: ``$LABKIT_STATE``, else ``~/.local/state/labkit``."""
    return LibrarySettings().state.expanduser().absolute()
