"""The annotator in a browser as tests use it: a page object, a picture of discs, what lies on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from labkit.annotations import AnnotationObject, open_document, resolve_author
from labkit.project import Project
from labkit.testing.browser import on_screen, place_of
from labkit.testing.lab import Lab, reload_lab

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

__all__ = ["Annotator", "colour_at", "draw_discs", "has_colour", "objects_on_disk", "open_annotator_of", "reload_annotator"]


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

        self.canvas.wait_for()
        on_screen(self.page)  # else it may be the picture of the view before
        expect(self.canvas).to_have_attribute("data-picture", "complete")
        self.is_saved()

    def is_saved(self) -> None:
        """Wait until the kernel has acknowledged everything."""
        from playwright.sync_api import expect

        expect(self.root).to_have_attribute("aria-busy", "false")
        expect(self.root.get_by_role("status")).to_have_text("Saved")
        on_screen(self.page)  # buttons and lists show it

    def at(self, y: float, x: float) -> tuple[float, float]:
        """Return the place on the page of a part of the canvas, once it moves no more."""
        box = place_of(self.canvas)
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def over(self, y_px: float, x_px: float, size_px: tuple[int, int]) -> tuple[float, float]:
        """Return the part of the canvas that shows a place of a picture (height, width) that is seen as a whole."""
        box = place_of(self.canvas)
        zoom = 0.96 * min(box["height"] / size_px[0], box["width"] / size_px[1])
        return 0.5 + (y_px - size_px[0] / 2) * zoom / box["height"], 0.5 + (x_px - size_px[1] / 2) * zoom / box["width"]

    def drag(self, *places: tuple[float, float]) -> None:
        """Press at the first place, go along the others, let go at the last."""
        mouse = self.page.mouse
        start, *others = [self.at(*place) for place in places]
        mouse.move(*start)
        mouse.down()
        for place in others:
            mouse.move(*place, steps=5)
        mouse.up()


def open_annotator_of(page: Page, lab: Lab, picture: str, project: str = "cells") -> Annotator:
    """Open a picture from the Projects panel."""
    page.goto(lab.url)
    card = page.get_by_role("region", name="LabKit projects").get_by_role("listitem", name=project)
    card.get_by_text("Images", exact=True).click()
    card.get_by_role("button", name=f"Annotate {picture}").click()
    annotator = Annotator(page)
    annotator.is_painted()
    return annotator


def reload_annotator(page: Page, lab: Lab, project: Project) -> Annotator:
    """Load the page again once JupyterLab has kept the tab of the project's first picture, and wait for the picture."""
    reload_lab(page, lab, tab=project.images()[0].id)
    annotator = Annotator(page)
    annotator.is_painted()
    return annotator


def draw_discs(path: Path, size_px: int, *, count: int = 60, seed: int = 3) -> Path:
    """Write a picture of bright, soft discs on a dark ground."""
    rng = np.random.default_rng(seed)
    picture = np.full((size_px, size_px, 3), (40.0, 30.0, 60.0))
    for cy, cx, r in zip(rng.uniform(0, size_px, count), rng.uniform(0, size_px, count), rng.uniform(25, 60, count), strict=True):
        y0, x0 = (max(0, int(c - 2.5 * r)) for c in (cy, cx))  # farther away a disc adds less than a millionth of a grey value
        window = picture[y0 : int(cy + 2.5 * r), x0 : int(cx + 2.5 * r)]
        y, x = np.ogrid[y0 : y0 + window.shape[0], x0 : x0 + window.shape[1]]
        disc = np.exp(-((((y - cy) ** 2 + (x - cx) ** 2) / r**2) ** 2))
        window += disc[..., None] * np.array((150, 120, 190))
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)
    return path


def objects_on_disk(project: Project) -> tuple[AnnotationObject, ...]:
    """Return what somebody who opens the first picture now would find."""
    return open_document(project, project.images()[0].id, resolve_author()).objects


_COLOUR = """(node, [y, x]) => {
    const below = node.parentElement.querySelector('canvas');
    return [...below.getContext('2d').getImageData(x * below.width, y * below.height, 1, 1).data];
}"""


def colour_at(canvas: Locator, y: float, x: float) -> Sequence[int]:
    """Return the RGBA of what ipycanvas shows at a part of the canvas at this moment; `has_colour` waits."""
    found: list[int] = canvas.evaluate(_COLOUR, [y, x])
    return found


def has_colour(canvas: Locator, y: float, x: float, colour: Sequence[int], *, other: bool = False) -> None:
    """Wait until ipycanvas shows an RGBA at a part of the canvas; with `other`, until it shows any other."""
    canvas.page.wait_for_function(
        f"([node, place, colour, other]) => ({_COLOUR})(node, place).every((value, k) => value === colour[k]) !== other",
        arg=[canvas.element_handle(), [y, x], list(colour), other],
    )
