"""Cutting chips and their masks: strips of neighbouring chips, each of them a task that may run anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.annotations import IGNORE, Document, rasterise_classes, rasterise_objects
from labkit.datasets.draft import Draft
from labkit.datasets.parts import Part
from labkit.datasets.tiles import near_document
from labkit.geometry import Box
from labkit.project import Project
from labkit.tiling import Image, open_flat_image

__all__ = ["ChipStrip", "CutChips", "MaskCounts", "count_strip", "cut_strip", "iter_strips"]

_STRIP_CHIPS = 64
_STRIP_BYTES = 48 * 2**20
_BESIDE_BYTES = 5  # a pixel of the mask, and one of the objects

Pad = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class ChipStrip:
    """Chips of one image that lie together, and all that is needed to cut them.

    Attributes
    ----------
    project, image : str
        Path and id.
    number : int
        Of the image in the set.
    limit : Box
        The box of the split: outside of it nothing is known, so that parts share nothing.
    chips : tuple of Box
        Row by row.
    document : Document
        The objects that may reach into the strip.
    numbers : tuple of int
        The number of each of them in the whole document.
    tile_px : int
        Side of a tile.
    tiles : ndarray of bool (rows, columns) or None
        The tiles that are taken; None takes all.
    """

    project: str
    image: str
    number: int
    limit: Box
    chips: tuple[Box, ...]
    document: Document
    numbers: tuple[int, ...]
    tile_px: int
    tiles: NDArray[np.bool_] | None

    @property
    def extent(self) -> Box:
        """The pixels that any chip of it needs."""
        edges = np.array([chip.as_tuple() for chip in self.chips])
        return Box(*(int(n) for n in (*edges[:, :2].min(axis=0), *edges[:, 2:].max(axis=0)))).intersect(self.limit)


@dataclass(frozen=True, slots=True)
class CutChips:
    """What a strip gives: only the chips that have a known pixel; shapes as in `Chips`. ``dropped`` counts the others."""

    pixels: NDArray[Any]
    masks: NDArray[np.uint8]
    objects: NDArray[np.uint32]
    positions: NDArray[np.int64]
    dropped: int


@dataclass(frozen=True, slots=True)
class MaskCounts:
    """What a strip would give: chips, pixels of each class id (256), objects."""

    chips: int
    dropped: int
    pixels: NDArray[np.int64]
    objects: int


def iter_strips(project: Project, draft: Draft, part: Part) -> Iterator[ChipStrip]:
    """Yield the strips of a part, in the order of the set."""
    first = draft.sources[0].record
    chip_bytes = draft.spec.chip_px**2 * (first.channels * np.dtype(first.dtype).itemsize + _BESIDE_BYTES)
    most = max(1, min(_STRIP_CHIPS, _STRIP_BYTES // chip_bytes))
    for number, limit, chips in _packed(draft, part, most):
        source = draft.sources[number]
        strip = ChipStrip(
            str(project.path), source.record.id, number, limit, tuple(chips), source.document, (), draft.spec.tiles.tile_px,
            draft.chosen.get(source.record.id),
        )  # fmt: skip
        yield _with_its_own(strip)


def _packed(draft: Draft, part: Part, most: int) -> Iterator[tuple[int, Box, list[Box]]]:
    """Yield at most `most` chips at a time: whole rows of a box, or pieces of a row, so that they lie close together."""
    held: list[Box] = []
    at: tuple[int, Box] | None = None
    for number, item, row in draft.chips(part):
        if at is not None and held and (at != (number, item.as_box) or len(held) + len(row) > most):
            yield *at, held
            held = []
        at = (number, item.as_box)
        while len(row) > most:
            yield *at, row[:most]
            row = row[most:]
        held = held + row
    if at is not None and held:
        yield *at, held


def _with_its_own(strip: ChipStrip) -> ChipStrip:
    """Return the strip with the objects that it needs only: that is what travels to a worker."""
    document, numbers = near_document(strip.document, strip.extent)
    return replace(strip, document=document, numbers=numbers)


def count_strip(strip: ChipStrip) -> MaskCounts:
    """Count what the chips of a strip would hold; no pixel of the picture is read."""
    found = _Masks.of(strip)
    kept = [chip for chip in strip.chips if found.knows(chip)]
    pixels = np.zeros(256, np.int64)
    objects = 0
    for chip in kept:
        mask, labels = found.cut(chip)
        pixels += np.bincount(mask.reshape(-1), minlength=256)
        objects += count_objects(labels)
    return MaskCounts(len(kept), len(strip.chips) - len(kept), pixels, objects)


def count_objects(labels: NDArray[np.uint32]) -> int:
    """Return how many different objects are in an array of object numbers."""
    return len(np.unique(labels[labels > 0]))


def cut_strip(strip: ChipStrip) -> CutChips:
    """Cut the chips of a strip that have a known pixel; pixels of the picture are read once, and only where they are needed."""
    found = _Masks.of(strip)
    kept = [chip for chip in strip.chips if found.knows(chip)]
    cut = [found.cut(chip) for chip in kept]
    side = strip.chips[0].height_px
    pixels = _pixels(strip, kept)
    return CutChips(
        pixels,
        np.stack([mask for mask, _ in cut]) if cut else np.empty((0, side, side), np.uint8),
        np.stack([labels for _, labels in cut]) if cut else np.empty((0, side, side), np.uint32),
        np.array([(strip.number, chip.y0, chip.x0) for chip in kept], np.int64).reshape(-1, 3),
        len(strip.chips) - len(kept),
    )


def _pixels(strip: ChipStrip, chips: Sequence[Box]) -> NDArray[Any]:
    image = _image_here(strip.project, strip.image)
    side = strip.chips[0].height_px
    found = np.empty((len(chips), image.channels, side, side), image.dtype)
    if chips:
        near = Box(min(c.y0 for c in chips), min(c.x0 for c in chips), max(c.y1 for c in chips), max(c.x1 for c in chips))
        near = near.intersect(strip.limit)
        whole = image.read(near).reshape(image.channels, *near.shape)
        for k, chip in enumerate(chips):
            inside = chip.intersect(strip.limit)
            part = whole[(slice(None), *inside.shift(-near.y0, -near.x0).slices)]
            found[k] = np.pad(part, ((0, 0), *_pad(chip, inside)), mode="edge")
    return found


@lru_cache(maxsize=8)
def _image_here(project: str, image: str) -> Image:
    """Return the image, opened once by each process for all its strips."""
    return open_flat_image(Project.open(Path(project)), image)


@dataclass(frozen=True, slots=True)
class _Masks:
    """Classes and objects of all pixels that a strip needs."""

    extent: Box
    limit: Box
    classes: NDArray[np.uint8]
    objects: NDArray[np.uint32]

    @classmethod
    def of(cls, strip: ChipStrip) -> _Masks:
        extent = strip.extent
        classes = rasterise_classes(strip.document, extent)
        objects = np.array((0, *strip.numbers), np.uint32)[rasterise_objects(strip.document, extent)]
        if strip.tiles is not None:
            rows, columns = (np.arange(a, b) // strip.tile_px for a, b in ((extent.y0, extent.y1), (extent.x0, extent.x1)))
            left_out = ~strip.tiles[np.ix_(rows, columns)]
            classes[left_out] = IGNORE
            objects[left_out] = 0
        return cls(extent, strip.limit, classes, objects)

    def knows(self, chip: Box) -> bool:
        """Return whether any pixel of a chip is known."""
        return bool((self.classes[self._within(chip)] != IGNORE).any())

    def cut(self, chip: Box) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
        """Return mask and objects of a chip; outside of the box of the split nothing is known."""
        at, pad = self._within(chip), _pad(chip, chip.intersect(self.limit))
        return np.pad(self.classes[at], pad, constant_values=IGNORE), np.pad(self.objects[at], pad)

    def _within(self, chip: Box) -> tuple[slice, slice]:
        return chip.intersect(self.limit).shift(-self.extent.y0, -self.extent.x0).slices


def _pad(chip: Box, inside: Box) -> Pad:
    return (inside.y0 - chip.y0, chip.y1 - inside.y1), (inside.x0 - chip.x0, chip.x1 - inside.x1)
