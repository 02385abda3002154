"""TIFF and BigTIFF with one picture: tiles read one by one, strips through a scratch array, no pixel decoded for the header."""

from __future__ import annotations

import logging
import math
import os
import re
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from tifffile import TiffFile, TiffPage

from labkit.formats.ome_zarr import Role
from labkit.formats.raster import (
    RasterHeader,
    RasterSource,
    check_memory,
    credible_size_um,
    in_array_order,
    unreadable,
    unsupported,
    valid_orientation,
)
from labkit.geometry import Box

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what is wrong with a file is said once, by an error

__all__ = ["open_tiff", "read_tiff_header"]

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_JPEG_CODES = (6, 7, 34892, 33007)
_UNCOMPRESSED = 1
_IN_MEMORY_BYTES = 128 * 2**20  # a stripped picture up to this size is kept in memory, a larger one in the scratch file
_TILE_CACHE_BYTES = 64 * 2**20
_UM_PER_UNIT = {"nm": 1e-3, "nanometer": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "\\u00b5m": 1.0, "micron": 1.0, "microns": 1.0}
_UM_PER_UNIT |= {"micrometer": 1.0, "mm": 1e3, "millimeter": 1e3, "cm": 1e4, "m": 1e6}


def read_tiff_header(path: Path, role: Role) -> RasterHeader:
    """Read the header of a TIFF; see `labkit.formats.pictures.read_header`."""
    with TiffFile(path) as file:
        page = _only_page(path, file)
        _check_kind(path, page, role)
        _check_complete(path, page)
        expanded = page.photometric == _PALETTE and role == "image"
        channels = 3 if expanded else int(page.samplesperpixel)
        height, width = int(page.imagelength), int(page.imagewidth)
        dtype = np.dtype(np.uint8 if expanded else page.dtype).newbyteorder("=")
        piece = math.prod(_piece_shape(page)) * int(page.bitspersample) // 8
        return RasterHeader(
            format="BigTIFF" if file.is_bigtiff else "TIFF",
            height_px=height,
            width_px=width,
            channels=channels,
            alpha=channels in (2, 4),
            dtype=dtype.name,
            bits=int(page.bitspersample),
            orientation=valid_orientation(_tag(page, 274)),
            pixel_size_um=_pixel_size(file, page),
            layout="tiled" if page.is_tiled else "strips",
            pages=1,
            decode_bytes=2 * piece,
            notes=_notes(page, expanded, role),
        )


def open_tiff(path: Path, header: RasterHeader, role: Role, scratch: Path) -> RasterSource:
    """Open a TIFF; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes)
    file = TiffFile(path)
    try:
        page = _only_page(path, file)
        tiles = _Segments(path, file, page)
        source: RasterSource = tiles if page.is_tiled else _Unrolled(tiles, header, scratch)
    except BaseException:
        file.close()
        raise
    if role == "image" and page.photometric == _PALETTE:
        return _Mapped(source, (np.asarray(page.colormap) >> 8).astype(np.uint8))
    if role == "image" and page.photometric == _WHITE_IS_ZERO:
        return _Inverted(source)
    return source


def _only_page(path: Path, file: TiffFile) -> TiffPage:
    count = len(file.pages)
    if count == 0:
        raise unreadable(path, "it holds no picture")
    if count > 1:
        raise unsupported(
            path,
            f"holds {count} pictures (a stack or a slide), which this version does not read",
            "Save the one that you need as a TIFF of its own.",
        )
    return cast(TiffPage, file.pages[0])


def _check_kind(path: Path, page: TiffPage, role: Role) -> None:
    if not page.imagelength or not page.imagewidth:
        raise unreadable(path, "it holds no picture")
    if page.dtype is None or page.imagedepth > 1:
        raise unsupported(path, "holds pixels of an unknown kind", "Save it as an 8 or 16 bit TIFF.")
    wanted = "ui" if role == "labels" else "u"
    sizes = (1, 2, 4) if role == "labels" else (1, 2)
    if page.dtype.kind not in wanted or page.dtype.itemsize not in sizes or page.bitspersample not in (8, 16, 32):
        raise unsupported(
            path, f"holds {page.bitspersample}-bit {page.dtype.name} pixels, which this version does not read", "Save it with 8 or 16 bits."
        )
    samples = int(page.samplesperpixel)
    kinds = {_WHITE_IS_ZERO: (1,), _BLACK_IS_ZERO: (1, 2), _RGB: (3, 4), _PALETTE: (1,), _YCBCR: (3,)}
    if samples not in kinds.get(int(page.photometric), ()) or (page.photometric == _YCBCR and page.compression not in _JPEG_CODES):
        raise unsupported(
            path,
            f"is a TIFF of the kind {getattr(page.photometric, 'name', page.photometric)} with {samples} channels",
            "Save it as grey or RGB.",
        )


def _check_complete(path: Path, page: TiffPage) -> None:
    size = path.stat().st_size
    if len(page.dataoffsets) < len(page.databytecounts) or any(
        offset + count > size for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)
    ):
        raise unreadable(path, "it is cut short")


def _notes(page: TiffPage, expanded: bool, role: Role) -> tuple[str, ...]:
    if expanded:
        return ("A palette was expanded to colours.",)
    return ("White was stored as 0; it is shown as white.",) if page.photometric == _WHITE_IS_ZERO and role == "image" else ()


def _tag(page: TiffPage, code: int) -> Any:
    tag = page.tags.get(code)
    return None if tag is None else tag.value


def _piece_shape(page: TiffPage) -> tuple[int, int, int]:
    """Return (height, width, samples) of what is decoded at once: a tile or a strip."""
    samples = int(page.samplesperpixel) if page.planarconfig == 1 else 1
    if page.is_tiled:
        return int(page.tilelength), int(page.tilewidth), samples
    return min(int(page.rowsperstrip), int(page.imagelength)), int(page.imagewidth), samples


def _pixel_size(file: TiffFile, page: TiffPage) -> tuple[float, float] | None:
    """Return the size (y, x) of a pixel by OME-XML, ImageJ's comment or the resolution tags, whichever says it best."""
    if file.is_ome and file.ome_metadata:
        return _ome_size(file.ome_metadata)
    x, y = (_per_unit(_tag(page, code)) for code in (282, 283))
    if not x or not y:
        return None
    if file.is_imagej:
        unit = _UM_PER_UNIT.get(str((file.imagej_metadata or {}).get("unit", "")).lower())
    else:
        unit = {2: 25400.0, 3: 10000.0}.get(int(_tag(page, 296) or 2))  # inch, centimetre
    return credible_size_um(unit / y, unit / x) if unit else None


def _per_unit(value: Any) -> float | None:
    try:
        return float(value[0] / value[1])
    except (TypeError, ZeroDivisionError, IndexError):
        return None


def _ome_size(xml: str) -> tuple[float, float] | None:
    sizes = []
    for axis in "YX":
        value = re.search(rf'\bPhysicalSize{axis}="([0-9.eE+-]+)"', xml)
        unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', xml)
        factor = _UM_PER_UNIT.get(unit.group(1).lower()) if unit else 1.0
        if not value or not factor:
            return None
        sizes.append(float(value.group(1)) * factor)
    return (sizes[0], sizes[1]) if min(sizes) > 0 else None


class _Segments:
    """The tiles (or strips) of a page, decoded when they are asked for; the last ones are kept."""

    def __init__(self, path: Path, file: TiffFile, page: TiffPage) -> None:
        self._path = path
        self._file = file
        self._page = page
        self._planar = page.planarconfig == 2 and page.samplesperpixel > 1
        samples = int(page.samplesperpixel)
        size = int(page.imagelength), int(page.imagewidth)
        self.shape: tuple[int, ...] = size if samples == 1 else (samples, *size)
        self.dtype: np.dtype[Any] = np.dtype(page.dtype)
        self.height_px, self.width_px, _ = _piece_shape(page)
        self.columns = math.ceil(size[1] / self.width_px)
        self.rows = math.ceil(size[0] / self.height_px)
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, NDArray[Any]] = OrderedDict()
        piece_bytes = self.height_px * self.width_px * samples * self.dtype.itemsize
        self._keep = max(1, _TILE_CACHE_BYTES // piece_bytes) if page.is_tiled else 0
        self._descriptor = os.open(path, os.O_RDONLY)
        _ = page.decode  # built once, before threads ask for it

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        pixels = np.empty((*self.shape[:-2], *box.shape), dtype=self.dtype)
        for row in range(box.y0 // self.height_px, math.ceil(box.y1 / self.height_px)):
            for column in range(box.x0 // self.width_px, math.ceil(box.x1 / self.width_px)):
                place = Box(0, 0, self.height_px, self.width_px).shift(row * self.height_px, column * self.width_px)
                part = place.intersect(box)
                piece = self.piece(row, column)
                pixels[(..., *part.shift(-box.y0, -box.x0).slices)] = piece[(..., *part.shift(-place.y0, -place.x0).slices)]
        return pixels

    def piece(self, row: int, column: int) -> NDArray[Any]:
        """Return one tile or strip, (y, x) or (c, y, x)."""
        number = row * self.columns + column
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
        page = self._page
        offset, count = page.dataoffsets[number], page.databytecounts[number]
        height = self.height_px if page.is_tiled else min(self.height_px, self.shape[-2] - number % self.rows * self.height_px)
        samples = 1 if self._planar else int(page.samplesperpixel)
        if count == 0:
            return np.zeros((height, self.width_px, samples), dtype=self.dtype)  # a sparse file: nothing was written here
        data = os.pread(self._descriptor, count, offset)
        if len(data) < count:
            raise unreadable(self._path, "it is cut short")
        decoded, _, _ = page.decode(data, number, jpegtables=page.jpegtables, jpegheader=page.jpegheader)
        if decoded is None:
            raise unreadable(self._path, f"tile {number} cannot be decoded")
        segment = decoded[0]
        if segment.shape[:2] != (height, self.width_px):
            missing = [(0, height - segment.shape[0]), (0, self.width_px - segment.shape[1]), (0, 0)]
            segment = np.pad(segment, missing)
        return cast("NDArray[Any]", segment)

    def close(self) -> None:
        os.close(self._descriptor)
        self._file.close()


class _Unrolled:
    """A stripped picture, decoded once into memory or into a scratch file, so that blocks of any width can be cut from it."""

    def __init__(self, strips: _Segments, header: RasterHeader, scratch: Path) -> None:
        self.shape = strips.shape
        self.dtype = strips.dtype
        self._scratch = None if header.declared_bytes <= _IN_MEMORY_BYTES else scratch
        try:
            self._pixels = self._unroll(strips, header)
        except BaseException:
            self._remove_scratch()
            raise
        finally:
            strips.close()

    def _unroll(self, strips: _Segments, header: RasterHeader) -> NDArray[Any]:
        if self._scratch is None:
            pixels: NDArray[Any] = np.empty(self.shape, dtype=self.dtype)
        else:
            with open(self._scratch, "wb") as file:  # claimed first: a full disk would otherwise kill us at the first touch
                os.posix_fallocate(file.fileno(), 0, header.declared_bytes)
            pixels = np.memmap(self._scratch, dtype=self.dtype, mode="r+", shape=self.shape)
        for row in range(strips.rows):
            strip = strips.piece(row, 0)
            y = row * strips.height_px
            pixels[..., y : y + strip.shape[-2], :] = strip
        return pixels

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        return self._pixels[(..., *box.slices)]

    def close(self) -> None:
        del self._pixels
        self._remove_scratch()

    def _remove_scratch(self) -> None:
        if self._scratch is not None:
            self._scratch.unlink(missing_ok=True)


class _Inverted:
    """A grey source whose zero is white, turned so that zero is black."""

    def __init__(self, inner: RasterSource) -> None:
        self._inner = inner
        self.shape = inner.shape
        self.dtype = inner.dtype

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        return ~self._inner.read(box, plane)

    def close(self) -> None:
        self._inner.close()


class _Mapped:
    """A source of palette indices, seen as RGB."""

    def __init__(self, inner: RasterSource, colours: NDArray[np.uint8]) -> None:
        self._inner = inner
        self._colours = colours
        self.shape = (3, *inner.shape)
        self.dtype = colours.dtype

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        return self._colours[:, self._inner.read(box, plane)]

    def close(self) -> None:
        self._inner.close()
