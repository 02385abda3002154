"""PNG of every kind, at once and in bands."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from labkit.errors import UnreadableImage, UnsupportedFormat
from labkit.formats import png
from labkit.formats.pictures import open_raster, read_file
from labkit.formats.raster import Role
from labkit.geometry import Box
from labkit.testing.pictures import corner_picture, noise_picture, read_planes, write_png

_BANDS = 1  # a memory of one byte: nothing is decoded at once, and pixels lie in the scratch file


def _read(path: Path, role: Role = "image", *, memory_bytes: int | None = None) -> np.ndarray:
    (header,) = read_file(path, role).pictures
    (plane,) = read_planes(path, header, role, memory_bytes=memory_bytes)
    return plane


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _write(path: Path, rows: np.ndarray, width: int, bits: int, kind: int, *extra: tuple[bytes, bytes]) -> Path:
    """Write rows of packed bytes as a PNG without filters, with further chunks before the pixels."""
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), bits, kind, 0, 0, 0)), *extra]
    chunks += [(b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks))
    return path


def _low(bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers (y, x) of so many bits, and the same in packed rows."""
    numbers = np.random.default_rng(bits).integers(0, 2**bits, (40, 64), dtype=np.uint8)
    flat = np.unpackbits(numbers[..., None], axis=-1)[..., 8 - bits :].reshape(40, -1)
    return numbers, np.packbits(flat, axis=1)


@pytest.mark.parametrize("memory_bytes", [None, _BANDS])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [None, 2, 3, 4])
def test_pixels_come_back_bit_identical(tmp_path: Path, dtype: str, channels: int | None, memory_bytes: int | None) -> None:
    """Grey, RGB and alpha, 8 and 16 bits: nothing is rounded, whichever way the file is decoded."""
    picture = noise_picture(300, 270, channels=channels, dtype=dtype)
    np.testing.assert_array_equal(_read(write_png(tmp_path / "a.png", picture), memory_bytes=memory_bytes), picture)


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_bands_of_any_height_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """Filters that look at the row above cross the seams between bands."""
    picture = np.add.outer(np.arange(100), np.arange(90)).astype(np.uint8)[..., None] * np.array([1, 2, 3], np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path)
    monkeypatch.setattr(png, "_BAND_BYTES", rows * 270)
    np.testing.assert_array_equal(_read(path, memory_bytes=_BANDS), picture)


@pytest.mark.parametrize("memory_bytes", [None, _BANDS])
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_of_few_bits_is_spread_in_images_and_kept_in_labels(tmp_path: Path, bits: int, memory_bytes: int | None) -> None:
    """White is 255 in an image; in labels 1 stays 1."""
    numbers, packed = _low(bits)
    path = _write(tmp_path / "a.png", packed, 64, bits, 0)
    np.testing.assert_array_equal(_read(path, memory_bytes=memory_bytes), numbers * (255 // (2**bits - 1)))
    np.testing.assert_array_equal(_read(path, "labels", memory_bytes=memory_bytes), numbers)


@pytest.mark.parametrize("memory_bytes", [None, _BANDS])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_is_colours_in_images_and_ids_in_labels(tmp_path: Path, bits: int, memory_bytes: int | None) -> None:
    """Trap 5, for every depth."""
    numbers, packed = _low(bits)
    palette = np.random.default_rng(9).integers(0, 256, (2**bits, 3), dtype=np.uint8)
    path = _write(tmp_path / "a.png", packed, 64, bits, 3, (b"PLTE", palette.tobytes()))
    np.testing.assert_array_equal(_read(path, memory_bytes=memory_bytes), palette[numbers])
    np.testing.assert_array_equal(_read(path, "labels", memory_bytes=memory_bytes), numbers)


@pytest.mark.parametrize("memory_bytes", [None, _BANDS])
def test_transparent_entries_of_a_palette_become_alpha(tmp_path: Path, memory_bytes: int | None) -> None:
    """Trap 7: the colour stays, and the alpha beside it says that it is not seen."""
    numbers, packed = _low(2)
    palette = np.arange(12, dtype=np.uint8)
    path = _write(tmp_path / "a.png", packed, 64, 2, 3, (b"PLTE", palette.tobytes()), (b"tRNS", b"\x00\x80"))
    alpha = np.array([0, 128, 255, 255], np.uint8)[numbers]
    expected = np.dstack([palette.reshape(4, 3)[numbers], alpha])
    np.testing.assert_array_equal(_read(path, memory_bytes=memory_bytes), expected)
    np.testing.assert_array_equal(_read(path, "labels", memory_bytes=memory_bytes), numbers)


@pytest.mark.parametrize("memory_bytes", [None, _BANDS])
def test_one_transparent_colour_becomes_alpha(tmp_path: Path, memory_bytes: int | None) -> None:
    """Where one grey of 16 bits is called transparent, just that one is."""
    grey = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30) * 100
    path = _write(tmp_path / "a.png", grey.astype(">u2"), 30, 16, 0, (b"tRNS", struct.pack(">H", 700)))
    np.testing.assert_array_equal(_read(path, memory_bytes=memory_bytes), np.dstack([grey, np.where(grey == 700, 0, 65535)]))


def test_an_interlaced_picture_is_decoded_at_once_or_refused(tmp_path: Path) -> None:
    """Seven passes cannot be read in bands."""
    path = tmp_path / "a.png"
    body = b"".join(b"\0" + bytes([7] * n) * 1 for n, rows in ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4)) for _ in range(rows))
    ihdr = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 1)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", ihdr) + _chunk(b"IDAT", zlib.compress(body)) + _chunk(b"IEND", b""))
    np.testing.assert_array_equal(_read(path), np.full((8, 8), 7))
    with pytest.raises(UnsupportedFormat, match="memory"):
        _read(path, memory_bytes=_BANDS)


@pytest.mark.parametrize("orientation", [*range(2, 9), 0, 9, 77])
def test_the_orientation_of_exif_is_read(tmp_path: Path, orientation: int) -> None:
    """Trap 1: 2 to 8 count, anything else means upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.png"
    Image.fromarray(corner_picture()).save(path, exif=exif)
    assert read_file(path).pictures[0].orientation == (orientation if 1 <= orientation <= 8 else 1)


def test_broken_exif_means_upright(tmp_path: Path) -> None:
    """Metadata that nobody can read is no reason to refuse a picture."""
    path = _write(tmp_path / "a.png", np.zeros((4, 4), np.uint8), 4, 8, 0, (b"eXIf", b"MM\x00*\xff\xff\xff\xffgarbage"))
    assert read_file(path).pictures[0].orientation == 1


def test_a_colour_profile_is_kept(tmp_path: Path) -> None:
    """Trap 21: the bytes of the profile, and a note; pixels stay as they are."""
    profile = bytes(range(200))
    path = tmp_path / "a.png"
    Image.fromarray(corner_picture()).save(path, icc_profile=profile)
    (header,) = read_file(path).pictures
    assert header.icc_profile == profile
    assert any("profile" in note for note in header.notes)
    np.testing.assert_array_equal(read_planes(path, header)[0], corner_picture())


@pytest.mark.parametrize(("dots", "expected"), [(300, None), (50_000, 0.508)])
def test_dots_of_cameras_are_no_pixel_size(tmp_path: Path, dots: int, expected: float | None) -> None:
    """Trap 13: 300 dots an inch say nothing of a specimen."""
    path = tmp_path / "a.png"
    Image.fromarray(corner_picture()).save(path, dpi=(dots, dots))
    size = read_file(path).pictures[0].pixel_size_um
    assert size is None if expected is None else size == pytest.approx((expected, expected), rel=1e-3)


def _animation(path: Path, frames: int = 3, mode: str = "RGB") -> list[np.ndarray]:
    pictures = [np.roll(corner_picture(), 9 * k, axis=1) for k in range(frames)]
    first, *rest = [Image.fromarray(picture).convert(mode) for picture in pictures]
    first.save(path, save_all=True, append_images=rest, duration=100)
    return pictures


def test_a_moving_picture_is_asked_about_and_gives_its_first_frame(tmp_path: Path) -> None:
    """Trap 22: by default one frame, and a note that says so."""
    frames = _animation(tmp_path / "a.png")
    found = read_file(tmp_path / "a.png")
    (header,) = found.pictures
    assert [(question.key, question.default) for question in found.questions] == [("frames", "first")]
    assert any("first of 3 frames" in note for note in header.notes)
    np.testing.assert_array_equal(read_planes(tmp_path / "a.png", header)[0][..., :3], frames[0])


@pytest.mark.parametrize("answer", ["separate", "t"])
def test_all_frames_can_be_taken(tmp_path: Path, answer: str) -> None:
    """As images of their own or as one image in time."""
    frames = _animation(tmp_path / "a.png")
    pictures = read_file(tmp_path / "a.png", answers={"frames": answer}).pictures
    planes = [plane[..., :3] for header in pictures for plane in read_planes(tmp_path / "a.png", header)]
    assert len(pictures) == (3 if answer == "separate" else 1)
    np.testing.assert_array_equal(planes, frames)


def _truncated(data: bytearray) -> bytearray:
    return data[: len(data) // 2]


def _no_end(data: bytearray) -> bytearray:
    return data[:-12]


def _bit_flipped(data: bytearray) -> bytearray:
    data[data.index(b"IDAT") + 900] ^= 1
    return data


def _pixels_missing(data: bytearray) -> bytearray:
    at = data.index(b"IDAT") - 4
    packed = zlib.compress(bytes(500))
    return data[:at] + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


@pytest.mark.parametrize("memory_bytes", [None, _BANDS])
@pytest.mark.parametrize("damage", [_truncated, _no_end, _bit_flipped, _pixels_missing])
def test_damage_is_noticed(tmp_path: Path, damage: Any, memory_bytes: int | None) -> None:
    """Trap 14: half a file never becomes a picture."""
    path = write_png(tmp_path / "a.png", noise_picture(200, 180))
    path.write_bytes(bytes(damage(bytearray(path.read_bytes()))))
    with pytest.raises(UnreadableImage) as caught:
        _read(path, memory_bytes=memory_bytes)
    assert caught.value.hint


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1)])
@pytest.mark.parametrize("memory_bytes", [None, _BANDS])
def test_thin_pictures_are_read(tmp_path: Path, size: tuple[int, int], memory_bytes: int | None) -> None:
    """Trap 18."""
    picture = noise_picture(*size, channels=3)
    np.testing.assert_array_equal(_read(write_png(tmp_path / "a.png", picture), memory_bytes=memory_bytes), picture)


def test_memory_does_not_grow_with_the_picture(tmp_path: Path) -> None:
    """What has been decoded and read is let go: no page of the scratch file stays in memory."""
    path = write_png(tmp_path / "a.png", np.zeros((4000, 5000, 3), np.uint8))
    before = psutil.Process().memory_info().shared
    source = open_raster(path, read_file(path).pictures[0], "image", tmp_path / "scratch", memory_bytes=2**20)
    source.read(Box(0, 0, 4000, 5000))
    assert psutil.Process().memory_info().shared - before < 20 * 2**20  # of 60
    source.close()


def test_the_scratch_file_has_no_name(tmp_path: Path) -> None:
    """What is decoded in bands lies in a file that vanishes with the process."""
    path = write_png(tmp_path / "a.png", noise_picture(300, 270, channels=3))
    source = open_raster(path, read_file(path).pictures[0], "image", tmp_path / "scratch", memory_bytes=_BANDS)
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    source.close()
