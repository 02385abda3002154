"""The process that the hub starts: ``python -m labkit_hub.service``."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys

import uvicorn

from labkit.errors import LabKitError, NotWritable, response_for
from labkit_hub.service.address import HubAddress, require_bound_address
from labkit_hub.service.house import open_house
from labkit_hub.settings import load_settings

log = logging.getLogger("labkit_hub.service")

_GRACE_S = 5
_KEEP_ALIVE_S = 75  # longer than the proxy keeps a connection: who closes first must not be us, just when it sends again


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="[%(levelname).1s %(asctime)s labkit] %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    failures: list[BaseException] = []
    try:
        settings, address = load_settings(), HubAddress.from_environment(os.environ)
        listening = _listen(require_bound_address(settings.service.address), address.port)

        def fail(error: BaseException) -> None:
            failures.append(error)
            server.should_exit = True

        app = open_house(settings, address, fail)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=_GRACE_S,
                timeout_keep_alive=_KEEP_ALIVE_S,
                server_header=False,
            )
        )
        # The server ends in order on either signal, and then raises it once more for whoever had it before: nobody.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)
        server.run(sockets=[listening])
        if failures:
            raise failures[0]
    except LabKitError as error:
        log.error("%s %s", error.message, error.hint)  # noqa: TRY400
        return response_for(error).exit_code
    return 0


def _listen(address: str, port: int) -> socket.socket:
    """Return a listening socket, so that a taken port is said before anything else begins.

    Raises
    ------
    NotWritable
        The port cannot be had.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
        listening.listen(256)
    except OSError as error:
        listening.close()
        raise NotWritable(
            f"The service cannot listen on {address}:{port}: {error.strerror}.",
            hint="Set LABKIT_SERVICE__ADDRESS and LABKIT_SERVICE__PORT.",
        ) from error
    return listening


if __name__ == "__main__":
    sys.exit(main())
