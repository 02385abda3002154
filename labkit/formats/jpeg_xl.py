"""JPEG XL, with all its bits; pictures that move are asked about.

Source: ISO/IEC 18181-1 (the headers SizeHeader and ImageMetadata, a stream of bits) and -2 (boxes).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from labkit.formats.raster import (
    PictureFile,
    RasterHeader,
    RasterSource,
    Role,
    answer_to,
    check_memory,
    in_array_order,
    unreadable,
    unsupported,
)
from labkit.formats.sources import array_header, decoded_source, frames_question

__all__ = ["open_jpegxl", "read_jpegxl"]

_START = b"\xff\x0a"
_HEADER_BYTES = 2**16
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_ALPHA, _GREY = 0, 1


@dataclass(frozen=True, slots=True)
class _Metadata:
    """What the header says; size as the picture is to be seen."""

    height_px: int
    width_px: int
    channels: int
    bits: int
    floats: bool
    moves: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pixels as they are decoded."""
        if self.floats:
            return np.dtype(np.float16 if self.bits == 16 else np.float32)
        return np.dtype(np.uint8 if self.bits <= 8 else np.uint16)


def read_jpegxl(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a JPEG XL; see `labkit.formats.pictures.read_file`."""
    said = _metadata(path)
    if not said.floats and said.bits > 16:
        raise unsupported(path, f"holds {said.bits}-bit pixels", "Save it with at most 16 bits.")
    header = replace(
        array_header("JPEG XL", (said.height_px, said.width_px), said.dtype, channels=said.channels),
        significant_bits=said.bits if not said.floats and said.bits < 8 * said.dtype.itemsize else None,
        decode_bytes=8 * said.height_px * said.width_px * said.channels * said.dtype.itemsize,
    )
    if not said.moves:
        return PictureFile("JPEG XL", (header,))
    question = replace(frames_question(2), text="The picture moves. Which frames do you want?")
    question = replace(question, options=tuple(option for option in question.options if option.value == "first"))
    answer_to(question, answers)
    return PictureFile("JPEG XL", (replace(header, part="first", notes=("It moves; only the first frame was taken.",)),), (question,))


def open_jpegxl(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Decode a JPEG XL; see `labkit.formats.pictures.open_raster`."""
    check_memory(path, header.decode_bytes, memory_bytes)
    index = 0 if header.part == "first" else None
    pixels: NDArray[Any] = np.asarray(imagecodecs.jpegxl_decode(path.read_bytes(), index=index))
    return decoded_source(in_array_order(pixels))


class _Bits:
    """A stream of bits, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise EOFError("the header ends too early")
        value = self._number & ((1 << count) - 1)
        self._number >>= count
        self._left -= count
        return value

    def choose(self, *ways: tuple[int, int]) -> int:
        """Return a number that is coded in one of four ways: so many bits, to be added to so much."""
        bits, plus = ways[self.take(2)]
        return self.take(bits) + plus

    def enumerated(self) -> int:
        return self.choose((0, 0), (0, 1), (4, 2), (6, 18))


def _metadata(path: Path) -> _Metadata:
    with open(path, "rb") as file:
        start = file.read(_HEADER_BYTES)
    bits = _Bits(_code_stream(path, start)[2:2048])
    try:
        return _parse(path, bits)
    except EOFError as error:
        raise unreadable(path, "it is cut short", "Copy it again from where it came from.") from error


def _code_stream(path: Path, start: bytes) -> bytes:
    """Return the code stream, which may lie in a box of its own."""
    offset = 0
    while not start.startswith(_START, offset):
        if offset + 16 > len(start):
            raise unreadable(path, "its header is missing")
        length, name = struct.unpack(">I4s", start[offset : offset + 8])
        head = 16 if length == 1 else 8
        if length == 1:
            length = int.from_bytes(start[offset + 8 : offset + 16], "big")
        if name == b"jxlc":
            offset += head
        elif name == b"jxlp":
            offset += head + 4
        elif length < head:
            raise unreadable(path, "its header is damaged")
        else:
            offset += length
            continue
        if not start.startswith(_START, offset):
            raise unreadable(path, "its header is damaged")
    return start[offset:]


def _parse(path: Path, bits: _Bits) -> _Metadata:
    height, width = _size(bits)
    if bits.take(1):  # all as usual
        return _Metadata(height, width, 3, 8, False, False)
    orientation, moves = 1, False
    if bits.take(1):  # further fields
        orientation = 1 + bits.take(3)
        if bits.take(1):  # the size in which it is to be shown
            _size(bits)
        if bits.take(1):
            raise unsupported(path, "holds a preview", "Save it without.")
        moves = bool(bits.take(1))
        if moves:
            _skip_animation(bits)
    floats, depth = _depth(bits)
    bits.take(1)  # whether 16 bits are enough to decode it
    extras = bits.choose((0, 0), (0, 1), (4, 2), (12, 1))
    alphas = sum(_extra(bits) == _ALPHA for _ in range(extras))
    bits.take(1)  # whether its colours are of the kind XYB
    colours = 1 if not bits.take(1) and (bits.take(1), bits.enumerated())[1] == _GREY else 3
    if extras > alphas:
        raise unsupported(path, "holds channels beside colour and alpha", "Save it as a TIFF.")
    if orientation >= 5:
        height, width = width, height
    return _Metadata(height, width, colours + min(alphas, 1), depth, floats, moves)


def _size(bits: _Bits) -> tuple[int, int]:
    ways = ((9, 1), (13, 1), (18, 1), (30, 1))
    small = bits.take(1)
    height = 8 * (1 + bits.take(5)) if small else bits.choose(*ways)
    ratio = bits.take(3)
    if ratio:
        over, under = _RATIOS[ratio - 1]
        return height, height * over // under
    return height, 8 * (1 + bits.take(5)) if small else bits.choose(*ways)


def _skip_animation(bits: _Bits) -> None:
    bits.choose((0, 100), (0, 1000), (10, 1), (30, 1))
    bits.choose((0, 1), (0, 1001), (8, 1), (10, 1))
    bits.choose((0, 0), (3, 0), (16, 0), (32, 0))
    bits.take(1)


def _depth(bits: _Bits) -> tuple[bool, int]:
    if bits.take(1):
        depth = bits.choose((0, 32), (0, 16), (0, 24), (6, 1))
        bits.take(4)
        return True, depth
    return False, bits.choose((0, 8), (0, 10), (0, 12), (6, 1))


def _extra(bits: _Bits) -> int:
    """Pass over a further channel and return its kind."""
    if bits.take(1):  # alpha, as usual
        return _ALPHA
    kind = bits.enumerated()
    _depth(bits)
    bits.choose((0, 0), (0, 3), (0, 4), (3, 1))
    name = bits.choose((0, 0), (4, 0), (5, 16), (10, 48))
    for _ in range(name):
        bits.take(8)
    if kind == _ALPHA:
        bits.take(1)
    return kind
