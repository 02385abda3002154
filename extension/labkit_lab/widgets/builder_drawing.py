"""Draws the tiles of one image with ipycanvas, and tells which tile is at a place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ipycanvas import Canvas, MultiCanvas, hold_canvas
from numpy.typing import NDArray

from labkit.datasets import PartBox, PlannedImage
from labkit_lab.widgets.drawing import DRAWING

__all__ = ["TileView", "coverage_colours", "drawn_on"]

_PICTURE, _TILES, _DRAG = range(3)  # layers
# Five steps of "cividis", which eyes with any colour vision read as from little to much (Nunez, Anderton, Renslow, PLoS ONE 13(7), 2018).
_CIVIDIS = np.array([(0, 34, 78), (67, 78, 108), (125, 124, 120), (188, 174, 108), (254, 232, 56)], np.uint8)
_SEEN_THROUGH, _DARK = 0.45, 0.5
_DASHES: dict[str, list[float]] = {"train": [], "val": [9, 5], "test": [2, 4]}
_LETTER_PX = 18  # smaller tiles have no room for a letter
_LETTERS = {"train": "T", "val": "V", "test": "E", "": ""}


@dataclass(frozen=True, slots=True)
class TileView:
    """One image with its grid, as large as it is shown: `scale` pixels of the canvas for one of the image."""

    image: PlannedImage
    chosen: NDArray[np.bool_]
    tile_px: int
    boxes: tuple[PartBox, ...]
    scale: float

    def cell(self, y: float, x: float) -> tuple[int, int]:
        """Return row and column of the tile at a place of the canvas, or of the nearest one."""
        side = self.tile_px * self.scale
        return int(np.clip(y // side, 0, self.image.rows - 1)), int(np.clip(x // side, 0, self.image.columns - 1))

    def frames(self) -> tuple[NDArray[np.float64], ...]:
        """Return left, top, width and height of each tile on the canvas, row by row."""
        rows, columns = np.divmod(np.arange(self.image.rows * self.image.columns), self.image.columns)
        x0, y0 = columns * self.tile_px * self.scale, rows * self.tile_px * self.scale
        x1 = np.minimum(x0 + self.tile_px * self.scale, self.image.width_px * self.scale)
        y1 = np.minimum(y0 + self.tile_px * self.scale, self.image.height_px * self.scale)
        return x0, y0, x1 - x0, y1 - y0


def coverage_colours(percent: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the colour (n, 3) of each tile by how many percent of it are annotated."""
    colours: NDArray[np.uint8] = _CIVIDIS[np.rint(np.asarray(percent) * (len(_CIVIDIS) - 1) / 100).astype(int)]
    return colours


def drawn_on(canvas: MultiCanvas, layer: int, draw: Callable[[Canvas], None]) -> None:
    """Draw on an empty layer, whatever page has come since; an error leaves other canvases of the process alone."""
    failure = None
    with DRAWING, hold_canvas():
        target = canvas[layer]
        target._canvas_manager._current_canvas = None  # a page that came later does not know it, and would draw nothing (ipycanvas 322)
        target.clear_rect(0, 0, target.width, target.height)
        try:
            draw(target)
        except Exception as error:
            failure = error  # raised outside: after an error hold_canvas would hold all drawing for ever
    if failure is not None:
        raise failure


def draw_picture(canvas: MultiCanvas, picture: NDArray[np.uint8]) -> None:
    """Show a picture (y, x, 3) below the tiles."""
    opaque = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])  # without alpha ipycanvas would send a lossy JPEG
    drawn_on(canvas, _PICTURE, lambda layer: layer.put_image_data(opaque))


def draw_tiles(canvas: MultiCanvas, view: TileView) -> None:
    """Show coverage, choice, parts and letters."""
    drawn_on(canvas, _TILES, lambda layer: _tiles(layer, view))


def draw_drag(canvas: MultiCanvas, view: TileView, first: tuple[int, int] | None, last: tuple[int, int]) -> None:
    """Frame the tiles of a box that is being drawn, or take the frame away."""
    drawn_on(canvas, _DRAG, lambda layer: _drag(layer, view, first, last))


def _tiles(layer: Canvas, view: TileView) -> None:
    frames = view.frames()
    layer.fill_styled_rects(*frames, coverage_colours(np.array(view.image.coverage)), _SEEN_THROUGH)
    left_out = ~view.chosen.ravel()
    if left_out.any():
        rectangles = [side[left_out] for side in frames]
        layer.fill_styled_rects(*rectangles, np.zeros((int(left_out.sum()), 3), np.uint8), _DARK)
    layer.stroke_styled_rects(*frames, np.full((view.chosen.size, 3), 255, np.uint8), 0.3)
    for item in view.boxes:
        _box(layer, view, item)
    if view.tile_px * view.scale >= _LETTER_PX:
        layer.font, layer.text_baseline, layer.line_width = "600 11px sans-serif", "top", 3
        layer.stroke_style, layer.fill_style = "black", "white"
        for part, x, y in zip(view.image.part, *frames[:2], strict=True):
            if letter := _LETTERS[part]:
                layer.stroke_text(letter, x + 5, y + 4)
                layer.fill_text(letter, x + 5, y + 4)


def _box(layer: Canvas, view: TileView, item: PartBox) -> None:
    y0, x0, y1, x1 = (edge * view.scale for edge in item.box)
    frame = (x0 + 1.5, y0 + 1.5, max(x1 - x0 - 3, 1), max(y1 - y0 - 3, 1))
    for colour, width, dashes in (("black", 3, []), ("white", 2, _DASHES[item.part])):
        layer.stroke_style, layer.line_width = colour, width
        layer.set_line_dash(dashes)
        layer.stroke_rect(*frame)
    layer.set_line_dash([])


def _drag(layer: Canvas, view: TileView, first: tuple[int, int] | None, last: tuple[int, int]) -> None:
    if first is None:
        return
    side = view.tile_px * view.scale
    (top, bottom), (left, right) = (sorted(pair) for pair in zip(first, last, strict=True))
    layer.fill_style, layer.global_alpha = "white", 0.25
    layer.fill_rect(left * side, top * side, (right - left + 1) * side, (bottom - top + 1) * side)
    layer.global_alpha = 1
