"""Sources for pictures that are not read tile by tile: decoded arrays, and planes that are decoded when they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.formats.raster import Option, Question, RasterHeader, RasterSource
from labkit.formats.scratch import is_mapped, let_go
from labkit.geometry import Box

__all__ = ["array_header", "decoded_source", "frames_question", "kept_profile_note", "loaded_source", "stack_question"]

_KEPT_PLANES = 2
kept_profile_note = "Its colour profile is kept, and colours are not converted."


class _Decoded:
    """Planes that lie in memory or in mapped files, each (y, x) or (c, y, x)."""

    def __init__(self, planes: Sequence[NDArray[Any]]) -> None:
        self._planes = list(planes)
        self.shape = planes[0].shape
        self.dtype = np.dtype(np.uint8) if planes[0].dtype.kind == "b" else planes[0].dtype.newbyteorder("=")
        self.piece_px = (1, 1)
        self._mapped = is_mapped(planes[0])

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        pixels = np.asarray(self._planes[plane][(..., *box.slices)])
        if not self._mapped:
            return pixels.astype(self.dtype, copy=False)
        pixels = pixels.astype(self.dtype)
        let_go(self._planes[plane])  # else a picture as large as the disk would end up in memory, page by page
        return pixels

    def close(self) -> None:
        self._planes = []


class _Loaded:
    """Planes that are decoded when they are asked for; the last ones are kept."""

    def __init__(self, load: Callable[[int], NDArray[Any]], header: RasterHeader, close: Callable[[], None] | None) -> None:
        self._load = load
        self._close = close
        self._kept: dict[int, NDArray[Any]] = {}
        self._lock = threading.Lock()
        size = header.height_px, header.width_px
        self.shape: tuple[int, ...] = size if header.channels == 1 else (header.channels, *size)
        self.dtype = np.dtype(header.dtype)
        self.piece_px = (1, 1)

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        with self._lock:
            if plane not in self._kept:
                while len(self._kept) >= _KEPT_PLANES:
                    del self._kept[next(iter(self._kept))]
                self._kept[plane] = self._checked(self._load(plane))
            pixels = self._kept[plane]
        return pixels[(..., *box.slices)]

    def close(self) -> None:
        self._kept.clear()
        if self._close is not None:
            self._close()
            self._close = None

    def _checked(self, pixels: NDArray[Any]) -> NDArray[Any]:
        if pixels.shape != self.shape:
            raise ValueError(f"a plane has the shape {pixels.shape} where its header says {self.shape}")
        return pixels.astype(self.dtype, copy=False)


def decoded_source(*planes: NDArray[Any]) -> RasterSource:
    """Return arrays (y, x) or (c, y, x), one a plane, as a source; they may be mapped files. Truth values become 0 and 1."""
    return _Decoded(planes)


def loaded_source(load: Callable[[int], NDArray[Any]], header: RasterHeader, close: Callable[[], None] | None = None) -> RasterSource:
    """Return a source whose planes are decoded one at a time.

    Parameters
    ----------
    load : callable
        Returns plane k, (y, x) or (c, y, x); never called by two threads at once.
    header : RasterHeader
        Of the picture.
    close : callable, optional
        Called once, when the source is closed.
    """
    return _Loaded(load, header, close)


def array_header(
    name: str,
    size: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    channels: int = 1,
    stack: tuple[tuple[str, int], ...] = (),
    part: str = "",
    title: str = "",
) -> RasterHeader:
    """Return the header of an upright picture of `size` (y, x) about which nothing more is known."""
    plain = np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")
    return RasterHeader(
        format=name,
        height_px=int(size[0]),
        width_px=int(size[1]),
        channels=channels,
        alpha=channels in (2, 4),
        dtype=plain.name,
        bits=1 if dtype.kind == "b" else 8 * dtype.itemsize,
        orientation=1,
        pixel_size_um=None,
        layout="whole",
        pages=1,
        decode_bytes=0,
        part=part,
        title=title,
        stack=tuple((axis, length) for axis, length in stack if axis in ("t", "c", "z")),  # type: ignore[misc]
    )


def frames_question(frames: int, *, alike: bool = True) -> Question:
    """Return what is to be asked of a picture that moves; frames of different sizes are no image in time."""
    options = [Option("first", "only the first is wanted"), Option("separate", "all of them, an image each")]
    if alike:
        options.append(Option("t", "all of them, as one image in time"))
    return Question("frames", f"The file holds {frames} frames. Which do you want?", tuple(options), "first")


def stack_question(count: int, what: str, *, channels: bool = False) -> Question:
    """Return what is to be asked of pages of the same size whose meaning the file does not say; `#` in `what` is their number."""
    options = [
        Option("separate", "separate pictures: an image each"),
        Option("z", "a stack in depth (z)"),
        Option("t", "frames in time (t)"),
    ]
    if channels:
        options.append(Option("c", "channels of one picture (c)"))
    options.append(Option("first", "only the first is wanted"))
    return Question("pages", f"The {what} of the same size. What are they?".replace("#", str(count)), tuple(options), "separate")
