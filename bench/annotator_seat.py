"""Where a person would sit: a page with the annotator, a hand that moves at its own pace, and a clock in the page."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, WebSocket, expect

from bench.annotator_hand import Button, Hand, Pixels, free_hand, paced
from labkit.testing.browser import open_browser
from labkit.testing.lab import WITHIN_S

__all__ = ["Place", "Seat", "debuggable_browser", "taken_seat"]

_SCRIPT = Path(__file__).with_name("annotator_page.js")
_VIEWPORT = {"width": 1440, "height": 900}

Place = tuple[float, float]  # parts of the canvas' height and width


class Seat:
    """One page of JupyterLab, the annotator in it, and what was measured there."""

    def __init__(self, page: Page, debugging_port: int) -> None:
        self.page = page
        self._debugging_port = debugging_port
        self._target_id = _target_id(page)
        self.messages = 0  # over websockets of kernels, both ways
        self.canvas = page.get_by_role("application")
        self._root = page.locator(".labkit-Annotator")
        page.on("websocket", self._listen)

    def _listen(self, channels: WebSocket) -> None:
        if "/channels" in channels.url:
            channels.on("framesent", self._count)
            channels.on("framereceived", self._count)

    def _count(self, frame: object) -> None:
        self.messages += 1

    def open(self, url: str, name: str) -> float:
        """Click on Annotate, and return the seconds until picture and objects are drawn."""
        self.page.goto(url)
        card = self.page.get_by_role("region", name="LabKit projects").get_by_role("listitem")
        card.get_by_text("Images", exact=True).click()
        self.page.wait_for_load_state("networkidle")  # the thumbnails have come
        card.get_by_role("button", name=f"Annotate {name}").click()
        self.page.wait_for_function("labkitBench.isOpen()")
        self.is_saved()
        return float(self.take()["opened"][0] / 1e3)

    def take(self) -> dict[str, list[float]]:
        """Return what was measured since the last call, in milliseconds."""
        found: dict[str, list[float]] = self.page.evaluate("labkitBench.take()")
        return found

    def is_saved(self) -> None:
        """Wait until the kernel has acknowledged everything."""
        expect(self._root).to_have_attribute("aria-busy", "false")
        expect(self._root.get_by_role("status")).to_have_text("Saved")

    def is_complete(self) -> None:
        """Wait until the last move is followed by a frame with all that is in sight."""
        self.page.wait_for_function("labkitBench.isComplete()")

    def press(self, *keys: str) -> None:
        """Press keys that the picture takes."""
        self.canvas.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def actual_size(self) -> None:
        """Show each pixel of the picture as one of the screen."""
        self.press("0")
        expect(self.canvas).to_have_attribute("data-picture", "complete")

    def drag(self, path: Sequence[Place], *, each_s: float, button: Button = "left") -> None:
        """Press, move along the path at an even pace, let go."""
        with self._hand() as hand:
            hand.drag(self._on_page(path), each_s=each_s, button=button)

    def pan(self, dy: float, dx: float, *, moves: int, each_s: float) -> None:
        """Drag the picture by parts of the canvas, with the middle button."""
        parts = [k / moves - 0.5 for k in range(moves + 1)]
        self.drag([(0.5 + part * dy, 0.5 + part * dx) for part in parts], each_s=each_s, button="middle")

    def zoom(self, delta: float, *, steps: int, each_s: float) -> None:
        """Turn the wheel over the middle of the picture; below zero it grows."""
        with self._hand() as hand:
            hand.wheel(self._on_page([(0.5, 0.5)])[0], delta, steps=steps, each_s=each_s)

    def _hand(self) -> AbstractContextManager[Hand]:
        return free_hand(self._debugging_port, self._target_id)

    def _on_page(self, path: Sequence[Place]) -> list[Pixels]:
        box = self.canvas.bounding_box()
        assert box is not None
        return [(box["y"] + y * box["height"], box["x"] + x * box["width"]) for y, x in path]

    def jump(self, count: int, *, each_s: float) -> None:
        """Go down the list of objects, which lie anywhere; each is looked at for a while."""
        listbox = self._root.get_by_role("listbox")
        listbox.focus()
        for _ in paced(count, each_s):
            self.page.keyboard.press("ArrowDown")
            self.is_complete()

    @property
    def frames(self) -> int:
        """Number of frames painted since the page was opened."""
        return int(self.page.evaluate("labkitBench.frames()"))

    def memory_mb(self) -> float:
        """Return the private memory of all renderers, after the garbage was collected."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("HeapProfiler.collectGarbage")
        session.detach()
        return renderers_mb()


def _target_id(page: Page) -> str:
    session = page.context.new_cdp_session(page)
    found: str = session.send("Target.getTargetInfo")["targetInfo"]["targetId"]
    session.detach()
    return found


def renderers_mb() -> float:
    """Return the private memory of the renderers of the browsers that this process started."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        try:
            if "--type=renderer" in process.cmdline():
                total += process.memory_full_info().uss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


@contextmanager
def debuggable_browser() -> Iterator[tuple[Browser, int]]:
    """Give a browser, and the port of its debugging protocol."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with open_browser(f"--remote-debugging-port={port}") as browser:
        yield browser, port


@contextmanager
def taken_seat(browser: Browser, debugging_port: int) -> Iterator[Seat]:
    """Give a page of a browser that knows nothing of earlier ones."""
    with browser.new_context(viewport=_VIEWPORT) as context:  # type: ignore[arg-type]
        context.set_default_timeout(WITHIN_S * 1e3)
        context.add_init_script(path=_SCRIPT)
        expect.set_options(timeout=WITHIN_S * 1e3)
        yield Seat(context.new_page(), debugging_port)
