"""Ports of this machine: which is free, and what to say when one is not."""

from __future__ import annotations

import errno
import socket

from labkit.errors import AlreadyExists, InvalidInput, NotWritable

__all__ = ["ADDRESS", "free_port", "require_free_port"]

ADDRESS = "127.0.0.1"
"""The only address that anything of this shape listens on."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def require_free_port(port: int) -> None:
    """Return if the hub can listen on `port`.

    Raises
    ------
    AlreadyExists
        Another program listens there.
    NotWritable
        This user may not listen there (ports below 1024).
    InvalidInput
        The port cannot be used for another reason.
    """
    with socket.socket() as probe:
        # As the proxy does: connections of an earlier hub that are still closing do not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
            probe.listen(1)
        except OSError as error:
            another = f"Choose another port, for example: LABKIT_PORT={port + 10 if port < 65000 else 8010} make start"
            if error.errno == errno.EADDRINUSE:
                raise AlreadyExists(
                    f"Port {port} of {ADDRESS} is used by another program.", hint=f"Stop it. Or: {another}", port=port
                ) from error
            if error.errno in (errno.EACCES, errno.EPERM):
                raise NotWritable(f"This user may not listen on port {port}.", hint=another, port=port) from error
            raise InvalidInput(f"Port {port} cannot be used: {error.strerror}.", hint=another, port=port) from error
