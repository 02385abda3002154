"""Objects out of class maps, tile by tile: an object that crosses a seam stays one object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from labkit.geometry import Box

__all__ = ["ObjectLabeller", "grow_labels"]


class ObjectLabeller:
    """Labels connected pixels (4 neighbours) of one class, in tiles that come row by row.

    Parameters
    ----------
    labels : ndarray (y, x) uint32
        Where provisional ids are written (a memory map, say); read back at the seams.
    classes : ndarray (y, x) uint8
        Class of each pixel, filled by the caller before a tile is added.
    """

    def __init__(self, labels: NDArray[np.uint32], classes: NDArray[np.uint8]) -> None:
        self._labels, self._classes = labels, classes
        self._parent: list[int] = [0]
        self._first: list[int] = [-1]  # where, counted row by row over the whole picture, the object's first pixel lies
        self._sizes: list[int] = [0]

    def add(self, core: Box, inside: NDArray[np.bool_]) -> None:
        """Label one tile; `inside` (y, x) says which of its pixels belong to an object."""
        classes = self._classes[core.slices]
        tile = np.zeros(core.shape, np.uint32)
        for value in np.unique(classes[inside]):
            found, number = ndimage.label(inside & (classes == value))
            first = len(self._parent)
            tile += np.where(found > 0, found + (first - 1), 0).astype(np.uint32)
            self._parent.extend(range(first, first + number))
            self._sizes.extend(np.bincount(found.ravel(), minlength=number + 1)[1:].tolist())
            y, x = np.unravel_index(_first_pixels(found), found.shape)
            self._first.extend(((y + core.y0) * self._labels.shape[1] + x + core.x0).tolist())
        self._labels[core.slices] = tile
        if core.y0 > 0:
            above = (slice(core.y0 - 1, core.y0), slice(core.x0, core.x1))
            self._join(tile[:1], classes[:1], above)
        if core.x0 > 0:
            left = (slice(core.y0, core.y1), slice(core.x0 - 1, core.x0))
            self._join(tile[:, :1], classes[:, :1], left)

    def _join(self, ids: NDArray[np.uint32], classes: NDArray[np.uint8], neighbour: tuple[slice, slice]) -> None:
        other = self._labels[neighbour]
        touching = (ids > 0) & (other > 0) & (self._classes[neighbour] == classes)
        for one, two in np.unique(np.stack([ids[touching], other[touching]], axis=1), axis=0):
            a, b = self._root(int(one)), self._root(int(two))
            if a != b:
                self._parent[max(a, b)] = min(a, b)

    def _root(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def final_ids(self, min_area_px: int) -> NDArray[np.uint32]:
        """Return the table from provisional to final id: 0 for what is too small, else 1..n.

        Objects are numbered by their first pixel, row by row over the whole picture: the tiles do not change the answer.
        """
        roots = np.array([self._root(k) for k in range(len(self._parent))], np.int64)
        areas = np.bincount(roots, weights=self._sizes, minlength=len(roots))
        kept = np.flatnonzero((areas >= max(1, min_area_px)) & (roots == np.arange(len(roots))))
        kept = kept[kept > 0]
        first = np.full(len(roots), np.iinfo(np.int64).max)
        np.minimum.at(first, roots, np.array(self._first, np.int64))
        kept = kept[np.argsort(first[kept])]
        numbers = np.zeros(len(roots), np.uint32)
        numbers[kept] = np.arange(1, len(kept) + 1, dtype=np.uint32)
        return numbers[roots]


def _first_pixels(found: NDArray[Any]) -> NDArray[np.int64]:
    """Return where, in row order, each of the labels 1..n has its first pixel."""
    numbers, first = np.unique(found.ravel(), return_index=True)
    return first[numbers > 0].astype(np.int64)


def grow_labels(ids: NDArray[np.uint32], allowed: NDArray[np.bool_], distance_px: float) -> NDArray[np.uint32]:
    """Give each allowed pixel without an object the id of the nearest object, if it is at most `distance_px` away.

    Parameters
    ----------
    ids : ndarray (y, x) uint32
    allowed : ndarray (y, x) bool
        Pixels that may become part of an object.
    """
    if distance_px <= 0 or not (ids > 0).any():
        return ids
    distance, nearest = ndimage.distance_transform_edt(ids == 0, return_indices=True)
    reached: NDArray[Any] = allowed & (ids == 0) & (distance <= distance_px)
    return np.where(reached, ids[tuple(nearest)], ids).astype(np.uint32)
