"""JPEG 2000 and JPEG XL: decoded as a whole, with all their bits.

Sources: ITU-T T.800, annex A (the SIZ marker). JPEG XL says its size in a bit stream that only its decoder reads, so its header
is known by decoding.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from labkit.formats.pillow import decoded_source
from labkit.formats.raster import PictureFile, RasterHeader, RasterSource, Role, check_memory, in_array_order, unreadable, unsupported

__all__ = ["open_container", "read_jpeg2k", "read_jpegxl"]

_SIZ = b"\xff\x4f\xff\x51"
_SEARCHED_BYTES = 2**22
_MOST_PROBED_BYTES = 2**28


def read_jpeg2k(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a JPEG 2000; see `labkit.formats.pictures.read_file`."""
    with open(path, "rb") as file:
        start = file.read(_SEARCHED_BYTES)
    at = start.find(_SIZ)
    if at < 0 or len(start) < at + 42:
        raise unreadable(path, "its header is missing")
    right, bottom, left, top = struct.unpack(">4I", start[at + 8 : at + 24])
    channels = int.from_bytes(start[at + 40 : at + 42], "big")
    depths = start[at + 42 : at + 42 + 3 * channels : 3]
    if not channels or len(depths) < channels:
        raise unreadable(path, "its header is damaged")
    bits, signed = max(depth & 0x7F for depth in depths) + 1, bool(depths[0] & 0x80)
    if bits > 16:
        raise unsupported(path, f"holds {bits}-bit pixels", "Save it with at most 16 bits.")
    dtype = np.dtype(f"{'int' if signed else 'uint'}{8 if bits <= 8 else 16}")
    palette = b"pclr" in start[:at]
    header = _header(path, "JPEG 2000", (bottom - top, right - left, 3 if palette and role == "image" else channels), dtype, bits)
    return PictureFile("JPEG 2000", (header,))


def read_jpegxl(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a JPEG XL; see `labkit.formats.pictures.read_file`."""
    if path.stat().st_size > _MOST_PROBED_BYTES:
        raise unsupported(path, "is too large for a JPEG XL", "Save it as a tiled TIFF.")
    pixels = np.asarray(imagecodecs.jpegxl_decode(path.read_bytes()))
    if pixels.ndim not in (2, 3):
        raise unsupported(path, "holds several frames", "Save the one that you need.")
    return PictureFile("JPEG XL", (_header(path, "JPEG XL", pixels.shape, pixels.dtype, 8 * pixels.dtype.itemsize),))


def open_container(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Decode a JPEG 2000 or JPEG XL; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    decode = imagecodecs.jpeg2k_decode if header.format == "JPEG 2000" else imagecodecs.jpegxl_decode
    pixels: NDArray[Any] = np.asarray(decode(path.read_bytes()))
    return decoded_source(in_array_order(pixels))


def _header(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], bits: int) -> RasterHeader:
    height, width = shape[:2]
    channels = shape[2] if len(shape) == 3 else 1
    if channels > 4:
        raise unsupported(path, f"has {channels} channels", "Save it as a TIFF.")
    if min(height, width) < 1:
        raise unreadable(path, "it holds no picture")
    return RasterHeader(
        format=name,
        height_px=height,
        width_px=width,
        channels=channels,
        alpha=channels in (2, 4),
        dtype=dtype.name,
        bits=8 * dtype.itemsize,
        orientation=1,
        pixel_size_um=None,
        layout="whole",
        pages=1,
        decode_bytes=3 * height * width * channels * dtype.itemsize,
        significant_bits=bits if bits < 8 * dtype.itemsize else None,
    )
