"""JPEG 2000, with all its bits: grey, RGB, or several channels.

Source: ITU-T T.800, annex A (the marker SIZ) and annex I (the boxes `jp2c`, `ihdr`, `pclr`, `cdef`, `res `).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from labkit.formats.raster import (
    PictureFile,
    RasterHeader,
    RasterSource,
    Role,
    check_memory,
    credible_size_um,
    in_array_order,
    unreadable,
    unsupported,
)
from labkit.formats.sources import array_header, decoded_source, kept_profile_note

__all__ = ["open_jpeg2k", "read_jpeg2k"]

_START = b"\xff\x4f\xff\x51"
_PARENTS = {b"jp2h", b"res "}
_LONGEST_KEPT = 4 * 2**20
_NESTED = 4
_ANY_PROFILE = 2


def read_jpeg2k(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a JPEG 2000; see `labkit.formats.pictures.read_file`."""
    boxes, start = _read_boxes(path)
    height, width, channels, bits, signed, subsampled = _read_siz(path, start)
    if bits > 16:
        raise unsupported(path, f"holds {bits}-bit pixels", "Save it with at most 16 bits.")
    if b"pclr" in boxes and role == "labels":
        raise unsupported(path, "has a palette, whose numbers its decoder does not give", "Save the labels as PNG or TIFF.")
    if subsampled and channels not in (3, 4):
        raise unsupported(path, "has channels of different sizes", "Save it as a TIFF.")
    dtype = np.dtype(f"{'int' if signed else 'uint'}{8 if bits <= 8 else 16}")
    if b"pclr" in boxes:
        channels = boxes[b"pclr"][2] if len(boxes[b"pclr"]) > 2 else 3
    coloured = channels if channels <= 4 else 1
    header = array_header("JPEG 2000", (height, width), dtype, channels=coloured, stack=(("c", channels),) if channels > 4 else ())
    profile = _profile(boxes.get(b"colr", b""))
    header = replace(
        header,
        pixel_size_um=_pixel_size(boxes),
        significant_bits=bits if bits < header.bits else None,
        decode_bytes=5 * height * width * channels * 4,  # its decoder computes in 32 bits
        icc_profile=profile,
        notes=(kept_profile_note,) if profile else (),
    )
    return PictureFile("JPEG 2000", (header,))


def open_jpeg2k(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Decode a JPEG 2000; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    pixels: NDArray[Any] = in_array_order(np.asarray(imagecodecs.jpeg2k_decode(path.read_bytes())))
    return decoded_source(*pixels) if header.stack else decoded_source(pixels)


def _read_boxes(path: Path) -> tuple[dict[bytes, bytes], bytes]:
    """Return the small boxes by name, and the first bytes of the code stream."""
    with open(path, "rb") as file:
        if file.read(4) == _START:
            file.seek(0)
            return {}, file.read(2**16)
        size = path.stat().st_size
        found = dict(_iter_boxes(file, 0, size, 0))
    start = found.pop(b"jp2c", b"")
    if not start.startswith(_START):
        raise unreadable(path, "its header is missing")
    return found, start


def _iter_boxes(file: BinaryIO, offset: int, end: int, depth: int) -> Iterator[tuple[bytes, bytes]]:
    while offset + 8 <= end:
        file.seek(offset)
        length, name = struct.unpack(">I4s", file.read(8))
        head = 8
        if length == 1:
            length, head = int.from_bytes(file.read(8), "big"), 16
        stop = end if length == 0 else offset + length
        if stop < offset + head:
            return
        if name in _PARENTS and depth < _NESTED:
            yield from _iter_boxes(file, offset + head, min(stop, end), depth + 1)
        else:
            limit = 2**16 if name == b"jp2c" else _LONGEST_KEPT
            yield name, file.read(min(stop - offset - head, limit))
        offset = stop


def _read_siz(path: Path, start: bytes) -> tuple[int, int, int, int, bool, bool]:
    """Return height, width, channels, bits, whether signed, and whether channels are of different sizes."""
    if len(start) < 42:
        raise unreadable(path, "its header is missing")
    right, bottom, left, top = struct.unpack(">4I", start[8:24])
    channels = int.from_bytes(start[40:42], "big")
    parts = start[42 : 42 + 3 * channels]
    if not channels or len(parts) < 3 * channels or right <= left or bottom <= top:
        raise unreadable(path, "its header is damaged")
    depths, steps = parts[::3], {*zip(parts[1::3], parts[2::3], strict=True)}
    step_x, step_y = min(step[0] for step in steps), min(step[1] for step in steps)
    if not step_x or not step_y:
        raise unreadable(path, "its header is damaged")
    width, height = -(-right // step_x) - -(-left // step_x), -(-bottom // step_y) - -(-top // step_y)
    return height, width, channels, max(depth & 0x7F for depth in depths) + 1, bool(depths[0] & 0x80), len(steps) > 1


def _profile(colour: bytes) -> bytes | None:
    """Return the ICC profile of the box `colr`, if it holds one."""
    return colour[3:] if len(colour) > 131 and colour[0] == _ANY_PROFILE else None


def _pixel_size(boxes: Mapping[bytes, bytes]) -> tuple[float, float] | None:
    resolution = boxes.get(b"resc") or b""
    if len(resolution) < 10:
        return None
    y_over, y_under, x_over, x_under, y_power, x_power = struct.unpack(">4H2b", resolution[:10])
    if not all((y_over, y_under, x_over, x_under)):
        return None
    y, x = (over / under * 10.0**power for over, under, power in ((y_over, y_under, y_power), (x_over, x_under, x_power)))
    return credible_size_um(1e6 / y, 1e6 / x)
