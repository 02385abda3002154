"""A headless Chromium for tests: where it is, how it is started, and what to do where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["chromium_path", "launch_flags", "open_browser", "require_chromium"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> Path | None:
    """Return the Chromium of this machine: ``$LABKIT_CHROMIUM``, else the first one on PATH, else None."""
    named = os.environ.get("LABKIT_CHROMIUM")
    found = named if named and Path(named).exists() else next(filter(None, map(shutil.which, _NAMES)), None)
    return Path(found) if found else None


def launch_flags() -> list[str]:
    """Return the flags for a quiet headless Chromium; root may only run it without its sandbox."""
    return [*(["--no-sandbox"] if os.geteuid() == 0 else []), *_FLAGS]


def require_chromium() -> Path:
    """Return the Chromium; without one skip the test (which `LABKIT_REQUIRE_ALL=1` makes a failure)."""
    path = chromium_path()
    if path is None:
        _do_without("no Chromium on this machine (install Debian's package `chromium`, or name one in LABKIT_CHROMIUM)")
    if fault := _driver_fault():
        _do_without(f"Playwright's driver does not start: {fault} (a missing libatomic is in Debian's package `libatomic1`)")
    return path


def _do_without(reason: str) -> NoReturn:
    import pytest

    pytest.skip(reason)


def _driver_fault() -> str:
    """Return what keeps Playwright's own Node from starting (a library that a small system lacks); empty if nothing does."""
    from playwright._impl._driver import compute_driver_executable

    node = compute_driver_executable()[0]
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


@contextmanager
def open_browser(*flags: str) -> Iterator[Browser]:
    """Give a headless browser, or skip as `require_chromium` does; it is closed on exit.

    Parameters
    ----------
    flags : str
        For Chromium, beside those of `launch_flags`.

    Examples
    --------
    >>> with open_browser() as browser:  # doctest: +SKIP
    ...     page = browser.new_page(viewport={"width": 1280, "height": 800})
    """
    path = require_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*launch_flags(), *flags])
        try:
            yield browser
        finally:
            browser.close()
