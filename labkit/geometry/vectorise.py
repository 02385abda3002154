"""Outlines of label images along pixel edges; rasterising them gives the identical label image back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from labkit.errors import InvalidInput
from labkit.geometry.shapes import FloatArray, Region

__all__ = ["vectorise"]

_BAND_PX = 1 << 22  # pixels looked at at once; bounds the memory on large pictures
IntArray = NDArray[np.int64]

# Which of the corners at one grid point: the only one; or of two, the one whose horizontal edge goes left, and the one whose
# horizontal edge goes right and whose vertical edge goes up or down. Their order is that of the ends of horizontal edges.
_ONLY, _LEFT, _RIGHT_UP, _RIGHT_DOWN = range(4)


def vectorise(labels: NDArray[np.integer], offset: tuple[int, int] = (0, 0)) -> dict[int, Region]:
    """Return the exact outline of each object of a label image.

    Parameters
    ----------
    labels : ndarray of integers or bool, shape (height, width)
        Object ids; 0 is background. Equal ids are one object, however many parts it has.
    offset : (int, int)
        Place (y, x) of the first pixel in the whole picture.

    Returns
    -------
    dict of int to Region
        By id, in rising order. Rings run along pixel edges, have vertices at corners only, and are simple: where two pixels
        of an object touch at a corner, the rings touch there too.

    Raises
    ------
    InvalidInput
        `labels` is not a two-dimensional array of integers.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.dtype.kind not in "iub":
        raise InvalidInput(
            f"A label image has two dimensions and integers, not {labels.ndim} and {labels.dtype}.", hint="Give an array of object ids."
        )
    ids, y, x, tie = _corners(labels.astype(np.uint8) if labels.dtype == np.bool_ else labels)
    order = np.lexsort((tie, x, y, ids))  # neighbours in this order are the two ends of a horizontal edge
    ids, y, x, tie = ids[order], y[order], x[order], tie[order]
    down = np.lexsort((np.where(tie == _RIGHT_UP, 0, tie), y, x, ids))  # and in this one of a vertical edge
    mates = np.empty(len(ids), dtype=np.int64)
    mates[down[0::2]], mates[down[1::2]] = down[1::2], down[0::2]
    path, ends = _walk(mates.tolist(), tie.tolist())
    vertices = (np.stack((y, x), axis=1)[path] + np.array(offset)).astype(np.float64)
    vertices.setflags(write=False)
    rings: dict[int, list[FloatArray]] = {}
    owners = ids[path].tolist()
    for start, end in zip([0, *ends], ends, strict=False):
        rings.setdefault(owners[start], []).append(vertices[start:end])
    return {owner: Region(tuple(of_owner)) for owner, of_owner in rings.items()}


def _corners(labels: NDArray[np.integer]) -> tuple[NDArray[np.integer], IntArray, IntArray, IntArray]:
    """Return (id, y, x, tie) of each corner of each object, looked for in bands of rows."""
    height, width = labels.shape
    step = max(1, _BAND_PX // max(width, 1))
    found = [(np.empty(0, dtype=labels.dtype), *(np.empty(0, dtype=np.int64),) * 3)]
    for top in range(0, height + 1, step):  # rows of grid points: one more than rows of pixels
        bottom = min(top + step, height + 1)
        band = np.zeros((bottom - top + 1, width + 2), dtype=labels.dtype)
        rows = labels[max(top - 1, 0) : min(bottom, height)]
        place = int(top == 0)
        band[place : place + len(rows), 1:-1] = rows
        found += _band_corners(band, top)
    ids, y, x, tie = (np.concatenate([part[k] for part in found]) for k in range(4))
    return ids, y, x, tie


def _band_corners(band: NDArray[np.integer], top: int) -> list[tuple[NDArray[np.integer], IntArray, IntArray, IntArray]]:
    """Find the corners at the grid points between the pixels of `band`, which has a frame of one pixel around them.

    Of the four pixels around a grid point, an object that has one or three has a corner there; one that has two opposite
    ones has two corners there, one for each pixel.
    """
    nw, ne, sw, se = band[:-1, :-1], band[:-1, 1:], band[1:, :-1], band[1:, 1:]
    y, x = (((nw != ne) | (sw != se)) & ((nw != sw) | (ne != se))).nonzero()
    four = [quarter[y, x] for quarter in (nw, ne, sw, se)]
    found = []
    for k, ids in enumerate(four):
        new = ids != 0
        for earlier in four[:k]:
            new &= ids != earlier
        has_nw, has_ne, has_sw, has_se = (ids == other for other in four)
        single = has_nw ^ has_ne ^ has_sw ^ has_se
        opposite = ~single & (has_nw == has_se) & (has_nw != has_ne)
        for chosen, tie in (
            (single, _ONLY),
            (opposite, _LEFT),
            (opposite & has_ne, _RIGHT_UP),
            (opposite & has_nw, _RIGHT_DOWN),
        ):
            at = (new & chosen).nonzero()[0]
            found.append((ids[at], y[at] + top, x[at], np.full(len(at), tie)))
    return found


def _walk(mates: list[int], tie: list[int]) -> tuple[list[int], list[int]]:
    """Follow horizontal and vertical edges in turn; return the corners ring after ring, and where each ring ends."""
    path: list[int] = []
    ends: list[int] = []
    seen = bytearray(len(mates))
    for start in range(len(mates)):
        if seen[start]:
            continue
        ring: list[int] = []
        corner = start
        touches = False
        while True:
            across = corner ^ 1
            seen[corner] = seen[across] = 1
            touches = touches or tie[corner] != _ONLY or tie[across] != _ONLY
            ring += (corner, across)
            corner = mates[across]
            if corner == start:
                break
        for simple in _split(ring, tie) if touches else (ring,):
            path += simple
            ends.append(len(path))
    return path, ends


def _split(ring: list[int], tie: list[int]) -> Iterator[list[int]]:
    """Cut a ring that comes to a grid point twice into rings that come to each of their points once."""
    stack: list[int] = []
    position: dict[int, int] = {}
    for corner in ring:
        place = corner - (tie[corner] > _LEFT)  # both corners of a grid point go by the number of the left one
        if place in position:
            loop = stack[position[place] :]
            del stack[position[place] :]
            for gone in loop:
                del position[gone - (tie[gone] > _LEFT)]
            yield loop
        position[place] = len(stack)
        stack.append(corner)
    yield stack
