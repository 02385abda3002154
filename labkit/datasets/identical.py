"""Which images show the same pixels, whatever their files are called and however they are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from labkit.geometry import Box, iter_blocks
from labkit.project import ImageRecord, Project
from labkit.tiling import Image, open_image

__all__ = ["identical_pictures"]

_BAND_PX = 512


def identical_pictures(project: Project, images: Sequence[ImageRecord]) -> dict[str, str]:
    """Return a name of the pixels of each image, by its id: that of the oldest image that shows them (the hash of its file).

    Images of one file have one name at once. Others are only compared if kind and size agree: first the smallest levels of their
    pyramids, which follow from the pixels, then (where those are equal) all pixels by their SHA-256.

    Raises
    ------
    CorruptStore
        An image that had to be compared cannot be read.
    """
    oldest: dict[str, ImageRecord] = {}
    for image in sorted(images, key=lambda i: (i.imported, i.sha256)):
        oldest.setdefault(image.sha256, image)
    same = {sha256: sha256 for sha256 in oldest}
    for alike in _grouped((image, (image.axes, image.shape, image.dtype)) for image in oldest.values()):
        for small in _grouped((image, _top_digest(open_image(project, image.id))) for image in alike):
            for equal in _grouped((image, _pixel_digest(open_image(project, image.id))) for image in small):
                same |= {image.sha256: equal[0].sha256 for image in equal}
    return {image.id: same[image.sha256] for image in images}


def _grouped(items: Iterable[tuple[ImageRecord, object]]) -> list[list[ImageRecord]]:
    """Return the images that share a value, in their order; those that are alone with theirs are left out."""
    groups: dict[object, list[ImageRecord]] = {}
    for image, value in items:
        groups.setdefault(value, []).append(image)
    return [group for group in groups.values() if len(group) > 1]


def _top_digest(image: Image) -> str:
    return _digest(image, len(image.levels) - 1)


def _pixel_digest(image: Image) -> str:
    return _digest(image, 0)


def _digest(image: Image, level: int) -> str:
    digest = hashlib.sha256()
    height, width = image.levels[level]
    stack = dict(image.stack)
    for t in range(stack.get("t", 1)):
        for z in range(stack.get("z", 1)):
            at = {axis: n for axis, n in (("t", t), ("z", z)) if axis in stack}
            for band in iter_blocks(Box.of_shape(height, width), _BAND_PX, width):
                digest.update(np.ascontiguousarray(image.read(band, level, **at)).tobytes())
    return digest.hexdigest()
