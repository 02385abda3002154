"""PNG and JPEG: read from a header, decoded once as a whole."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

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

__all__ = ["open_whole", "read_whole_header"]

_EXIF_ORIENTATION = 0x0112
_PNG_PALETTE = 3
_PNG_CHANNELS = {0: 1, 2: 3, _PNG_PALETTE: 3, 4: 2, 6: 4}
_PILLOW_LIMIT = threading.Lock()


def read_whole_header(path: Path, kind: str, role: Role) -> RasterHeader:
    """Read the header of a PNG or JPEG; see `labkit.formats.pictures.read_header`."""
    return _read_png_header(path, role) if kind == "PNG" else _read_jpeg_header(path)


def open_whole(path: Path, header: RasterHeader, role: Role) -> RasterSource:
    """Decode a PNG or JPEG; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes)
    pixels = _decode_png(path, header, role) if header.format == "PNG" else _decode_jpeg(path)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if pixels.shape[:2] != (header.height_px, header.width_px) or channels != header.channels:
        raise unreadable(path, "its pixels are not as its header says")
    return _Decoded(in_array_order(pixels))


class _Decoded:
    """A picture that lies in memory."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self._pixels = pixels
        self.shape = pixels.shape
        self.dtype = pixels.dtype

    def read(self, box: Box, plane: int = 0) -> NDArray[Any]:
        return self._pixels[(..., *box.slices)]

    def close(self) -> None:
        del self._pixels


def _read_png_header(path: Path, role: Role) -> RasterHeader:
    ihdr, physical, transparent = _png_chunks(path)
    width, height, bits, colour = struct.unpack(">IIBB", ihdr[:10])
    if colour not in _PNG_CHANNELS or not width or not height:
        raise unreadable(path, "its header is damaged")
    ids = colour == _PNG_PALETTE and role == "labels"
    alpha = colour in (4, 6) or (transparent and not ids)
    channels = 1 if ids else _PNG_CHANNELS[colour] + (1 if transparent else 0)
    dtype = "uint16" if bits == 16 else "uint8"
    orientation = 1
    with _pillow_without_limit(), Image.open(path, formats=["PNG"]) as picture:
        if "exif" in picture.info:
            orientation = valid_orientation(picture.getexif().get(_EXIF_ORIENTATION))
    notes = ("A palette was expanded to colours.",) if colour == _PNG_PALETTE and not ids else ()
    return RasterHeader(
        format="PNG",
        height_px=height,
        width_px=width,
        channels=channels,
        alpha=alpha,
        dtype=dtype,
        bits=bits if bits >= 8 else 8,
        orientation=orientation,
        pixel_size_um=_png_pixel_size(physical),
        layout="whole",
        pages=1,
        decode_bytes=2 * height * width * channels * (bits // 8 or 1),
        notes=notes,
    )


def _png_chunks(path: Path) -> tuple[bytes, bytes, bool]:
    """Return the header, the physical size and whether there is a transparent colour; walk to the end to see that it is there."""
    found = {b"IHDR": b"", b"pHYs": b""}
    transparent = False
    with open(path, "rb") as file:
        file.seek(8)
        while True:
            head = file.read(8)
            if len(head) < 8:
                raise unreadable(path, "it is cut short")
            length, name = struct.unpack(">I4s", head)
            if name == b"IEND":
                break
            if name in found:
                found[name] = file.read(min(length, 64))
                file.seek(max(length - 64, 0) + 4, 1)
            else:
                transparent |= name == b"tRNS"
                file.seek(length + 4, 1)
    if len(found[b"IHDR"]) < 13:
        raise unreadable(path, "its header is missing")
    return found[b"IHDR"], found[b"pHYs"], transparent


def _png_pixel_size(physical: bytes) -> tuple[float, float] | None:
    if len(physical) < 9:
        return None
    x, y, unit = struct.unpack(">IIB", physical[:9])
    return credible_size_um(1e6 / y, 1e6 / x) if unit == 1 and x and y else None


def _decode_png(path: Path, header: RasterHeader, role: Role) -> NDArray[Any]:
    if role == "labels" and header.channels == 1 and header.bits == 8:
        with _pillow_without_limit(), Image.open(path, formats=["PNG"]) as picture:
            if picture.mode in ("P", "1"):  # a palette's indices, and bilevel masks, are ids as they stand
                return np.asarray(picture).astype(np.uint8)
    # Pillow would make 16-bit colour 8-bit, silently; libpng (behind imagecodecs) keeps it.
    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


def _read_jpeg_header(path: Path) -> RasterHeader:
    with _pillow_without_limit(), Image.open(path, formats=["JPEG", "MPO"]) as picture:
        width, height = picture.size
        pages = int(getattr(picture, "n_frames", 1))
        if picture.mode not in ("L", "RGB", "CMYK"):
            raise unsupported(path, f"is a JPEG of the unusual kind {picture.mode}", "Save it as RGB.")
        grey = picture.mode == "L"
        orientation = valid_orientation(picture.getexif().get(_EXIF_ORIENTATION))
        notes = ("CMYK was turned into RGB.",) if picture.mode == "CMYK" else ()
        dots = picture.info.get("dpi")
    size = credible_size_um(25400 / dots[1], 25400 / dots[0]) if dots and all(d > 0 for d in dots) else None
    return RasterHeader(
        format="JPEG",
        height_px=height,
        width_px=width,
        channels=1 if grey else 3,
        alpha=False,
        dtype="uint8",
        bits=8,
        orientation=orientation,
        pixel_size_um=size,
        layout="whole",
        pages=pages,
        decode_bytes=2 * height * width * (1 if grey else 4),
        notes=notes + ((f"Only the first of {pages} pictures in the file is read.",) if pages > 1 else ()),
    )


def _decode_jpeg(path: Path) -> NDArray[Any]:
    # Pillow notices a truncated file; imagecodecs returns a full array without a word.
    with _pillow_without_limit(), Image.open(path, formats=["JPEG", "MPO"]) as picture:
        picture.load()
        return np.asarray(picture if picture.mode == "L" else picture.convert("RGB"))


@contextmanager
def _pillow_without_limit() -> Iterator[None]:
    """Lift Pillow's own limit of pixels (a global), which honest slides exceed; ours is on disk and memory."""
    with _PILLOW_LIMIT:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit
