"""The link far away that the bench of the annotator measures through: late, in order, complete, in both directions."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from bench.slow_link import slow_link

ROUND_TRIP_S = 0.1


@pytest.fixture
def echo() -> Iterator[int]:
    """A port that says again what it hears until the other end is silent."""
    with socket.create_server(("localhost", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                while piece := connection.recv(2**16):
                    connection.sendall(piece)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


def _received(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (piece := connection.recv(2**16)):
        data += piece
    return data


def test_a_round_trip_takes_its_time(echo: int) -> None:
    """The first answer needs two round trips, as a handshake would; each later one needs one."""
    with slow_link(echo, ROUND_TRIP_S) as port, socket.create_connection(("127.0.0.1", port)) as connection:
        for trips in (2, 1, 1):
            started = time.perf_counter()
            connection.sendall(b"word")
            assert _received(connection, 4) == b"word"
            assert time.perf_counter() - started > trips * ROUND_TRIP_S * 0.95


def test_all_bytes_come_in_their_order(echo: int) -> None:
    """A megabyte comes back as it was, and then the end of it."""
    sent = bytes(range(256)) * 4096
    with slow_link(echo, ROUND_TRIP_S) as port, socket.create_connection(("127.0.0.1", port)) as connection:
        threading.Thread(target=lambda: (connection.sendall(sent), connection.shutdown(socket.SHUT_WR)), daemon=True).start()
        assert _received(connection, len(sent)) == sent
        assert connection.recv(1) == b""
