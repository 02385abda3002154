"""What readers that use Pillow share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labkit.formats.raster import Option, Question, RasterSource
from labkit.geometry import Box

__all__ = ["decoded_source", "frames_question", "pillow_without_limit"]

_LIMIT = threading.Lock()


def frames_question(frames: int) -> Question:
    """Return what is to be asked of a picture that moves."""
    options = (
        Option("first", "only the first is wanted"),
        Option("separate", "all of them, an image each"),
        Option("t", "all of them, as one image in time"),
    )
    return Question("frames", f"The file holds {frames} frames. Which do you want?", options, "first")


@contextmanager
def pillow_without_limit() -> Iterator[None]:
    """Lift Pillow's own limit of pixels (a global), which honest slides exceed; ours is on disk and memory."""
    with _LIMIT:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


class _Decoded:
    """A picture that lies in memory (or in a mapped file)."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self._pixels = pixels
        self.shape = pixels.shape
        self.dtype = pixels.dtype
        self.piece_px = (1, 1)

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        return self._pixels[(..., *box.slices)]

    def close(self) -> None:
        self._pixels = np.empty(0, dtype=self.dtype)


def decoded_source(pixels: NDArray[Any]) -> RasterSource:
    """Return pixels (y, x) or (c, y, x) as a source."""
    return _Decoded(pixels)
