"""Ports for servers that a test starts."""

from __future__ import annotations

import itertools
import os
import random
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["free_port", "hub_ports"]

_FIRST, _LANES = 12_000, 8
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses now, nor soon: whoever asks the system for some port is not given this one.

    Between this answer and the moment when the server listens lie seconds, in which kernels, servers and connections take ports of the
    system's range. These are below it, each is named once, and programs of one test run that work side by side have their own.
    """
    with _lock:
        for port in _ports:
            if _is_free(port):
                return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def hub_ports() -> dict[str, str]:
    """Return settings by which a hub, its proxy and its service listen on such ports, too, for one start."""
    names = ("LABKIT_HUB_PORT", "LABKIT_PROXY_API_PORT", "LABKIT_SERVICE__PORT")
    return {name: str(free_port()) for name in names}


def _own_ports() -> Iterator[int]:
    """Yield the ports of this program, in an order of its own, so that those of another test run are seldom met."""
    try:
        end = int(_RANGE.read_text().split()[0])
    except (OSError, ValueError):
        return
    worker = re.search(r"\d+$", os.environ.get("PYTEST_XDIST_WORKER", ""))
    lane = int(worker[0]) % (_LANES - 1) + 1 if worker else 0
    lane_ports = range(_FIRST + lane, end, _LANES)
    if lane_ports:
        first = random.randrange(len(lane_ports))
        yield from itertools.chain(lane_ports[first:], lane_ports[:first])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_lock = threading.Lock()
_ports = _own_ports()
