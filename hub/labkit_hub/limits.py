"""How many servers with a name somebody may have: none but those that the queue starts for them."""

from __future__ import annotations

from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers.pages import SpawnHandler
from tornado import web

from labkit_hub.hooks import asked_by_service

__all__ = ["named_server_limit"]


def named_server_limit(handler: Any) -> int:
    """Return the hub's limit for whoever asks; 0 means none.

    A limit cannot say "not a single one", so a request of anybody but the queue is refused right here. Pages that only show the
    limit are not.

    Raises
    ------
    tornado.web.HTTPError
        A person or another service wants to make, start or change a server with a name.
    """
    if not asked_by_service(handler) and isinstance(handler, (APIHandler, SpawnHandler)):
        raise web.HTTPError(403, "Servers with a name are started by LabKit's queue alone: put a run into the line from your own server.")
    return 0
