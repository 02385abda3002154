"""Annotations as pixels for the eye: one of each step x step pixels of the mask, quick for documents of ten thousand objects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labkit.annotations.document import Document
from labkit.annotations.raster import IGNORE
from labkit.geometry import Box, Region, rasterise_samples, region_samples

__all__ = ["sample_classes"]

_SMALL_PX = 8  # regions of at most so many rows of samples are rasterised together


def sample_classes(document: Document, box: Box, step: int) -> NDArray[np.uint8]:
    """Return the class of one pixel for each `step` x `step` of them; nothing is averaged or blurred.

    Parameters
    ----------
    document : Document
        The annotations; later objects cover earlier ones.
    box : Box
        The samples: ``(i, j)`` is the pixel ``(i, j) * step + step // 2``.
    step : int
        A power of two.

    Returns
    -------
    ndarray of uint8, shape (box.height_px, box.width_px)
        What `rasterise_classes` says of these pixels.
    """
    mask = np.full(box.shape, 0 if document.finished else IGNORE, dtype=np.uint8)
    numbers, parts = _near(document, box, step)
    is_area = np.array([document.objects[k].kind == "area" for k in numbers], dtype=np.bool_)
    for among in (is_area, ~is_area):  # background is known within annotated areas; whatever is an object covers it
        owners, flat = _samples(document, numbers[among], parts[among], box, step)
        mask.reshape(-1)[flat] = _values(document, numbers[among])[owners]  # of several on one pixel the last is kept
    return mask


def _near(document: Document, box: Box, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places in ``objects`` of those that count and may cover a sample of `box`, and which samples: (y0, x0, y1, x1)."""
    found = document.numbers_within(Box(*(edge * step for edge in box.as_tuple())))
    numbers = np.array([k for k in found if document.objects[k].status == "accepted"], dtype=np.int64)
    parts = -((step // 2 - document.boxes[numbers]) // step)  # as `samples_within`, of all at once
    parts = np.clip(parts, (box.y0, box.x0) * 2, (box.y1, box.x1) * 2)
    covers = (parts[:, 0] < parts[:, 2]) & (parts[:, 1] < parts[:, 3])
    return numbers[covers], parts[covers]


def _samples(
    document: Document, numbers: NDArray[np.int64], parts: NDArray[np.int64], box: Box, step: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the samples of objects as places in the flattened box, in the order of drawing, and the object of each."""
    shapes = [document.objects[k].shape for k in numbers]
    is_small = np.array([isinstance(shape, Region) for shape in shapes], dtype=np.bool_) & (parts[:, 2] - parts[:, 0] <= _SMALL_PX)
    owners: list[NDArray[np.int64]] = []
    flats: list[NDArray[np.int64]] = []
    small = is_small.nonzero()[0]
    if small.size:
        which, flat = region_samples([shape for k in small if isinstance(shape := shapes[k], Region)], box, step)
        owners.append(small[which])
        flats.append(flat)
    for k in (~is_small).nonzero()[0]:
        part = Box(*(int(edge) for edge in parts[k]))
        y, x = rasterise_samples(shapes[k], part, step).nonzero()
        flats.append((y + part.y0 - box.y0) * box.width_px + (x + part.x0 - box.x0))
        owners.append(np.full(len(y), k, dtype=np.int64))
    if not owners:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    owner, flat = np.concatenate(owners), np.concatenate(flats)
    order = np.argsort(owner, kind="stable")
    return owner[order], flat[order]


def _values(document: Document, numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return what each object means for training: its class, background for an area, ignore without a class."""
    items = (document.objects[k] for k in numbers)
    return np.array([0 if i.kind == "area" else IGNORE if i.class_id is None else i.class_id for i in items], dtype=np.uint8)
