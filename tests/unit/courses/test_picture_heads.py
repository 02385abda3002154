"""Kind and size of a picture by its first bytes, as a browser shows it."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from labkit.courses.picture_heads import PictureHead, read_head


def encoded(kind: str, *, orientation: int | None = None, **more: object) -> bytes:
    buffer = io.BytesIO()
    picture = Image.new("RGB", (70, 30), "white")
    if orientation is not None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        more["exif"] = exif
    picture.save(buffer, kind, **more)
    return buffer.getvalue()


def test_sizes_are_as_people_see_them() -> None:
    """A camera's picture may lie on its side; a progressive one has another frame."""
    assert read_head(encoded("PNG")) == PictureHead("image/png", 30, 70)
    assert read_head(encoded("JPEG")) == PictureHead("image/jpeg", 30, 70)
    assert read_head(encoded("JPEG", progressive=True)) == PictureHead("image/jpeg", 30, 70)
    assert read_head(encoded("JPEG", orientation=6)) == PictureHead("image/jpeg", 70, 30)
    assert read_head(encoded("JPEG", orientation=3)) == PictureHead("image/jpeg", 30, 70)


def test_sixteen_bits_are_told() -> None:
    """Browsers show the upper eight of them, which may be black; a JPEG of twelve they do not show."""
    buffer = io.BytesIO()
    Image.new("I;16", (70, 30)).save(buffer, "PNG")
    assert read_head(buffer.getvalue()) == PictureHead("image/png", 30, 70, is_deep=True)
    plain = encoded("JPEG")
    frame = plain.index(b"\xff\xc0")
    deep = plain[: frame + 4] + b"\x0c" + plain[frame + 5 :]
    assert read_head(deep) == PictureHead("image/jpeg", 30, 70, is_deep=True)


@pytest.mark.parametrize(
    "exif", [b"II*\0\xff\xff\xff\x7f", b"II", b"MM\0*\0\0\0\x08\0\x09\0\0", b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x63\0"]
)
def test_broken_exif_hides_no_picture(exif: bytes) -> None:
    """Browsers show it as it lies."""
    assert read_head(encoded("JPEG", exif=b"Exif\0\0" + exif)) == PictureHead("image/jpeg", 30, 70)


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", encoded("TIFF"), encoded("GIF"), encoded("PNG")[:20], encoded("JPEG")[:40], b"\xff\xd8\xff\xe0"]
)
def test_anything_else_is_none(data: bytes) -> None:
    """What scripts may be in, what browsers do not show, what ends too early."""
    assert read_head(data) is None
