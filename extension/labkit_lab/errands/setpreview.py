"""Chips of a wished training set beside what training makes of them, as one picture.

It is drawn in a program beside the server, never in it: training loads torch.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from labkit.analysis import as_png, outlines, to_rgb
from labkit.annotations import IGNORE
from labkit.datasets import sample_chips
from labkit.errors import InvalidInput
from labkit.project import ClassRecord, Project
from labkit.training import AugmentSpec, augment_preview
from labkit_lab.setwords import spec_of
from labkit_lab.wire_sets import ChipItem, PreviewAsk, PreviewReport

__all__ = ["draw_chip", "preview_report", "sheet"]

_CELL_PX = 144
_GAP_PX = 4
_PAPER = 255
_HATCH_PX = 6

Picture = NDArray[np.uint8]


def preview_report(project_path: Path, asked: PreviewAsk) -> PreviewReport:
    """Draw `asked.chips` chips, each beside its variants.

    Raises
    ------
    InvalidInput
        The wish gives no chip.
    """
    project = Project.open(project_path)
    chips = sample_chips(project, spec_of(project, asked.wish), count=asked.chips, seed=asked.seed)
    if not len(chips):
        raise InvalidInput("There is no chip to show.", hint="Choose tiles in which something is annotated.")
    varied = augment_preview(chips, project.classes, AugmentSpec(), variants=asked.variants, seed=asked.seed)
    rows = []
    for k in range(len(chips)):
        own = [(chips.pixels[k], chips.masks[k]), *varied[k * asked.variants : (k + 1) * asked.variants]]
        rows.append([draw_chip(pixels, mask, project.classes) for pixels, mask in own])
    drawn = sheet(rows)
    return PreviewReport(
        png=base64.b64encode(as_png(drawn)).decode(),
        width_px=drawn.shape[1],
        height_px=drawn.shape[0],
        chips=tuple(ChipItem(image=image, y=y, x=x) for image, y, x in chips.positions.tolist()),
        variants=asked.variants,
    )


def draw_chip(pixels: NDArray[Any], mask: Picture, classes: Sequence[ClassRecord]) -> Picture:
    """Return a chip as a cell of the sheet: objects outlined in the colours of their classes, what nobody has annotated hatched.

    Parameters
    ----------
    pixels : ndarray (c, y, x)
    mask : ndarray (y, x) uint8
        Class ids; 0 background, 255 unknown.
    classes : sequence of ClassRecord

    Returns
    -------
    ndarray (cell, cell, 3) uint8
    """
    drawn = np.asarray(Pillow.fromarray(to_rgb(pixels)).resize((_CELL_PX, _CELL_PX), Pillow.Resampling.BILINEAR)).copy()
    ids = np.asarray(Pillow.fromarray(mask).resize((_CELL_PX, _CELL_PX), Pillow.Resampling.NEAREST))
    y, x = np.indices(ids.shape)
    drawn[(ids == IGNORE) & ((y + x) % _HATCH_PX < 1)] = _PAPER
    edges = outlines(np.where(ids == IGNORE, 0, ids))
    for item in classes:
        drawn[edges & (ids == item.id)] = tuple(bytes.fromhex(item.colour[1:]))
    return drawn


def sheet(rows: Sequence[Sequence[Picture]]) -> Picture:
    """Return pictures of one size as one, in rows with gaps between; a wider gap sets the first column apart."""
    side = rows[0][0].shape[0]
    step = side + _GAP_PX
    height = step * len(rows) - _GAP_PX
    width = step * max(len(row) for row in rows) + _GAP_PX
    paper = np.full((height, width, 3), _PAPER, np.uint8)
    for k, row in enumerate(rows):
        for column, picture in enumerate(row):
            x = column * step + (2 * _GAP_PX if column else 0)
            paper[k * step : k * step + side, x : x + side] = picture
    return paper
