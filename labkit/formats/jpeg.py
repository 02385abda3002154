"""JPEG: its markers are read here, since decoders give a full picture for half a file without a word.

Source: ITU-T T.81, annex B (markers, frame headers). Pixels come from libjpeg; CMYK and moving pictures (MPO) from Pillow.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from labkit.formats.raster import PictureFile, RasterHeader, RasterSource, Role, check_memory, in_array_order, unreadable, unsupported
from labkit.formats.scratch import array_within
from labkit.formats.sources import array_header, decoded_source
from labkit.formats.still import open_still, read_stills

__all__ = ["open_jpeg", "read_jpeg"]

_START_OF_SCAN, _END = 0xDA, b"\xff\xd9"
_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # of these three the first is a table, the others are no frames
_ALONE = {0x00, 0x01, *range(0xD0, 0xD9)}  # markers without a length, and 0, which is none
_HUFFMAN = {0xC0, 0xC1, 0xC2}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
_COEFFICIENT_BYTES = 2  # of each sample, all at once, while a progressive JPEG is decoded


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the first frame header says."""

    marker: int
    bits: int
    height_px: int
    width_px: int
    channels: int

    @property
    def plain(self) -> bool:
        """Whether Pillow reads it: 8 bits, not lossless."""
        return self.bits == 8 and self.marker not in _LOSSLESS

    @property
    def least_bytes(self) -> int:
        """What the pixels take at least: each block of 8 x 8 a bit for its mean, and one for its end (Huffman coding)."""
        if self.marker not in _HUFFMAN:
            return 0
        blocks = -(-self.height_px // 8) * -(-self.width_px // 8)
        return blocks * (1 if self.marker in _PROGRESSIVE else 2) // 8


def read_jpeg(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a JPEG; see `labkit.formats.pictures.read_file`."""
    frame = _read_frame(path)
    if not frame.plain:
        return PictureFile("JPEG", (_deep_header(path, frame),))
    found = read_stills(path, "JPEG", role, answers)
    return replace(found, pictures=tuple(_sized(header, frame) for header in found.pictures))


def open_jpeg(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Decode a JPEG; see `labkit.formats.pictures.open_raster`."""
    frame = _read_frame(path)
    if header.part or frame.channels not in (1, 3):
        return open_still(path, header, role, scratch, memory_bytes)
    check_memory(path, header.decode_bytes, memory_bytes)
    lead = () if header.channels == 1 else (header.channels,)
    pixels = array_within((header.height_px, header.width_px, *lead), np.dtype(header.dtype), memory_bytes // 2, scratch)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        decoded: NDArray[Any] = np.asarray(imagecodecs.jpeg8_decode(data, out=pixels))
    return decoded_source(in_array_order(decoded))


def _sized(header: RasterHeader, frame: _Frame) -> RasterHeader:
    """Return the header with the memory that `open_jpeg` needs beside the pixels, which may lie in a file."""
    if header.part or frame.channels not in (1, 3):
        return header
    row = header.width_px * header.channels
    needed = _COEFFICIENT_BYTES * row * header.height_px if frame.marker in _PROGRESSIVE else 64 * row
    return replace(header, decode_bytes=needed)


def _deep_header(path: Path, frame: _Frame) -> RasterHeader:
    if frame.channels not in (1, 3):
        raise unsupported(path, f"is a JPEG of {frame.bits} bits with {frame.channels} channels", "Save it as a TIFF.")
    dtype = np.dtype(np.uint8 if frame.bits <= 8 else np.uint16)
    header = array_header("JPEG", (frame.height_px, frame.width_px), dtype, channels=frame.channels)
    return replace(
        header,
        significant_bits=frame.bits if frame.bits < header.bits else None,
        decode_bytes=2 * frame.height_px * frame.width_px * frame.channels * dtype.itemsize,
        notes=("It is a lossless JPEG.",) if frame.marker in _LOSSLESS else (),
    )


def _read_frame(path: Path) -> _Frame:
    """Walk over the markers to the first scan, and see that the file does not end within one.

    Raises
    ------
    UnreadableImage
        There is no frame, or the end of the picture is missing.
    """
    with open(path, "rb") as file:
        frame, scan = _walk(path, file)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            # Looked for from the back, since a preview in the metadata has an end of its own and some cameras add data behind it.
            end = data.rfind(_END, scan)
    if not frame.height_px or not frame.width_px:
        raise unreadable(path, "its header gives it no size")
    if end < 0 or end - scan < frame.least_bytes:
        raise unreadable(path, "it is cut short", "Copy it again from where it came from.")
    return frame


def _walk(path: Path, file: BinaryIO) -> tuple[_Frame, int]:
    frame = None
    file.seek(2)
    while True:
        marker = _next_marker(path, file)
        if marker in _ALONE:
            continue
        head = file.read(2)
        length = int.from_bytes(head, "big") - 2
        if len(head) < 2 or length < 0 or marker == _END[1]:
            raise unreadable(path, "it is cut short")
        if marker == _START_OF_SCAN:
            if frame is None:
                raise unreadable(path, "its header is missing")
            return frame, file.tell()
        if marker in _FRAME_HEADERS and frame is None:
            body = file.read(min(length, 6))
            if len(body) < 6:
                raise unreadable(path, "it is cut short")
            frame = _Frame(marker, *struct.unpack(">BHHB", body))
            file.seek(length - 6, 1)
        else:
            file.seek(length, 1)


def _next_marker(path: Path, file: BinaryIO) -> int:
    """Return the next marker; a few writers put some bytes between the segments."""
    for byte in iter(lambda: file.read(1), b""):
        if byte == b"\xff":
            break
    for byte in iter(lambda: file.read(1), b""):
        if byte != b"\xff":  # any number of them may stand before a marker
            return byte[0]
    raise unreadable(path, "it is cut short")
