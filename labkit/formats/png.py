"""PNG: the header chunk by chunk, pixels at once or, where they are many, band by band in constant memory.

Source: the PNG specification, third edition (chunks, filters, bit depths, transparency).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

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
    unsupported,
)
from labkit.formats.scratch import array_within, let_go
from labkit.formats.sources import decoded_source, frames_question, kept_profile_note
from labkit.formats.still import exif_orientation, open_still, pillow_without_limit, read_stills

__all__ = ["open_png", "read_png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_SAMPLES = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
_DEPTHS = {_GREY: (1, 2, 4, 8, 16), _RGB: (8, 16), _PALETTE: (1, 2, 4, 8), _GREY_ALPHA: (8, 16), _RGBA: (8, 16)}
# A filter works on bytes a fixed distance apart, so a band of any kind can be unfiltered as another kind with that distance.
_AS_KIND = {1: (8, _GREY), 2: (8, _GREY_ALPHA), 3: (8, _RGB), 4: (8, _RGBA), 6: (16, _RGB), 8: (16, _RGBA)}
_META_LIMIT_BYTES = 4 * 2**20
_BAND_BYTES = 4 * 2**20
_READ_BYTES = 2**20
_WHOLE_SHARE = 4  # up to this part of the memory a picture is decoded at once, which is quicker


@dataclass(slots=True)
class _Chunks:
    """What the chunks before and after the pixels say."""

    ihdr: bytes = b""
    physical: bytes = b""
    exif: bytes = b""
    icc: bytes = b""
    palette: bytes = b""
    transparent: bytes | None = None
    frames: int = 1
    data: list[tuple[int, int]] = field(default_factory=list)  # offset and length of each piece of pixels

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        width, height = struct.unpack(">II", self.ihdr[:8])
        return height, width

    @property
    def bits(self) -> int:
        """Of each sample."""
        return self.ihdr[8]

    @property
    def kind(self) -> int:
        """Colour type."""
        return self.ihdr[9]

    @property
    def interlaced(self) -> bool:
        """Whether rows come in seven passes."""
        return self.ihdr[12] != 0

    @property
    def row_bytes(self) -> int:
        """Of a row, without the byte that names its filter."""
        return (self.size[1] * _SAMPLES[self.kind] * self.bits + 7) // 8


def read_png(path: Path, role: Role, answers: Mapping[str, str]) -> PictureFile:
    """Read the header of a PNG; see `labkit.formats.pictures.read_file`."""
    chunks = _read_chunks(path)
    header = _header(path, chunks, role)
    if chunks.frames <= 1:
        return PictureFile("PNG", (header,))
    first = replace(header, notes=(*header.notes, f"Only the first of {chunks.frames} frames was taken."))
    if role == "labels":
        return PictureFile("PNG", (first,))
    question = frames_question(chunks.frames)
    if answer_to(question, answers) == "first":
        return PictureFile("PNG", (first,), (question,))
    if chunks.bits == 16:
        raise unsupported(path, "moves and has 16 bits, of which only the first frame can be read whole", "Save the frames as pictures.")
    return read_stills(path, "PNG", role, answers)  # Pillow puts the pieces of frames together


def open_png(path: Path, header: RasterHeader, role: Role, scratch: Path, memory_bytes: int) -> RasterSource:
    """Open a PNG; see `labkit.formats.pictures.open_raster`."""
    if header.part:
        return open_still(path, header, role, scratch, memory_bytes)
    chunks = _read_chunks(path)
    if not chunks.interlaced and 2 * header.declared_bytes > memory_bytes // _WHOLE_SHARE:
        return decoded_source(_in_bands(path, header, chunks, role, scratch, memory_bytes))
    check_memory(path, 2 * header.declared_bytes, memory_bytes)
    return decoded_source(in_array_order(_at_once(path, header, chunks, role)))


def _header(path: Path, chunks: _Chunks, role: Role) -> RasterHeader:
    height, width = chunks.size
    ids = chunks.kind == _PALETTE and role == "labels"
    colours = {_GREY: 1, _GREY_ALPHA: 1, _PALETTE: 1 if ids else 3}.get(chunks.kind, 3)
    alpha = chunks.kind in (_GREY_ALPHA, _RGBA) or (chunks.transparent is not None and role == "image")
    profile = _profile(chunks.icc)
    notes = ("A palette was expanded to colours.",) if chunks.kind == _PALETTE and not ids else ()
    declared = height * width * (colours + alpha) * (2 if chunks.bits == 16 else 1)
    return RasterHeader(
        format="PNG",
        height_px=height,
        width_px=width,
        channels=colours + alpha,
        alpha=alpha,
        dtype="uint16" if chunks.bits == 16 else "uint8",
        bits=max(chunks.bits, 8),
        orientation=exif_orientation(chunks.exif) if chunks.exif else 1,
        pixel_size_um=_pixel_size(chunks.physical),
        layout="whole",
        pages=chunks.frames,
        decode_bytes=2 * declared if chunks.interlaced else min(2 * declared, 8 * max(_BAND_BYTES, chunks.row_bytes)),
        notes=(*notes, kept_profile_note) if profile else notes,
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
                raise unreadable(path, "it is cut short", "Copy it again from where it came from.")
            length, name = struct.unpack(">I4s", head)
            start = file.tell()
            if start + length + 4 > size:
                raise unreadable(path, "it is cut short", "Copy it again from where it came from.")
            if name == b"IEND":
                break
            _note_chunk(found, name, file, start, length)
            file.seek(start + length + 4)
    if len(found.ihdr) != 13 or not found.data:
        raise unreadable(path, "its header or its pixels are missing")
    if found.bits not in _DEPTHS.get(found.kind, ()) or not all(found.size) or (found.kind == _PALETTE and not found.palette):
        raise unreadable(path, "its header is damaged")
    return found


def _note_chunk(found: _Chunks, name: bytes, file: BinaryIO, start: int, length: int) -> None:
    kept = min(length, _META_LIMIT_BYTES)
    match name:
        case b"IHDR":
            found.ihdr = file.read(min(length, 64))
        case b"pHYs":
            found.physical = file.read(min(length, 64))
        case b"PLTE":
            found.palette = file.read(min(length, 768))
        case b"tRNS":
            found.transparent = file.read(min(length, 256))
        case b"eXIf":
            found.exif = file.read(kept)
        case b"iCCP":
            found.icc = file.read(kept)
        case b"acTL":
            found.frames = max(1, int.from_bytes(file.read(4), "big"))
        case b"IDAT":
            found.data.append((start, length))
        case _:
            pass


def _pixel_size(physical: bytes) -> tuple[float, float] | None:
    if len(physical) < 9:
        return None
    x, y, unit = struct.unpack(">IIB", physical[:9])
    return credible_size_um(1e6 / y, 1e6 / x) if unit == 1 and x and y else None


def _profile(icc: bytes) -> bytes | None:
    _, _, packed = icc.partition(b"\x00")
    try:
        return zlib.decompressobj().decompress(packed[1:], _META_LIMIT_BYTES) or None
    except zlib.error:
        return None


def _at_once(path: Path, header: RasterHeader, chunks: _Chunks, role: Role) -> NDArray[Any]:
    if role == "labels" and (chunks.kind == _PALETTE or chunks.transparent is not None):
        with pillow_without_limit(), Image.open(path, formats=["PNG"]) as picture:
            if picture.mode in ("P", "1", "L"):  # a palette's indices are ids as they stand, and so is what is called transparent
                return _as_ids(np.asarray(picture).astype(np.uint8), chunks, already=picture.mode != "L")
    # Pillow would make 16-bit colour 8-bit, silently; libpng (behind imagecodecs) keeps it.
    pixels: NDArray[Any] = np.asarray(imagecodecs.png_decode(path.read_bytes()))
    if role == "labels" and not header.alpha and pixels.ndim == 3:
        pixels = pixels[..., 0]
    return _as_ids(pixels, chunks, already=False) if role == "labels" else pixels


def _as_ids(pixels: NDArray[Any], chunks: _Chunks, *, already: bool) -> NDArray[Any]:
    """Return grey of fewer than 8 bits, which decoders spread over 0 to 255, as the numbers in the file."""
    if already or chunks.bits >= 8:
        return pixels
    return pixels // np.uint8(255 // (2**chunks.bits - 1))


def _in_bands(path: Path, header: RasterHeader, chunks: _Chunks, role: Role, scratch: Path, memory_bytes: int) -> NDArray[Any]:
    """Decode band by band: each is inflated, given the row before it, and wrapped as a PNG of its own for libpng to unfilter."""
    lead = () if header.channels == 1 else (header.channels,)
    pixels = array_within((*lead, header.height_px, header.width_px), np.dtype(header.dtype), memory_bytes // 2, scratch)
    row_bytes = chunks.row_bytes
    rows = max(1, _BAND_BYTES // row_bytes)
    before = bytes(row_bytes)
    scanlines = _scanlines(path, chunks, (1 + row_bytes) * rows)
    for y in range(0, header.height_px, rows):
        wanted = min(rows, header.height_px - y) * (1 + row_bytes)
        band = next(scanlines, b"")[:wanted]
        if len(band) < wanted:
            raise unreadable(path, "its pixels are cut short")
        raw = _unfiltered(b"\x00" + before + band, chunks)[1:]
        before = raw[-1].tobytes()
        pixels[..., y : y + len(raw), :] = _expanded(raw, header, chunks, role)
        let_go(pixels)
    return pixels


def _scanlines(path: Path, chunks: _Chunks, size: int) -> Iterator[bytes]:
    """Yield the filtered scanlines in pieces of `size` bytes; the last may be shorter."""
    inflate = zlib.decompressobj()
    held = bytearray()
    with open(path, "rb") as file:
        for packed in _packed(path, file, chunks):
            rest = packed
            while rest:
                held += inflate.decompress(rest, size - len(held))
                rest = inflate.unconsumed_tail
                if len(held) == size:
                    yield bytes(held)
                    held.clear()
    if held:
        yield bytes(held)


def _packed(path: Path, file: BinaryIO, chunks: _Chunks) -> Iterator[bytes]:
    """Yield the deflated pixels in small pieces, and look at the checksum of each chunk."""
    for offset, length in chunks.data:
        file.seek(offset)
        checksum = zlib.crc32(b"IDAT")
        for start in range(0, length, _READ_BYTES):
            piece = file.read(min(_READ_BYTES, length - start))
            checksum = zlib.crc32(piece, checksum)
            yield piece
        if int.from_bytes(file.read(4), "big") != checksum:
            raise unreadable(path, "a checksum in it is wrong", "Copy it again from where it came from.")


def _unfiltered(scanlines: bytes, chunks: _Chunks) -> NDArray[np.uint8]:
    """Return the bytes of rows as they were before filtering, (rows, bytes)."""
    apart = max(1, _SAMPLES[chunks.kind] * chunks.bits // 8)
    bits, kind = _AS_KIND[apart]
    decoded = np.asarray(imagecodecs.png_decode(_as_png(scanlines, chunks.row_bytes // apart, chunks.row_bytes, bits, kind)))
    raw = decoded.astype(">u2").view(np.uint8) if decoded.dtype == np.uint16 else decoded
    return np.ascontiguousarray(raw).reshape(len(decoded), chunks.row_bytes)


def _expanded(raw: NDArray[np.uint8], header: RasterHeader, chunks: _Chunks, role: Role) -> NDArray[Any]:
    """Return rows of bytes as pixels, (y, x) or (c, y, x)."""
    if chunks.bits == 16:
        samples: NDArray[Any] = raw.view(">u2").astype(np.uint16)
    elif chunks.bits == 8:
        samples = raw
    else:
        samples = _unpacked(raw, chunks.bits, header.width_px)
    samples = samples.reshape(len(raw), header.width_px, -1)
    if chunks.kind == _PALETTE and header.channels > 1:
        return in_array_order(_looked_up(samples[..., 0], header, chunks))
    opaque = _opaque(samples, chunks) if header.alpha and chunks.kind in (_GREY, _RGB) else None
    if role == "image" and chunks.bits < 8:
        samples = samples * np.uint8(255 // (2**chunks.bits - 1))
    return in_array_order(samples if opaque is None else np.dstack([samples, opaque]))


def _unpacked(raw: NDArray[np.uint8], bits: int, width: int) -> NDArray[np.uint8]:
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    return ((raw[..., None] >> shifts) & np.uint8(2**bits - 1)).reshape(len(raw), -1)[:, :width]


def _looked_up(ids: NDArray[np.uint8], header: RasterHeader, chunks: _Chunks) -> NDArray[np.uint8]:
    colours = np.zeros((256, 3), dtype=np.uint8)
    known = np.frombuffer(chunks.palette[: len(chunks.palette) // 3 * 3], dtype=np.uint8).reshape(-1, 3)
    colours[: len(known)] = known
    if header.alpha:
        alpha = np.full((256, 1), 255, dtype=np.uint8)
        said = np.frombuffer(chunks.transparent or b"", dtype=np.uint8)
        alpha[: len(said), 0] = said
        colours = np.hstack([colours, alpha])
    return np.asarray(colours[ids])


def _opaque(samples: NDArray[Any], chunks: _Chunks) -> NDArray[Any]:
    """Return the alpha of pixels of which one colour is called transparent."""
    clear = np.frombuffer(chunks.transparent or b"", dtype=">u2")[: samples.shape[-1]] & (2**chunks.bits - 1)
    largest = np.iinfo(samples.dtype).max
    return np.where((samples == clear).all(axis=-1), 0, largest).astype(samples.dtype)


def _as_png(scanlines: bytes, width: int, row_bytes: int, bits: int, kind: int) -> bytes:
    height = len(scanlines) // (1 + row_bytes)
    file = io.BytesIO()
    file.write(_SIGNATURE)
    pieces = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(scanlines, 0)),
        (b"IEND", b""),
    )
    for name, data in pieces:
        file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))
    return file.getvalue()
