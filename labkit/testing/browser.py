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
    from playwright.sync_api import Browser, FloatRect, Locator, Page

__all__ = [
    "WITHIN_S",
    "chromium_path",
    "contrasts",
    "launch_flags",
    "loaded",
    "on_screen",
    "open_browser",
    "patient_page",
    "place_of",
    "require_chromium",
]

WITHIN_S = 60  # a machine under load starts a server and draws a page in this time, or never
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# Contrast of each text with what lies behind it, by the formula of WCAG 2.2.
_CONTRASTS = """async panel => {
  const ends = one => one.playState === 'running' && one.effect.getComputedTiming().endTime !== Infinity;
  await Promise.all(document.getAnimations().filter(ends).map(one => one.finished.catch(() => null)));
  const rgb = text => (text.match(/[0-9.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    const colour = rgb(getComputedStyle(node).backgroundColor);
    return colour.length === 3 || colour[3] === 1 ? colour : behind(node.parentElement);
  };
  const kinds = 'h2, h3, h4, p, dt, dd, button, th, td, li, label, legend, output, strong, small, em, span, summary';
  const isSeen = node => node.textContent.trim() && node.offsetParent && !node.matches(':disabled, [data-stale=true] *');
  const texts = [...panel.querySelectorAll(kinds)].filter(isSeen);
  return texts.map(node => {
    const [ground, [r, g, b, alpha = 1]] = [behind(node), rgb(getComputedStyle(node).color)];
    const seen = [r, g, b].map((v, i) => alpha * v + (1 - alpha) * ground[i]);
    const [a, c] = [light(seen), light(ground)].sort((x, y) => y - x);
    return [node.textContent, (a + 0.05) / (c + 0.05)];
  });
}"""


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

    From then on every ``expect`` of this program is patient; Playwright itself gives up after five seconds.

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
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WITHIN_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*launch_flags(), *flags])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def patient_page(browser: Browser, *, width: int = 1280, height: int = 800, density: int = 1, touch: bool = False) -> Iterator[Page]:
    """Give a page of its own context, that waits as long as a loaded machine needs.

    Parameters
    ----------
    browser : Browser
        Of `open_browser`.
    width, height : int
        Of the window, in CSS pixels.
    density : int
        Pixels of the screen for each CSS pixel.
    touch : bool
        Whether the screen feels fingers.
    """
    with browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=density, has_touch=touch) as context:
        context.set_default_timeout(WITHIN_S * 1000)
        yield context.new_page()


def place_of(part: Locator) -> FloatRect:
    """Return where a part of a page is, once it is in sight and moves no more: what a mouse aims at that Playwright does not lead."""
    part.scroll_into_view_if_needed()  # waits for two frames with the same place
    box = part.bounding_box()
    assert box is not None
    return box


def loaded(page: Page, words: str) -> None:
    """Wait for the page whose heading has these words, and until its scripts hear what is done to it: a form works without them, too."""
    from playwright.sync_api import expect

    expect(page.locator("h1")).to_contain_text(words)
    page.wait_for_load_state()


def on_screen(page: Page) -> None:
    """Wait until what the page has decided to show is shown: React draws in a task of its own, canvases are painted in the next frame."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")


def contrasts(part: Locator) -> dict[str, float]:
    """Return how far each text that is seen in a part of a page stands out from its ground: 1 to 21, WCAG asks for 4.5.

    Colours that are on their way to others are waited for. What is switched off is left out, as WCAG does.
    """
    return dict(part.evaluate(_CONTRASTS))
