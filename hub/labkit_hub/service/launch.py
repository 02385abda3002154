"""How the hub starts the service."""

from __future__ import annotations

import os
import sys
from typing import Any

from labkit_hub.ports import free_port
from labkit_hub.settings import Settings

__all__ = ["role_entries", "service_entry"]


def service_entry(settings: Settings) -> dict[str, Any]:
    """Return the entry of ``c.JupyterHub.services``."""
    port = settings.service.port or free_port()
    return {
        "name": "labkit",
        "url": f"http://{settings.service.address}:{port}",
        "command": [sys.executable, "-m", "labkit_hub.service"],
        "environment": {name: value for name, value in os.environ.items() if name.startswith("LABKIT_")},
        "display": False,
    }


def role_entries() -> list[dict[str, Any]]:
    """Return the entries of ``c.JupyterHub.load_roles``."""
    return [
        {"name": "labkit-service", "scopes": ["servers", "read:users:name", "list:users"], "services": ["labkit"]},
        {"name": "user", "scopes": ["self", "access:services!service=labkit"]},
    ]
