"""JPEG: what its markers say, colours of printers, deep and lossless ones, and half files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from labkit.errors import UnreadableImage, UnsupportedFormat
from labkit.formats.pictures import read_file
from labkit.formats.raster import RasterHeader
from labkit.testing.pictures import corner_picture, noise_picture, read_planes, two_disc_picture, write_jpeg


def _read(path: Path, *, memory_bytes: int | None = None) -> tuple[RasterHeader, np.ndarray]:
    (header,) = read_file(path).pictures
    (plane,) = read_planes(path, header, memory_bytes=memory_bytes)
    return header, plane


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}, {"keep_rgb": True}])
def test_colours_are_those_of_another_decoder(tmp_path: Path, options: dict[str, Any]) -> None:
    """Sequential, progressive, with less colour, and without a change of colours."""
    path = tmp_path / "a.jpg"
    Image.fromarray(corner_picture()).save(path, quality=90, **options)
    np.testing.assert_array_equal(_read(path)[1], np.asarray(Image.open(path)))


def test_grey_is_one_channel(tmp_path: Path) -> None:
    """A grey JPEG has no channel axis."""
    path = write_jpeg(tmp_path / "a.jpg", two_disc_picture())
    np.testing.assert_array_equal(_read(path)[1], np.asarray(Image.open(path)))


@pytest.mark.parametrize("marked", [True, False])
def test_white_paper_stays_white(tmp_path: Path, marked: bool) -> None:
    """Trap 6: Adobe stores CMYK upside down, and so do those that leave its marker out."""
    path = tmp_path / "a.jpg"
    Image.new("CMYK", (64, 48), (0, 0, 0, 0)).save(path, quality=95)
    data = path.read_bytes()
    assert b"Adobe" in data
    if not marked:
        at = data.index(b"\xff\xee")
        path.write_bytes(data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :])
    header, pixels = _read(path)
    assert header.channels == 3
    assert "CMYK was turned into RGB." in header.notes
    assert (pixels > 240).all()


def test_twelve_bits_are_kept(tmp_path: Path) -> None:
    """Trap 3: numbers above 255 stay, and the header says how many bits count."""
    picture = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint16) * 28
    path = tmp_path / "a.jpg"
    path.write_bytes(imagecodecs.jpeg8_encode(picture, bitspersample=12, level=98))
    header, pixels = _read(path)
    assert (header.dtype, header.significant_bits) == ("uint16", 12)
    assert np.abs(pixels.astype(int) - picture).max() < 20


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_lossless_jpegs_are_lossless(tmp_path: Path, bits: int) -> None:
    """As medicine uses them."""
    picture = (noise_picture(50, 60, dtype="uint16") >> (16 - bits)).astype(np.uint8 if bits == 8 else np.uint16)
    path = tmp_path / "a.jpg"
    path.write_bytes(imagecodecs.jpeg8_encode(picture, bitspersample=bits, lossless=True))
    np.testing.assert_array_equal(_read(path)[1], picture)


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99, -2])
@pytest.mark.parametrize("progressive", [False, True])
def test_half_a_file_is_refused_by_its_header(tmp_path: Path, kept: float, progressive: bool) -> None:
    """Trap 14: a decoder would give a full picture without a word."""
    path = tmp_path / "a.jpg"
    Image.fromarray(noise_picture(100, 120, channels=3)).save(path, progressive=progressive)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if kept > 0 else int(kept)])
    with pytest.raises(UnreadableImage, match="cut short"):
        read_file(path)


def test_the_end_of_a_preview_is_not_the_end_of_the_picture(tmp_path: Path) -> None:
    """A small JPEG in the metadata has an end of its own."""
    path = write_jpeg(tmp_path / "a.jpg", noise_picture(100, 120, channels=3))
    data, preview = path.read_bytes(), write_jpeg(tmp_path / "b.jpg", corner_picture()).read_bytes()
    with_preview = data[:2] + b"\xff\xe5" + (len(preview) + 2).to_bytes(2, "big") + preview + data[2:]
    path.write_bytes(with_preview)
    assert read_file(path).pictures[0].width_px == 120
    path.write_bytes(with_preview[: len(preview) + 1000])
    with pytest.raises(UnreadableImage, match="cut short"):
        read_file(path)


def test_data_behind_the_end_does_not_matter(tmp_path: Path) -> None:
    """Some phones put a film there."""
    path = write_jpeg(tmp_path / "a.jpg", corner_picture())
    pixels = _read(path)[1]
    path.write_bytes(path.read_bytes() + bytes(10_000))
    np.testing.assert_array_equal(_read(path)[1], pixels)


def test_more_pixels_than_the_file_can_hold_are_refused(tmp_path: Path) -> None:
    """Traps 14 and 15: each block of 8 x 8 takes at least two bits, so a small file with a huge size is no picture."""
    path = write_jpeg(tmp_path / "a.jpg", corner_picture())
    data = bytearray(path.read_bytes())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = (65_000).to_bytes(2, "big") * 2
    path.write_bytes(bytes(data))
    with pytest.raises(UnreadableImage, match="cut short"):
        read_file(path)


def test_a_large_one_is_decoded_into_the_scratch_file(tmp_path: Path) -> None:
    """A sequential JPEG needs memory for some rows only."""
    picture = noise_picture(600, 500, channels=3)
    path = write_jpeg(tmp_path / "a.jpg", picture)
    np.testing.assert_array_equal(_read(path, memory_bytes=200_000)[1], np.asarray(Image.open(path)))


def test_a_large_progressive_one_is_refused(tmp_path: Path) -> None:
    """It can only be decoded with all its coefficients in memory."""
    path = tmp_path / "a.jpg"
    Image.fromarray(noise_picture(600, 500, channels=3)).save(path, progressive=True)
    with pytest.raises(UnsupportedFormat, match="memory"):
        _read(path, memory_bytes=200_000)


@pytest.mark.parametrize(("stored", "meant"), [*((k, k) for k in range(1, 9)), (0, 1), (9, 1), (65535, 1)])
def test_the_orientation_of_exif_is_read(tmp_path: Path, stored: int, meant: int) -> None:
    """Trap 1."""
    assert read_file(write_jpeg(tmp_path / "a.jpg", corner_picture(), orientation=stored)).pictures[0].orientation == meant


def test_a_colour_profile_is_kept(tmp_path: Path) -> None:
    """Trap 21."""
    path = tmp_path / "a.jpg"
    Image.fromarray(corner_picture()).save(path, icc_profile=bytes(range(250)))
    assert read_file(path).pictures[0].icc_profile == bytes(range(250))


def _mpo(path: Path, *sizes: tuple[int, int]) -> list[np.ndarray]:
    pictures = [Image.fromarray(corner_picture(*size)) for size in sizes]
    pictures[0].save(path, "MPO", save_all=True, append_images=pictures[1:], quality=95)
    return [np.asarray(Image.open(io.BytesIO(_encoded(picture)))) for picture in pictures]


def _encoded(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95)
    return file.getvalue()


def test_pictures_of_different_sizes_in_one_file_are_no_film(tmp_path: Path) -> None:
    """Trap 22: phones add a small picture; each keeps its size, and time is not offered."""
    frames = _mpo(tmp_path / "a.jpg", (37, 91), (20, 40))
    found = read_file(tmp_path / "a.jpg", answers={"frames": "separate"})
    assert [option.value for option in found.questions[0].options] == ["first", "separate"]
    for header, frame in zip(found.pictures, frames, strict=True):
        np.testing.assert_array_equal(read_planes(tmp_path / "a.jpg", header)[0], frame)


def test_only_the_first_is_taken_with_a_note(tmp_path: Path) -> None:
    """Trap 22, by default."""
    frames = _mpo(tmp_path / "a.jpg", (37, 91), (20, 40))
    header, pixels = _read(tmp_path / "a.jpg")
    assert any("first of 2 frames" in note for note in header.notes)
    np.testing.assert_array_equal(pixels, frames[0])
