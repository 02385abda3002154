"""The pixels of a TIFF: tiles decoded when they are asked for, strips through an array in memory or in a scratch file."""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from tifffile import TiffFile, TiffPage

from labkit.formats.raster import RasterHeader, RasterSource, Role, check_memory, in_array_order, unreadable
from labkit.formats.scratch import array_within
from labkit.geometry import Box

__all__ = ["TiffPart", "open_tiff_part", "piece_shape"]

_WHITE_IS_ZERO, _PALETTE, _CMYK = 0, 3, 5
_NONE, _LZW, _DEFLATE, _ADOBE_DEFLATE, _ZSTD = 1, 5, 32946, 8, 50000
_HORIZONTAL = 2
_KEPT_PLANES = 2  # of stripped stacks: that many planes are kept decoded
_UNROLLING_THREADS = 2


@dataclass(frozen=True, slots=True)
class TiffPart:
    """Which picture of a TIFF: a series, or one page of it; its rows as pages; or its pages along axes in this order."""

    series: int
    page: int | None = None
    rows: bool = False
    order: str = ""

    def text(self) -> str:
        """Return what stands in `RasterHeader.part`."""
        return f"{self.series}/{'' if self.page is None else self.page}/{'rows' if self.rows else ''}/{self.order}"

    @classmethod
    def parse(cls, text: str) -> TiffPart:
        """Return the part that `text` names."""
        series, page, rows, order = text.split("/")
        return cls(int(series), int(page) if page else None, bool(rows), order)


def piece_shape(page: TiffPage) -> tuple[int, int, int]:
    """Return (height, width, samples) of what is decoded at once: a tile or a strip."""
    samples = int(page.samplesperpixel) if page.planarconfig == 1 else 1
    if page.is_tiled:
        return int(page.tilelength), int(page.tilewidth), samples
    return min(int(page.rowsperstrip), int(page.imagelength)), int(page.imagewidth), samples


def open_tiff_part(path: Path, part: TiffPart, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open one picture of a TIFF; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    file = TiffFile(path)
    try:
        if part.rows:
            return _rows_as_pages(path, file, part)
        return _Planes(path, file, part, header, role, scratch, memory_bytes)
    except BaseException:
        file.close()
        raise


class _Planes:
    """A picture whose planes are pages, or samples of them."""

    def __init__(
        self, path: Path, file: TiffFile, part: TiffPart, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int
    ) -> None:
        self._path, self._file, self._part, self._header = path, file, part, header
        self._scratch, self._memory_bytes = scratch, memory_bytes
        self._series = file.series[part.series]
        self._page: TiffPage = self._series.keyframe
        self._lengths = [length for _, length in header.stack]
        self._samples = int(self._page.samplesperpixel)
        self._splits_samples = self._samples > 1 and header.channels == 1
        self._finish = _finishing(self._page, role)
        self._open: OrderedDict[int, Any] = OrderedDict()
        self._lock = threading.Lock()
        self._contiguous = self._series.dataoffset is not None and self._page.parent is file
        size = header.height_px, header.width_px
        self.shape: tuple[int, ...] = size if header.channels == 1 else (header.channels, *size)
        self.dtype = np.dtype(header.dtype)
        tiled = self._page.is_tiled and not self._contiguous
        self.piece_px: tuple[int, int] | None = piece_shape(self._page)[:2] if tiled else (1, 1)

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        page, sample = self._place(plane)
        pixels = self._pixels_of(page).read(box)
        return self._finish(pixels if sample is None else pixels[sample])

    def read_into(self, box: Box, out: NDArray[Any], plane: int = 0) -> None:
        page, sample = self._place(plane)
        pixels = self._pixels_of(page)
        if sample is None and self._finish is _as_it_is and isinstance(pixels, _Segments):
            pixels.read_into(box, out)
        else:
            out[...] = self.read(box, plane)

    def close(self) -> None:
        with self._lock:
            for pixels in self._open.values():
                pixels.close()
            self._open.clear()
        self._file.close()

    def _place(self, plane: int) -> tuple[int, int | None]:
        """Return the page of a plane, and which of its samples, where each is a plane."""
        if self._part.page is not None:
            return self._part.page, plane if self._splits_samples else None
        axes: list[str] = [axis for axis, _ in self._header.stack]
        at = dict(zip(axes, np.unravel_index(plane, self._lengths or (1,)), strict=False))
        sample = int(at.pop("c")) if self._splits_samples else None
        if not self._part.order:  # the pages are one axis, or there is but one
            return int(next(iter(at.values()), 0)), sample
        lengths: dict[str, int] = {**dict(self._header.stack)}
        return int(np.ravel_multi_index([at[a] for a in self._part.order], [lengths[a] for a in self._part.order])), sample

    def _pixels_of(self, page: int) -> Any:
        with self._lock:
            if page in self._open:
                self._open.move_to_end(page)
                return self._open[page]
            pixels = self._opened(page)
            self._open[page] = pixels
            tiled = isinstance(pixels, (_Segments, _Blank))
            while len(self._open) > (64 if tiled else _KEPT_PLANES):
                self._open.popitem(last=False)  # closed when nobody reads it any more
            return pixels

    def _opened(self, page: int) -> Any:
        if self._contiguous:
            return _contiguous(self._path, self._series, page)
        found = self._series.pages[page]
        if found is None:
            return _Blank(self._page, self._header.nodata)
        segments = _Segments(self._path, self._page, found, self._header.nodata, self._memory_bytes)
        return segments if self._page.is_tiled else _unrolled(segments, self._scratch, self._memory_bytes)


def _finishing(page: TiffPage, role: Role) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return what is still to be done with decoded pixels."""
    if page.photometric == _PALETTE and role == "image":
        table = np.asarray(page.colormap)
        colours = (table >> 8 if table.max(initial=0) > 255 else table).astype(np.uint8)
        # As numbers: bool would choose among the colours instead of naming one.
        return lambda pixels: colours[:, pixels.view(np.uint8) if pixels.dtype == np.bool_ else pixels]
    if page.photometric == _CMYK:
        return _rgb_of_cmyk
    inverted = page.photometric == _WHITE_IS_ZERO and role == "image"
    if page.dtype == np.bool_:
        return (lambda pixels: (~pixels).view(np.uint8)) if inverted else (lambda pixels: pixels.astype(np.uint8))
    if inverted and page.dtype is not None and page.dtype.kind in "iu":
        bits = int(page.bitspersample)
        highest = page.dtype.type(2**bits - 1) if page.dtype.kind == "u" else page.dtype.type(-1)
        return lambda pixels: np.asarray(highest - pixels)
    return _as_it_is


def _as_it_is(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels


def _rgb_of_cmyk(pixels: NDArray[Any]) -> NDArray[Any]:
    light = 255 - pixels.astype(np.uint16)
    return np.asarray((light[:3] * light[3] + 127) // 255, dtype=np.uint8)


class _Array:
    """Decoded (or mapped) pixels, (y, x) or (c, y, x)."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self._pixels = pixels
        self.shape, self.dtype = pixels.shape, pixels.dtype
        self.piece_px = (1, 1)

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        return self._pixels[(..., *box.slices)]

    def close(self) -> None:
        self._pixels = np.empty(0, dtype=self.dtype)


class _Blank:
    """A plane that the file does not hold."""

    def __init__(self, page: TiffPage, nodata: float | None) -> None:
        self._lead = (int(page.samplesperpixel),) if page.samplesperpixel > 1 else ()
        self._dtype, self._value = np.dtype(page.dtype), nodata or 0

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        return np.full((*self._lead, *box.shape), self._value, dtype=self._dtype)

    def close(self) -> None:
        return


def _contiguous(path: Path, series: Any, page: int) -> _Array:
    """Return an uncompressed page, mapped into memory."""
    keyframe = series.keyframe
    samples = int(keyframe.samplesperpixel)
    size = int(keyframe.imagelength), int(keyframe.imagewidth)
    dtype = np.dtype(keyframe.dtype).newbyteorder(keyframe.parent.byteorder)
    shape = size if samples == 1 else (*size, samples) if keyframe.planarconfig == 1 else (samples, *size)
    offset = int(series.dataoffset) + page * math.prod(shape) * dtype.itemsize
    pixels: NDArray[Any] = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape)
    return _Array(pixels if keyframe.planarconfig == 2 or samples == 1 else np.moveaxis(pixels, -1, 0))


def _rows_as_pages(path: Path, file: TiffFile, part: TiffPart) -> _Array:
    """Return the picture whose rows were stored as pages of (width, channels)."""
    pixels = np.asarray(file.series[part.series].asarray())
    file.close()
    return _Array(np.ascontiguousarray(np.moveaxis(pixels.reshape(-1, *pixels.shape[-2:]), -1, 0)))


class _Segments:
    """The tiles (or strips) of a page, decoded when they are asked for; some are kept where they are asked for in parts."""

    def __init__(self, path: Path, keyframe: TiffPage, page: Any, nodata: float | None, memory_bytes: int) -> None:
        self._path, self._keyframe = path, keyframe
        self._offsets, self._counts = page.dataoffsets, page.databytecounts
        self._planar = keyframe.planarconfig == 2 and keyframe.samplesperpixel > 1
        self._samples = int(keyframe.samplesperpixel)
        size = int(keyframe.imagelength), int(keyframe.imagewidth)
        self.shape: tuple[int, ...] = size if self._samples == 1 else (self._samples, *size)
        self.dtype: np.dtype[Any] = np.dtype(keyframe.dtype)
        self.height_px, self.width_px, self._piece_samples = piece_shape(keyframe)
        self.columns = math.ceil(size[1] / self.width_px)
        self.rows = math.ceil(size[0] / self.height_px)
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, NDArray[Any]] = OrderedDict()
        piece_bytes = self.height_px * self.width_px * self._samples * self.dtype.itemsize
        # Tiles that divide a chunk are asked for once; others by several neighbours.
        aligned = 512 % self.height_px == 0 and 512 % self.width_px == 0 and keyframe.is_tiled and nodata is None
        self._keep = 0 if aligned or not keyframe.is_tiled else max(1, min(memory_bytes // 4, 64 * 2**20) // piece_bytes)
        self._nodata = nodata or 0
        self._file = _SharedFile(page.parent.filehandle.path if hasattr(page.parent, "filehandle") else path)
        self._fast = _fast_decoder(keyframe)
        _ = keyframe.decode  # built once, before threads ask for it

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        pixels = np.empty((*self.shape[:-2], *box.shape), dtype=self.dtype)
        self.read_into(box, pixels)
        return pixels

    def read_into(self, box: Box, out: NDArray[Any]) -> None:
        """Decode every tile that `box` touches, straight into its place in `out`."""
        for row in range(box.y0 // self.height_px, math.ceil(box.y1 / self.height_px)):
            y = row * self.height_px
            y0, y1 = max(y, box.y0), min(y + self.height_px, box.y1)
            for column in range(box.x0 // self.width_px, math.ceil(box.x1 / self.width_px)):
                x = column * self.width_px
                x0, x1 = max(x, box.x0), min(x + self.width_px, box.x1)
                piece = self.piece(row, column)[..., y0 - y : y1 - y, x0 - x : x1 - x]
                out[..., y0 - box.y0 : y1 - box.y0, x0 - box.x0 : x1 - box.x0] = piece

    def piece(self, row: int, column: int) -> NDArray[Any]:
        """Return one tile or strip, (y, x) or (c, y, x)."""
        number = row * self.columns + column
        if self._keep:
            with self._lock:
                if number in self._kept:
                    self._kept.move_to_end(number)
                    return self._kept[number]
        piece = self._decode_planes(number) if self._planar else in_array_order(self._decode(number))
        if self._keep:
            with self._lock:
                self._kept[number] = piece
                while len(self._kept) > self._keep:
                    self._kept.popitem(last=False)
        return piece

    def _decode_planes(self, number: int) -> NDArray[Any]:
        step = self.rows * self.columns
        return np.stack([self._decode(number + k * step)[..., 0] for k in range(self.shape[0])])

    def _decode(self, number: int) -> NDArray[Any]:
        """Return one segment as (y, x, c), filled up to its full height and width."""
        page = self._keyframe
        offset, count = self._offsets[number], self._counts[number]
        height = self.height_px if page.is_tiled else min(self.height_px, self.shape[-2] - number % self.rows * self.height_px)
        samples = 1 if self._planar else self._samples
        if count == 0:  # a sparse file: nothing was written here
            return np.full((height, self.width_px, samples), self._nodata, dtype=self.dtype)
        data = self._file.read(offset, count)
        if len(data) < count:
            raise unreadable(self._path, "it is cut short")
        shape = (height, self.width_px, samples)
        if self._fast is not None and (fast := self._fast(data, shape)) is not None:
            return fast
        try:
            decoded, _, _ = page.decode(data, number, jpegtables=page.jpegtables, jpegheader=page.jpegheader)
        except Exception as error:
            raise unreadable(self._path, f"its tile {number} cannot be decoded ({type(error).__name__})") from error
        if decoded is None:
            raise unreadable(self._path, f"its tile {number} cannot be decoded")
        segment = decoded[0]
        if segment.shape[:2] != (height, self.width_px):
            missing = [(0, height - segment.shape[0]), (0, self.width_px - segment.shape[1]), (0, 0)]
            segment = np.pad(segment, missing)
        return np.asarray(segment)

    def close(self) -> None:
        self._file.close()


class _SharedFile:
    """A file that several threads read at places of their own."""

    def __init__(self, path: Path | str) -> None:
        self._descriptor: int | None = os.open(path, os.O_RDONLY)

    def read(self, offset: int, count: int) -> bytes:
        if self._descriptor is None:
            raise ValueError("the file is closed")
        return os.pread(self._descriptor, count, offset)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        self.close()


def _fast_decoder(page: TiffPage) -> Callable[[bytes, tuple[int, int, int]], NDArray[Any] | None] | None:
    """Return a decoder for the common cases, which tifffile would do in more steps; None for all others.

    The decoder gives None where the bytes are not as many as they should be: tifffile then says what is wrong.
    """
    codecs: dict[int, Callable[[bytes, int], Any]] = {
        _NONE: lambda data, size: data,
        _DEFLATE: lambda data, size: imagecodecs.deflate_decode(data, out=size),
        _ADOBE_DEFLATE: lambda data, size: imagecodecs.deflate_decode(data, out=size),
        _LZW: lambda data, size: imagecodecs.lzw_decode(data, out=size),
        _ZSTD: lambda data, size: imagecodecs.zstd_decode(data, out=size),
    }
    bits = page.bitspersample in (8, 16, 32, 64) and page.dtype is not None and page.dtype.itemsize * 8 == page.bitspersample
    predictor = int(page.predictor)
    if not bits or page.fillorder != 1 or int(page.compression) not in codecs or predictor not in (1, _HORIZONTAL):
        return None
    if predictor == _HORIZONTAL and (page.parent.byteorder != "<" or page.dtype is None or page.dtype.kind not in "iu"):
        return None
    codec = codecs[int(page.compression)]
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)

    def decode(data: bytes, shape: tuple[int, int, int]) -> NDArray[Any] | None:
        size = math.prod(shape) * dtype.itemsize
        try:
            raw = codec(data, size)
        except Exception:  # tifffile tries again, and says what is wrong
            return None
        if len(raw) != size:
            return None
        pixels: NDArray[Any] = np.frombuffer(raw, dtype=dtype).reshape(shape)
        if predictor == _HORIZONTAL:
            return np.asarray(imagecodecs.delta_decode(pixels, axis=1))
        return pixels

    return decode


def _unrolled(strips: _Segments, scratch: Path, memory_bytes: int) -> _Array:
    """Return a stripped page, decoded once, so that blocks of any width can be cut from it."""
    with ThreadPoolExecutor(_UNROLLING_THREADS, thread_name_prefix="labkit-strips") as pool:
        pixels = array_within(strips.shape, strips.dtype, memory_bytes // 2, scratch)

        def place(row: int) -> None:
            strip = strips.piece(row, 0)
            y = row * strips.height_px
            pixels[..., y : y + strip.shape[-2], :] = strip

        try:
            for _ in pool.map(place, range(strips.rows)):
                pass
        finally:
            strips.close()
    return _Array(pixels)
