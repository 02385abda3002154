"""Kinds of values that several groups of settings have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

__all__ = ["Folder", "Port", "PortOrAny"]


def _absolute(path: Path) -> Path:
    return Path(path).expanduser().absolute()


Folder = Annotated[Path, AfterValidator(_absolute)]
Port = Annotated[int, Field(ge=1, le=65535)]
PortOrAny = Annotated[int, Field(ge=0, le=65535)]
