"""Kernel connections that send at once.

Jupyter Server leaves Nagle's algorithm on for kernel websockets; together with delayed acknowledgements that adds about
40 ms to every answer of a kernel, which a hand that draws can feel. `docs/extension.md` has the numbers.
"""

from __future__ import annotations

from asyncio import Future
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

__all__ = ["NoDelayWebsocketConnection", "use_no_delay"]

_SETTING = "kernel_websocket_connection_class"


class NoDelayWebsocketConnection(ZMQChannelsWebsocketConnection):
    """The stock connection with TCP_NODELAY set on its socket."""

    def connect(self) -> Future[None] | None:  # type: ignore[override]  # as the stock class has it
        """Set TCP_NODELAY, then connect as the stock class does."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()


def use_no_delay(settings: dict[str, Any]) -> bool:
    """Let `settings` of a web application name the class above, and return whether they do.

    Only the stock class is replaced: a class that somebody configured (a gateway's, say) stays.
    """
    if settings.get(_SETTING) is ZMQChannelsWebsocketConnection:
        settings[_SETTING] = NoDelayWebsocketConnection
    return settings.get(_SETTING) is NoDelayWebsocketConnection
