"""``python -m labkit_hub.dockerproxy``: the socket proxy, by the settings of its environment."""

from __future__ import annotations

import logging
import sys

from aiohttp import web

from labkit_hub.dockerproxy import ProxySettings, make_app


def main() -> int:
    """Listen until stopped; without a caller there is nothing to do."""
    settings = ProxySettings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    if not settings.callers:
        sys.stderr.write("No caller is set: LABKIT_DOCKERPROXY_CALLERS__HUB__ADDRESSES and so on, see docs/containers.md.\n")
        return 2
    web.run_app(make_app(settings), port=settings.port, print=None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
