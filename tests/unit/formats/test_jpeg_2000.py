"""JPEG 2000."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from labkit.errors import UnreadableImage, UnsupportedFormat
from labkit.formats.pictures import read_file
from labkit.testing.pictures import corner_picture, noise_picture, read_planes


@pytest.mark.parametrize("codec", ["jp2", "j2k"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [None, 3, 4])
def test_pixels_come_back_bit_identical(tmp_path: Path, channels: int | None, dtype: str, codec: str) -> None:
    """Trap 4: 16 bits stay 16 bits, with boxes and as a bare code stream."""
    picture = noise_picture(60, 70, channels=channels, dtype=dtype)
    path = tmp_path / f"a.{codec}"
    path.write_bytes(imagecodecs.jpeg2k_encode(picture, level=0, codecformat=codec, reversible=True))
    (header,) = read_file(path).pictures
    assert (header.height_px, header.width_px, header.channels, header.dtype) == (60, 70, channels or 1, dtype)
    np.testing.assert_array_equal(read_planes(path, header)[0], picture)


def test_fewer_bits_are_said(tmp_path: Path) -> None:
    """Trap 3: 12 of 16 bits."""
    picture = noise_picture(60, 70, dtype="uint16") >> 4
    (tmp_path / "a.jp2").write_bytes(imagecodecs.jpeg2k_encode(picture, level=0, bitspersample=12, reversible=True))
    (header,) = read_file(tmp_path / "a.jp2").pictures
    assert (header.significant_bits, header.dtype) == (12, "uint16")
    np.testing.assert_array_equal(read_planes(tmp_path / "a.jp2", header)[0], picture)


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    """Trap 14: with nothing of the picture in it."""
    path = tmp_path / "a.jp2"
    Image.fromarray(corner_picture()).save(path)
    path.write_bytes(path.read_bytes()[:90])
    with pytest.raises(UnreadableImage):
        read_file(path)


def test_a_size_that_does_not_fit_memory_is_refused_before_decoding(tmp_path: Path) -> None:
    """Trap 15."""
    path = tmp_path / "a.j2k"
    data = bytearray(imagecodecs.jpeg2k_encode(corner_picture(), codecformat="j2k"))
    data[8:16] = (60_000).to_bytes(4, "big") * 2
    path.write_bytes(bytes(data))
    with pytest.raises(UnsupportedFormat, match="memory"):
        read_planes(path, read_file(path).pictures[0])
