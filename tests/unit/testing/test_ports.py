"""Ports for servers of tests."""

from __future__ import annotations

import socket
from pathlib import Path

from labkit.testing import ports


def test_no_port_is_named_twice_nor_given_by_the_system() -> None:
    """What is named is nobody's until its server listens, seconds later."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    named = [ports.free_port() for _ in range(50)]
    assert len(set(named)) == 50
    assert max(named) < first


def test_a_port_in_use_is_not_named(monkeypatch) -> None:
    """The next one is."""
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        used.listen(1)
        taken, free = used.getsockname()[1], ports.free_port()
        monkeypatch.setattr(ports, "_ports", iter([taken, free]))
        assert ports.free_port() == free
