"""Tiles: a grid over each image, what is known in each of them, and which are taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labkit.annotations import IGNORE, Document, rasterise_classes
from labkit.compute import Compute, iter_results
from labkit.datasets.dealing import rank_of
from labkit.datasets.parts import PARTS, Part, PartBox
from labkit.errors import InvalidInput
from labkit.events import CancelToken
from labkit.geometry import Box
from labkit.storage import Record

__all__ = ["TileGrid", "TileRef", "TileRule", "count_tiles", "near_document", "part_name", "parts_of_tiles", "pick_number", "tile_boxes"]

_BAND_TILES = 512  # tiles of a task at most


class TileRef(Record):
    """A tile of an image: its id, and row and column in the grid from 0."""

    image: str
    row: Annotated[int, Field(ge=0)]
    column: Annotated[int, Field(ge=0)]


class TileRule(Record):
    """Which tiles of the grid are taken; what lies outside of them is unknown (ignore) in the set.

    Attributes
    ----------
    tile_px : int
        Side of a tile; the grid begins at (0, 0), tiles at the far edges are smaller.
    kind : {"all", "annotated", "reviewed", "classes", "number", "hand"}
        ``all``: every tile that has a known pixel; ``annotated``: those known at least to `min_coverage`; ``reviewed``: those of
        documents that were accepted in review; ``classes``: those in which one of `classes` occurs; ``number``: `count` of them, drawn
        by the seed of the split and spread over images and classes; ``hand``: `tiles`.
    min_coverage : float
        Share of known pixels, 0-1.
    classes : tuple of str
        Names of classes.
    count : int or None
        How many.
    tiles : tuple of TileRef
        Which ones.
    """

    tile_px: Annotated[int, Field(ge=16, le=4096)] = 256
    kind: Literal["all", "annotated", "reviewed", "classes", "number", "hand"] = "all"
    min_coverage: Annotated[float, Field(ge=0, le=1)] = 0.0
    classes: tuple[str, ...] = ()
    count: Annotated[int, Field(ge=1)] | None = None
    tiles: tuple[TileRef, ...] = ()


@dataclass(frozen=True, slots=True)
class TileGrid:
    """What is annotated in each tile of an image.

    Attributes
    ----------
    tile_px : int
        Side of a tile.
    area_px, known_px : ndarray of int64 (rows, columns)
        Pixels of each tile, and how many of them are known by the background rule.
    present : ndarray of bool (rows, columns, 256)
        Which class ids occur; 0 is background.
    """

    tile_px: int
    area_px: NDArray[np.int64]
    known_px: NDArray[np.int64]
    present: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        rows, columns = self.area_px.shape
        return rows, columns

    @property
    def percent(self) -> NDArray[np.int64]:
        """Known pixels of each tile in percent; 0 only where nothing is known, 100 only where all is."""
        rounded = np.rint(100 * self.known_px / self.area_px).astype(np.int64)
        some, all_ = self.known_px > 0, self.known_px == self.area_px
        return np.where(all_, 100, np.where(some, np.clip(rounded, 1, 99), 0))


def tile_boxes(height_px: int, width_px: int, tile_px: int) -> list[list[Box]]:
    """Return the boxes of the tiles of an image, by row and column."""
    whole = Box.of_shape(height_px, width_px)
    corners = [[(y, x) for x in range(0, width_px, tile_px)] for y in range(0, height_px, tile_px)]
    return [[Box(y, x, y + tile_px, x + tile_px).intersect(whole) for y, x in row] for row in corners]


def count_tiles(document: Document, size: tuple[int, int], tile_px: int, compute: Compute, cancel: CancelToken) -> TileGrid:
    """Count what is annotated in each tile, band by band; no pixel of the picture is read.

    Parameters
    ----------
    document : Document
        The annotations.
    size : (int, int)
        Height and width of the image.
    tile_px : int
        Side of a tile.
    compute, cancel
        Where the bands are counted; looked at between them.
    """
    boxes = tile_boxes(*size, tile_px)
    bands = list(_bands(boxes))
    tasks = ((near_document(document, Box(b[0][0].y0, b[0][0].x0, b[-1][-1].y1, b[-1][-1].x1))[0], b) for b in bands)
    known: list[NDArray[np.int64]] = []
    present: list[NDArray[np.bool_]] = []
    for known_px, found in iter_results(compute, _count_band, tasks, cancel):
        known.append(known_px)
        present.append(found)
    area = np.array([[box.area_px for box in row] for row in boxes], np.int64)
    return TileGrid(tile_px, area, np.concatenate(known), np.concatenate(present))


def _bands(boxes: Sequence[Sequence[Box]]) -> Iterator[list[list[Box]]]:
    step = max(1, _BAND_TILES // len(boxes[0]))
    for start in range(0, len(boxes), step):
        yield [list(row) for row in boxes[start : start + step]]


def near_document(document: Document, box: Box) -> tuple[Document, tuple[int, ...]]:
    """Return a document with only the objects that may reach into `box`, and the number that each of them has in the whole one."""
    near = document.numbers_within(box)
    small = replace(document, objects=tuple(document.objects[k] for k in near), metadata={})
    return small, tuple(k + 1 for k in near)


def _count_band(document: Document, boxes: list[list[Box]]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    known = np.zeros((len(boxes), len(boxes[0])), np.int64)
    present = np.zeros((*known.shape, 256), np.bool_)
    for row, line in enumerate(boxes):
        for column, box in enumerate(line):
            counts = _counts(document, box)
            known[row, column] = counts[:IGNORE].sum()
            present[row, column] = counts > 0
    present[..., IGNORE] = False
    return known, present


def _counts(document: Document, box: Box) -> NDArray[np.int64]:
    if not any(document.objects[k].status == "accepted" for k in document.numbers_within(box)):
        counts = np.zeros(256, np.int64)
        counts[0 if document.finished else IGNORE] = box.area_px
        return counts
    return np.bincount(rasterise_classes(document, box).reshape(-1), minlength=256)


def parts_of_tiles(grid_shape: tuple[int, int], tile_px: int, boxes: Iterable[PartBox]) -> NDArray[np.int64]:
    """Return the part of which each tile has most pixels, as its number in `PARTS`; -1 where it lies in a gap."""
    rows, columns = grid_shape
    shares = np.zeros((len(PARTS), rows, columns), np.int64)
    for item in boxes:
        box = item.as_box
        shares[PARTS.index(item.part)] += np.outer(_overlap(rows, tile_px, box.y0, box.y1), _overlap(columns, tile_px, box.x0, box.x1))
    return np.where(shares.max(axis=0) > 0, shares.argmax(axis=0), -1)


def _overlap(count: int, tile_px: int, start: int, stop: int) -> NDArray[np.int64]:
    edges = np.arange(count + 1) * tile_px
    found: NDArray[np.int64] = np.maximum(np.minimum(edges[1:], stop) - np.maximum(edges[:-1], start), 0)
    return found


def pick_number(
    grids: Mapping[str, TileGrid], names: Mapping[str, str], parts: Mapping[str, NDArray[np.int64]], count: int, seed: int
) -> dict[str, NDArray[np.bool_]]:
    """Draw `count` tiles that have a known pixel: each next one where most is missing.

    Parameters
    ----------
    grids : mapping of TileGrid
        By the image's id.
    names : mapping of str
        What names the pixels of each image: with the seed it ranks its tiles, so that a new image leaves the others' order alone.
    parts : mapping of ndarray
        Of `parts_of_tiles`; tiles that lie in a gap come last.
    count, seed : int
        How many, and which.

    Returns
    -------
    dict of ndarray of bool (rows, columns)
        The chosen tiles by the image's id.
    """
    waiting = [(image, row, column) for image, grid in grids.items() for row, column in np.argwhere(grid.known_px > 0).tolist()]
    waiting.sort(key=lambda tile: (parts[tile[0]][tile[1:]] < 0, rank_of(seed, names[tile[0]], tile[1], tile[2]), tile))
    chosen = {image: np.zeros(grid.shape, np.bool_) for image, grid in grids.items()}
    spread = _Spread(grids, waiting)
    for _ in range(min(count, len(waiting))):
        image, row, column = spread.take()
        chosen[image][row, column] = True
    return chosen


class _Spread:
    """Gives tiles out one by one: of the class that has fewest so far, from the image that gave fewest, by their order."""

    def __init__(self, grids: Mapping[str, TileGrid], order: Sequence[tuple[str, int, int]]) -> None:
        self._order = list(order)
        self._classes = {tile: tuple(np.flatnonzero(grids[tile[0]].present[tile[1:]]).tolist()) for tile in order}
        self._queues: dict[tuple[int, str], list[tuple[str, int, int]]] = {}
        for tile in reversed(self._order):
            for class_id in self._classes[tile]:
                self._queues.setdefault((class_id, tile[0]), []).append(tile)
        self._taken: set[tuple[str, int, int]] = set()
        self._of_class = dict.fromkeys(sorted({class_id for class_id, _ in self._queues}, reverse=True), 0)
        self._of_image = dict.fromkeys(grids, 0)

    def take(self) -> tuple[str, int, int]:
        for class_id in sorted(self._of_class, key=lambda c: self._of_class[c]):  # the sort is stable: rarer ids before background
            for image in sorted(self._of_image, key=lambda i: self._of_image[i]):
                tile = self._next(class_id, image)
                if tile is not None:
                    self._count(tile)
                    return tile
        raise InvalidInput("There are no more tiles.", hint="Ask for fewer.")

    def _next(self, class_id: int, image: str) -> tuple[str, int, int] | None:
        queue = self._queues.get((class_id, image), [])
        while queue and queue[-1] in self._taken:
            queue.pop()
        return queue.pop() if queue else None

    def _count(self, tile: tuple[str, int, int]) -> None:
        self._taken.add(tile)
        self._of_image[tile[0]] += 1
        for class_id in self._classes[tile]:
            self._of_class[class_id] += 1


def part_name(number: int) -> Part | Literal[""]:
    """Return the name of a part by its number in `PARTS`; "" for -1."""
    return PARTS[number] if number >= 0 else ""
