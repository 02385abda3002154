"""How people's servers are started, and when they are stopped."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["IdleSettings", "ServerSettings"]


class ServerSettings(BaseModel):
    """How a user's server is started (``LABKIT_SERVER__*``).

    Attributes
    ----------
    start_timeout_s : int
        How long a server may take until it answers.
    stop_timeout_s : int
        How long it may take to save and stop before it is ended by force.
    starts_at_once : int
        Servers that may be starting at the same time; further people see a page that tries again by itself. 0 sets no bound.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_timeout_s: int = Field(default=120, ge=1)
    stop_timeout_s: int = Field(default=10, ge=1)
    starts_at_once: int = Field(default=20, ge=0)


class IdleSettings(BaseModel):
    """When servers that nobody uses are stopped (``LABKIT_IDLE__*``); servers of runs never are, they end by themselves.

    Attributes
    ----------
    server_s : int
        Seconds without activity after which a server is stopped; 0 never stops one.
    device_s : int
        The same for a server that holds a device.
    every_s : int
        How often is looked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    server_s: Annotated[int, Field(ge=0)] = 3600
    device_s: Annotated[int, Field(ge=0)] = 1200
    every_s: Annotated[int, Field(ge=1)] = 60
