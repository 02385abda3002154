"""Where student code is executed: in programs of this machine, or in containers of a Docker engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from labkit.storage import Record

__all__ = ["ContainerShape", "ProcessShape", "Shape", "SlotFolder", "SlotVolume"]


class SlotFolder(Record):
    """Slots are fresh folders below `path` (by default below the system's temporary folder), mounted into the containers."""

    kind: Literal["folder"] = "folder"
    path: Path | None = None


class SlotVolume(Record):
    """A slot is a volume of Docker, for a worker that is in a container itself.

    Attributes
    ----------
    volume : str
        Its name. It should be a ``tmpfs`` with a size: Docker bounds no other kind.
    path : Path
        Where this worker has it.
    """

    kind: Literal["volume"] = "volume"
    volume: Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}$")]
    path: Path


class ProcessShape(Record):
    """Kernels are programs of this account: bounded, ended to the last, but not kept from what the account may read."""

    kind: Literal["process"] = "process"


class ContainerShape(Record):
    """Each kernel is a container without network, capabilities, or anything but its slot to write into.

    Attributes
    ----------
    image : str
        Of the kernels, and of the scorer where `scorer_image` is empty; LabKit is installed in both.
    slots : tuple of SlotVolume
        One more than workers: the last is the scorer's. Without any, slots are folders below `folder`.
    prefix : str
        Begins the names of the containers.
    docker_host : str, optional
        Address of the engine; by default ``DOCKER_HOST``, else the local socket.
    tmp_mb : int
        Size of ``/tmp``, which is memory of the container.
    run : str
        The run at the hub that the containers belong to, written on each; empty outside of a hub.
    """

    kind: Literal["container"] = "container"
    image: str
    scorer_image: str = ""
    slots: tuple[SlotVolume, ...] = ()
    folder: SlotFolder = SlotFolder()
    prefix: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,60}$")] = "labkit-grade-"
    docker_host: str | None = None
    tmp_mb: Annotated[int, Field(ge=1, le=1_000_000)] = 256
    run: Annotated[str, Field(max_length=64)] = ""

    @property
    def user(self) -> str:
        """The account inside: never root; that of the worker, unless the worker is root."""
        return f"{os.getuid()}:{os.getgid()}" if os.getuid() else "1000:1000"


Shape = ProcessShape | ContainerShape
