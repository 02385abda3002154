"""Kernel connections send at once."""

import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from jupyter_server.gateway.connections import GatewayWebSocketConnection
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from labkit_lab.server.nodelay import NoDelayWebsocketConnection, use_no_delay

SETTING = "kernel_websocket_connection_class"


def test_stock_class_is_replaced() -> None:
    """Where nobody chose a class, ours is put in place."""
    settings: dict[str, Any] = {SETTING: ZMQChannelsWebsocketConnection}
    assert use_no_delay(settings)
    assert settings[SETTING] is NoDelayWebsocketConnection


@pytest.mark.parametrize("chosen", [GatewayWebSocketConnection, None])
def test_chosen_class_stays(chosen: type | None) -> None:
    """A class that somebody configured is left alone."""
    settings: dict[str, Any] = {SETTING: chosen}
    assert not use_no_delay(settings)
    assert settings[SETTING] is chosen


def test_loading_twice_changes_nothing() -> None:
    """A second load finds our class in place and is content."""
    settings: dict[str, Any] = {SETTING: ZMQChannelsWebsocketConnection}
    assert use_no_delay(settings)
    assert use_no_delay(settings)


async def test_socket_of_a_real_kernel_connection_has_the_option(
    jp_serverapp: ServerApp, jp_fetch: Callable[..., Awaitable[Any]], jp_ws_fetch: Callable[..., Awaitable[Any]]
) -> None:
    """With the extension loaded, the server's end of a kernel's websocket has TCP_NODELAY set."""
    assert jp_serverapp.web_app.settings[SETTING] is NoDelayWebsocketConnection
    reply = await jp_fetch("api", "kernels", method="POST", body=json.dumps({"name": "python3"}))
    kernel_id = json.loads(reply.body)["id"]
    client = await jp_ws_fetch("api", "kernels", kernel_id, "channels")
    try:
        (connection,) = [c for c in ZMQChannelsWebsocketConnection._open_sockets if c.kernel_id == kernel_id]
        stream = connection.websocket_handler.ws_connection.stream
        assert isinstance(connection, NoDelayWebsocketConnection)
        assert stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    finally:
        client.close()
        await jp_fetch("api", "kernels", kernel_id, method="DELETE")
