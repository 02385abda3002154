"""A browser in a network of its own, that sees one port of this machine and none of its changes.

Chromium ends all requests under way when an address of the machine comes or goes, and with each container that starts or stops one
does. Needs root, as Docker's tests do.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.testing.browser import WITHIN_S, launch_flags, require_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["open_quiet_browser"]

_ONLINE = (
    "link set lo up",
    # A pair of devices that leads nowhere: with the loopback alone Chromium would tell its pages that it is offline.
    "link add lk0 type veth peer name lk1",
    # No addresses of IPv6, which would come a second or two later: a change, and the page under way would end with it.
    "link set lk0 addrgenmode none",
    "link set lk1 addrgenmode none",
    "addr add 192.0.2.2/24 dev lk0",
    "link set lk1 up",
    "link set lk0 up",
)
# What runs in the new network: the port leads to the socket, and so to this machine.
_START = """#!/bin/sh
exec {unshare} --net -- /bin/sh -c '
{online}
for _ in $(seq 100); do ip -oneline link show lk0 2>/dev/null | grep -q "state UP" && break; sleep 0.05; done
{python} {module} 127.0.0.1:{port} {socket} &
exec "$0" "$@"' {chromium} "$@"
"""


@contextmanager
def open_quiet_browser(port: int, *flags: str) -> Iterator[Browser]:
    """Give a headless browser for which ``localhost:port`` is that of this machine, and there is nothing else.

    Parameters
    ----------
    port : int
        Where the pages come from.
    flags : str
        For Chromium, beside those of `labkit.testing.browser.launch_flags`.
    """
    path = require_chromium()
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WITHIN_S * 1000)
    with tempfile.TemporaryDirectory(prefix="labkit-quiet-") as folder, _outer_end(Path(folder, "socket"), port) as socket:
        start = Path(folder, "chromium")
        words = {"unshare": shutil.which("unshare"), "python": sys.executable, "module": __file__, "chromium": path, "socket": socket}
        online = "\n".join(f"ip {words} 2>/dev/null" for words in _ONLINE)  # before Chromium looks: it would take it for a change
        start.write_text(_START.format(port=port, online=online, **{name: shlex.quote(str(word)) for name, word in words.items()}))
        start.chmod(0o700)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=start, args=[*launch_flags(), *flags])
            try:
                yield browser
            finally:
                browser.close()


@contextmanager
def _outer_end(socket: Path, port: int) -> Iterator[Path]:
    """Carry what comes to the socket to the port of this machine."""
    loop = asyncio.new_event_loop()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _join(reader, writer, *await asyncio.open_connection("127.0.0.1", port))

    loop.run_until_complete(asyncio.start_unix_server(carry, socket))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield socket
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _join(*ends: asyncio.StreamReader | asyncio.StreamWriter) -> None:
    """Carry bytes both ways until both sides have said all; ends are reader, writer, reader, writer."""
    reader, writer, other_reader, other_writer = ends
    await asyncio.gather(_pour(reader, other_writer), _pour(other_reader, writer))  # type: ignore[arg-type]


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def _inner_end(address: str, socket: str) -> None:
    """Carry what comes to the port within the new network to the socket; end with the browser, whose child this is."""
    parent = os.getppid()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _join(reader, writer, *await asyncio.open_unix_connection(socket))

    async def live() -> None:
        host, _, port = address.partition(":")
        await asyncio.start_server(carry, host, int(port))
        while os.getppid() == parent:
            await asyncio.sleep(0.5)

    asyncio.run(live())


if __name__ == "__main__":
    _inner_end(*sys.argv[1:])
