"""JPEG XL: its header is read bit by bit, without decoding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from labkit.errors import UnreadableImage, UnsupportedFormat
from labkit.formats import jpeg_xl
from labkit.formats.pictures import read_file
from labkit.testing.pictures import corner_picture, noise_picture, read_planes


def _write(path: Path, picture: np.ndarray, **options: Any) -> Path:
    path.write_bytes(imagecodecs.jpegxl_encode(picture, **{"lossless": True, **options}))
    return path


@pytest.mark.parametrize("usecontainer", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [None, 3, 4])
def test_pixels_come_back_bit_identical(tmp_path: Path, channels: int | None, dtype: str, usecontainer: bool) -> None:
    """Grey, colour, with alpha, 8 and 16 bit, bare and in boxes: as the header says."""
    picture = noise_picture(60, 71, channels=channels, dtype=dtype)
    path = _write(tmp_path / "a.jxl", picture, usecontainer=usecontainer)
    (header,) = read_file(path).pictures
    assert (header.height_px, header.width_px, header.channels, header.dtype) == (60, 71, channels or 1, dtype)
    np.testing.assert_array_equal(read_planes(path, header)[0], picture)


@pytest.mark.parametrize("size", [(8, 8), (256, 256), (40, 60), (1, 1), (300, 200), (1080, 1920), (7, 5000)])
def test_sizes_are_read_without_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    """Small, square, with usual proportions, and long: each is coded in its own way."""
    path = _write(tmp_path / "a.jxl", np.zeros(size, np.uint8))
    monkeypatch.setattr(jpeg_xl.imagecodecs, "jpegxl_decode", lambda *_, **__: pytest.fail("was decoded"))
    (header,) = read_file(path).pictures
    assert (header.height_px, header.width_px) == size


@pytest.mark.parametrize("bits", [10, 12])
def test_fewer_bits_are_said(tmp_path: Path, bits: int) -> None:
    """Trap 3."""
    picture = noise_picture(40, 50, dtype="uint16") >> (16 - bits)
    path = _write(tmp_path / "a.jxl", picture, bitspersample=bits)
    (header,) = read_file(path).pictures
    assert header.significant_bits == bits
    np.testing.assert_array_equal(read_planes(path, header)[0], picture)


def test_floats_stay_floats(tmp_path: Path) -> None:
    """Trap 19."""
    picture = np.random.default_rng(0).random((40, 50)).astype(np.float32)
    path = _write(tmp_path / "a.jxl", picture)
    (header,) = read_file(path).pictures
    assert header.dtype == "float32"
    np.testing.assert_array_equal(read_planes(path, header)[0], picture)


def test_of_what_moves_the_first_frame_is_taken(tmp_path: Path) -> None:
    """Trap 22: with a note."""
    frames = np.stack([np.roll(corner_picture(), 9 * k, axis=1) for k in range(3)])
    path = _write(tmp_path / "a.jxl", frames)
    (header,) = read_file(path).pictures
    assert any("first frame" in note for note in header.notes)
    np.testing.assert_array_equal(read_planes(path, header)[0], frames[0])


def test_a_size_that_does_not_fit_memory_is_refused_before_decoding(tmp_path: Path) -> None:
    """Trap 15: 30000 x 30000 in some hundred bytes."""
    path = _write(tmp_path / "a.jxl", np.zeros((3000, 3000), np.uint8))
    with pytest.raises(UnsupportedFormat, match="memory"):
        read_planes(path, read_file(path).pictures[0], memory_bytes=2**20)


@pytest.mark.parametrize("kept", [3, 0.5])
def test_half_a_file_is_refused(tmp_path: Path, kept: float) -> None:
    """Trap 14."""
    path = _write(tmp_path / "a.jxl", noise_picture(60, 70))
    data = path.read_bytes()
    path.write_bytes(data[: int(kept if kept > 1 else kept * len(data))])
    with pytest.raises(UnreadableImage):
        read_planes(path, read_file(path).pictures[0])
