"""Annotations as pixels, by the background rule.

A pixel without an object is background (0) only in an image marked finished or inside an "annotated area" object;
elsewhere nobody has looked, and it is 255 (ignore).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from labkit.annotations.document import Document
from labkit.annotations.objects import AnnotationObject
from labkit.geometry import Box, covering_box, rasterise

__all__ = ["IGNORE", "rasterise_classes", "rasterise_objects"]

IGNORE = 255


def rasterise_classes(document: Document, box: Box) -> NDArray[np.uint8]:
    """Return the class of each pixel.

    Parameters
    ----------
    document : Document
        The annotations; later objects cover earlier ones.
    box : Box
        The pixels, at full resolution.

    Returns
    -------
    ndarray of uint8, shape (box.height_px, box.width_px)
        Class ids; 0 where background is known; 255 elsewhere, and on objects without a class.
    """
    mask = np.full(box.shape, 0 if document.finished else IGNORE, dtype=np.uint8)
    for _, _, view, inside in _iter_parts(document, box, areas=True):
        mask[view][inside] = 0
    for _, item, view, inside in _iter_parts(document, box, areas=False):
        mask[view][inside] = IGNORE if item.class_id is None else item.class_id
    return mask


def rasterise_objects(document: Document, box: Box) -> NDArray[np.uint32]:
    """Return the object on each pixel.

    Parameters
    ----------
    document : Document
        The annotations; later objects cover earlier ones.
    box : Box
        The pixels, at full resolution.

    Returns
    -------
    ndarray of uint32, shape (box.height_px, box.width_px)
        ``n`` is ``document.objects[n - 1]``, 0 is none. Annotated areas are no objects and leave a gap in the numbers.
    """
    labels = np.zeros(box.shape, dtype=np.uint32)
    for number, _, view, inside in _iter_parts(document, box, areas=False):
        labels[view][inside] = number
    return labels


def _iter_parts(
    document: Document, box: Box, *, areas: bool
) -> Iterator[tuple[int, AnnotationObject, tuple[slice, slice], NDArray[np.bool_]]]:
    """Yield (number, object, slices into the box, pixels inside) of the annotated areas, or of all others, that reach into `box`."""
    for k in document.numbers_within(box):
        item = document.objects[k]
        if (item.kind == "area") != areas or item.status != "accepted":
            continue
        part = covering_box(item.shape).intersect(box)
        yield k + 1, item, part.shift(-box.y0, -box.x0).slices, rasterise(item.shape, part)
