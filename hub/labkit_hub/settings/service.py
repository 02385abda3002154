"""The hub's service."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from labkit_hub.settings.kinds import PortOrAny

__all__ = ["ServiceSettings"]


class ServiceSettings(BaseModel):
    """The hub's `labkit` service (``LABKIT_SERVICE__*``).

    Attributes
    ----------
    address : str
        Where it listens: 127.0.0.1, or in a container the hub's address on the core network; never all addresses.
    port : int
        0 takes a free one.
    database_url : str or None
        SQLAlchemy address; None means SQLite in `var`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = "127.0.0.1"
    port: PortOrAny = 0
    database_url: str | None = None
