"""The annotator in a browser as tests use it: a page object, a picture of discs, what lies on the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from labkit.annotations import AnnotationObject, open_document, resolve_author
from labkit.project import Project
from labkit.testing.lab import WITHIN_S, Lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

__all__ = ["Annotator", "colour_at", "draw_discs", "objects_on_disk", "open_annotator_of", "patient_page"]


class Annotator:
    """The open annotator of a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".labkit-Annotator")
        self.canvas = page.get_by_role("application")
        rows = self.root.get_by_role("listbox")
        self.objects = rows.get_by_role("option")
        self.chosen = rows.get_by_role("option", selected=True)

    def is_painted(self) -> None:
        """Wait until every tile in sight is there and the document has come."""
        from playwright.sync_api import expect

        expect(self.canvas).to_have_attribute("data-picture", "complete")
        self.is_saved()

    def is_saved(self) -> None:
        """Wait until the kernel has acknowledged everything."""
        from playwright.sync_api import expect

        expect(self.root).to_have_attribute("aria-busy", "false")
        expect(self.root.get_by_role("status")).to_have_text("Saved")

    def at(self, y: float, x: float) -> tuple[float, float]:
        """Return the place on the page of a part of the canvas."""
        box = self.canvas.bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def over(self, y_px: float, x_px: float, size_px: tuple[int, int]) -> tuple[float, float]:
        """Return the part of the canvas that shows a place of a picture (height, width) that is seen as a whole."""
        box = self.canvas.bounding_box()
        assert box is not None
        zoom = 0.96 * min(box["height"] / size_px[0], box["width"] / size_px[1])
        return 0.5 + (y_px - size_px[0] / 2) * zoom / box["height"], 0.5 + (x_px - size_px[1] / 2) * zoom / box["width"]

    def drag(self, *places: tuple[float, float]) -> None:
        """Press at the first place, go along the others, let go at the last."""
        mouse = self.page.mouse
        mouse.move(*self.at(*places[0]))
        mouse.down()
        for place in places[1:]:
            mouse.move(*self.at(*place), steps=5)
        mouse.up()


@contextmanager
def patient_page(browser: Browser, *, width: int = 1280, height: int = 800, touch: bool = False) -> Iterator[Page]:
    """Give a page of its own context, that waits as long as a loaded machine needs."""
    from playwright.sync_api import expect

    with browser.new_context(viewport={"width": width, "height": height}, has_touch=touch) as context:
        context.set_default_timeout(WITHIN_S * 1000)
        expect.set_options(timeout=WITHIN_S * 1000)
        yield context.new_page()


def open_annotator_of(page: Page, lab: Lab, picture: str, project: str = "cells") -> Annotator:
    """Open a picture from the Projects panel."""
    page.goto(lab.url)
    card = page.get_by_role("region", name="LabKit projects").get_by_role("listitem", name=project)
    card.get_by_text("Images", exact=True).click()
    card.get_by_role("button", name=f"Annotate {picture}").click()
    annotator = Annotator(page)
    annotator.is_painted()
    return annotator


def draw_discs(path: Path, size_px: int, *, count: int = 60, seed: int = 3) -> Path:
    """Write a picture of bright, soft discs on a dark ground."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size_px, :size_px]
    picture = np.full((size_px, size_px, 3), (40.0, 30.0, 60.0))
    for cy, cx, r in zip(rng.uniform(0, size_px, count), rng.uniform(0, size_px, count), rng.uniform(25, 60, count), strict=True):
        disc = np.exp(-((((y - cy) ** 2 + (x - cx) ** 2) / r**2) ** 2))
        picture += disc[..., None] * np.array((150, 120, 190))
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)
    return path


def objects_on_disk(project: Project) -> tuple[AnnotationObject, ...]:
    """Return what somebody who opens the first picture now would find."""
    return open_document(project, project.images()[0].id, resolve_author()).objects


def colour_at(canvas: Locator, y: float, x: float) -> Sequence[int]:
    """Return the RGBA of what ipycanvas shows at a part of the canvas."""
    found: list[int] = canvas.evaluate(
        """(node, [y, x]) => {
            const below = node.parentElement.querySelector('canvas');
            return [...below.getContext('2d').getImageData(x * below.width, y * below.height, 1, 1).data];
        }""",
        [y, x],
    )
    return found
