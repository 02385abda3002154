"""Of which kind and how large a picture is, by its first bytes: PNG and JPEG, which browsers show. Nothing is decoded."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MOST_PICTURE_BYTES", "MOST_PICTURE_PX", "PictureHead", "head_of", "read_head"]

MOST_PICTURE_BYTES = 30_000_000
MOST_PICTURE_PX = 60_000_000  # what a browser decodes without being short of memory
_HEAD_BYTES = 300_000

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0-SOF15 of ITU T.81; the others are tables
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length
_ORIENTATION = 0x0112  # EXIF 2.3; from 5 on rows are columns
_SIDEWAYS = range(5, 9)


@dataclass(frozen=True, slots=True)
class PictureHead:
    """Media type, and size as people see it.

    `is_deep` says that a sample has more than 8 bits: of a PNG browsers show the upper 8, which may be black; a JPEG they do not show.
    """

    media_type: str
    height_px: int
    width_px: int
    is_deep: bool = False


def head_of(path: Path) -> PictureHead | None:
    """Return what a file says in its first bytes, if browsers show it and it is not too large for a page; None else."""
    with open(path, "rb") as file:
        head = read_head(file.read(_HEAD_BYTES))
        size = file.seek(0, 2)
    if head is None or size > MOST_PICTURE_BYTES or head.height_px * head.width_px > MOST_PICTURE_PX:
        return None
    return None if head.is_deep and head.media_type == "image/jpeg" else head


def read_head(data: bytes) -> PictureHead | None:
    """Return what the first bytes of a file say; None for what is no PNG or JPEG, or does not say its size in them."""
    try:
        if data.startswith(_PNG):
            return _png(data)
        if data.startswith(_JPEG):
            return _jpeg(data)
    except (struct.error, IndexError):
        pass  # it ends too early
    return None


def _png(data: bytes) -> PictureHead | None:
    kind, width, height = struct.unpack_from(">4sII", data, 12)
    return PictureHead("image/png", height, width, data[24] > 8) if kind == b"IHDR" and width and height else None


def _jpeg(data: bytes) -> PictureHead | None:
    place, is_sideways = 2, False
    while True:
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker in _ALONE:
            place += 2
            continue
        (length,) = struct.unpack_from(">H", data, place + 2)
        if marker in _FRAMES:
            bits, height, width = struct.unpack_from(">BHH", data, place + 4)
            if not (height and width):
                return None
            return PictureHead("image/jpeg", *((width, height) if is_sideways else (height, width)), bits > 8)
        if marker == 0xE1 and data[place + 4 : place + 10] == b"Exif\0\0":
            is_sideways = _orientation(data[place + 10 : place + 2 + length]) in _SIDEWAYS
        place += 2 + length


def _orientation(exif: bytes) -> int:
    """Return what EXIF says of how a picture lies; 1, upright, where it says nothing or is broken, as browsers do."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for number in range(min(count, 100)):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * number)
            if tag == _ORIENTATION:
                return int(value)
    except struct.error:
        pass
    return 1
