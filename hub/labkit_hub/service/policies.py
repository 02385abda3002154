"""What browsers are told that our pages may load."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["page_policy"]


def page_policy(hub_path: str, *, frames: bool = False) -> str:
    """Return the Content-Security-Policy of a page.

    Parameters
    ----------
    hub_path : str
        Where the hub's pages are: logging out leads there, also to a host of its own.
    frames : bool
        Whether it shows what students made, in sandboxed frames of this service.
    """
    parts = urlsplit(hub_path)
    hub = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    shown = " frame-src 'self';" if frames else ""
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
        f"{shown} form-action 'self'{hub}; frame-ancestors 'none'; base-uri 'none'"
    )
