"""Profiles as data: what a server gets, for how long, and who may have it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError, field_validator

from labkit.errors import InvalidInput
from labkit.storage import Record, explain_os_errors

__all__ = ["DEFAULT_PROFILES", "Profile", "ProfileRole", "load_profiles"]

ProfileRole = Literal["admin", "professor", "assistant", "student"]
Purpose = Literal["server", "run", "grade"]


class Profile(Record):
    """One kind of server.

    Attributes
    ----------
    slug : str
        Its name in addresses and settings: lower-case letters, digits, single hyphens.
    picture : str
        Which of the service's icons shows it.
    cpu : float
        Cores that it may use at the most.
    memory_gb, shm_gb : float
        Memory, and of it shared memory (for the workers of a training), in GB.
    gpus : int
        Devices that are leased for it.
    longest_h : float
        After so many hours a run is stopped; an interactive server with a device, too.
    purposes : tuple of {"server", "run", "grade"}
        Whether people start it from the spawn page, the queue starts it for runs, or for grading.
    roles : tuple of str
        Whoever has one of these roles, in any course, may use it; a person without a course counts as a student.
    courses : tuple of str
        If given, only members of these courses.
    image : str
        The container image, one of those that the hub knows; empty takes the hub's own.
    """

    slug: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
    title: Annotated[str, Field(min_length=1, max_length=80)]
    description: Annotated[str, Field(max_length=300)] = ""
    picture: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = "cpu"
    cpu: Annotated[float, Field(gt=0, le=1024)] = 2.0
    memory_gb: Annotated[float, Field(gt=0, le=8192)] = 4.0
    shm_gb: Annotated[float, Field(gt=0, le=8192)] = 0.25
    gpus: Annotated[int, Field(ge=0, le=16)] = 0
    longest_h: Annotated[float, Field(gt=0, le=24 * 366)] = 24.0
    purposes: tuple[Purpose, ...] = ("server",)
    roles: tuple[ProfileRole, ...] = ("admin", "professor", "assistant", "student")
    courses: tuple[str, ...] = ()
    image: Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._:/@-]*$|^$", max_length=300)] = ""

    @field_validator("purposes", "roles")
    @classmethod
    def _some(cls, chosen: tuple[str, ...]) -> tuple[str, ...]:
        if not chosen:
            raise ValueError("must name at least one")
        return chosen


DEFAULT_PROFILES: tuple[Profile, ...] = (
    Profile(slug="cpu", title="Notebook", description="JupyterLab, for everything but training on a GPU.", purposes=("server",)),
    Profile(
        slug="gpu",
        title="Notebook with a GPU",
        description="JupyterLab with a GPU of its own; stopped soon when nobody uses it.",
        picture="gpu",
        cpu=4.0,
        memory_gb=16.0,
        shm_gb=2.0,
        gpus=1,
        longest_h=4.0,
        purposes=("server",),
    ),
    Profile(
        slug="gpu-run",
        title="Run on a GPU",
        description="A training on a GPU, in turn.",
        picture="gpu",
        cpu=4.0,
        memory_gb=16.0,
        shm_gb=2.0,
        gpus=1,
        longest_h=12.0,
        purposes=("run",),
    ),
    Profile(
        slug="grade",
        title="Grading",
        description="Runs what students handed in.",
        cpu=2.0,
        memory_gb=4.0,
        longest_h=24.0,
        purposes=("grade",),
    ),
)

_LIST = TypeAdapter(tuple[Profile, ...])


def load_profiles(path: Path | None) -> tuple[Profile, ...]:
    """Return the profiles of a YAML file, or the default ones without a file.

    Raises
    ------
    InvalidInput
        The file is no list of profiles, two have one slug, or none is for people's servers; the message names the fault.
    """
    if path is None:
        return DEFAULT_PROFILES
    with explain_os_errors(path):
        text = path.read_text(encoding="utf-8")
    hint = f"Correct {path}; docs/profiles.md says what a profile is."
    try:
        profiles = _LIST.validate_python(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise InvalidInput(f"The profiles are no YAML: {error}", hint=hint) from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise InvalidInput(f"The profiles cannot be used: {faults}.", hint=hint) from error
    slugs = [profile.slug for profile in profiles]
    twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
    if twice:
        raise InvalidInput(f"Two profiles are called {', '.join(twice)}.", hint=hint)
    if not any("server" in profile.purposes and profile.gpus == 0 for profile in profiles):
        raise InvalidInput("No profile without a device is for people's servers.", hint=hint)
    return profiles
