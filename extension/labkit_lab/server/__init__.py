"""The server extension: thin, authenticated doors from the browser into the library."""

from labkit_lab.server.loader import ROUTES, load

__all__ = ["ROUTES", "load"]
