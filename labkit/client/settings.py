"""Where the hub's service is, and who asks it."""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["ServiceAddress", "service_address"]


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """The service's address without a slash at its end, and the token to ask it with."""

    url: str
    token: str


def service_address() -> ServiceAddress | None:
    """Return where the hub's service is, None where there is no hub.

    On the hub each server has ``LABKIT_SERVICE_URL`` and ``JUPYTERHUB_API_TOKEN``; elsewhere a person sets the address
    and, in ``LABKIT_HUB_TOKEN``, a token that the hub's page gave them.
    """
    url = os.environ.get("LABKIT_SERVICE_URL", "").rstrip("/")
    token = os.environ.get("LABKIT_HUB_TOKEN") or os.environ.get("JUPYTERHUB_API_TOKEN", "")
    return ServiceAddress(url, token) if url and token else None
