"""Pages for browsers, made on the server: they work without scripts, and a small one keeps them fresh."""

from labkit_hub.service.pages.room import PagesRoom

__all__ = ["PagesRoom"]
