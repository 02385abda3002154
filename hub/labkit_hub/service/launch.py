"""What the hub's configuration says about the service: how it is started, and what it may do."""

from __future__ import annotations

import os
import sys
from typing import Any

from labkit_hub.ports import free_port
from labkit_hub.service.address import SERVICE_NAME, require_bound_address
from labkit_hub.settings import Settings

__all__ = ["ACCESS_SCOPE", "SERVER_SCOPES", "role_entries", "service_entry"]

ACCESS_SCOPE = f"access:services!service={SERVICE_NAME}"
"""Opens the service; people have it by the role ``user``, their servers by `SERVER_SCOPES`."""
SERVER_SCOPES = ("users:activity!user", "access:servers!server", ACCESS_SCOPE)
"""For ``c.Spawner.server_token_scopes``: what the hub gives by default, and the service."""
_PASSED_ON = ("DOCKER_HOST", "HTTPS_PROXY", "HTTP_PROXY", "LD_LIBRARY_PATH", "NO_PROXY", "TZ")


def service_entry(settings: Settings) -> dict[str, Any]:
    """Return the entry for ``c.JupyterHub.services``; its ``url`` is where the hub and local servers reach the service.

    Raises
    ------
    InvalidInput
        The service would listen on all addresses.
    """
    address = require_bound_address(settings.service.address)
    host = f"[{address}]" if ":" in address else address
    return {
        "name": SERVICE_NAME,
        "url": f"http://{host}:{settings.service.port or free_port()}",
        "command": [sys.executable, "-m", "labkit_hub.service"],
        "environment": _environment(settings),
        "oauth_no_confirm": True,  # it is part of the hub, and takes nothing but the name
        "display": False,  # the bar links to it by itself
        "timeout": 60,
    }


def role_entries(settings: Settings) -> list[dict[str, Any]]:
    """Return the entries for ``c.JupyterHub.load_roles``; docs/hub-service.md has the reason for each scope."""
    return [
        {
            "name": "labkit-service",
            "description": "Starts and stops the servers of runs, and keeps the groups of courses",
            "scopes": ["servers", "list:users", "admin:groups"],
            "services": [SERVICE_NAME],
        },
        {
            "name": "user",
            "description": "The hub's own role of everybody, and LabKit's service",
            "scopes": ["self", ACCESS_SCOPE],
        },
        {
            # The hub makes the account that is named here; like everybody it has the role `user` besides.
            "name": "labkit-grader",
            "description": "Owns the runs that grade what was handed in; nobody logs in as it",
            "scopes": [ACCESS_SCOPE],
            "users": [settings.courses.grader],
        },
    ]


def _environment(settings: Settings) -> dict[str, str]:
    """Return all settings and little else; among them is the mark by which the processes of this hub are known."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("LABKIT_") or name in _PASSED_ON}
    return kept | {"LABKIT_VAR": str(settings.var), "PYTHONUNBUFFERED": "1"}
