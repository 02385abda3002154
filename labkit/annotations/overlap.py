"""How far objects cover the same pixels; looked at in blocks, so that no picture is too large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labkit.annotations.objects import AnnotationObject
from labkit.geometry import Box, Mask, Shape, covering_box, iter_blocks, rasterise

__all__ = ["BLOCK_PX", "Similar", "common_pixels", "count_pixels", "match_pairs", "similar_pairs"]

BLOCK_PX = 1024


@dataclass(frozen=True, slots=True)
class Similar:
    """Objects number `first` and `second` of two lists share `iou` (0-1) of the pixels that either covers."""

    first: int
    second: int
    iou: float


def count_pixels(shape: Shape, picture: Box) -> int:
    """Return how many pixels of `picture` a shape covers."""
    part = covering_box(shape).intersect(picture)
    if isinstance(shape, Mask) and part == shape.box:
        return shape.area_px
    return sum(int(np.count_nonzero(rasterise(shape, block))) for block in iter_blocks(part, BLOCK_PX, BLOCK_PX))


def common_pixels(first: Shape, second: Shape, picture: Box) -> int:
    """Return how many pixels of `picture` both shapes cover."""
    part = covering_box(first).intersect(covering_box(second)).intersect(picture)
    blocks = iter_blocks(part, BLOCK_PX, BLOCK_PX)
    return sum(int(np.count_nonzero(rasterise(first, block) & rasterise(second, block))) for block in blocks)


def similar_pairs(
    first: Sequence[AnnotationObject], second: Sequence[AnnotationObject] | None, picture: Box, threshold: float
) -> list[Similar]:
    """Return all pairs with an IoU of at least `threshold` (0-1, above 0), by their numbers in the lists.

    Shapes count as they were drawn, whatever lies on top of them. Objects in different planes of a stack are never similar. If
    `second` is None, each two objects of `first` are looked at once.
    """
    ours = _Extents.of(first, picture)
    theirs = ours if second is None else _Extents.of(second, picture)
    others = first if second is None else second
    found = []
    for i, item in enumerate(first):
        for j in ours.possible(i, theirs, threshold):
            if (second is None and j <= i) or not _in_one_plane(item, others[j]):
                continue
            both = common_pixels(item.shape, others[j].shape, picture)
            union = int(ours.pixels[i] + theirs.pixels[j]) - both
            if both >= threshold * union:
                found.append(Similar(i, j, both / union))
    return found


def match_pairs(pairs: Sequence[Similar]) -> list[Similar]:
    """Return pairs of which no two share an object: the most similar first, then in order of the lists."""
    chosen: list[Similar] = []
    firsts, seconds = set(), set()
    for pair in sorted(pairs, key=lambda p: (-p.iou, p.first, p.second)):
        if pair.first not in firsts and pair.second not in seconds:
            chosen.append(pair)
            firsts.add(pair.first)
            seconds.add(pair.second)
    return chosen


@dataclass(frozen=True, slots=True)
class _Extents:
    """Boxes (n, 4) as (y0, x0, y1, x1) and numbers of pixels (n,) of objects, within the picture."""

    boxes: NDArray[np.int64]
    pixels: NDArray[np.int64]

    @classmethod
    def of(cls, objects: Sequence[AnnotationObject], picture: Box) -> _Extents:
        boxes = [covering_box(item.shape).intersect(picture).as_tuple() for item in objects]
        pixels = [count_pixels(item.shape, picture) for item in objects]
        return cls(np.array(boxes, dtype=np.int64).reshape(-1, 4), np.array(pixels, dtype=np.int64))

    def possible(self, i: int, others: _Extents, threshold: float) -> list[int]:
        """Return those of `others` that can be similar to our object `i`: boxes and sizes bound the IoU from above."""
        y0, x0, y1, x1 = self.boxes[i]
        height = np.minimum(y1, others.boxes[:, 2]) - np.maximum(y0, others.boxes[:, 0])
        width = np.minimum(x1, others.boxes[:, 3]) - np.maximum(x0, others.boxes[:, 1])
        most = np.minimum(np.maximum(height, 0) * np.maximum(width, 0), np.minimum(self.pixels[i], others.pixels))
        near = (most > 0) & (most >= threshold * (self.pixels[i] + others.pixels - most))
        return [int(j) for j in near.nonzero()[0]]


def _in_one_plane(first: AnnotationObject, second: AnnotationObject) -> bool:
    return first.z is None or second.z is None or first.z == second.z
