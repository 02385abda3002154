"""Of which kind and how large a picture is, by its first bytes: PNG and JPEG, which browsers show. Nothing is decoded."""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["PictureHead", "read_head"]

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0-SOF15 of ITU T.81; the others are tables
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length
_ORIENTATION = 0x0112  # EXIF 2.3; from 5 on rows are columns
_SIDEWAYS = range(5, 9)


@dataclass(frozen=True, slots=True)
class PictureHead:
    """Media type, and size as people see it."""

    media_type: str
    height_px: int
    width_px: int


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
    return PictureHead("image/png", height, width) if kind == b"IHDR" and width and height else None


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
            height, width = struct.unpack_from(">HH", data, place + 5)
            if not (height and width):
                return None
            return PictureHead("image/jpeg", *((width, height) if is_sideways else (height, width)))
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
