"""PNG: the header chunk by chunk, pixels at once or, where they are many, band by band in constant memory.

Source: the PNG specification, third edition (chunks, filters).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labkit.formats.pillow import decoded_source, frames_question, pillow_without_limit
from labkit.formats.raster import (
    PictureFile,
    RasterHeader,
    RasterSource,
    Role,
    answer_to,
    check_memory,
    credible_size_um,
    in_array_order,
    unreadable,
    valid_orientation,
)
from labkit.formats.scratch import array_within
from labkit.formats.still import open_still, read_still

__all__ = ["open_png", "read_png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EXIF_ORIENTATION = 0x0112
_PALETTE = 3
_CHANNELS = {0: 1, 2: 3, _PALETTE: 3, 4: 2, 6: 4}
_ICC_LIMIT_BYTES = 4 * 2**20
_BAND_BYTES = 16 * 2**20
_WHOLE_SHARE = 4  # up to this part of the memory, counted twice, a picture is decoded at once


@dataclass(slots=True)
class _Chunks:
    """What the chunks before and after the pixels say."""

    ihdr: bytes = b""
    physical: bytes = b""
    exif: bytes = b""
    icc: bytes = b""
    frames: int = 1
    transparent: bool = False
    data: list[tuple[int, int]] = field(default_factory=list)  # offset and length of each piece of pixels


def read_png(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a PNG; see `labkit.formats.pictures.read_file`."""
    chunks = _read_chunks(path)
    header = _header(path, chunks, role)
    if chunks.frames <= 1:
        return PictureFile("PNG", (header,))
    question = frames_question(chunks.frames)
    if answer_to(question, answers) == "first":
        notes = (*header.notes, f"Only the first of {chunks.frames} frames was taken.")
        return PictureFile("PNG", (replace(header, notes=notes),), (question,))
    return read_still(path, role, answers)  # Pillow puts frames together


def open_png(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open a PNG; see `labkit.formats.pictures.open_raster`."""
    if header.part:
        return open_still(path, header, role, scratch, memory_bytes)
    chunks = _read_chunks(path)
    interlaced = chunks.ihdr[12] != 0
    plain = chunks.ihdr[8] >= 8 and chunks.ihdr[9] != _PALETTE and not chunks.transparent
    if plain and not interlaced and header.decode_bytes > memory_bytes // _WHOLE_SHARE:
        return decoded_source(_in_bands(path, header, chunks, scratch, memory_bytes))
    check_memory(path, header.decode_bytes, memory_bytes)
    return decoded_source(in_array_order(_at_once(path, header, role)))


def _header(path: Path, chunks: _Chunks, role: Role) -> RasterHeader:
    width, height, bits, colour = struct.unpack(">IIBB", chunks.ihdr[:10])
    if colour not in _CHANNELS or not width or not height:
        raise unreadable(path, "its header is damaged")
    ids = colour == _PALETTE and role == "labels"
    alpha = colour in (4, 6) or (chunks.transparent and not ids)
    channels = 1 if ids else _CHANNELS[colour] + (1 if chunks.transparent and colour not in (4, 6) else 0)
    notes = ["A palette was expanded to colours."] if colour == _PALETTE and not ids else []
    profile = _profile(chunks.icc)
    if profile:
        notes.append("Its colour profile is kept, and colours are not converted.")
    return RasterHeader(
        format="PNG",
        height_px=height,
        width_px=width,
        channels=channels,
        alpha=alpha,
        dtype="uint16" if bits == 16 else "uint8",
        bits=max(bits, 8),
        orientation=_orientation(chunks.exif),
        pixel_size_um=_pixel_size(chunks.physical),
        layout="whole",
        pages=chunks.frames,
        decode_bytes=2 * height * width * channels * (2 if bits == 16 else 1),
        notes=tuple(notes),
        icc_profile=profile,
    )


def _read_chunks(path: Path) -> _Chunks:
    """Walk over all chunks to the end, to see that it is there."""
    found = _Chunks()
    size = path.stat().st_size
    with open(path, "rb") as file:
        file.seek(len(_SIGNATURE))
        while True:
            head = file.read(8)
            if len(head) < 8:
                raise unreadable(path, "it is cut short")
            length, name = struct.unpack(">I4s", head)
            start = file.tell()
            if start + length + 4 > size:
                raise unreadable(path, "it is cut short")
            if name == b"IEND":
                break
            _note_chunk(found, name, file, start, length)
            file.seek(start + length + 4)
    if len(found.ihdr) < 13 or not found.data:
        raise unreadable(path, "its header or its pixels are missing")
    return found


def _note_chunk(found: _Chunks, name: bytes, file: Any, start: int, length: int) -> None:
    match name:
        case b"IHDR":
            found.ihdr = file.read(min(length, 64))
        case b"pHYs":
            found.physical = file.read(min(length, 64))
        case b"eXIf":
            found.exif = file.read(min(length, 2**20))
        case b"iCCP":
            found.icc = file.read(min(length, _ICC_LIMIT_BYTES))
        case b"acTL":
            found.frames = max(1, int.from_bytes(file.read(4), "big"))
        case b"tRNS":
            found.transparent = True
        case b"IDAT":
            found.data.append((start, length))
        case _:
            pass


def _orientation(exif: bytes) -> int:
    if not exif:
        return 1
    tags = Image.Exif()
    try:
        tags.load(exif)
    except Exception:  # a broken block of metadata is no reason to refuse a picture
        return 1
    return valid_orientation(tags.get(_EXIF_ORIENTATION))


def _pixel_size(physical: bytes) -> tuple[float, float] | None:
    if len(physical) < 9:
        return None
    x, y, unit = struct.unpack(">IIB", physical[:9])
    return credible_size_um(1e6 / y, 1e6 / x) if unit == 1 and x and y else None


def _profile(icc: bytes) -> bytes | None:
    _, _, packed = icc.partition(b"\x00")
    try:
        return zlib.decompressobj().decompress(packed[1:], _ICC_LIMIT_BYTES) or None
    except zlib.error:
        return None


def _at_once(path: Path, header: RasterHeader, role: Role) -> NDArray[Any]:
    if role == "labels" and header.channels == 1 and header.bits == 8:
        with pillow_without_limit(), Image.open(path, formats=["PNG"]) as picture:
            if picture.mode in ("P", "1"):  # a palette's indices, and bilevel masks, are ids as they stand
                return np.asarray(picture).astype(np.uint8)
    # Pillow would make 16-bit colour 8-bit, silently; libpng (behind imagecodecs) keeps it.
    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


def _in_bands(path: Path, header: RasterHeader, chunks: _Chunks, scratch: Path, memory_bytes: int) -> NDArray[Any]:
    """Decode band by band: each is inflated, given the row before it, and wrapped as a PNG of its own for libpng to unfilter."""
    dtype = np.dtype(header.dtype)
    row_bytes = header.width_px * header.channels * dtype.itemsize
    lead = () if header.channels == 1 else (header.channels,)
    pixels = array_within((*lead, header.height_px, header.width_px), dtype, memory_bytes // 2, scratch)
    rows = max(1, _BAND_BYTES // row_bytes)
    before = bytes(row_bytes)
    scanlines = _scanlines(path, chunks, (1 + row_bytes) * rows)
    for y in range(0, header.height_px, rows):
        wanted = min(rows, header.height_px - y) * (1 + row_bytes)
        band = next(scanlines, b"")[:wanted]
        if len(band) < wanted:
            raise unreadable(path, "its pixels are cut short")
        decoded = np.asarray(imagecodecs.png_decode(_as_png(chunks.ihdr, header.width_px, b"\x00" + before + band)))[1:]
        before = decoded[-1].astype(dtype.newbyteorder(">")).tobytes()
        pixels[..., y : y + len(decoded), :] = in_array_order(decoded)
    return pixels


def _scanlines(path: Path, chunks: _Chunks, size: int) -> Iterator[bytes]:
    """Yield the filtered scanlines in pieces of `size` bytes; the last may be shorter."""
    inflate = zlib.decompressobj()
    held = bytearray()
    with open(path, "rb") as file:
        for offset, length in chunks.data:
            file.seek(offset)
            packed = file.read(length)
            while packed:
                held += inflate.decompress(packed, size - len(held))
                packed = inflate.unconsumed_tail
                if len(held) == size:
                    yield bytes(held)
                    held.clear()
    if held:
        yield bytes(held)


def _as_png(ihdr: bytes, width: int, scanlines: bytes) -> bytes:
    bits, colour = ihdr[8], ihdr[9]
    row_bytes = width * _CHANNELS[colour] * bits // 8
    height = len(scanlines) // (1 + row_bytes)
    file = io.BytesIO()
    file.write(_SIGNATURE)
    pieces = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)),
        (b"IDAT", zlib.compress(scanlines, 0)),
        (b"IEND", b""),
    )
    for name, data in pieces:
        file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))
    return file.getvalue()
